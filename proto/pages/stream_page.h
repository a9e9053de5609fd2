#pragma once
// The stream page: written by one producer, read by the broker and every consumer of the stream.

#include <cstring>
#include <optional>

#include "proto/frame_record.h"
#include "proto/ids.h"
#include "proto/pages/page.h"

namespace ferry::proto {

/// One record of the ring. `sequence` is its lock: 0 while the producer writes, the frame's own number otherwise.
/// Numbers are never used again, so a reader that sees the same number before and after has read one frame.
struct alignas(kCacheLine) FrameCell {
  AtomicU64 sequence;
  AtomicU64 words[sizeof(FrameRecord) / 8];
};
static_assert(sizeof(FrameCell) == 448);

/// Generations whose slots the page tells apart: a producer may skip some (several resizes at once) while frames of
/// an older one are still on show.
inline constexpr std::uint32_t kGenerationsOnPage = 4;

struct StreamPage {
  PageHeader header;
  PageWriter writer;

  alignas(kCacheLine) AtomicU64 published;  ///< newest sequence in the ring; 0: none of this producer yet
  AtomicU32 doorbell;                       ///< futex word; moves with every publish
  AtomicU32 producer_waiting;               ///< 1 while somebody waits for begin(): who frees a slot rings the lease channel
  AtomicU64 completed;                      ///< newest sequence that the GPU has finished; kept only while a lease of
                                            ///< another trust domain is there, whose consumer waits for no GPU

  alignas(kCacheLine) AtomicU64 starved;    ///< begin() calls that found no free slot
  AtomicU64 cancelled;                      ///< slots begun and given back without a frame
  AtomicU64 first_published_ns;             ///< CLOCK_MONOTONIC of this producer's first frame
  AtomicU64 first_sequence;                 ///< this producer's first frame; 0: none yet

  /// Which frame a slot contains, by its generation modulo kGenerationsOnPage; 0: none, or being overwritten.
  alignas(kCacheLine) AtomicU64 slot_sequence[kGenerationsOnPage][kMaxSlots];
  /// Leases that this producer looks at before it overwrites a slot, by lease index. A consumer reads nothing
  /// before it finds its id here: until then the producer does not know of its holds.
  alignas(kCacheLine) AtomicU64 admitted[kMaxLeases];

  FrameCell ring[kRingFrames];
};
static_assert(sizeof(StreamPage) == 64 + 64 + 64 + 2048 + 2048 + 448 * kRingFrames);

/// The producer's side. One thread at a time.
class StreamPageWriter {
 public:
  explicit StreamPageWriter(StreamPage& page) : page_(page) {}

  /// Makes room for generation @p g. What was known of g - kGenerationsOnPage is forgotten: a consumer that still looks
  /// for a frame of it finds a mismatch and takes a newer one.
  void start_generation(GenerationId g) {
    for (auto& s : page_.slot_sequence[raw(g) % kGenerationsOnPage]) s.store(0, std::memory_order_seq_cst);
  }

  /// First half of the Dekker pair "slot-overwrite": from here on a consumer's re-check fails.
  /// PAIR slot-overwrite: seq_cst with LeasePageWriter::hold + StreamPageReader::slot_sequence.
  std::uint64_t begin_overwrite(GenerationId g, std::uint32_t slot) {
    return page_.slot_sequence[raw(g) % kGenerationsOnPage][slot].exchange(0, std::memory_order_seq_cst);
  }
  /// The slot turned out to be held, or the producer gave it back untouched: its frame is good again.
  void restore(GenerationId g, std::uint32_t slot, std::uint64_t sequence) {
    page_.slot_sequence[raw(g) % kGenerationsOnPage][slot].store(sequence, std::memory_order_seq_cst);
  }

  void admit(std::uint32_t lease_index, LeaseId lease) {
    page_.admitted[lease_index].store(raw(lease), std::memory_order_seq_cst);
  }

