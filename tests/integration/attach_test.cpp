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
  constexpr int kFrames = 20;
  const char* const formats[] = {"RGBA8", "RGBA8_SRGB", "BGRA8", "BGRA8_SRGB", "RGB10A2", "RGBA16F"};
  const auto name_of = [](int i) { return "stream " + std::to_string(i); };
  std::vector<ChildProcess> producers, consumers;
  for (int i = 0; i < kStreams; ++i)
    producers.push_back(start("test_producer", {"--name", name_of(i), "--size",
                                                std::to_string(64 + i) + "x48:" + formats[i % 6], "--paused"}));
  for (auto& producer : producers) producer.wait_report("created", 120s);
  for (int i = 0; i < kStreams; ++i)
    consumers.push_back(start("test_consumer", {"--name", name_of(i), "--mode", "every", "--until-sequence",
                                                std::to_string(kFrames)}));
  for (auto& consumer : consumers) consumer.wait_report("attached", 120s);
  const auto status = session().status();
  EXPECT_EQ(status["streams"].size(), static_cast<std::size_t>(kStreams));
  for (auto& producer : producers) producer.send_command("produce " + std::to_string(kFrames));
  for (auto& consumer : consumers) {
    const auto done = finish_and_check(consumer, 120s);
    EXPECT_EQ(done["ended"], "goal") << done;
    EXPECT_EQ(done["last"], kFrames) << done;
  }
  for (auto& producer : producers) stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
