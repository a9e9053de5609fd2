#pragma once
// begin(), as far as the shared pages go: finds a slot that no living lease holds. No system calls, no locks, no
// allocation.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "proto/frame_taker.h"
#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"
#include "proto/pages/verdict_page.h"

namespace ferry::proto {

/// One lease as the producer sees it. What the broker said, and the page the consumer writes.
struct LeaseView {
  LeasePageReader page;
  std::uint32_t index;
  LeaseId id;
  ConsumerMode mode;
  std::uint32_t queue_depth;
};

/// What the GPUs of those who have let go of a slot may still be doing with it.
enum class Reads : std::uint8_t {
  kDone,     ///< nothing
  kPending,  ///< reading it: whoever draws into it has to wait for them on the GPU
  kStuck,    ///< getting nowhere: whoever waited for them might wait for ever
};

/// Tells a SlotChooser what the pages cannot: how far the GPUs of consumers are.
class PendingReads {
 public:
  virtual ~PendingReads() = default;
  /// Of all consumers of @p slot, which no other one can come to read meanwhile. kStuck: sets a bit in @p blockers for each lease that is.
  virtual Reads reads_of(std::uint32_t slot, VerdictPageReader verdict,
                         std::span<std::uint64_t, kMaxLeases / 64> blockers) = 0;
};

class SlotChooser {
 public:
  struct Choice {
    std::uint32_t slot;
    std::uint64_t previous_sequence;  ///< the frame that is lost when the slot is drawn; 0: none
    bool is_read = false;             ///< by GPUs that are to be waited for
  };

  SlotChooser(StreamPageWriter stream, QueuePolicy policy) : stream_(stream), policy_(policy) {}

  /// From now on slots are chosen among @p slot_count fresh ones. What was begun in the old generation may still be
  /// published (publish() below takes its generation from the record); it is not chosen again.
  void start_generation(GenerationId g, std::uint32_t slot_count);

  /// A slot nobody holds, now begun: no consumer can take its old frame any more. Prefers slots that no GPU reads, of
  /// these the ones that hold no frame, then the oldest frame; never the newest one, which stays on show. So a consumer
  /// whose GPU has stopped keeps the slots that it has read last, and the producer's queue waits for none of them as long as
  /// there are others. Nothing when every slot is begun, held, stuck or kept for an `every` queue: @p blockers then has
  /// a bit set for each lease index in the way.
  std::optional<Choice> choose(VerdictPageReader verdict, std::span<const LeaseView> leases,
                               std::span<std::uint64_t, kMaxLeases / 64> blockers, PendingReads& reads);

  /// The begun slot of @p record is complete as far as others may know: it is the newest frame now.
  void publish(const FrameRecord& record);
  /// Frame @p sequence is the newest that some consumers can see: it stays on show beside the newest one; 0: none does.
  void keep_on_show(std::uint64_t sequence) { kept_ = sequence; }
  /// The begun slot will not become a frame. What it held before is lost too, unless nothing was @p drawn.
  void cancel(GenerationId g, const Choice& choice, bool drawn);

  GenerationId generation() const { return generation_; }
  std::uint32_t slot_count() const { return slot_count_; }

 private:
  struct Slot {
    std::uint64_t sequence = 0;  ///< the frame in it; 0: none
    bool begun = false;
  };

  bool is_free(std::uint32_t slot, VerdictPageReader verdict, std::span<const LeaseView> leases,
               std::span<std::uint64_t, kMaxLeases / 64> blockers) const;
  bool try_slot(std::uint32_t slot, VerdictPageReader verdict, std::span<const LeaseView> leases,
                std::span<std::uint64_t, kMaxLeases / 64> blockers);
  /// Of those in the bits of @p among; kMaxSlots: none.
  std::uint32_t best_of(std::uint64_t among) const;

  StreamPageWriter stream_;
  QueuePolicy policy_;
  GenerationId generation_{};
  std::uint32_t slot_count_ = 0;
  std::uint64_t newest_ = 0;  ///< sequence published last, of any generation
  std::uint64_t kept_ = 0;
  std::array<Slot, kMaxSlots> slots_{};
};

}  // namespace ferry::proto
