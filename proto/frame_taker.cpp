#include "proto/frame_taker.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ferry::proto {
namespace {
// A producer that laps us while we look makes us look again, at most at the whole ring and then at what came meanwhile;
// one that lies must not keep us here.
constexpr int kMaxTries = 2 * kRingFrames;
}  // namespace

FrameTaker::FrameTaker(StreamPageReader stream, LeasePageWriter lease, std::uint32_t lease_index, LeaseId id,
                       ConsumerMode mode, std::uint32_t queue_depth, QueuePolicy policy)
    : stream_(stream),
      lease_(lease),
      lease_index_(lease_index),
      id_(id),
      mode_(mode),
      queue_depth_(queue_depth),
      policy_(policy) {
  lease_.set_cursor(kNotReading);
}

/// The records that are left of the frames that may still be taken, oldest first; the last frame taken stands for those
/// to come when there is none.
template <class Visit>
void FrameTaker::for_each_unread(Visit visit) const {
  const std::uint64_t published = stream_.published();
  std::uint64_t sequence = std::min(next_wanted(newest()), published);
  if (published - sequence >= kRingFrames) sequence = published - kRingFrames + 1;
  for (std::uint64_t left = published - sequence + 1; left != 0; --left, ++sequence)
    if (const auto record = stream_.read(sequence)) visit(*record);
}

void FrameTaker::add_generation(GenerationId g, std::uint32_t slot_count, std::uint32_t width_px,
                                std::uint32_t height_px) {
  // Frames come in the order of their generations: nothing older than the first one that is left is wanted any more.
  std::optional<GenerationId> first;
  std::array<bool, kMaxGenerations> has_frame{};
  for_each_unread([&](const FrameRecord& record) {
    const GenerationId its{record.generation};
    if (!first) first = its;
    if (record.slot >= kMaxSlots || stream_.slot_sequence(its, record.slot) != record.sequence) return;  // overwritten
    for (std::size_t i = 0; i < generations_.size(); ++i)
      if (generations_[i].id == its) has_frame[i] = true;
  });
  for (KnownGeneration& known : generations_)
    if (first && raw(known.id) < raw(*first)) known = {};

  std::size_t replaced = 0;
  for (std::size_t i = 1; i < generations_.size(); ++i)
    if (std::pair(has_frame[i], raw(generations_[i].id)) < std::pair(has_frame[replaced], raw(generations_[replaced].id)))
      replaced = i;
  generations_[replaced] = {g, slot_count, width_px, height_px};
}

void FrameTaker::remove_generation(GenerationId g) {
  for (auto& known : generations_)
    if (known.id == g) known = {};
}

void FrameTaker::switch_producer(StreamPageReader stream, QueuePolicy policy) {
  stream_ = stream;
  policy_ = policy;
  orphaned_ = false;
  fenced_ = 0;
  bound_ = kUnbounded;
}

/// The newest frame that this consumer may see.
std::uint64_t FrameTaker::visible() const {
  if (!completed_only_) return std::min(stream_.published(), bound_);
  return std::max(stream_.completed(), std::min(fenced_, stream_.published()));
}

const FrameTaker::KnownGeneration* FrameTaker::find(GenerationId g) const {
  for (const auto& known : generations_)
    if (known.id == g && known.slot_count != 0) return &known;
  return nullptr;
}

/// Ids only grow and arrive in order, so a generation that is not known while a later one is will never be.
bool FrameTaker::is_outdated(GenerationId g) const {
  return std::any_of(generations_.begin(), generations_.end(),
                     [g](const KnownGeneration& known) { return known.slot_count != 0 && raw(known.id) > raw(g); });
}

/// The newest frame to be had. The images of an orphan's newest ones may have gone with its producer and its broker, for good:
/// then the newest one of a generation that is here.
std::uint64_t FrameTaker::newest() const {
  const std::uint64_t published = visible();
  if (!orphaned_) return published;
  for (std::uint64_t sequence = published; sequence > 0 && published - sequence < kRingFrames; --sequence) {
    const auto record = stream_.read(sequence);
    if (!record) continue;
    const GenerationId g{record->generation};
    if (find(g) != nullptr || is_outdated(g)) return sequence;
  }
  return published;
}

void FrameTaker::start_reading() {
  reading_ = true;
  // From the newest frame on. As long as it is the newest nobody overwrites it, so once the cursor is out and no newer
  // one has come, the producer has seen it before it looks at that frame's slot, and an `every` queue starts whole.
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const std::uint64_t published = newest();
    cursor_ = published == 0 ? 0 : published - 1;
    lease_.set_cursor(cursor_);
    if (newest() == published) break;
  }
  counted_ = cursor_;
}

FrameTaker::Look FrameTaker::look_at(std::uint64_t sequence, FrameRecord& out) {
  const auto record = stream_.read(sequence);
  if (!record) return Look::kGone;
  const GenerationId g{record->generation};
  const KnownGeneration* known = find(g);
  if (known == nullptr) return is_outdated(g) ? Look::kUnusable : Look::kLate;
  if (!frame_record_valid(*record, known->width_px, known->height_px) || record->slot >= known->slot_count)
    return Look::kRubbish;
  // PAIR slot-overwrite: announce the hold, then look whether the producer had begun. It does the same the other
  // way round (SlotChooser::try_slot), so at least one of the two sees the other.
  lease_.hold(g, record->slot);
  if (stream_.slot_sequence(g, record->slot) != sequence) {
    lease_.let_go(g, record->slot, 0);
    return Look::kGone;
  }
  out = *record;
  return Look::kTaken;
}

std::uint64_t FrameTaker::next_wanted(std::uint64_t published) const {
  if (mode_ == ConsumerMode::kLatest) return published;
  const std::uint32_t kept = policy_ == QueuePolicy::kBlock ? kRingFrames : queue_depth_;
  const std::uint64_t oldest_kept = published >= kept ? published - kept + 1 : 1;
  return std::max(cursor_ + 1, oldest_kept);
}

/// Wants nothing up to @p sequence any more. After the hold, so that a producer which sees the cursor pass a frame also
/// sees the hold on its slot.
void FrameTaker::pass(std::uint64_t sequence) {
  cursor_ = sequence;
  lease_.set_cursor(sequence);
}

std::uint64_t FrameTaker::count_skipped(std::uint64_t sequence) {
  if (counted_ == 0) {  // reading began before this producer's first frame
    const std::uint64_t first = stream_.first_sequence();
    counted_ = (first == 0 || first > sequence ? sequence : first) - 1;
  }
  const std::uint64_t skipped = sequence - counted_ - 1;
  counted_ = sequence;
  return skipped;
}

FrameTaker::Outcome FrameTaker::try_take(Taken& out) {
  if (!orphaned_ && !stream_.is_admitted(lease_index_, id_)) return Outcome::kNotAdmitted;
  if (!reading_) start_reading();
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const std::uint64_t published = newest();
    if (published <= cursor_) return Outcome::kNothing;
    const std::uint64_t wanted = next_wanted(published);
    switch (look_at(wanted, out.record)) {
      case Look::kTaken:
        out.skipped = count_skipped(wanted);
        pass(wanted);
        return Outcome::kTaken;
      case Look::kGone:
        // In order means: when one is gone, the next one that is left. The newest is never gone for long.
        if (mode_ == ConsumerMode::kEvery && wanted < published) pass(wanted);
        break;
      case Look::kUnusable: pass(wanted); break;
      case Look::kLate: return Outcome::kGenerationLate;
      case Look::kRubbish: return Outcome::kRubbish;
    }
  }
  return Outcome::kNothing;
}

}  // namespace ferry::proto
