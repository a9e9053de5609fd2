#pragma once
// Sync mode timeline shows frames while their GPU draws them. Here is decided which of those a consumer's queue must not be made to
// wait for, because the work behind them is stuck or died with its process; a wait on a GPU has no deadline.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "client/src/completion_queue.h"
#include "proto/ids.h"
#include "proto/pages/stream_page.h"

namespace ferry::client {

/// The newest frame before @p first_unfinished that nobody has overwritten; FrameTaker::kUnbounded when there is none: an
/// unfinished picture is better than none, and waits for nobody any more.
std::uint64_t newest_finished_before(std::uint64_t first_unfinished, proto::StreamPageReader stream);

/// One thread at a time, but for the end of stuck work, which a thread of its own sees.
class UnfinishedWork {
 public:
  /// The acquire timeline of a generation; null where it is not imported.
  using FindTimeline = std::function<std::shared_ptr<platform::Timeline>(proto::GenerationId)>;

  /// @p finished: called on that thread when stuck work has come to its end after all.
  explicit UnfinishedWork(std::function<void()> finished) : finished_(std::move(finished)) {}

  /// Whether look() may say something new. Cheap; asked before every frame that is taken.
  bool is_due(std::int64_t now_ns) const { return is_stuck_ || now_ns >= next_look_ns_; }
  /// The newest frame that may be taken (FrameTaker::set_bound). Allocates only when work is stuck.
  std::uint64_t look(proto::StreamPageReader stream, const FindTimeline& timeline_of, std::int64_t now_ns);
  /// Joins the thread: at most the second in which it looks at a silent GPU.
  void stop() { watcher_.reset(); }

 private:
  struct Nothing {};

  void watch(std::shared_ptr<platform::Timeline> timeline, std::uint64_t point);

  std::function<void()> finished_;
  bool is_stuck_ = false;
  std::int64_t next_look_ns_ = 0;
  std::atomic<bool> watches_{false};
  std::unique_ptr<CompletionQueue<Nothing>> watcher_;
};

}  // namespace ferry::client
