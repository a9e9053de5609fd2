#pragma once
// Two processes of bench_peer (or one, for the rival that needs no second), told what to do and asked what came of it.

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"

namespace ferry::bench {

/// One way of bringing frames across, as bench_peer knows it.
struct Rival {
  std::string name;                     ///< as the figures call it
  std::string kind;                     ///< bench_peer's --rival
  std::vector<std::string> both{};      ///< more arguments, for both processes
  std::vector<std::string> consumer{};  ///< more arguments, for the consumer
  bool needs_second_queue = false;      ///< not where the device has only one kind of queue
  bool needs_timelines = false;
  std::uint32_t together = 1;  ///< frames handed over at once
};

/// A stretch of frames.
struct Stretch {
  std::vector<double> latency_us;  ///< producer's submit to consumer's completed read, in the frames' order
  double frames_per_second = 0;    ///< of completed reads
  std::uint64_t frames = 0, skipped = 0, wrong = 0, compared_whole = 0, wrong_whole = 0;
  nlohmann::json producer_usage, consumer_usage;
  std::uint32_t slots = 0;  ///< images that the producer draws into in turn; 0: its way has no such ring
  /// Timed, by the GPU's clock: each submission of the producer's, of the consumer's, and from the one's end to the other's
  /// beginning, of the same last frame.
  std::vector<double> drawing_us, reading_us, between_us;
  std::uint64_t producer_allocations = 0, consumer_allocations = 0;
};

class Pair {
 public:
  /// Starts the processes. Throws, with what they said, when the machine cannot do that.
  Pair(const Rival& rival, const std::string& size, std::uint32_t depth, test::BrokerProcess& broker);

  /// @p frames more, drawn as @p how says (bench_peer's "make") and read @p depth at once.
  Stretch run(std::uint64_t frames, const std::string& how, std::uint32_t depth, std::uint32_t verify = 0);

  const Rival& rival() const { return rival_; }
  const nlohmann::json& about() const { return about_; }
  pid_t producer_pid() const { return first_->pid(); }
  pid_t consumer_pid() const { return second_ ? second_->pid() : first_->pid(); }
  /// As run(), but does not wait: for measurements from outside. finish() then waits.
  void begin(std::uint64_t frames, const std::string& how, std::uint32_t depth, std::uint32_t verify = 0);
  Stretch finish();

 private:
  Rival rival_;
  std::uint64_t last_ = 0;
  nlohmann::json about_;
  std::unique_ptr<test::ChildProcess> first_, second_;
};

/// Percentile of @p values (0..1), by rank; 0 of none.
double percentile(std::vector<double> values, double share);
nlohmann::json summary(const std::vector<double>& values);

}  // namespace ferry::bench
