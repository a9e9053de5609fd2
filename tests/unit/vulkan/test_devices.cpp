#include "tests/unit/vulkan/test_devices.h"

#include <vulkan/vulkan.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/format_support.h"

namespace ferry::platform {

void PrintTo(const TextureDesc& desc, std::ostream* out) {
  *out << desc.width_px << "x" << desc.height_px << " " << proto::format_info(desc.format).name;
}

namespace test {

std::unique_ptr<VulkanDevice> make_device(const std::string& selector) {
  DeviceChoice choice;
  choice.selector = selector;
  // Not in silence: who has no layer says so.
  choice.enable_validation = std::getenv("FERRY_TEST_NO_VALIDATION") == nullptr;
  auto device = create_device(choice);
  if (!device) {
    ADD_FAILURE() << device.error().message;
    return nullptr;
  }
  return std::move(*device);
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string lack_of(const VulkanDevice& device, proto::Format format, VkExternalMemoryHandleTypeFlagBits handle_type) {
  return ferry::test::lack_of(vkGetPhysicalDeviceImageFormatProperties2, device.handles().physical_device,
                              proto::format_info(format), handle_type);
}

void TwoDevices::SetUp() {
  broker_ = make_device();
  client_ = make_device();
  ASSERT_TRUE(broker_ && client_);
}

void TwoDevices::TearDown() {
  for (const VulkanDevice* device : {broker_.get(), client_.get()})
    EXPECT_EQ(device != nullptr ? device->validation_errors() : 0, 0u);
}

std::unique_ptr<ExportedTexture> TwoDevices::allocate_one(const TextureDesc& desc) {
  auto textures = broker_->texture_exporter()->allocate(desc, 1);
  if (!textures) {
    ADD_FAILURE() << textures.error().message;
    return nullptr;
  }
  return std::move(textures->front());
}

std::unique_ptr<ImportedTexture> TwoDevices::import(VulkanDevice& device, const ExportedTexture& texture,
                                                    const TextureDesc& desc) {
  auto imported = device.texture_importer().import(texture.fd().duplicate(), desc, texture.layout());
  if (!imported) {
    ADD_FAILURE() << imported.error().message;
    return nullptr;
  }
  return std::move(*imported);
}

}  // namespace test
}  // namespace ferry::platform
