#include "tests/support/layers/validation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/temp_dir.h"

namespace ferry::test {

bool validation_wanted() { return std::getenv("FERRY_TEST_NO_VALIDATION") == nullptr; }

Environment under_validation(const std::string& settings, const std::string& log) {
  if (!validation_wanted()) return {};
  write_file(settings, fmt::format("khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG\n"
                                   "khronos_validation.report_flags = error,warn\n"
                                   "khronos_validation.log_filename = {}\n"
                                   "khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT\n",
                                   log));
  return {{"VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation"}, {"VK_LAYER_SETTINGS_PATH", settings}};
}

std::string validation_complaint(const std::string& log) {
  if (!validation_wanted()) return {};
  // The layer opens its log with the first instance, before it has anything to say.
  if (::access(log.c_str(), F_OK) != 0) return "the validation layer was not loaded";
  const std::string said = read_file(log);
  return said.empty() ? "" : "validation: " + said;
}

}  // namespace ferry::test
