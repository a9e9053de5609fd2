#pragma once
// Devices for the tests, with the validation layer wherever it is installed.

#include <gtest/gtest.h>

#include <memory>

#include "platform/vulkan/device.h"

namespace ferry::platform {

/// For GoogleTest's messages.
void PrintTo(const TextureDesc& desc, std::ostream* out);

namespace test {

/// @p selector: as DeviceChoice has it.
std::unique_ptr<VulkanDevice> make_device(const std::string& selector = {});

/// Of this process.
std::size_t open_descriptors();

/// Why @p device cannot share images of @p format so; "" where it can.
std::string lack_of(const VulkanDevice& device, proto::Format format,
                    VkExternalMemoryHandleTypeFlagBits handle_type = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT);

/// Two VkDevices of one physical device, as a broker and a client have them; the layer must have kept silent.
class TwoDevices : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// One slot; fails the test when it cannot be had.
  std::unique_ptr<ExportedTexture> allocate_one(const TextureDesc& desc);
  std::unique_ptr<ImportedTexture> import(VulkanDevice& device, const ExportedTexture& texture,
                                          const TextureDesc& desc);

  std::unique_ptr<VulkanDevice> broker_, client_;
};

}  // namespace test
}  // namespace ferry::platform
