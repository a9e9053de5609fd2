#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "proto/limits.h"
#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using namespace std::chrono_literals;

class Greeting : public BrokerTest {};

wire::HelloT hello(std::uint16_t min, std::uint16_t max) {
  wire::HelloT out;
  out.protocol_min = min;
  out.protocol_max = max;
  return out;
}

TEST_F(Greeting, BringsVersionsAndDevices) {
  start();
  RawClient client(broker->socket());
  const auto reply = client.greet("viewer");
  EXPECT_EQ(reply.protocol, proto::kProtocolVersionMax);
  EXPECT_EQ(reply.broker_pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_NE(reply.session, 0u);
  ASSERT_EQ(reply.devices.size(), 1u);
  EXPECT_EQ(reply.devices[0]->name, "Fake GPU");
}

TEST_F(Greeting, ChoosesTheNewestVersionInCommon) {
  start();
  RawClient client(broker->socket());
  client.send(hello(0, 900));
  EXPECT_EQ(client.expect<wire::HelloReplyT>().first.protocol, proto::kProtocolVersionMax);
}

TEST_F(Greeting, RefusesVersionsOutsideItsOwnAndSaysBoth) {
  start();
  for (const auto& [min, max] : {std::pair<std::uint16_t, std::uint16_t>{7, 9}, {0, 0}, {3, 1}}) {
    RawClient client(broker->socket());
    client.send(hello(min, max));
    const std::string text = client.expect_refused(ErrorCode::kVersionMismatch);
    EXPECT_NE(text.find(fmt::format("speaks protocol {} to {}", min, max)), std::string::npos) << text;
    EXPECT_NE(text.find("speaks 1 to 1"), std::string::npos) << text;
    client.expect_end();
  }
}

TEST_F(Greeting, ComesFirst) {
  start();
  RawClient client(broker->socket());
  client.send(wire::QueryStatusT{});
  EXPECT_EQ(client.expect_goodbye(ErrorCode::kProtocolViolation), "QueryStatus may not be sent before Hello");
}

TEST_F(Greeting, ComesOnce) {
  RawClient client = connect();
  client.send(hello(1, 1));
  EXPECT_EQ(client.expect_goodbye(ErrorCode::kProtocolViolation), "Hello may not be sent by a client after Hello");
}

TEST_F(Greeting, HasADeadline) {
  Limits limits;
  limits.greeting_timeout_ms = 100;
  start(limits);
  RawClient greeted = connect();
  RawClient silent(broker->socket());
  EXPECT_EQ(silent.expect_goodbye(ErrorCode::kTimeout), "no Hello within 100 ms");
  greeted.send(wire::QueryStatusT{});
  greeted.expect<wire::StatusReplyT>();
}

TEST_F(Greeting, SessionsAreLimited) {
  Limits limits;
  limits.max_sessions = 2;
  start(limits);
  RawClient first = connect(), second = connect();
  {
    RawClient third(broker->socket());
    EXPECT_EQ(third.expect_goodbye(ErrorCode::kLimitExceeded), "there are 2 sessions; the limit max_sessions is 2");
  }
  second.close();
  // Its place is free once the broker has seen the end; the answer to somebody else comes after that.
  first.send(wire::QueryStatusT{});
  first.expect<wire::StatusReplyT>();
  connect();
}

TEST_F(Greeting, SessionsOfOneUserAreLimited) {
  Limits limits;
  limits.max_sessions_per_uid = 1;
  start(limits);
  RawClient first = connect();
  RawClient second(broker->socket());
  EXPECT_NE(second.expect_goodbye(ErrorCode::kLimitExceeded).find("max_sessions_per_uid is 1"), std::string::npos);
}

/// From here on this process can open no descriptor.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    const platform::UniqueFd lowest_free{dup(STDIN_FILENO)};
    limit.rlim_cur = static_cast<rlim_t>(lowest_free.get());
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~NoDescriptorsLeft() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Greeting, WaitsForDescriptorsRatherThanSpinning) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan, which goes with it, looks at objects through a pipe and cannot open one here";
#endif
  start();
  std::unique_ptr<RawClient> client;
  std::optional<NoDescriptorsLeft> shortage;
  broker->on_loop([&] {
    client = std::make_unique<RawClient>(broker->socket());
    shortage.emplace();
  });
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  std::this_thread::sleep_for(300ms);
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_nvcsw - before.ru_nvcsw, 20) << "the loop goes round";
  EXPECT_LT((after.ru_utime.tv_usec + after.ru_stime.tv_usec) - (before.ru_utime.tv_usec + before.ru_stime.tv_usec),
            100000);
  shortage.reset();
  client->greet("late");
}

TEST_F(Greeting, NamesAreMadePrintable) {
  RawClient client = connect("evil\x1b[2J");
  client.send(wire::QueryStatusT{});
  client.expect<wire::StatusReplyT>();
  RawProducer producer(client, device(), "cam");
  producer.create();
  client.send(wire::QueryStatusT{});
  EXPECT_EQ(client.expect<wire::StatusReplyT>().first.streams.at(0)->producer->application, "evil\\x1b[2J");
}

TEST_F(Greeting, TheEndIsAnnounced) {
  RawClient client = connect();
  broker->stop();
  EXPECT_EQ(client.expect_goodbye(ErrorCode::kDisconnected), "ferryd is shutting down");
}

}  // namespace
}  // namespace ferry::daemon::test