  /// Makes @p record the newest frame. Sequences must come in order, one by one.
  void publish(const FrameRecord& record) {
    FrameCell& cell = page_.ring[record.sequence % kRingFrames];
    std::uint64_t words[std::size(FrameCell{}.words)];
    std::memcpy(words, &record, sizeof words);
    cell.sequence.store(0, std::memory_order_relaxed);
    // PAIR ring-record: the cell reads as "being written" before any of its words changes (StreamPageReader::read).
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < std::size(words); ++i) cell.words[i].store(words[i], std::memory_order_relaxed);
    cell.sequence.store(record.sequence, std::memory_order_release);
    page_.slot_sequence[record.generation % kGenerationsOnPage][record.slot].store(record.sequence, std::memory_order_seq_cst);
    if (page_.first_sequence.load(std::memory_order_relaxed) == 0)
      page_.first_sequence.store(record.sequence, std::memory_order_relaxed);
    // PAIR frame-publish: everything above happens-before the acquire load in StreamPageReader::published().
    // seq_cst, because who publishes then looks for sleepers, and who sleeps announces it and then looks here.
    page_.published.store(record.sequence, std::memory_order_seq_cst);
    ring();
  }

  /// The GPU has finished frame @p sequence, and so every one before it.
  /// PAIR frame-publish: seq_cst, as `published`, for consumers that look here instead.
  void complete(std::uint64_t sequence) {
    page_.completed.store(sequence, std::memory_order_seq_cst);
    ring();
  }

  /// Moves the word that sleepers wait on: for every publish, and for whatever else they should look at.
  void ring() { page_.doorbell.fetch_add(1, std::memory_order_seq_cst); }

  StreamPage& page() { return page_; }

 private:
  StreamPage& page_;
};

/// Anybody's view of a page that somebody else writes: values are copied once and mean nothing until checked.
class StreamPageReader {
 public:
  explicit StreamPageReader(const StreamPage& page) : page_(&page) {}

  /// PAIR frame-publish.
  std::uint64_t published() const { return page_->published.load(std::memory_order_seq_cst); }
  /// PAIR frame-publish. Never more than published(), whatever the producer writes.
  std::uint64_t completed() const {
    const std::uint64_t completed = page_->completed.load(std::memory_order_seq_cst);
    const std::uint64_t newest = published();
    return completed < newest ? completed : newest;
  }
  std::uint64_t first_sequence() const { return page_->first_sequence.load(std::memory_order_relaxed); }
  /// PAIR slot-overwrite.
  std::uint64_t slot_sequence(GenerationId g, std::uint32_t slot) const {
    return page_->slot_sequence[raw(g) % kGenerationsOnPage][slot].load(std::memory_order_seq_cst);
  }
  bool is_admitted(std::uint32_t lease_index, LeaseId lease) const {
    return page_->admitted[lease_index].load(std::memory_order_seq_cst) == raw(lease);
  }
  bool producer_waits() const { return page_->producer_waiting.load(std::memory_order_seq_cst) != 0; }

  /// A copy of frame @p sequence, or nothing when the ring has moved past it or it is being written.
  std::optional<FrameRecord> read(std::uint64_t sequence) const {
    const FrameCell& cell = page_->ring[sequence % kRingFrames];
    if (sequence == 0 || cell.sequence.load(std::memory_order_acquire) != sequence) return std::nullopt;
    std::uint64_t words[std::size(FrameCell{}.words)];
    for (std::size_t i = 0; i < std::size(words); ++i) words[i] = cell.words[i].load(std::memory_order_relaxed);
    // PAIR ring-record: if any word above came from a later write, the number below has changed.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (cell.sequence.load(std::memory_order_relaxed) != sequence) return std::nullopt;
    FrameRecord record;
    std::memcpy(&record, words, sizeof record);
    if (record.sequence != sequence) return std::nullopt;  // a page that contradicts itself is no frame
    return record;
  }

  const StreamPage& page() const { return *page_; }

 private:
  const StreamPage* page_;
};

}  // namespace ferry::proto
