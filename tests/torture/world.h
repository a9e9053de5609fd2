#pragma once
// A broker, a producer and consumers that all work, for somebody else to die among.

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/session.h"
#include "tests/torture/footprint.h"

namespace ferry::torture {

using test::ChildProcess;
using Arguments = std::vector<std::string>;

class World {
 public:
  /// Streams "cam", of which nobody may lose a frame, and "duo", whose producers die. @p usual: what brokers of worlds before
  /// this one had, and what those of this one are seen to have.
  explicit World(UsualFootprints& usual);

  ChildProcess start(const std::string& program, Arguments arguments, const std::string& test_point = {});
  test::BrokerProcess& broker() { return *broker_; }
  ChildProcess& producer() { return *producer_; }
  test::Session& session() { return *session_; }

  /// `ferry status` once there is a broker; null when there is none in time.
  nlohmann::json status(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  bool status_is(const std::function<bool(const nlohmann::json&)>& holds,
                 std::chrono::milliseconds timeout = std::chrono::seconds(30));

  /// The books of everybody who stays, added up: those who must not lose anything, and the consumer of "duo".
  struct Sum {
    std::uint64_t frames = 0, wrong = 0, missing_by_every = 0;
    std::uint64_t longest_gap_ns = 0;      ///< between two frames of "cam" that came, since forget_gaps()
    std::uint64_t longest_overrun_ns = 0;  ///< by which a wait outlasted its timeout; the producer's, too
  };
  Sum books();
  void forget_gaps();
  /// Of a wait, on a machine that has other things to do.
  static constexpr std::uint64_t kMostOverrunNs = 1'000'000'000;
  /// Everybody who is left gets so many frames more. What does not is named; empty: all did.
  std::string flows(std::uint64_t frames);
  /// The same for the consumer of "duo", which has a producer again.
  std::string duo_flows(std::uint64_t frames);
  /// How many frames the consumer of "duo" has read; 0 before it has had a producer.
  std::uint64_t duo_frames();

  Footprint footprint() const { return footprint_of(broker_->pid(), census_folder_.file("census")); }
  /// Once nobody but those who stay is there and it has been the same for a while.
  Footprint settled_footprint();
  /// When everything that was is cleaned up, the broker has what brokers have with these people and streams. What it has
  /// instead; empty: that.
  std::string footprint_is_usual();

  /// Everybody leaves; then the broker must have nothing of them. What it has; empty: nothing.
  std::string end();

 private:
  static nlohmann::json books_of(ChildProcess& consumer);

  test::TempDir census_folder_;
  std::unique_ptr<test::BrokerProcess> broker_;
  std::unique_ptr<test::Session> session_;
  UsualFootprints& usual_;
  Footprint empty_;
  pid_t first_broker_ = 0;
  bool has_seen_duo_ = false;  ///< its consumer waits until there is one, and answers nothing until then
  std::unique_ptr<ChildProcess> producer_, latest_, every_, watcher_;
  int next_log_ = 0;
};

nlohmann::json stream_in(const nlohmann::json& status, const std::string& name);

}  // namespace ferry::torture
