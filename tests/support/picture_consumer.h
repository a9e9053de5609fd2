#pragma once
// Reads a stream of pictures and keeps the books: which frames came, which did not, and whether any was wrong.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ferry/ferry.h"
#include "tests/support/picture_reader.h"

namespace ferry::test {

struct ConsumerOptions {
  std::string name{};
  std::uint32_t mode = FERRY_CONSUMER_LATEST;
  std::uint32_t max_holds = 0;
  std::uint32_t queue_depth = 0;
  std::int64_t attach_timeout_ns = 0;
  std::uint32_t seed = 0;  ///< 0: seed_of(name)
  bool verify = true;      ///< compare every pixel of every frame
  bool recheck = false;    ///< and again just before it is released: nobody may write what is held
  bool release_early = false;  ///< releases a frame whose reading the GPU has not begun, and only then reads and compares
  Engine engine = Engine::kCpu;
  std::uint64_t hang_at = 0;  ///< of this frame (1, 2 ...) it reads nothing, with work that never ends; 0: of none
  bool mark = false;  ///< leaves marks in a system call trace (mark.h)
};

struct ConsumerBooks {
  std::uint64_t frames = 0;
  std::uint64_t wrong_frames = 0;  ///< a pixel differs when the frame is acquired
  std::uint64_t torn_frames = 0;   ///< right when it was acquired, and no more when it was released
  std::uint64_t overtaken = 0;     ///< wrong, but in the hands of a lease that had ended: a hold is void then
  std::uint64_t laps = 0;  ///< frames that were released unread, and read when as many had come after them as there are slots
  std::uint64_t wrong_stamps = 0;  ///< metadata of another frame
  std::uint64_t disorder = 0;      ///< numbers that did not grow
  std::uint64_t skipped = 0;       ///< as the library reports it
  std::uint64_t missing = 0;       ///< as the numbers say
  std::uint64_t first = 0, last = 0;
  std::uint64_t longest_gap_ns = 0;  ///< between two frames as they were produced, since forget_gaps()
  std::uint64_t longest_arrival_gap_ns = 0;  ///< and as they came here
  std::uint64_t longest_overrun_ns = 0;      ///< by which an acquire() outlasted its timeout
  std::uint64_t generations = 0;  ///< changes of generation, the first one included
  ImageShape shape;               ///< of the last frame
  std::string first_wrong;        ///< what the first wrong frame was

  bool all_right() const { return wrong_frames + torn_frames + wrong_stamps + disorder == 0; }
};

class PictureConsumer {
 public:
  PictureConsumer(ferry_connection* connection, ferry_device* device, const Gpu& gpu, const ConsumerOptions& options);
  ~PictureConsumer();
  PictureConsumer(const PictureConsumer&) = delete;
  PictureConsumer& operator=(const PictureConsumer&) = delete;

  /// acquire, and read the frame. The code of acquire().
  std::int32_t take(std::int64_t timeout_ns);
  /// Gives the oldest frame back that take() got.
  void release_oldest();
  void release_all();
  std::size_t held() const { return held_.size(); }

  /// The next event that has not been seen.
  std::optional<ferry_event> next_event();
  const ConsumerBooks& books() const { return books_; }
  /// The gaps before the next frame count from here on.
  void forget_gaps() { books_.longest_gap_ns = books_.longest_arrival_gap_ns = 0; }
  /// longest_arrival_gap_ns, with the one that is not over.
  std::uint64_t longest_arrival_gap_ns() const;
  /// Of the last frame.
  std::uint64_t generation() const { return generation_; }
  /// Publish to acquire, of every frame, in ns.
  const std::vector<std::uint64_t>& latencies_ns() const { return latencies_ns_; }
  /// Publish to the end of reading and comparing it, of every frame, in ns.
  const std::vector<std::uint64_t>& read_ns() const { return read_ns_; }
  ferry_consumer* handle() const { return consumer_; }
  ferry_stream_state state() const;

 private:
  void enter(const ferry_frame& frame);
  void read_after_release(const ferry_frame& frame);
  void note_wrong(const ferry_frame& frame, std::uint64_t& count, const char* what, std::uint64_t words);
  /// Told soon, if it is so: a process that was stopped looks at its frame before its library has heard the broker.
  bool was_evicted();
  std::optional<ferry_event> ask_for_event();

  ConsumerOptions options_;
  std::uint32_t seed_;
  PictureReader reader_;
  ferry_consumer* consumer_ = nullptr;
  std::deque<ferry_frame> held_;
  ConsumerBooks books_;
  std::uint64_t generation_ = 0;
  std::uint64_t last_produced_ns_ = 0, last_arrived_ns_ = 0;
  std::deque<ferry_event> events_;  ///< asked for, and not seen yet
  bool evicted_ = false, has_waited_ = false;
  std::vector<std::uint64_t> latencies_ns_, read_ns_;
};

const char* event_name(std::uint32_t type);

}  // namespace ferry::test
