// Brokers that are missing, speak another version, or fall silent.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <semaphore>
#include <thread>

#include "ferry/ferry.h"
#include "proto/limits.h"
#include "tests/support/broker_process.h"
#include "tests/support/deadline.h"
#include "tests/support/fake_broker.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

std::int32_t try_connect(const std::string& path, std::int64_t timeout_ns = 0) {
  ferry_connect_info info = FERRY_CONNECT_INFO_INIT;
  info.socket_path = path.c_str();
  info.timeout_ns = timeout_ns;
  ferry_connection* connection = nullptr;
  const std::int32_t code = ferry_connect(&info, &connection);
  EXPECT_EQ(connection != nullptr, code == FERRY_OK);
  if (connection != nullptr) ferry_disconnect(connection);
  return code;
}

void expect_words(std::initializer_list<std::string> words) {
  const std::string text = ferry_last_error();
  for (const auto& word : words) EXPECT_NE(text.find(word), std::string::npos) << "no \"" << word << "\" in: " << text;
}

TEST(Connect, SaysHowToStartAMissingBroker) {
  const TempDir folder;
  EXPECT_EQ(try_connect(folder.file("nobody.sock")), FERRY_ERROR_NO_BROKER);
  expect_words({folder.file("nobody.sock"), "ferryd"});
}

TEST(Connect, SaysTheSameOfASocketWhoseBrokerWasKilled) {
  BrokerProcess broker;
  broker.kill();
  EXPECT_EQ(try_connect(broker.socket()), FERRY_ERROR_NO_BROKER);
  expect_words({broker.socket(), "ferryd"});
}

TEST(Connect, ASessionTooManyIsToldWhichLimitItMet) {
  BrokerProcess broker("[limits]\nmax_sessions = 1\n");
  ferry_connect_info info = FERRY_CONNECT_INFO_INIT;
  info.socket_path = broker.socket().c_str();
  ferry_connection* first = nullptr;
  ASSERT_EQ(ferry_connect(&info, &first), FERRY_OK) << ferry_last_error();
  for (int i = 0; i < 20; ++i) {  // whoever is faster, the Hello or the refusal
    EXPECT_EQ(try_connect(broker.socket()), FERRY_ERROR_LIMIT_EXCEEDED) << ferry_last_error();
    expect_words({"max_sessions", "1"});
  }
  EXPECT_EQ(ferry_disconnect(first), FERRY_OK);
}

TEST(Connect, RefusesAPathThatNoSocketAddressCanHold) {
  const std::string path = "/tmp/" + std::string(200, 'p');
  EXPECT_EQ(try_connect(path), FERRY_ERROR_INVALID_ARGUMENT);
  expect_words({"205", "107"});
}

