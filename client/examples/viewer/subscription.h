#pragma once
// One stream that the window shows: attached when it can be, its newest frame, and what is to be said about it.

#include <array>
#include <cstdint>
#include <ferry/ferry.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/examples/common/stats.h"
#include "client/examples/viewer/frame_returner.h"
#include "client/examples/viewer/frame_watch.h"

namespace viewer {

enum class Condition : std::uint8_t { kWaiting, kLive, kOrphaned, kClosed, kEvicted };
const char* to_string(Condition condition);

/// Of the frames acquired so far, for the panel.
struct FrameStats {
  static constexpr std::size_t kHistory = 160;

  std::array<float, kHistory> latency_ms{};  ///< a ring: publish to acquire
  std::size_t next = 0;
  std::uint64_t acquired = 0, skipped = 0;
  examples::RateMeter rate;

  void add(const ferry::Frame& frame, std::int64_t now_ns);
};

class Subscription {
 public:
  /// The references must outlive it. @p wake is called from another thread when update() has something to do.
  Subscription(const ferry::Connection& connection, const ferry::Device& device, FrameReturner& returner,
               std::string stream, ferry_consumer_mode mode, std::function<void()> wake);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// Takes what came since the last call: events and frames; tries to attach, once a second, while there is no lease.
  void update();
  /// Mode EVERY: another frame may be waiting already.
  bool has_more() const { return has_more_; }

  /// The frame on show, nullptr if none. It stays while the stream is orphaned or closed.
  const ferry::Frame* frame() const { return shown_ ? &shown_->frame : nullptr; }
  /// The submission to come is the first that uses it: it has to wait, and to take the image over.
  bool is_fresh() const { return shown_ && !shown_->was_drawn; }
  void mark_drawn() { shown_->was_drawn = true; }

  const std::string& stream() const { return stream_; }
  ferry_consumer_mode mode() const { return mode_; }
  Condition condition() const { return condition_; }
  const std::string& remark() const { return remark_; }  ///< why it is as it is, in words; may be empty
  const FrameStats& stats() const { return stats_; }
  std::optional<ferry::StreamState> state() const;

 private:
  struct ShownFrame {
    ferry::Frame frame;
    bool was_drawn = false;
  };

  void attach_if_due();
  void take_events();
  void take_frames();
  void note(const ferry::Event& event);
  void end_lease(Condition condition, std::string remark);
  void let_go();

  const ferry::Connection& connection_;
  const ferry::Device& device_;
  FrameReturner& returner_;
  std::string stream_;
  ferry_consumer_mode mode_;
  std::function<void()> wake_;

  std::unique_ptr<ferry::Consumer> consumer_;  ///< kept after the stream has closed: it owns the frame on show
  std::unique_ptr<FrameWatch> watch_;          ///< null once there is nothing more to come
  std::optional<ShownFrame> shown_;
  Condition condition_ = Condition::kWaiting;
  std::string remark_;
  bool has_more_ = false;
  std::int64_t next_attach_ns_ = 0;
  FrameStats stats_;
};

}  // namespace viewer
