#include "client/examples/viewer/subscription.h"

#include <exception>
#include <utility>

#include "client/examples/common/image_format.h"
#include "client/examples/common/pacer.h"

namespace viewer {
namespace {

constexpr std::int64_t kAttachIntervalNs = 1'000'000'000;

}  // namespace

const char* to_string(Condition condition) {
  switch (condition) {
    case Condition::kWaiting:
      return "waiting";
    case Condition::kLive:
      return "live";
    case Condition::kOrphaned:
      return "orphaned";
    case Condition::kClosed:
      return "closed";
    case Condition::kEvicted:
      return "evicted";
  }
  return "";
}

void FrameStats::add(const ferry::Frame& frame, std::int64_t now_ns) {
  latency_ms[next] = static_cast<float>(now_ns - static_cast<std::int64_t>(frame.produced_ns)) * 1e-6F;
  next = (next + 1) % kHistory;
  ++acquired;
  skipped += frame.skipped;
  rate.tick(now_ns, 1);
}

Subscription::Subscription(const ferry::Connection& connection, const ferry::Device& device, FrameReturner& returner,
                           std::string stream, ferry_consumer_mode mode, std::function<void()> wake)
    : connection_(connection),
      device_(device),
      returner_(returner),
      stream_(std::move(stream)),
      mode_(mode),
      wake_(std::move(wake)) {}

Subscription::~Subscription() {
  try {
    let_go();
  } catch (const std::exception&) {
    // The lease ends either way, and with it every hold.
  }
}

void Subscription::update() {
  attach_if_due();
  if (watch_) take_events();
  if (watch_) take_frames();
  stats_.rate.tick(examples::monotonic_ns(), 0);  // falls to nothing when no frames come
  if (watch_ && !has_more_) watch_->rearm();
}

std::optional<ferry::StreamState> Subscription::state() const {
  if (!consumer_) return std::nullopt;
  return consumer_->state();
}

void Subscription::attach_if_due() {
  const auto now_ns = examples::monotonic_ns();
  if (watch_ || now_ns < next_attach_ns_) return;
  next_attach_ns_ = now_ns + kAttachIntervalNs;
  try {
    auto consumer = std::make_unique<ferry::Consumer>(
        connection_, device_, ferry::AttachOptions{.name = stream_, .mode = mode_, .max_holds = 2});
    let_go();
    consumer_ = std::move(consumer);
    watch_ = std::make_unique<FrameWatch>(consumer_->fd(), wake_);
    condition_ = Condition::kLive;
    remark_.clear();
    stats_ = {};
  } catch (const ferry::Error& error) {
    if (condition_ == Condition::kWaiting) remark_ = error.what();  // else why the last lease ended says more
  }
}

void Subscription::take_events() {
  while (const auto event = consumer_->next_event()) note(*event);
}

void Subscription::note(const ferry::Event& event) {
  switch (event.type) {
    case FERRY_EVENT_ORPHANED:
      condition_ = Condition::kOrphaned;
      remark_ = "the producer is gone; this is its last frame";
      break;
    case FERRY_EVENT_RESUMED:
      condition_ = Condition::kLive;
      remark_.clear();
      break;
    case FERRY_EVENT_GENERATION:
      if (condition_ == Condition::kLive) remark_.clear();  // of a generation that failed
      break;
    case FERRY_EVENT_GENERATION_FAILED:
      remark_ = event.reason;
      break;
    default:
      break;  // CLOSED and EVICTED: acquire() says so after the last frame
  }
}

void Subscription::take_frames() try {
  has_more_ = false;
  while (const auto next = consumer_->acquire(ferry::kNoWait)) {
    stats_.add(*next, examples::monotonic_ns());
    if (examples::is_yuv(next->format)) {
      consumer_->release(*next, FERRY_RELEASE_UNUSED);
      remark_ = "the stream is " + std::string(examples::format_name(next->format)) + ", which this viewer does not show";
      continue;
    }
    const auto last = std::exchange(shown_, ShownFrame{*next});
    if (last && last->was_drawn) returner_.give_back(*consumer_, last->frame);
    if (last && !last->was_drawn) consumer_->release(last->frame, FERRY_RELEASE_UNUSED);
    has_more_ = mode_ == FERRY_CONSUMER_EVERY;  // each of them wants to be seen
    if (has_more_) return;
  }
} catch (const ferry::Error& error) {
  if (error.code() == FERRY_ERROR_STREAM_CLOSED) {
    end_lease(Condition::kClosed, "the stream has ended; this is its last frame");
  } else if (error.code() == FERRY_ERROR_EVICTED) {
    end_lease(Condition::kEvicted, error.what());
    let_go();  // nobody keeps the producer from drawing over an evicted viewer's frame
  } else {
    throw;
  }
}

void Subscription::end_lease(Condition condition, std::string remark) {
  condition_ = condition;
  remark_ = std::move(remark);
  watch_.reset();
  has_more_ = false;
  next_attach_ns_ = examples::monotonic_ns() + kAttachIntervalNs;  // a stream of that name may come again
}

void Subscription::let_go() {
  watch_.reset();
  const auto consumer = std::exchange(consumer_, nullptr);
  const auto last = std::exchange(shown_, std::nullopt);
  if (!consumer) return;
  try {
    if (last && last->was_drawn) returner_.give_back(*consumer, last->frame);
  } catch (const ferry::Error&) {
    // An evicted lease takes nothing back.
  }
  returner_.wait_idle();  // what draws the frame names its view, and that goes with the consumer
}

}  // namespace viewer
