// Coming and going: late, early, twice, many at once.

#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

using Attaching = StreamTest;

TEST_F(Attaching, ALateConsumerGetsTheLastFrameAtOnce) {
  auto producer = start_producer({"--name", "still", "--paused"});
  producer.send_command("produce 5");
  producer.wait_report_if("five frames", [](const auto& report) { return report["frames"] == 5; });

  auto consumer = start_consumer({"--name", "still", "--frames", "1"});
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["last"], 5) << "nothing more was published";
  stop_and_check(producer);
}

TEST_F(Attaching, DetachingDisturbsNobody) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  auto stays = start_consumer({"--name", "cam"});
  auto leaves = start_consumer({"--name", "cam", "--frames", "10"});
  finish_and_check(leaves);
  const auto status = status_when([](const auto& s) { return stream_in(s, "cam")["consumers"].size() == 1; });
  EXPECT_EQ(stream_in(status, "cam")["consumers"].size(), 1u) << status;

  producer.send_command("stop");
  const auto done = finish_and_check(producer);
  const auto seen = finish_and_check(stays);
  EXPECT_EQ(seen["last"], done["last"]) << "the last frame stays until the end";
  EXPECT_EQ(seen["ended"], "FERRY_ERROR_STREAM_CLOSED");
}

TEST_F(Attaching, ASecondProducerIsToldWhoHasTheName) {
  auto producer = start_producer({"--name", "cam"});
  auto consumer = start_consumer({"--name", "cam"});
  ProducerOptions options;
  options.name = "cam";
  try {
    PictureProducer second(session().connection(), session().device(), session().gpu(), options);
    FAIL() << "two producers have one name";
  } catch (const FerryFailure& e) {
    EXPECT_EQ(e.code(), FERRY_ERROR_NAME_TAKEN);
    const std::string text = e.what();
    EXPECT_NE(text.find("'cam'"), std::string::npos) << text;
    EXPECT_NE(text.find(std::to_string(producer.pid())), std::string::npos) << text;
    EXPECT_NE(text.find("test_producer"), std::string::npos) << text;
  }
  stop_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(Attaching, WaitsUntilTheStreamAppears) {
  auto consumer = start("test_consumer", {"--name", "later", "--attach-timeout-ms", "20000", "--frames", "10"});
  std::this_thread::sleep_for(300ms);  // it has asked, most likely; either order is right
  auto producer = start_producer({"--name", "later", "--size", "320x180:RGBA8"});
  EXPECT_EQ(finish_and_check(consumer)["frames"], 10);
  stop_and_check(producer);
}

TEST_F(Attaching, SaysThatThereIsNoSuchStream) {
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "nobody";
  ferry_consumer* consumer = nullptr;
  EXPECT_EQ(ferry_consumer_attach(session().connection(), session().device(), &info, &consumer), FERRY_ERROR_NOT_FOUND);
  EXPECT_NE(std::string(ferry_last_error()).find("'nobody'"), std::string::npos) << ferry_last_error();

  info.timeout_ns = 200'000'000;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(ferry_consumer_attach(session().connection(), session().device(), &info, &consumer), FERRY_ERROR_TIMEOUT);
  const auto waited = std::chrono::steady_clock::now() - before;
  EXPECT_GE(waited, 190ms);
  EXPECT_LT(waited, 5s);
  EXPECT_NE(std::string(ferry_last_error()).find("'nobody'"), std::string::npos) << ferry_last_error();
}

TEST_F(Attaching, SixtyFourStreamsAtOnce) {
  constexpr int kStreams = 64;
  constexpr int kRounds = 5;
  Session viewer({.socket = broker_.socket()});
  std::vector<std::unique_ptr<PictureProducer>> producers;
  std::vector<std::unique_ptr<PictureConsumer>> consumers;
  for (int i = 0; i < kStreams; ++i) {
    const std::string name = "stream " + std::to_string(i);
    ProducerOptions produce;
    produce.name = name;
    produce.shape = {64 + static_cast<std::uint32_t>(i), 48, 1 + static_cast<std::uint32_t>(i) % 6};
    producers.push_back(
        std::make_unique<PictureProducer>(session().connection(), session().device(), session().gpu(), produce));
    ConsumerOptions consume;
    consume.name = name;
    consumers.push_back(std::make_unique<PictureConsumer>(viewer.connection(), viewer.device(), viewer.gpu(), consume));
  }
  for (int round = 0; round < kRounds; ++round) {
    for (auto& producer : producers) ASSERT_EQ(producer->produce(), FERRY_OK);
    for (auto& consumer : consumers) {
      ASSERT_EQ(consumer->take(10'000'000'000), FERRY_OK) << ferry_last_error();
      consumer->release_all();
    }
  }
  for (auto& consumer : consumers) {
    EXPECT_TRUE(consumer->books().all_right()) << consumer->books().first_wrong;
    EXPECT_EQ(consumer->books().last, static_cast<std::uint64_t>(kRounds));
  }
  EXPECT_EQ(session().status()["streams"].size(), static_cast<std::size_t>(kStreams));
  consumers.clear();
  producers.clear();
  EXPECT_EQ(viewer.validation_errors(), 0u);
}

}  // namespace
}  // namespace ferry::test
