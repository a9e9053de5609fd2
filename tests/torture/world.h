#pragma once
// A broker, a producer and consumers that all work, for somebody else to die among.

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/broker_usage.h"
#include "tests/support/child_process.h"
#include "tests/support/layers/vulkan_census.h"
#include "tests/support/session.h"

namespace ferry::torture {

using test::ChildProcess;
using Arguments = std::vector<std::string>;

class World {
 public:
  /// Streams "cam", of which nobody may lose a frame, and "duo", whose producers die.
  World();

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

  /// Everybody leaves; then the broker must have nothing of them. What it has; empty: nothing.
  std::string end();

 private:
  /// What the broker's process has.
  struct Footprint {
    test::Usage usage;
    test::VulkanCensus vulkan;
    std::string text() const;
    /// Nothing that it had not @p before. What an allocator and a driver keep for later may come and go a little.
    bool fits(const Footprint& before) const;
  };
  Footprint footprint() const;
  static nlohmann::json books_of(ChildProcess& consumer);

  test::TempDir census_folder_;
  std::unique_ptr<test::BrokerProcess> broker_;
  std::unique_ptr<test::Session> session_;
  Footprint empty_;
  bool has_seen_duo_ = false;  ///< its consumer waits until there is one, and answers nothing until then
  std::unique_ptr<ChildProcess> producer_, latest_, every_, watcher_;
  int next_log_ = 0;
};

nlohmann::json stream_in(const nlohmann::json& status, const std::string& name);

}  // namespace ferry::torture
