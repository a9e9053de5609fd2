#pragma once
// acquire(), as far as the shared pages go: finds the frame a consumer should have next and marks its slot as held
// before the producer can overwrite it. No system calls, no locks, no allocation.

#include <array>
#include <cstdint>

#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"

namespace ferry::proto {

/// Values are the wire's and the C ABI's.
enum class ConsumerMode : std::uint8_t {
  kLatest = 1,  ///< newest frame wins; the producer never waits
  kEvery = 2,   ///< in order, up to the queue depth
};

/// What a stream does when the queue of an `every` consumer is full. Values are the wire's and the C ABI's.
enum class QueuePolicy : std::uint8_t {
  kDrop = 1,   ///< the oldest unread frames go, and the consumer counts them
  kBlock = 2,  ///< the producer waits
};

class FrameTaker {
 public:
  enum class Outcome : std::uint8_t {
    kTaken,
    kNothing,         ///< no frame newer than the last one taken
    kNotAdmitted,     ///< the producer does not know this lease yet
    kGenerationLate,  ///< the next frame's generation has not been imported here yet
    kRubbish,         ///< the producer's page contradicts itself
  };
  struct Taken {
    FrameRecord record;
    std::uint64_t skipped;  ///< frames published since the one before and never seen
  };

  /// @p policy: with kBlock nothing unread is passed over, even where frames begun before the queue was full have made
  /// it longer than @p queue_depth.
  FrameTaker(StreamPageReader stream, LeasePageWriter lease, std::uint32_t lease_index, LeaseId id, ConsumerMode mode,
             std::uint32_t queue_depth, QueuePolicy policy = QueuePolicy::kDrop);

  /// A generation whose images the caller can use from now on. Forgets those that are older than every frame still to
  /// be taken; and where kMaxGenerations would be exceeded the oldest one without such a frame.
  void add_generation(GenerationId g, std::uint32_t slot_count, std::uint32_t width_px, std::uint32_t height_px);
  /// One that the caller can use no more.
  void remove_generation(GenerationId g);
  /// Whether frames of @p g may still be taken: the caller needs its images for nothing else. The one that was added
  /// last is always known.
  bool knows(GenerationId g) const { return find(g) != nullptr; }

  /// Another producer has taken the stream over: read its page from now on, in the same sequence of numbers. Its policy
  /// may be another one.
  void switch_producer(StreamPageReader stream, QueuePolicy policy);
  /// The producer is gone for good (kernel-confirmed): nobody overwrites, so nobody has to admit this lease.
  void set_orphaned(bool orphaned) { orphaned_ = orphaned; }

  /// For a consumer that must not wait on the producer's GPU: takes only what the producer says is complete.
  void set_completed_only(bool on) { completed_only_ = on; }
  /// And what that consumer has a fence for: every frame up to @p sequence.
  void set_fenced(std::uint64_t sequence) { fenced_ = sequence; }
  /// Takes no frame newer than @p sequence: the GPU work behind those is stuck, or died with the producer.
  void set_bound(std::uint64_t sequence) { bound_ = sequence; }
  static constexpr std::uint64_t kUnbounded = ~std::uint64_t{0};

  /// On kTaken the slot is held: LeasePageWriter::let_go gives it back.
  Outcome try_take(Taken& out);

  std::uint64_t cursor() const { return cursor_; }
  static constexpr std::uint32_t kMaxGenerations = 8;
  /// A cursor that protects no frame: the lease does not read yet.
  static constexpr std::uint64_t kNotReading = ~std::uint64_t{0};

 private:
  struct KnownGeneration {
    GenerationId id{};
    std::uint32_t slot_count = 0, width_px = 0, height_px = 0;
  };

  enum class Look : std::uint8_t {
    kTaken,
    kGone,       ///< overwritten, or about to be
    kUnusable,   ///< of a generation older than any that is known here: its images will never come
    kLate,
    kRubbish,
  };

  std::uint64_t visible() const;
  std::uint64_t newest() const;
  template <class Visit>
  void for_each_unread(Visit visit) const;
  void start_reading();
  Look look_at(std::uint64_t sequence, FrameRecord& out);
  std::uint64_t next_wanted(std::uint64_t published) const;
  void pass(std::uint64_t sequence);
  std::uint64_t count_skipped(std::uint64_t sequence);
  const KnownGeneration* find(GenerationId g) const;
  bool is_outdated(GenerationId g) const;

  StreamPageReader stream_;
  LeasePageWriter lease_;
  std::uint32_t lease_index_;
  LeaseId id_;
  ConsumerMode mode_;
  std::uint32_t queue_depth_;
  QueuePolicy policy_;
  bool completed_only_ = false;
  std::uint64_t fenced_ = 0;
  std::uint64_t bound_ = kUnbounded;
  bool orphaned_ = false;
  bool reading_ = false;
  std::uint64_t cursor_ = 0;   ///< nothing up to here is wanted any more; what the lease page shows
  std::uint64_t counted_ = 0;  ///< every frame up to here was taken or counted as skipped; 0: none was ever seen
  std::array<KnownGeneration, kMaxGenerations> generations_{};
};

}  // namespace ferry::proto
