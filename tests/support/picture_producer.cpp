#include "tests/support/picture_producer.h"

#include <algorithm>
#include <cstring>

#include "platform/clock.h"
#include "tests/support/check.h"
#include "tests/support/mark.h"

namespace ferry::test {

ferry_image_desc image_desc(const ImageShape& shape) {
  ferry_image_desc desc = FERRY_IMAGE_DESC_INIT;
  desc.width_px = shape.width_px;
  desc.height_px = shape.height_px;
  desc.format = shape.format;
  return desc;
}

PictureProducer::PictureProducer(ferry_connection* connection, ferry_device* device, const Gpu& gpu,
                                 const ProducerOptions& options)
    : seed_(options.seed != 0 ? options.seed : seed_of(options.name)),
      hang_at_(options.hang_at),
      gate_at_(options.gate_at),
      mark_(options.mark),
      writer_(gpu, options.engine, options.frames_in_flight == 0 ? 3 : options.frames_in_flight + 1) {
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = options.name.c_str();
  info.image = image_desc(options.shape);
  info.sync_mode = options.sync_mode;
  info.transport = options.transport;
  info.queue_policy = options.queue_policy;
  info.frames_in_flight = options.frames_in_flight;
  info.min_slots = options.min_slots;
  check(ferry_producer_create(connection, device, &info, &producer_), "ferry_producer_create");
  next_sequence_ = first_sequence_ = state().frames + 1;  // not 1 when this one takes an orphaned stream over
}

PictureProducer::~PictureProducer() { ferry_producer_destroy(producer_); }

std::int32_t PictureProducer::produce(std::int64_t timeout_ns) {
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  const std::int64_t asked_ns = platform::now_ns();
  const std::int32_t begun = [&] {
    const TraceMark mark(mark_ ? "begin" : nullptr);
    return ferry_producer_begin(producer_, timeout_ns, &target);
  }();
  if (timeout_ns >= 0)
    longest_overrun_ns_ = std::max(longest_overrun_ns_, static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                            0, platform::now_ns() - asked_ns - timeout_ns)));
  if (begun == FERRY_ERROR_TIMEOUT || begun == FERRY_ERROR_WOULD_BLOCK) return begun;
  check(begun, "ferry_producer_begin");
  if (target.wait_count != 0) ++waited_targets_;

  const ImageShape shape{target.width_px, target.height_px, target.format};
  const std::uint64_t number = next_sequence_ - first_sequence_ + 1;
  using Ends = PictureWriter::Ends;
  writer_.draw(target, {seed_, next_sequence_},
               number == hang_at_ ? Ends::kNever : number == gate_at_ ? Ends::kWhenOpened : Ends::kSoon);
  FrameStamp stamp;
  stamp.seed = seed_;
  stamp.sequence = next_sequence_;
  stamp.shape = shape;
  ferry_frame_metadata metadata{};
  metadata.struct_size = sizeof metadata;
  metadata.user_size_bytes = sizeof stamp;
  std::memcpy(metadata.user, &stamp, sizeof stamp);
  {
    const TraceMark mark(mark_ ? "publish" : nullptr);
    check(ferry_producer_publish(producer_, target.id, &metadata), "ferry_producer_publish");
  }
  ++next_sequence_;
  return FERRY_OK;
}

void PictureProducer::reconfigure(const ImageShape& shape) {
  const ferry_image_desc desc = image_desc(shape);
  check(ferry_producer_reconfigure(producer_, &desc), "ferry_producer_reconfigure");
}

ferry_stream_state PictureProducer::state() const {
  ferry_stream_state state{};
  state.struct_size = FERRY_STREAM_STATE_SIZE;
  check(ferry_producer_get_state(producer_, &state), "ferry_producer_get_state");
  return state;
}

}  // namespace ferry::test
