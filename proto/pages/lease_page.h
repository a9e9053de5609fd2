#pragma once
// The lease page: written by one consumer, read by the broker and the stream's producer.

#include "proto/histogram.h"
#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/pages/page.h"

namespace ferry::proto {

/// What the consumer does with one slot index. The producer cares for its current generation only: older ones it
/// never writes again.
struct SlotHold {
  AtomicU64 held;           ///< generation in which the consumer holds this slot; 0: it does not
  AtomicU64 release_point;  ///< value of the lease's release timeline after which the last reading is done; 0: nothing
                            ///< to wait for (and always in sync mode host, where `held` lasts until the GPU is done)
};

struct LeasePage {
  PageHeader header;
  PageWriter writer;

  alignas(kCacheLine) AtomicU64 cursor;  ///< newest sequence taken; an `every` queue is published - cursor frames long
  AtomicU64 arm_ticket;  ///< not 0: ring the lease channel at the next frame, once for each value
  AtomicU32 sleeping;    ///< 1 while acquire() sleeps on the stream page's doorbell: FUTEX_WAKE it
  AtomicU32 reserved;

  alignas(kCacheLine) AtomicU64 acquired;  ///< frames taken
  AtomicU64 skipped;                       ///< frames published and never taken by this consumer
  AtomicU64 heartbeat_ns;                  ///< CLOCK_MONOTONIC of the last acquire()

  alignas(kCacheLine) SlotHold slots[kMaxSlots];

  alignas(kCacheLine) AtomicU32 latency[LatencyHistogram::kBuckets];  ///< publish -> acquire, LatencyHistogram's buckets
};
static_assert(sizeof(LeasePage) == 64 + 64 + 64 + 1024 + 384);

/// The consumer's side. One thread at a time, but for let_go(), which sync mode host calls from its own thread.
class LeasePageWriter {
 public:
  explicit LeasePageWriter(LeasePage& page) : page_(page) {}

  /// PAIR slot-overwrite: seq_cst, before the re-check of StreamPageReader::slot_sequence.
  void hold(GenerationId g, std::uint32_t slot) {
    page_.slots[slot].held.store(raw(g), std::memory_order_seq_cst);
  }
  /// The consumer reads no more. @p release_point first, so that whoever sees the slot free also sees what to wait for.
  /// It never falls: a frame of an older generation in the same slot may be let go after a newer one.
  void let_go(GenerationId g, std::uint32_t slot, std::uint64_t release_point) {
    SlotHold& s = page_.slots[slot];
    if (release_point > s.release_point.load(std::memory_order_relaxed))
      s.release_point.store(release_point, std::memory_order_seq_cst);
    std::uint64_t expected = raw(g);  // a newer generation's hold on the same index stays
    s.held.compare_exchange_strong(expected, 0, std::memory_order_seq_cst);
  }
  void set_cursor(std::uint64_t sequence) { page_.cursor.store(sequence, std::memory_order_seq_cst); }
  void set_sleeping(bool on) { page_.sleeping.store(on ? 1 : 0, std::memory_order_seq_cst); }
  void arm(std::uint64_t ticket) { page_.arm_ticket.store(ticket, std::memory_order_seq_cst); }

  void count_acquired(std::uint64_t skipped, std::uint64_t now_ns) {
    bump(page_.acquired, 1);
    if (skipped != 0) bump(page_.skipped, skipped);
    page_.heartbeat_ns.store(now_ns, std::memory_order_relaxed);
  }
  void count_latency(std::uint64_t ns) {
    AtomicU32& bucket = page_.latency[LatencyHistogram::bucket_of(ns)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  LeasePage& page() { return page_; }

 private:
  static void bump(AtomicU64& word, std::uint64_t by) {  // one writer: no locked instruction needed
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  LeasePage& page_;
};

class LeasePageReader {
 public:
  explicit LeasePageReader(const LeasePage& page) : page_(&page) {}

  /// PAIR slot-overwrite: seq_cst, after StreamPageWriter::begin_overwrite.
  bool holds(GenerationId g, std::uint32_t slot) const {
    return page_->slots[slot].held.load(std::memory_order_seq_cst) == raw(g);
  }
  std::uint64_t release_point(std::uint32_t slot) const {
    return page_->slots[slot].release_point.load(std::memory_order_seq_cst);
  }
  std::uint64_t cursor() const { return page_->cursor.load(std::memory_order_seq_cst); }
  bool sleeps() const { return page_->sleeping.load(std::memory_order_seq_cst) != 0; }
  std::uint64_t arm_ticket() const { return page_->arm_ticket.load(std::memory_order_seq_cst); }

  const LeasePage& page() const { return *page_; }

 private:
  const LeasePage* page_;
};

}  // namespace ferry::proto
