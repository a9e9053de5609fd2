#include "proto/frame_taker.h"

#include <algorithm>

namespace ferry::proto {
namespace {
// A producer that laps us while we look makes us look again; one that lies must not keep us here.
constexpr int kMaxTries = 64;
}  // namespace

FrameTaker::FrameTaker(StreamPageReader stream, LeasePageWriter lease, std::uint32_t lease_index, LeaseId id,
                       ConsumerMode mode, std::uint32_t queue_depth)
    : stream_(stream), lease_(lease), lease_index_(lease_index), id_(id), mode_(mode), queue_depth_(queue_depth) {
  lease_.set_cursor(kNotReading);
}

void FrameTaker::add_generation(GenerationId g, std::uint32_t slot_count, std::uint32_t width_px,
                                std::uint32_t height_px) {
  auto* oldest = std::min_element(generations_.begin(), generations_.end(),
                                  [](const auto& a, const auto& b) { return raw(a.id) < raw(b.id); });
  *oldest = {g, slot_count, width_px, height_px};
}

void FrameTaker::remove_generation(GenerationId g) {
  for (auto& known : generations_)
    if (known.id == g) known = {};
}

void FrameTaker::switch_producer(StreamPageReader stream) {
  stream_ = stream;
  orphaned_ = false;
}

const FrameTaker::KnownGeneration* FrameTaker::find(GenerationId g) const {
  for (const auto& known : generations_)
    if (known.id == g && known.slot_count != 0) return &known;
  return nullptr;
}

FrameTaker::Outcome FrameTaker::try_take_sequence(std::uint64_t sequence, FrameRecord& out, bool& gone) {
  gone = false;
  const auto record = stream_.read(sequence);
  if (!record) {
    gone = true;
    return Outcome::kNothing;
  }
  const GenerationId g{record->generation};
  const KnownGeneration* known = find(g);
  if (known == nullptr) return Outcome::kGenerationLate;
  if (!frame_record_valid(*record, known->width_px, known->height_px) || record->slot >= known->slot_count)
    return Outcome::kRubbish;
  // PAIR slot-overwrite: announce the hold, then look whether the producer had begun. It does the same the other
  // way round (SlotChooser::try_slot), so at least one of the two sees the other.
  lease_.hold(g, record->slot);
  if (stream_.slot_sequence(g, record->slot) != sequence) {
    lease_.let_go(g, record->slot, 0);
    gone = true;
    return Outcome::kNothing;
  }
  out = *record;
  return Outcome::kTaken;
}

FrameTaker::Outcome FrameTaker::try_take(Taken& out) {
  if (!orphaned_ && !stream_.is_admitted(lease_index_, id_)) return Outcome::kNotAdmitted;
  if (!reading_) {
    reading_ = true;
    const std::uint64_t published = stream_.published();
    cursor_ = published == 0 ? 0 : published - 1;
    lease_.set_cursor(cursor_);
  }
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const std::uint64_t published = stream_.published();
    if (published <= cursor_) return Outcome::kNothing;

    std::uint64_t wanted = published;
    if (mode_ == ConsumerMode::kEvery) {
      const std::uint64_t oldest_kept = published >= queue_depth_ ? published - queue_depth_ + 1 : 1;
      wanted = std::max(cursor_ + 1, oldest_kept);
    }
    bool gone = false;
    Outcome outcome = try_take_sequence(wanted, out.record, gone);
    // In order means: when one is gone, the next one that is left.
    while (gone && mode_ == ConsumerMode::kEvery && wanted < published)
      outcome = try_take_sequence(++wanted, out.record, gone);
    if (outcome == Outcome::kTaken) {
      out.skipped = cursor_ == 0 ? 0 : wanted - cursor_ - 1;
      cursor_ = wanted;
      // After the hold, so that a producer which sees the cursor pass a frame also sees the hold on its slot.
      lease_.set_cursor(cursor_);
      return outcome;
    }
    if (outcome != Outcome::kNothing) return outcome;
  }
  return Outcome::kNothing;
}

}  // namespace ferry::proto
