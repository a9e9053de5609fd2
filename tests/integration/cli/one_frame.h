#pragma once
// A stream that stands still.

#include <cstring>
#include <span>

#include "ferry/ferry_vulkan.h"
#include "tests/support/check.h"
#include "tests/support/picture_producer.h"
#include "tests/support/session.h"

namespace ferry::test {

/// A stream with one frame of @p pixels.
class OneFrame {
 public:
  static constexpr const char* kStream = "still";
  struct Colour {
    std::uint32_t primaries = FERRY_PRIMARIES_BT709, transfer = FERRY_TRANSFER_SRGB, range = FERRY_RANGE_FULL;
  };

  OneFrame(Session& session, const ImageShape& shape, const Colour& colour, std::span<const std::byte> pixels)
      : gpu_(session.gpu()), pixels_(gpu_, pixels.size(), GpuBuffer::Kind::kUpload), commands_(gpu_) {
    std::memcpy(pixels_.bytes().data(), pixels.data(), pixels.size());
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = kStream;
    info.image = image_desc(shape);
    check(ferry_producer_create(session.connection(), session.device(), &info, &producer_), "ferry_producer_create");
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    check(ferry_producer_begin(producer_, 20'000'000'000, &target), "ferry_producer_begin");
    draw(target, shape);
    ferry_frame_metadata metadata{};
    metadata.struct_size = sizeof metadata;
    metadata.primaries = colour.primaries;
    metadata.transfer = colour.transfer;
    metadata.range = colour.range;
    check(ferry_producer_publish(producer_, target.id, &metadata), "ferry_producer_publish");
    commands_.wait();
  }
  ~OneFrame() { ferry_producer_destroy(producer_); }
  OneFrame(const OneFrame&) = delete;
  OneFrame& operator=(const OneFrame&) = delete;

 private:
  void draw(const ferry_target& target, const ImageShape& shape) {
    const auto layout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    const auto stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    const auto access = VK_ACCESS_TRANSFER_WRITE_BIT;
    const VkImageMemoryBarrier take =
        ferry_acquire_barrier_from(target.peer_queue_family, target.image, gpu_.queue_family_index(), layout, access);
    const VkImageMemoryBarrier give =
        ferry_release_barrier_to(target.peer_queue_family, target.image, gpu_.queue_family_index(), layout, access);
    const ImageCopies whole = whole_image(shape);
    const VkCommandBuffer commands = commands_.begin();
    gpu_.CmdPipelineBarrier(commands, stage, stage, 0, 0, nullptr, 0, nullptr, 1, &take);
    gpu_.CmdCopyBufferToImage(commands, pixels_.handle(), target.image, layout, whole.count, whole.regions.data());
    gpu_.CmdPipelineBarrier(commands, stage, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr, 0, nullptr, 1, &give);
    commands_.submit({.wait_semaphores = {target.wait_semaphores, target.wait_count},
                      .wait_values = {target.wait_values, target.wait_count},
                      .signal_semaphore = target.signal_semaphore,
                      .signal_value = target.signal_value});
  }

  const Gpu& gpu_;
  GpuBuffer pixels_;
  GpuCommands commands_;
  ferry_producer* producer_ = nullptr;
};

}  // namespace ferry::test
