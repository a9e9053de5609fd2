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

  /// The books of those who must not lose anything, added up.
  struct Sum {
    std::uint64_t frames = 0, wrong = 0, missing_by_every = 0, longest_gap_ns = 0;
  };
  Sum books();
  /// Everybody who is left gets so many frames more. What does not is named; empty: all did.
  std::string flows(std::uint64_t frames);
  /// The same for the consumer of "duo".
  std::string duo_flows(std::uint64_t frames);
  ChildProcess& watcher() { return *watcher_; }

  /// Everybody leaves; then the broker must have nothing of them. What it has; empty: nothing.
  std::string end();

 private:
  struct Footprint {
    std::size_t descriptors = 0, mappings = 0;
    bool operator==(const Footprint&) const = default;
  };
  Footprint footprint() const;
  static nlohmann::json books_of(ChildProcess& consumer);

  std::unique_ptr<test::BrokerProcess> broker_;
  std::unique_ptr<test::Session> session_;
  Footprint empty_;
  std::unique_ptr<ChildProcess> producer_, latest_, every_, watcher_;
  int next_log_ = 0;
};

nlohmann::json stream_in(const nlohmann::json& status, const std::string& name);

}  // namespace ferry::torture
