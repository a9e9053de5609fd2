#include "tests/support/picture_consumer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "platform/clock.h"
#include "tests/support/check.h"
#include "tests/support/deadline.h"
#include "tests/support/mark.h"

namespace ferry::test {
namespace {

/// How long a frame that was released unread is left unread, unless every other slot has been drawn before.
constexpr auto kUnread = 50ms;
std::uint64_t now_ns() { return static_cast<std::uint64_t>(platform::now_ns()); }

}  // namespace

const char* event_name(std::uint32_t type) {
  switch (type) {
    case FERRY_EVENT_GENERATION:
      return "GENERATION";
    case FERRY_EVENT_ORPHANED:
      return "ORPHANED";
    case FERRY_EVENT_RESUMED:
      return "RESUMED";
    case FERRY_EVENT_CLOSED:
      return "CLOSED";
    case FERRY_EVENT_EVICTED:
      return "EVICTED";
    case FERRY_EVENT_BROKER_LOST:
      return "BROKER_LOST";
    case FERRY_EVENT_GENERATION_FAILED:
      return "GENERATION_FAILED";
    case FERRY_EVENT_BROKER_BACK:
      return "BROKER_BACK";
    default:
      return "UNKNOWN";
  }
}

PictureConsumer::PictureConsumer(ferry_connection* connection, ferry_device* device, const Gpu& gpu,
                                 const ConsumerOptions& options)
    : options_(options), seed_(options.seed != 0 ? options.seed : seed_of(options.name)), reader_(gpu, options.engine) {
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = options_.name.c_str();
  info.mode = options_.mode;
  info.max_holds = options_.max_holds;
  info.queue_depth = options_.queue_depth;
  info.timeout_ns = options_.attach_timeout_ns;
  check(ferry_consumer_attach(connection, device, &info, &consumer_), "ferry_consumer_attach");
}

PictureConsumer::~PictureConsumer() {
  for (const ferry_frame& frame : held_) {
    if (!options_.recheck) break;
    // Read only in part: nothing that was submitted signals.
    const std::int32_t released = ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_UNUSED);
    static_cast<void>(released);  // the lease ends in any case
  }
  ferry_consumer_destroy(consumer_);
}

void PictureConsumer::note_wrong(const ferry_frame& frame, std::uint64_t& count, const char* what, std::uint64_t words) {
  if (was_evicted()) {
    ++books_.overtaken;
    return;
  }
  ++count;
  if (!books_.first_wrong.empty()) return;
  books_.first_wrong =
      fmt::format("frame {} ({}x{} format {}, generation {}, slot {}): {} words of {} wrong {}", frame.sequence,
                  frame.width_px, frame.height_px, frame.format, frame.generation, frame.slot, words,
                  word_count(size_bytes({frame.width_px, frame.height_px, frame.format})), what);
}

bool PictureConsumer::was_evicted() {
  const Deadline deadline(has_waited_ ? 0ms : 2000ms);
  has_waited_ = true;
  for (;;) {
    while (const auto event = ask_for_event()) events_.push_back(*event);
    if (evicted_ || deadline.passed()) return evicted_;
    std::this_thread::sleep_for(5ms);
  }
}

std::uint64_t PictureConsumer::longest_arrival_gap_ns() const {
  return books_.frames == 0 ? 0 : std::max(books_.longest_arrival_gap_ns, now_ns() - last_arrived_ns_);
}

void PictureConsumer::enter(const ferry_frame& frame) {
  const std::uint64_t arrived_ns = now_ns();
  if (books_.frames != 0)
    books_.longest_arrival_gap_ns = std::max(books_.longest_arrival_gap_ns, arrived_ns - last_arrived_ns_);
  last_arrived_ns_ = arrived_ns;
  if (books_.frames == 0) {
    books_.first = frame.sequence;
  } else if (frame.sequence <= books_.last) {
    ++books_.disorder;
  } else {
    books_.missing += frame.sequence - books_.last - 1;
  }
  if (books_.frames != 0 && frame.produced_ns > last_produced_ns_)
    books_.longest_gap_ns = std::max(books_.longest_gap_ns, frame.produced_ns - last_produced_ns_);
  last_produced_ns_ = frame.produced_ns;
  books_.skipped += frame.skipped;
  ++books_.frames;
  books_.last = frame.sequence;
  books_.shape = {frame.width_px, frame.height_px, frame.format};
  if (frame.generation != generation_) ++books_.generations;
  generation_ = frame.generation;

  FrameStamp wanted, seen;
  wanted.seed = seed_;
  wanted.sequence = frame.sequence;
  wanted.shape = books_.shape;
  std::memcpy(&seen, frame.metadata.user, sizeof seen);
  if (frame.metadata.user_size_bytes != sizeof seen || !(seen == wanted)) ++books_.wrong_stamps;
}

