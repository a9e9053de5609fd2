#include "tests/support/layers/layers.h"

#include "tests/support/temp_dir.h"

namespace ferry::test {

Environment with_layer(const std::string& name) {
  // A path of one's own takes the place of the loader's: the validation layer has to be found, too.
  return {{"VK_LAYER_PATH", program_folder() + "/../layers:/usr/local/share/vulkan/explicit_layer.d:"
                                               "/etc/vulkan/explicit_layer.d:/usr/share/vulkan/explicit_layer.d"},
          {"VK_INSTANCE_LAYERS", "VK_LAYER_FERRY_" + name}};
}

void add_environment(Environment& environment, const Environment& more) {
  for (const auto& added : more) {
    std::string joined = added.second;
    std::erase_if(environment, [&](const auto& variable) {
      if (variable.first != added.first) return false;
      if (variable.first == "VK_INSTANCE_LAYERS") joined += ":" + variable.second;
      return true;
    });
    environment.emplace_back(added.first, joined);
  }
}

}  // namespace ferry::test
