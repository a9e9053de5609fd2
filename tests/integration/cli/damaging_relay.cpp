#include "tests/integration/cli/damaging_relay.h"

#include <cstring>

#include "ferry/ferry_vulkan.h"
#include "tests/support/check.h"

namespace ferry::test {
namespace {

constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkPipelineStageFlags kEnd = VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT;
constexpr std::int64_t kAWhileNs = 100'000'000;

}  // namespace

DamagingRelay::DamagingRelay(Session& session, const std::string& from, const std::string& to, const ImageShape& shape)
    : gpu_(session.gpu()),
      shape_(shape),
      readback_(gpu_, size_bytes(shape), GpuBuffer::Kind::kReadback),
      upload_(gpu_, size_bytes(shape), GpuBuffer::Kind::kUpload),
      commands_(gpu_),
      pixels_(size_bytes(shape)) {
  ferry_attach_info attach = FERRY_ATTACH_INFO_INIT;
  attach.name = from.c_str();
  attach.timeout_ns = 60'000'000'000;
  check(ferry_consumer_attach(session.connection(), session.device(), &attach, &consumer_), "ferry_consumer_attach");
  ferry_stream_info create = FERRY_STREAM_INFO_INIT;
  create.name = to.c_str();
  create.image = image_desc(shape);
  create.queue_policy = FERRY_QUEUE_BLOCK;
  check(ferry_producer_create(session.connection(), session.device(), &create, &producer_), "ferry_producer_create");
}

DamagingRelay::~DamagingRelay() {
  ferry_producer_destroy(producer_);
  ferry_consumer_destroy(consumer_);
}

void DamagingRelay::pass(const std::function<void(PassingFrame&)>& damage) {
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  const std::int32_t begun = ferry_producer_begin(producer_, kAWhileNs, &target);
  if (begun == FERRY_ERROR_TIMEOUT) return;
  check(begun, "ferry_producer_begin");
  ferry_frame frame{};
  frame.struct_size = FERRY_FRAME_SIZE;
  frame.metadata.struct_size = sizeof frame.metadata;
  const std::int32_t acquired = ferry_consumer_acquire(consumer_, kAWhileNs, &frame);
  if (acquired == FERRY_ERROR_TIMEOUT) {
    check(ferry_producer_cancel(producer_, target.id), "ferry_producer_cancel");
    return;
  }
  check(acquired, "ferry_consumer_acquire");
  read(frame);
  PassingFrame passing{next_sequence_, pixels_, frame.metadata};
  damage(passing);
  write(target);
  check(ferry_producer_publish(producer_, target.id, &frame.metadata), "ferry_producer_publish");
  ++next_sequence_;
}

void DamagingRelay::read(const ferry_frame& frame) {
  const auto layout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
  const auto access = VK_ACCESS_TRANSFER_READ_BIT;
  const VkImageMemoryBarrier take =
      ferry_acquire_barrier_from(frame.peer_queue_family, frame.image, gpu_.queue_family_index(), layout, access);
  const VkImageMemoryBarrier give =
      ferry_release_barrier_to(frame.peer_queue_family, frame.image, gpu_.queue_family_index(), layout, access);
  VkMemoryBarrier for_the_host{};
  for_the_host.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  for_the_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  for_the_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  const ImageCopies whole = whole_image(shape_);
  const VkCommandBuffer commands = commands_.begin();
  gpu_.CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &take);
  gpu_.CmdCopyImageToBuffer(commands, frame.image, layout, readback_.handle(), whole.count, whole.regions.data());
  gpu_.CmdPipelineBarrier(commands, kTransfer, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &for_the_host, 0, nullptr, 0, nullptr);
  gpu_.CmdPipelineBarrier(commands, kTransfer, kEnd, 0, 0, nullptr, 0, nullptr, 1, &give);
  commands_.submit({.wait_semaphores = {&frame.wait_semaphore, 1},
                    .wait_values = {&frame.wait_value, 1},
                    .signal_semaphore = frame.signal_semaphore,
                    .signal_value = frame.signal_value});
  check(ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_SIGNALLED), "ferry_consumer_release");
  commands_.wait();
  std::memcpy(pixels_.data(), readback_.bytes().data(), pixels_.size());
}

void DamagingRelay::write(const ferry_target& target) {
  std::memcpy(upload_.bytes().data(), pixels_.data(), pixels_.size());
  const auto layout = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
  const auto access = VK_ACCESS_TRANSFER_WRITE_BIT;
  const VkImageMemoryBarrier take =
      ferry_acquire_barrier_from(target.peer_queue_family, target.image, gpu_.queue_family_index(), layout, access);
  const VkImageMemoryBarrier give =
      ferry_release_barrier_to(target.peer_queue_family, target.image, gpu_.queue_family_index(), layout, access);
  const ImageCopies whole = whole_image(shape_);
  const VkCommandBuffer commands = commands_.begin();  // waits for what reads upload_
  gpu_.CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &take);
  gpu_.CmdCopyBufferToImage(commands, upload_.handle(), target.image, layout, whole.count, whole.regions.data());
  gpu_.CmdPipelineBarrier(commands, kTransfer, kEnd, 0, 0, nullptr, 0, nullptr, 1, &give);
  commands_.submit({.wait_semaphores = {target.wait_semaphores, target.wait_count},
                    .wait_values = {target.wait_values, target.wait_count},
                    .signal_semaphore = target.signal_semaphore,
                    .signal_value = target.signal_value});
}

}  // namespace ferry::test
