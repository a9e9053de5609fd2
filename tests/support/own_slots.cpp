#include "tests/support/own_slots.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "tests/support/check.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {

OwnSlots::OwnSlots(const OwnLayout& layout)
    : layout_(layout),
      row_pitch_bytes_(format_of(layout.shape).row_bytes(0, layout.shape.width_px) + layout.padding_bytes) {
  constexpr std::uint64_t kPageBytes = 4096, kRows = 4;  // lavapipe's images end with whole blocks of so many
  const std::uint64_t needed = layout.offset_bytes + row_pitch_bytes_ * ((layout.shape.height_px + kRows - 1) / kRows * kRows);
  for (std::uint32_t i = 0; i < layout.count; ++i) {
    buffers_.emplace_back((needed + kPageBytes - 1) / kPageBytes * kPageBytes);
    ferry_dma_buf described = FERRY_DMA_BUF_INIT;
    described.fd = buffers_.back().fd().get();
    described.plane_count = 1;
    described.planes[0] = {layout.offset_bytes, row_pitch_bytes_};
    described_.push_back(described);
  }
}

ferry_own_slots OwnSlots::describe(std::uint32_t flags) const {
  ferry_own_slots own = FERRY_OWN_SLOTS_INIT;
  own.count = static_cast<std::uint32_t>(described_.size());
  own.flags = flags;
  own.slots = described_.data();
  return own;
}

void OwnSlots::draw(std::uint32_t slot, const Picture& picture) const {
  const ImageShape& shape = layout_.shape;
  std::vector<std::byte> packed(size_bytes(shape));
  fill_pattern(packed, picture, shape);
  const std::span<std::byte> bytes = buffers_[slot].bytes();
  std::fill(bytes.begin(), bytes.end(), std::byte{0xa5});
  const std::size_t row_bytes = packed.size() / shape.height_px;
  for (std::uint32_t y = 0; y < shape.height_px; ++y)
    std::memcpy(bytes.data() + layout_.offset_bytes + y * row_pitch_bytes_, packed.data() + y * row_bytes, row_bytes);
}

OwnSlotsProducer::OwnSlotsProducer(Session& session, const OwnLayout& layout, const Options& options)
    : session_(session),
      seed_(seed_of(options.name)),
      flags_(options.flags),
      writer_(session.gpu(), Engine::kCpu),
      slots_(std::make_unique<OwnSlots>(layout)) {
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = options.name.c_str();
  info.image = image_desc(layout.shape);
  info.sync_mode = options.sync_mode;
  info.queue_policy = FERRY_QUEUE_BLOCK;
  const ferry_own_slots own = slots_->describe(flags_);
  check(ferry_producer_create_with_slots(session.connection(), session.device(), &info, &own, &producer_),
        "ferry_producer_create_with_slots");
}

OwnSlotsProducer::~OwnSlotsProducer() { ferry_producer_destroy(producer_); }

void OwnSlotsProducer::produce(Engine engine) {
  const ferry_target target = begin();
  if (engine == Engine::kGpu) {
    writer_.draw(target, picture());
  } else {
    slots_->draw(target.slot, picture());
    if ((flags_ & FERRY_OWN_IMPLICIT_FENCES) == 0) signal(target);
  }
  publish(target);
}

/// In the order of the queue, because others are signalled there. From the host it would have to be known that they have been, and
/// after a fence lavapipe's timelines may yet go back to what that submission signals.
void OwnSlotsProducer::signal(const ferry_target& target) {
  VkTimelineSemaphoreSubmitInfo values{};
  values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &target.signal_value;
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.pNext = &values;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &target.signal_semaphore;
  const Gpu& gpu = session_.gpu();
  if (gpu.QueueSubmit(gpu.queue(), 1, &info, VK_NULL_HANDLE) != VK_SUCCESS) throw std::runtime_error("vkQueueSubmit");
}

void OwnSlotsProducer::replace(const OwnLayout& layout) {
  auto next = std::make_unique<OwnSlots>(layout);
  const ferry_image_desc image = image_desc(layout.shape);
  const ferry_own_slots own = next->describe(flags_);
  check(ferry_producer_replace_slots(producer_, &image, &own), "ferry_producer_replace_slots");
  slots_ = std::move(next);
}

ferry_target OwnSlotsProducer::begin() {
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  check(ferry_producer_begin(producer_, 20'000'000'000, &target), "ferry_producer_begin");
  return target;
}

void OwnSlotsProducer::publish(const ferry_target& target) {
  FrameStamp stamp;
  stamp.seed = seed_;
  stamp.sequence = next_sequence_;
  stamp.shape = {target.width_px, target.height_px, target.format};
  ferry_frame_metadata metadata{};
  metadata.struct_size = sizeof metadata;
  metadata.user_size_bytes = sizeof stamp;
  std::memcpy(metadata.user, &stamp, sizeof stamp);
  check(ferry_producer_publish(producer_, target.id, &metadata), "ferry_producer_publish");
  ++next_sequence_;
}

}  // namespace ferry::test
