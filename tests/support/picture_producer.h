#pragma once
// A stream of pictures (pattern.h): every frame is drawn whole, by its number.

#include <cstdint>
#include <memory>
#include <string>

#include "ferry/ferry.h"
#include "tests/support/picture_writer.h"

namespace ferry::test {

struct ProducerOptions {
  std::string name{};
  ImageShape shape{640, 360, FERRY_FORMAT_RGBA8_UNORM};
  std::uint32_t sync_mode = FERRY_SYNC_AUTOMATIC;
  std::uint32_t transport = FERRY_TRANSPORT_AUTOMATIC;
  std::uint32_t queue_policy = FERRY_QUEUE_DROP;
  std::uint32_t frames_in_flight = 0;
  std::uint32_t min_slots = 0;
  std::uint32_t seed = 0;  ///< 0: seed_of(name)
  Engine engine = Engine::kCpu;
  std::uint64_t hang_at = 0;  ///< this frame (1, 2 ...) is published, and its drawing never ends; 0: none
  std::uint64_t gate_at = 0;  ///< this frame is published, and its drawing waits for open_gate(); 0: none
  bool mark = false;  ///< leaves marks in a system call trace (mark.h)
};

class PictureProducer {
 public:
  PictureProducer(ferry_connection* connection, ferry_device* device, const Gpu& gpu, const ProducerOptions& options);
  ~PictureProducer();
  PictureProducer(const PictureProducer&) = delete;
  PictureProducer& operator=(const PictureProducer&) = delete;

  /// begin, draw, publish. The code of begin() when there was no slot; throws for anything else that goes wrong.
  std::int32_t produce(std::int64_t timeout_ns = 10'000'000'000);
  void reconfigure(const ImageShape& shape);
  void open_gate() { writer_.open_gate(); }

  std::uint64_t last_sequence() const { return next_sequence_ - 1; }
  /// Targets that came with a release point to wait for.
  std::uint64_t waited_targets() const { return waited_targets_; }
  /// By which a begin() outlasted its timeout.
  std::uint64_t longest_overrun_ns() const { return longest_overrun_ns_; }
  ferry_stream_state state() const;
  ferry_producer* handle() const { return producer_; }

 private:
  std::uint32_t seed_;
  std::uint64_t hang_at_, gate_at_;
  bool mark_;
  PictureWriter writer_;
  ferry_producer* producer_ = nullptr;
  std::uint64_t next_sequence_ = 1, first_sequence_ = 1, longest_overrun_ns_ = 0;
  std::uint64_t waited_targets_ = 0;
};

ferry_image_desc image_desc(const ImageShape& shape);

}  // namespace ferry::test