std::int32_t PictureConsumer::take(std::int64_t timeout_ns) {
  ferry_frame frame{};
  frame.struct_size = FERRY_FRAME_SIZE;
  frame.metadata.struct_size = sizeof frame.metadata;
  const std::uint64_t asked_ns = now_ns();
  const std::int32_t code = [&] {
    const TraceMark mark(options_.mark ? "acquire" : nullptr);
    return ferry_consumer_acquire(consumer_, timeout_ns, &frame);
  }();
  if (const std::uint64_t due_ns = asked_ns + static_cast<std::uint64_t>(timeout_ns); timeout_ns >= 0 && now_ns() > due_ns)
    books_.longest_overrun_ns = std::max(books_.longest_overrun_ns, now_ns() - due_ns);
  if (code != FERRY_OK) return code;
  const auto age_ns = [&] { return now_ns() - frame.produced_ns; };
  latencies_ns_.push_back(age_ns());
  enter(frame);
  if (options_.hang_at != 0 && books_.frames == options_.hang_at) {
    reader_.hang(frame);
  } else if (options_.release_early) {
    read_after_release(frame);
    read_ns_.push_back(age_ns());
    return FERRY_OK;
  } else if (!options_.verify) {
    reader_.pass(frame);
  } else {
    const auto part = options_.recheck ? PictureReader::Part::kFirst : PictureReader::Part::kOnly;
    const std::uint64_t wrong = reader_.count_wrong(frame, {seed_, frame.sequence}, part);
    if (wrong != 0) note_wrong(frame, books_.wrong_frames, "when it was acquired", wrong);
  }
  read_ns_.push_back(age_ns());
  held_.push_back(frame);
  return FERRY_OK;
}

/// The release point is all that keeps the producer from drawing over what is still to be read.
void PictureConsumer::read_after_release(const ferry_frame& frame) {
  reader_.start(frame, {seed_, frame.sequence});
  check(ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_SIGNALLED), "ferry_consumer_release");
  const std::uint64_t lap = frame.sequence + state().slot_count;
  const Deadline deadline(kUnread);
  while (state().frames < lap && !deadline.passed()) std::this_thread::sleep_for(1ms);
  if (state().frames >= lap) ++books_.laps;
  const std::uint64_t wrong = reader_.finish();
  if (wrong != 0) note_wrong(frame, books_.torn_frames, "after it was released, and before its release point", wrong);
}

void PictureConsumer::release_oldest() {
  const ferry_frame frame = held_.front();
  held_.pop_front();
  if (options_.verify && options_.recheck) {
    const std::uint64_t wrong = reader_.count_wrong(frame, {seed_, frame.sequence}, PictureReader::Part::kLast);
    if (wrong != 0) note_wrong(frame, books_.torn_frames, "before it was released", wrong);
  }
  const TraceMark mark(options_.mark ? "release" : nullptr);
  check(ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_SIGNALLED), "ferry_consumer_release");
}

void PictureConsumer::release_all() {
  while (!held_.empty()) release_oldest();
}

std::optional<ferry_event> PictureConsumer::next_event() {
  if (events_.empty()) return ask_for_event();
  const ferry_event event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<ferry_event> PictureConsumer::ask_for_event() {
  ferry_event event{};
  event.struct_size = FERRY_EVENT_SIZE;
  const std::int32_t code = ferry_consumer_next_event(consumer_, &event);
  if (code == FERRY_ERROR_WOULD_BLOCK) return std::nullopt;
  check(code, "ferry_consumer_next_event");
  evicted_ |= event.type == FERRY_EVENT_EVICTED;
  return event;
}

ferry_stream_state PictureConsumer::state() const {
  ferry_stream_state state{};
  state.struct_size = FERRY_STREAM_STATE_SIZE;
  check(ferry_consumer_get_state(consumer_, &state), "ferry_consumer_get_state");
  return state;
}

}  // namespace ferry::test
