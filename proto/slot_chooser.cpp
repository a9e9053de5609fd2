#include "proto/slot_chooser.h"

#include <algorithm>

namespace ferry::proto {
namespace {

#ifdef FERRY_TEST_IGNORE_HOLDS  // tests/: proves that the tearing test sees a broken protocol
constexpr bool kHeedsHolds = false;
#else
constexpr bool kHeedsHolds = true;
#endif

void mark(std::span<std::uint64_t, kMaxLeases / 64> bits, std::uint32_t index) {
  bits[index / 64] |= std::uint64_t{1} << (index % 64);
}

std::uint64_t unread(std::uint64_t newest, std::uint64_t cursor) { return newest > cursor ? newest - cursor : 0; }

}  // namespace

void SlotChooser::start_generation(GenerationId g, std::uint32_t slot_count) {
  generation_ = g;
  slot_count_ = std::min(slot_count, kMaxSlots);
  slots_ = {};
  stream_.start_generation(g);
}

bool SlotChooser::is_free(std::uint32_t slot, VerdictPageReader verdict, std::span<const LeaseView> leases,
                          std::span<std::uint64_t, kMaxLeases / 64> blockers) const {
  bool free = true;
  const std::uint64_t sequence = slots_[slot].sequence;
  for (const LeaseView& lease : leases) {
    if (!verdict.is_alive(lease.index, lease.id)) continue;
    bool blocked = false;
    if (sequence != 0 && lease.mode == ConsumerMode::kEvery) {
      // The cursor first: once it has passed a frame, the hold that came before it is visible below.
      const bool queued = sequence > lease.page.cursor();
      blocked = queued && (policy_ == QueuePolicy::kBlock || newest_ - sequence < lease.queue_depth);
    }
    if (!blocked) blocked = lease.page.holds(generation_, slot);
    if (blocked && kHeedsHolds) {
      mark(blockers, lease.index);
      free = false;
    }
  }
  return free;
}

bool SlotChooser::try_slot(std::uint32_t slot, VerdictPageReader verdict, std::span<const LeaseView> leases,
                           std::span<std::uint64_t, kMaxLeases / 64> blockers) {
  // Twice. Before, because a frame that is off show, if only for the moment until it is restored, is lost to an `every`
  // consumer that looks at it then; and no such consumer wants a frame again that it did not want once. After, because
  // only then is it sure that nobody has taken it meanwhile.
  if (!is_free(slot, verdict, leases, blockers)) return false;
  // PAIR slot-overwrite: take the frame off show, then look for holds. A consumer announces its hold and then looks
  // whether the frame is still on show (FrameTaker::look_at).
  stream_.begin_overwrite(generation_, slot);
  if (is_free(slot, verdict, leases, blockers)) return true;
  stream_.restore(generation_, slot, slots_[slot].sequence);
  return false;
}

std::uint32_t SlotChooser::best_of(std::uint64_t among) const {
  std::uint32_t best = kMaxSlots;
  for (std::uint32_t i = 0; i < slot_count_; ++i) {
    if (slots_[i].begun || (among >> i & 1) == 0) continue;
    if (slots_[i].sequence != 0 && (slots_[i].sequence == newest_ || slots_[i].sequence == kept_)) continue;  // stays on show
    if (best == kMaxSlots || slots_[i].sequence < slots_[best].sequence) best = i;
  }
  return best;
}

std::optional<SlotChooser::Choice> SlotChooser::choose(VerdictPageReader verdict, std::span<const LeaseView> leases,
                                                       std::span<std::uint64_t, kMaxLeases / 64> blockers, PendingReads& reads) {
  std::fill(blockers.begin(), blockers.end(), 0);
  if (policy_ == QueuePolicy::kBlock) {
    bool full = false;
    for (const LeaseView& lease : leases) {
      if (lease.mode != ConsumerMode::kEvery || !verdict.is_alive(lease.index, lease.id)) continue;
      if (unread(newest_, lease.page.cursor()) >= lease.queue_depth) {
        mark(blockers, lease.index);
        full = true;
      }
    }
    if (full) return std::nullopt;
  }

  static_assert(kMaxSlots <= 64, "a bit per slot");
  std::uint64_t untried = ~std::uint64_t{0}, pending = 0;
  for (const bool may_be_pending : {false, true}) {
    for (std::uint32_t best; (best = best_of(untried)) != kMaxSlots;) {
      const std::uint64_t bit = std::uint64_t{1} << best;
      untried &= ~bit;
      if (!try_slot(best, verdict, leases, blockers)) continue;
      // Now that nobody else can come to read it.
      const Reads seen = reads.reads_of(best, verdict, blockers);
      if (seen == Reads::kDone || (seen == Reads::kPending && may_be_pending)) {
        slots_[best].begun = true;
        return Choice{best, slots_[best].sequence, seen == Reads::kPending};
      }
      stream_.restore(generation_, best, slots_[best].sequence);
      if (seen == Reads::kPending) pending |= bit;
    }
    untried = pending;
  }
  return std::nullopt;
}

void SlotChooser::publish(const FrameRecord& record) {
  newest_ = record.sequence;
  if (GenerationId{record.generation} == generation_) {
    slots_[record.slot].begun = false;
    slots_[record.slot].sequence = record.sequence;
  }
  stream_.publish(record);
}

void SlotChooser::cancel(GenerationId g, const Choice& choice, bool drawn) {
  if (g != generation_) return;
  Slot& slot = slots_[choice.slot];
  slot.begun = false;
  if (drawn)
    slot.sequence = 0;
  else
    stream_.restore(g, choice.slot, choice.previous_sequence);
}

}  // namespace ferry::proto
