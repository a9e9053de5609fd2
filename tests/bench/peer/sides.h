#pragma once
// The two sides of a way to bring frames from one process to another. Each rival is a pair of these; what is drawn,
// what is read and what is measured is the same for all.

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/gpu/drawer.h"
#include "tests/bench/gpu/reader.h"
#include "tests/bench/peer/board.h"

namespace ferry::bench {

/// When the reading of a frame is submitted.
enum class ReadWhen : std::uint8_t {
  kPublished,  ///< at once; the GPU waits for the drawing
  kAhead,      ///< before the drawing is, by kAheadNs as the pace foretells; the GPU waits (raw; not while anybody may die)
  kComplete,   ///< when the host has seen that the drawing is complete; the GPU waits for nothing
  kNever,      ///< not at all: what the drawing takes alone (raw)
};
inline constexpr std::int64_t kAheadNs = 500'000;

struct PairOptions {
  std::string rival = "ferry";  ///< ferry, raw, raw-early, one-process, cpu, unsynced, lock
  test::ImageShape shape{1920, 1080, FERRY_FORMAT_RGBA8_UNORM};
  std::uint32_t depth = 2;  ///< frames under way at once on each side, when they do not go in lock-step
  ReadOn read_on = ReadOn::kGraphics;
  ReadWhen read_when = ReadWhen::kPublished;
  std::uint32_t together = 1;  ///< frames that one submission draws, and another one reads
  std::uint32_t slots = 0;     ///< images to draw into in turn; 0: as slots_of() says
  DrawerOptions drawing{};     ///< its `timed` is of both sides
  DeviceOptions device{};
  // Ferry only
  std::string socket{}, stream{}, mode = "latest", policy = "drop", sync = "auto";
  std::uint32_t queue_depth = 4;
};

/// Images that one process draws into while the other reads: as many as Ferry makes in lock-step (the measurement of latency
/// sees to it), for the caches' sake.
inline std::uint32_t slots_of(const PairOptions& options) {
  return options.slots != 0 ? options.slots : 2 * options.depth + 5;
}

inline constexpr std::int64_t kPatienceNs = 30'000'000'000;

class ProducerSide {
 public:
  virtual ~ProducerSide() = default;
  /// Draws frame @p sequence (1, 2, 3 ...) and hands it over, when there is room for it. Returns the moment before its
  /// first submission.
  virtual std::int64_t produce(std::uint64_t sequence) = 0;
  /// As produce(), @p count frames from @p first on in one submission.
  virtual std::int64_t produce_together(std::uint64_t first, std::uint32_t count) {
    if (count != 1) throw std::logic_error("this way draws one frame at a time");
    return produce(first);
  }
  /// Timed: the submissions since the last call, all complete.
  virtual std::vector<Drawn> drawn() { return {}; }
  /// Frame @p last was the last one for now: whatever lags behind is handed over.
  virtual void flush(std::uint64_t last) { static_cast<void>(last); }
  /// Images that it draws into in turn. 0: its way has no such ring.
  virtual std::uint32_t slots() const { return 0; }
  /// malloc calls of Ferry's own in produce(), so far.
  virtual std::uint64_t allocations() const { return 0; }
};

inline constexpr std::size_t kNotRead = ~std::size_t{0};

struct Taken {
  std::uint64_t sequence;
  std::size_t reading;  ///< the reader's, or kNotRead
};

class ConsumerSide {
 public:
  virtual ~ConsumerSide() = default;
  /// Waits for the next frame and submits its reading. Nothing when @p timeout_ns passed.
  virtual std::optional<Taken> take(std::int64_t timeout_ns) = 0;
  /// As take(), the next @p count frames in one submission. None when @p timeout_ns passed.
  virtual std::vector<Taken> take_together(std::uint32_t count, std::int64_t timeout_ns) {
    if (count != 1) throw std::logic_error("this way reads one frame at a time");
    const auto taken = take(timeout_ns);
    return taken ? std::vector{*taken} : std::vector<Taken>{};
  }
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
