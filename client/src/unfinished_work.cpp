#include "client/src/unfinished_work.h"

#include <utility>

#include "proto/frame_taker.h"
#include "proto/pages/recent_frames.h"

namespace ferry::client {
namespace {

using proto::FrameRecord;
using proto::FrameTaker;
using proto::GenerationId;

// For how long a GPU may be at work on a frame before that counts as stuck.
constexpr std::uint64_t kPatienceNs = 1'000'000'000;
constexpr std::int64_t kBetweenLooksNs = 200'000'000;

bool is_intact(const FrameRecord& record, proto::StreamPageReader stream) {
  return record.slot < proto::kMaxSlots && stream.slot_sequence(GenerationId{record.generation}, record.slot) == record.sequence;
}

}  // namespace

std::uint64_t newest_finished_before(std::uint64_t first_unfinished, proto::StreamPageReader stream) {
  std::uint64_t newest = FrameTaker::kUnbounded;
  proto::for_each_recent_frame(stream, [&](const FrameRecord& record) {
    if (record.sequence >= first_unfinished || !is_intact(record, stream)) return true;
    newest = record.sequence;
    return false;
  });
  return newest;
}

std::uint64_t UnfinishedWork::look(proto::StreamPageReader stream, const FindTimeline& timeline_of, std::int64_t now_ns) {
  next_look_ns_ = now_ns + kBetweenLooksNs;
  std::uint64_t newest_finished = 0, reached = 0;
  FrameRecord oldest_unfinished{};
  GenerationId looked_at{};
  std::shared_ptr<platform::Timeline> timeline;
  proto::for_each_recent_frame(stream, [&](const FrameRecord& record) {
    const GenerationId g{record.generation};
    if (g != looked_at) {
      looked_at = g;
      timeline = timeline_of(g);
      const auto value = timeline ? timeline->value() : proto::Result<std::uint64_t>(0);
      if (!value) timeline = nullptr;  // its device is lost, and whoever asks it for a frame is told
      else reached = *value;
    }
    if (timeline && record.acquire_point > reached && platform::can_reach(reached, record.acquire_point)) {
      oldest_unfinished = record;
    } else if (timeline && is_intact(record, stream)) {
      newest_finished = record.sequence;
      return false;  // points come in order: what is older is finished, too
    }
    return true;
  });
  const auto now = static_cast<std::uint64_t>(now_ns), drawn = oldest_unfinished.produced_ns;  // a stranger's number
  is_stuck_ = oldest_unfinished.sequence != 0 && drawn < now && now - drawn > kPatienceNs;
  if (!is_stuck_) return FrameTaker::kUnbounded;
  watch(timeline_of(GenerationId{oldest_unfinished.generation}), oldest_unfinished.acquire_point);
  return newest_finished;
}

/// Nobody rings for a frame that is finished: it was on show before.
void UnfinishedWork::watch(std::shared_ptr<platform::Timeline> timeline, std::uint64_t point) {
  if (watches_.exchange(true)) return;
  if (!watcher_)
    watcher_ = std::make_unique<CompletionQueue<Nothing>>([this](Nothing&, const proto::Result<void>&) {
      watches_ = false;
      finished_();
    });
  watcher_->push({std::move(timeline), point, {}});
}

}  // namespace ferry::client
