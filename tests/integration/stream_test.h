#pragma once
// A broker for each test, and helper programs that talk to it.

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/format.h"
#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/session.h"

namespace ferry::test {

/// A broker's configuration for tests on emulated machines, where a program may do nothing for seconds.
inline constexpr const char* kPatient = "[limits]\neviction_deadline_ms = 60000\n";

class StreamTest : public ::testing::Test {
 protected:
  /// @p manager: BrokerProcess's.
  explicit StreamTest(const std::string& broker_config = {}, BrokerProcess::Environment environment = {},
                      ServiceManager* manager = nullptr);
  ~StreamTest() override;
  /// A test ends with the broker stopping properly, and says what is wrong if it does not, or if the validation layer was
  /// not silent about it or a program that was validated().
  void TearDown() override;

  using Arguments = std::vector<std::string>;
  /// @p program: beside this one, or by its whole path.
  ChildProcess start(const std::string& program, Arguments arguments, SpawnOptions options = {});
  /// test_producer, when its stream exists.
  ChildProcess start_producer(Arguments arguments);
  /// test_consumer, when it has attached.
  ChildProcess start_consumer(Arguments arguments);

  /// @p options under the validation layer, for one program without a switch of its own for it.
  SpawnOptions validated(SpawnOptions options);
  /// What the layer has said so far of programs that were validated(). Of one that made no Vulkan instance it has no log.
  std::string complaints_of_programs() const;
  /// For a test that provoked them.
  void forget_complaints() { validation_logs_.clear(); }

  /// This process's own connection and device.
  Session& session();
  /// Why the device that @p selector names (empty: session()'s) cannot share images of @p format in that way; "" where it
  /// can. Asked of the driver, not of Ferry.
  std::string lack_of(const proto::FormatInfo& format, const std::string& selector = {}, bool as_dma_buf = false);
  /// `ferry status`, asked anew until @p holds says yes; the last answer in any case. Waits for a broker, too.
  nlohmann::json status_when(const std::function<bool(const nlohmann::json&)>& holds,
                             std::chrono::milliseconds timeout = 15s);

  BrokerProcess broker_;

 private:
  std::unique_ptr<Session> session_;
  int next_log_ = 0;
  std::vector<std::string> validation_logs_;
};

/// Lets a helper end and returns its last report, whose books must be right: no wrong pixel, no wrong order, no
/// message of the validation layer.
nlohmann::json stop_and_check(ChildProcess& process);
/// The same for a helper that ends by itself.
nlohmann::json finish_and_check(ChildProcess& process, std::chrono::milliseconds timeout = 60s);
void expect_right(const nlohmann::json& done);

/// A consumer reads from the frame on that is the newest at its first acquire(). Lets a paused producer publish its
/// first frame and waits until every one of @p consumers, which report frames, has it: from here on all see all.
void publish_first_frame(ChildProcess& producer, std::initializer_list<ChildProcess*> consumers);

/// For ChildProcess::wait_report_if().
inline auto event_is(const char* type) {
  return [type](const nlohmann::json& report) { return report["report"] == "event" && report["type"] == type; };
}
inline auto frame_after(std::uint64_t sequence) {
  return
      [sequence](const nlohmann::json& report) { return report["report"] == "frame" && report["sequence"] > sequence; };
}

/// The entry of stream @p name in a status, or null.
nlohmann::json stream_in(const nlohmann::json& status, const std::string& name);

}  // namespace ferry::test
