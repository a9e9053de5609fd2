#pragma once
// A client's device that is none: for the library's own work, without a driver's.

#include <cstdint>
#include <memory>
#include <utility>

#include "platform/vulkan/device.h"

namespace ferry::client {

class StandInTexture final : public platform::ImportedTexture {
 public:
  VkImage image() const override { return VK_NULL_HANDLE; }
  VkImageView view() const override { return VK_NULL_HANDLE; }
  VkFormat vk_format() const override { return VK_FORMAT_R8G8B8A8_UNORM; }
};

/// Everything that was ever promised on it is done.
class StandInTimeline : public platform::Timeline {
 public:
  VkSemaphore semaphore() const override { return VK_NULL_HANDLE; }
  proto::Result<std::uint64_t> value() const override { return UINT64_MAX; }
  proto::Result<void> signal(std::uint64_t) override { return {}; }
  proto::Result<void> wait(std::uint64_t, std::int64_t) const override { return {}; }
};

/// Takes everything that it is given.
class StandInDevice : public platform::VulkanDevice,
                      public platform::TextureImporter,
                      public platform::TimelineImporter {
 public:
  explicit StandInDevice(platform::DeviceCapabilities capabilities) : capabilities_(std::move(capabilities)) {}

  const platform::VulkanHandles& handles() const override { return handles_; }
  VkQueue queue() const override { return VK_NULL_HANDLE; }
  const platform::DeviceCapabilities& capabilities() const override { return capabilities_; }
  platform::TextureImporter& texture_importer() override { return *this; }
  platform::TimelineImporter& timeline_importer() override { return *this; }
  platform::TextureExporter* texture_exporter() override { return nullptr; }
  std::unique_ptr<platform::TextureExporter> dma_buf_exporter(std::vector<std::uint64_t>, std::uint32_t) override { return nullptr; }
  platform::TimelineExporter* timeline_exporter() override { return nullptr; }
  proto::Result<std::unique_ptr<platform::FenceBridge>> fence_bridge(platform::LentQueue) override {
    return proto::Error{proto::ErrorCode::kUnsupported, "no fences"};
  }
  std::uint64_t validation_errors() const override { return 0; }

  proto::Result<std::unique_ptr<platform::ImportedTexture>> import(platform::UniqueFd, const platform::TextureDesc&,
                                                                   const platform::TextureLayout&) override {
    return std::unique_ptr<platform::ImportedTexture>(std::make_unique<StandInTexture>());
  }
  proto::Result<std::unique_ptr<platform::Timeline>> import(platform::UniqueFd) override { return create_local(); }
  proto::Result<std::unique_ptr<platform::Timeline>> create_local() override {
    return std::unique_ptr<platform::Timeline>(std::make_unique<StandInTimeline>());
  }

 private:
  const platform::VulkanHandles handles_;
  const platform::DeviceCapabilities capabilities_;
};

}  // namespace ferry::client
