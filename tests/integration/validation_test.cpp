// A message of the validation layer turns a test red, whoever it is about, and so does a layer that is not there. The
// messages are provoked by tests/support/layers/blundering_layer.cpp.

#include <gtest/gtest-spi.h>
#include <signal.h>

#include "tests/integration/stream_test.h"
#include "tests/support/layers/validation.h"

namespace ferry::test {
namespace {

constexpr const char* kMistake = "VUID-VkBufferCreateInfo-usage-requiredbitmask";

class Validation : public StreamTest {
 protected:
  void SetUp() override {
    if (!validation_wanted()) GTEST_SKIP() << "$FERRY_TEST_NO_VALIDATION is set";
  }
};

TEST_F(Validation, OfTheBrokerIsFound) {
  EXPECT_EQ(broker_.stop(), "");
  broker_.start("ferryd", with_layer("blundering"));
  auto producer = start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--frames", "3"});
  stop_and_check(producer);
  const std::string complaint = broker_.stop();
  EXPECT_NE(complaint.find(kMistake), std::string::npos) << complaint;
}

TEST_F(Validation, OfABrokerThatWasKilledIsFound) {
  broker_.kill();
  broker_.start("ferryd", with_layer("blundering"));
  auto producer = start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--frames", "3"});
  broker_.kill();
  broker_.start();
  stop_and_check(producer);
  const std::string complaint = broker_.stop();
  EXPECT_NE(complaint.find(kMistake), std::string::npos) << complaint;
}

TEST_F(Validation, OfATestProgramIsFound) {
  auto producer = start("test_producer", {"--name", "cam", "--size", "64x64:RGBA8", "--frames", "3"},
                        {with_layer("blundering"), {}});
  producer.wait_report("created");
  producer.send_command("stop");
  const auto done = producer.wait_report("done");
  producer.wait_exit();
  EXPECT_NONFATAL_FAILURE(expect_right(done), "validation_errors");
}

TEST_F(Validation, OfAProgramWithoutASwitchForItIsFound) {
  SpawnOptions options;
  options.environment = with_layer("blundering");
  auto source = start("ferry", {"source", "--size", "64x64", "cam"}, validated(std::move(options)));
  EXPECT_TRUE(source.read_line(60s)) << source.error_text();
  source.send_signal(SIGTERM);
  source.wait_exit();
  const std::string complaint = complaints_of_programs();
  EXPECT_NE(complaint.find(kMistake), std::string::npos) << complaint;
  forget_complaints();
}

TEST_F(Validation, ThatIsNotThereIsFound) {
  EXPECT_EQ(broker_.stop(), "");
  broker_.start("ferryd", {{"VK_LAYER_PATH", "/nonexistent"}});
  EXPECT_EQ(broker_.stop(), "the validation layer was not loaded");
}

}  // namespace
}  // namespace ferry::test