TEST(Connect, NamesBothRangesWhenNoVersionIsInCommon) {
  const TempDir folder;
  const FakeBroker broker(folder.file("s"), [](const proto::Envelope&) {
    wire::HelloReplyT reply;
    reply.protocol = 8;
    reply.protocol_min = 8;
    reply.protocol_max = 9;
    reply.broker_version = "9.9.9";
    wire::BodyUnion body;
    body.Set(std::move(reply));
    return body;
  });
  EXPECT_EQ(try_connect(folder.file("s"), 5'000'000'000), FERRY_ERROR_VERSION_MISMATCH);
  expect_words({"8", "9", std::to_string(proto::kProtocolVersionMin), std::to_string(proto::kProtocolVersionMax)});
}

TEST(Connect, PassesARefusalOn) {
  const TempDir folder;
  const FakeBroker broker(folder.file("s"), [](const proto::Envelope&) {
    wire::RefusedT reply;
    reply.code = FERRY_ERROR_PERMISSION_DENIED;
    reply.message = "uid 1000 is not in group 'ferry'";
    wire::BodyUnion body;
    body.Set(std::move(reply));
    return body;
  });
  EXPECT_EQ(try_connect(folder.file("s"), 5'000'000'000), FERRY_ERROR_PERMISSION_DENIED);
  expect_words({"uid 1000", "group 'ferry'"});
}

TEST(Connect, ABrokerThatHangsUpIsNoReasonToHang) {
  const TempDir folder;
  const FakeBroker broker(folder.file("s"), [](const proto::Envelope&) { return wire::BodyUnion(); });
  const std::int32_t code = try_connect(folder.file("s"), 5'000'000'000);
  EXPECT_EQ(code, FERRY_ERROR_DISCONNECTED) << ferry_error_name(code) << ": " << ferry_last_error();
}

TEST(Connect, AnAnswerOfTheWrongKindIsAViolation) {
  const TempDir folder;
  const FakeBroker broker(folder.file("s"), [](const proto::Envelope&) {
    wire::BodyUnion body;
    body.Set(wire::DoneT{});
    return body;
  });
  EXPECT_EQ(try_connect(folder.file("s"), 5'000'000'000), FERRY_ERROR_PROTOCOL_VIOLATION);
}

wire::BodyUnion greeting() {
  wire::HelloReplyT reply;
  reply.protocol = reply.protocol_min = reply.protocol_max = proto::kProtocolVersionMax;
  wire::BodyUnion body;
  body.Set(std::move(reply));
  return body;
}

/// With a broker that greets and hangs up at the first question; null where it does not come to that.
ferry_connection* connect_and_be_hung_up_on(const std::string& path) {
  ferry_connect_info info = FERRY_CONNECT_INFO_INIT;
  info.socket_path = path.c_str();
  ferry_connection* connection = nullptr;
  EXPECT_EQ(ferry_connect(&info, &connection), FERRY_OK) << ferry_last_error();
  if (connection == nullptr) return nullptr;
  char* json = nullptr;
  EXPECT_EQ(ferry_query_status(connection, &json), FERRY_ERROR_DISCONNECTED);
  return connection;
}

TEST(Connect, WhoLeavesDoesNotWaitForTheNextBrokersAnswer) {
  const TempDir folder;
  const std::string path = folder.file("s");
  int hellos = 0;
  std::binary_semaphore is_silent{0}, may_go_on{0};
  const FakeBroker broker(path, [&](const proto::Envelope& question) {
    wire::BodyUnion body;  // empty: hangs up
    if (question.body.type != wire::Body::Hello || ++hellos > 2) return body;
    if (hellos == 2) {
      is_silent.release();
      may_go_on.acquire();
      return body;
    }
    return greeting();
  });
  ferry_connection* connection = connect_and_be_hung_up_on(path);
  ASSERT_NE(connection, nullptr);
  EXPECT_TRUE(is_silent.try_acquire_for(30s)) << "it has not said Hello again";

  auto left = std::make_shared<std::promise<int32_t>>();
  auto code = left->get_future();
  std::thread([left, connection] { left->set_value(ferry_disconnect(connection)); }).detach();
  const bool in_time = code.wait_for(20s) == std::future_status::ready;
  may_go_on.release();
  ASSERT_TRUE(in_time) << "it looks for brokers for ever";
  EXPECT_EQ(code.get(), FERRY_OK);
}

TEST(Connect, ABrokerThatHangsUpIsAskedLessAndLessOften) {
  const TempDir folder;
  const std::string path = folder.file("s");
  std::atomic<int> hellos = 0;
  const FakeBroker broker(path, [&](const proto::Envelope& question) {
    wire::BodyUnion body;  // empty: hangs up
    if (question.body.type != wire::Body::Hello || ++hellos > 1) return body;
    return greeting();
  });
  ferry_connection* connection = connect_and_be_hung_up_on(path);
  ASSERT_NE(connection, nullptr);
  const auto began = std::chrono::steady_clock::now();
  for (const Deadline deadline(30s); hellos < 4 && !deadline.passed();) std::this_thread::sleep_for(1ms);
  EXPECT_GE(hellos, 4) << "it comes back by itself";
  std::this_thread::sleep_for(3s);
  // Pauses of 2 ms, 4 ms and so on are a second after ten, and stay that: without them there would be thousands.
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  EXPECT_LE(hellos, 14 + static_cast<int>(seconds.count()));
  EXPECT_EQ(ferry_disconnect(connection), FERRY_OK);
}

TEST(Connect, ASilentBrokerCostsTheTimeoutAndNoMore) {
  const TempDir folder;
  auto listener = platform::Listener::bind(folder.file("s"));  // listens, and never accepts
  ASSERT_TRUE(listener.ok());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(try_connect(folder.file("s"), 300'000'000), FERRY_ERROR_TIMEOUT) << ferry_last_error();
  const auto waited = std::chrono::steady_clock::now() - before;
  EXPECT_GE(waited, 290ms);
  EXPECT_LT(waited, 5s);
}

TEST(Connect, AnApplicationNameMayBe64BytesLong) {
  BrokerProcess broker;
  ferry_connect_info info = FERRY_CONNECT_INFO_INIT;
  info.socket_path = broker.socket().c_str();
  const std::string fits(64, 'a'), too_long(65, 'a');
  info.application = too_long.c_str();
  ferry_connection* connection = nullptr;
  EXPECT_EQ(ferry_connect(&info, &connection), FERRY_ERROR_INVALID_ARGUMENT);
  expect_words({"65", "64"});
  info.application = fits.c_str();
  ASSERT_EQ(ferry_connect(&info, &connection), FERRY_OK) << ferry_last_error();
  ferry_disconnect(connection);
}

}  // namespace
}  // namespace ferry::test
