#pragma once
// The two sides of a way to bring frames from one process to another. Each rival is a pair of these; what is drawn,
// what is read and what is measured is the same for all.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/bench/gpu/drawer.h"
#include "tests/bench/gpu/reader.h"
#include "tests/bench/peer/board.h"

namespace ferry::bench {

struct PairOptions {
  std::string rival = "ferry";  ///< ferry, raw, raw-early, one-process, cpu, unsynced, lock
  test::ImageShape shape{1920, 1080, FERRY_FORMAT_RGBA8_UNORM};
  std::uint32_t depth = 2;  ///< frames under way at once on each side, when they do not go in lock-step
  ReadOn read_on = ReadOn::kGraphics;
  DeviceOptions device{};
  // Ferry only
  std::string socket{}, stream{}, mode = "latest", policy = "drop", sync = "auto";
  std::uint32_t queue_depth = 4;
};

/// Images that one process draws into while the other reads: as many as Ferry makes in lock-step (the measurement of latency
/// sees to it), for the caches' sake.
inline std::uint32_t slots_of(const PairOptions& options) { return 2 * options.depth + 5; }

inline constexpr std::int64_t kPatienceNs = 30'000'000'000;

class ProducerSide {
 public:
  virtual ~ProducerSide() = default;
  /// Draws frame @p sequence (1, 2, 3 ...) and hands it over, when there is room for it. Returns the moment before its
  /// first submission.
  virtual std::int64_t produce(std::uint64_t sequence) = 0;
  /// Frame @p last was the last one for now: whatever lags behind is handed over.
  virtual void flush(std::uint64_t last) { static_cast<void>(last); }
  /// Images that it draws into in turn. 0: its way has no such ring.
  virtual std::uint32_t slots() const { return 0; }
  /// malloc calls of Ferry's own in produce(), so far.
  virtual std::uint64_t allocations() const { return 0; }
};

struct Taken {
  std::uint64_t sequence;
  std::size_t reading;
};

class ConsumerSide {
 public:
  virtual ~ConsumerSide() = default;
  /// Waits for the next frame and submits its reading. Nothing when @p timeout_ns passed.
  virtual std::optional<Taken> take(std::int64_t timeout_ns) = 0;
  virtual Reader& reader() = 0;
  virtual std::uint64_t allocations() const { return 0; }
};

struct Sides {
  std::unique_ptr<ProducerSide> producer;
  std::unique_ptr<ConsumerSide> consumer;
};

// The consumer first listens at @p meet, then waits there for what the producer brings; @p board is then there for
// both.
std::unique_ptr<ProducerSide> make_producer(const Device& device, const PairOptions& options, const std::string& meet,
                                            SharedMemory& board);
std::unique_ptr<ConsumerSide> make_consumer(const Device& device, const PairOptions& options, const std::string& meet,
                                            SharedMemory& board);
/// Both in this process.
Sides make_one_process(const Device& device, const PairOptions& options);

inline Board& board_of(const SharedMemory& memory) { return *reinterpret_cast<Board*>(memory.data()); }

}  // namespace ferry::bench
