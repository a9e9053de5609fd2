#pragma once
// The verdict page: one a stream, written by the broker, read by the stream's producer and consumers. It is what the
// hot paths look at; the message that goes with a change says the same at leisure, and why.

#include "proto/ids.h"
#include "proto/limits.h"
#include "proto/pages/page.h"

namespace ferry::proto {

enum class StreamState : std::uint32_t {
  kLive = 1,      ///< has a producer
  kOrphaned = 2,  ///< its producer died: the last complete frame stays on show, another may take over
  kPoisoned = 3,  ///< its device was lost: no frame of the current generation can be trusted
  kClosed = 4,    ///< ended by its producer, for good
};

struct LeaseVerdict {
  AtomicU64 alive;  ///< id of the living lease at this index; 0: none, whatever its page says
};

struct VerdictPage {
  PageHeader header;

  alignas(kCacheLine) AtomicU32 doorbell;  ///< futex word; moves with every change of this page
  AtomicU32 state;                         ///< StreamState
  AtomicU32 generation;                    ///< newest generation that exists
  AtomicU32 producers;                     ///< how many producers the stream has had
  AtomicU64 first_unfinished;              ///< kOrphaned: from this frame on the producer's GPU work died with it; 0: none did,
                                           ///< or the broker cannot tell

  alignas(kCacheLine) LeaseVerdict leases[kMaxLeases];
};
static_assert(sizeof(VerdictPage) == 64 + 64 + 2048);

/// The broker's side. ring() after the changes, then FUTEX_WAKE the doorbell (platform/).
class VerdictPageWriter {
 public:
  explicit VerdictPageWriter(VerdictPage& page) : page_(page) {}

  void set_state(StreamState state) { page_.state.store(static_cast<std::uint32_t>(state), std::memory_order_seq_cst); }
  void set_generation(GenerationId g) { page_.generation.store(raw(g), std::memory_order_seq_cst); }
  void set_producers(std::uint32_t n) { page_.producers.store(n, std::memory_order_seq_cst); }
  /// Before the state that it belongs to.
  void set_first_unfinished(std::uint64_t sequence) { page_.first_unfinished.store(sequence, std::memory_order_seq_cst); }
  void set_lease(std::uint32_t index, LeaseId lease) { page_.leases[index].alive.store(raw(lease), std::memory_order_seq_cst); }
  void clear_lease(std::uint32_t index) { page_.leases[index].alive.store(0, std::memory_order_seq_cst); }
  void ring() { page_.doorbell.fetch_add(1, std::memory_order_seq_cst); }

  VerdictPage& page() { return page_; }

 private:
  VerdictPage& page_;
};

class VerdictPageReader {
 public:
  explicit VerdictPageReader(const VerdictPage& page) : page_(&page) {}

  StreamState state() const { return static_cast<StreamState>(page_->state.load(std::memory_order_seq_cst)); }
  GenerationId generation() const { return GenerationId{page_->generation.load(std::memory_order_seq_cst)}; }
  std::uint64_t first_unfinished() const { return page_->first_unfinished.load(std::memory_order_seq_cst); }
  bool is_alive(std::uint32_t index, LeaseId lease) const {
    return page_->leases[index].alive.load(std::memory_order_seq_cst) == raw(lease);
  }

  const VerdictPage& page() const { return *page_; }

 private:
  const VerdictPage* page_;
};

}  // namespace ferry::proto
