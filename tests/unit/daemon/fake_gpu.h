#pragma once
// A device of memfds and counters that exports timelines: what software drivers cannot, and every test here needs.

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "platform/file_identity.h"
#include "platform/vulkan/device.h"

namespace ferry::daemon::test {

class FakeTimeline final : public platform::ExportedTimeline {
 public:
  FakeTimeline();
  /// Another process's view of one.
  FakeTimeline(std::shared_ptr<std::uint64_t> value, platform::UniqueFd fd)
      : value_(std::move(value)), fd_(std::move(fd)) {}
  VkSemaphore semaphore() const override { return VK_NULL_HANDLE; }
  proto::Result<std::uint64_t> value() const override { return *value_; }
  /// Refuses what a driver would not survive: a value that is not higher.
  proto::Result<void> signal(std::uint64_t value) override;
  proto::Result<void> wait(std::uint64_t value, std::int64_t timeout_ns) const override;
  const platform::UniqueFd& fd() const override { return fd_; }

  /// Outlives the timeline: tests look at it after the broker has let go.
  const std::shared_ptr<std::uint64_t>& counter() const { return value_; }

 private:
  std::shared_ptr<std::uint64_t> value_ = std::make_shared<std::uint64_t>(0);
  platform::UniqueFd fd_;
};

class FakeGpu final : public platform::VulkanDevice,
                      public platform::TextureExporter,
                      public platform::TimelineExporter,
                      public platform::TextureImporter,
                      public platform::TimelineImporter {
 public:
  explicit FakeGpu(std::uint8_t number = 1, bool has_timelines = true);

  const platform::VulkanHandles& handles() const override { return handles_; }
  VkQueue queue() const override { return VK_NULL_HANDLE; }
  const platform::DeviceCapabilities& capabilities() const override { return capabilities_; }
  platform::TextureImporter& texture_importer() override { return *this; }
  platform::TimelineImporter& timeline_importer() override { return *this; }
  platform::TextureExporter* texture_exporter() override { return this; }
  std::unique_ptr<platform::TextureExporter> dma_buf_exporter(std::vector<std::uint64_t> modifiers,
                                                              std::uint32_t owner_queue_family) override;
  platform::TimelineExporter* timeline_exporter() override { return capabilities_.timeline_fd ? this : nullptr; }
  proto::Result<std::unique_ptr<platform::FenceBridge>> fence_bridge(platform::LentQueue) override {
    return proto::Error{proto::ErrorCode::kUnsupported, "fake 1.0 has no fences"};
  }
  std::uint64_t validation_errors() const override { return 0; }

  platform::Transport transport() const override { return platform::Transport::kOpaqueFd; }
  proto::Result<std::vector<std::unique_ptr<platform::ExportedTexture>>> allocate(const platform::TextureDesc& desc,
                                                                                  std::uint32_t count) override;
  proto::Result<std::unique_ptr<platform::ExportedTimeline>> create() override;

  /// The @p nth piece of work from now on (an allocation, a timeline) fails once. Loop thread.
  void fail(proto::Error error, int nth) {
    fault_ = std::move(error);
    until_fault_ = nth;
  }
  /// The failure that is due now.
  std::optional<proto::Error> take_fault() { return fails_now() ? std::optional(fault_) : std::nullopt; }
  /// Whether it has failed; nothing does after this.
  bool stop_failing() {
    const bool failed = until_fault_ <= 0;
    until_fault_ = 0;
    return failed;
  }
  /// Takes memory of any size; refuses what is no memory.
  proto::Result<std::unique_ptr<platform::ImportedTexture>> import(platform::UniqueFd fd,
                                                                   const platform::TextureDesc& desc,
                                                                   const platform::TextureLayout& layout) override;
  /// The counter of the one it exported.
  proto::Result<std::unique_ptr<platform::Timeline>> import(platform::UniqueFd fd) override;
  proto::Result<std::unique_ptr<platform::Timeline>> create_local() override;

  /// Shares images of @p format as dma-bufs in @p modifiers, too; or, unless @p exports, imports them at least.
  void add_modifiers(proto::Format format, const std::vector<std::uint64_t>& modifiers, bool exports = true);
  /// Of a device that is not made of hardware, and exports sync_files.
  void add_fences() { capabilities_.sync_fd = true; }
  void have_foreign_queues() { capabilities_.foreign_queues = true; }
  /// Whose the dma-bufs are that were allocated last.
  std::uint32_t newest_owner() const { return newest_owner_; }

  /// Of every timeline so far, in the order of creation. Loop thread.
  const std::vector<std::shared_ptr<std::uint64_t>>& counters() const { return counters_; }

 private:
  platform::VulkanHandles handles_;
  platform::DeviceCapabilities capabilities_;
  bool fails_now() { return until_fault_ > 0 && --until_fault_ == 0; }

  std::vector<std::shared_ptr<std::uint64_t>> counters_;
  std::atomic<std::uint32_t> newest_owner_ = VK_QUEUE_FAMILY_IGNORED;
  proto::Error fault_;
  int until_fault_ = 0;  ///< 0: none is wanted, or it is over
  std::vector<platform::FileIdentity> files_;  ///< of the counters
};

}  // namespace ferry::daemon::test
