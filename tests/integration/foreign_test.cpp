// Transport dma-buf between two drivers: here one, which in one of the processes has the UUID of another
// (tests/support/layers/stranger_layer.cpp). Images are then VK_QUEUE_FAMILY_FOREIGN_EXT's between their uses, and a process
// that names VK_QUEUE_FAMILY_EXTERNAL ends (foreign_layer.cpp).

#include "tests/integration/stream_test.h"
#include "tests/support/dma_buf_needed.h"
#include "tests/support/layers/layers.h"

namespace ferry::test {
namespace {

class ForeignQueues : public StreamTest {
 protected:
  ForeignQueues() : StreamTest(kPatient) {}
  void SetUp() override { need_dma_bufs(session().status()); }
  ChildProcess start_under(const std::vector<std::string>& layers, const std::string& program, Arguments arguments) {
    SpawnOptions options;
    for (const std::string& layer : layers) add_environment(options.environment, with_layer(layer));
    auto process = start(program, std::move(arguments), std::move(options));
    process.wait_report(program == "test_producer" ? "created" : "attached", 60s);
    return process;
  }
  /// Draws nothing until it is told to: by then images are foreign.
  ChildProcess producer(Arguments more) {
    Arguments all{"--name", "cam", "--policy", "block", "--rate", "0", "--paused"};
    all.insert(all.end(), more.begin(), more.end());
    return start_under({"foreign"}, "test_producer", std::move(all));
  }
  /// On "another driver".
  ChildProcess stranger(Arguments more) {
    Arguments all{"--name", "cam", "--mode", "every", "--report-frames"};
    all.insert(all.end(), more.begin(), more.end());
    return start_under({"foreign", "stranger"}, "test_consumer", std::move(all));
  }
  nlohmann::json stream() { return stream_in(session().status(), "cam"); }
  static void expect_foreign(const nlohmann::json& stream) {
    EXPECT_EQ(stream["transport"], "dma-buf") << stream;
    EXPECT_EQ(stream["generation"]["foreign_queues"], true) << stream;
    const std::string why = stream["transport_reason"];
    EXPECT_EQ(why.find("external queues"), std::string::npos) << why;
  }
};

TEST_F(ForeignQueues, CarryEveryFrameWholeToAnotherDriver) {
  auto from = producer({"--size", "641x361:RGBA8", "--resize", "4=67x3:RGBA16F", "--resize", "8=640x360:BGRA8_SRGB"});
  EXPECT_EQ(stream()["transport"], "opaque-fd");
  auto to = stranger({"--until-sequence", "12", "--recheck"});
  publish_first_frame(from, {&to});
  expect_foreign(stream());
  const std::string why = stream()["transport_reason"];
  EXPECT_EQ(why.find("dma-buf, RGBA8 as LINEAR: opaque-fd needs equal UUIDs"), 0u) << why;
  from.send_command("produce 11");
  const auto done = finish_and_check(to);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 12) << done;
  expect_foreign(stream());
  stop_and_check(from);
}

TEST_F(ForeignQueues, StartWhenAnotherDriverJoins) {
  auto from = start_producer({"--name", "cam", "--size", "67x3:RGBA8", "--policy", "block", "--rate", "0", "--paused",
                              "--transport", "dma-buf"});
  auto native = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "12"});
  publish_first_frame(from, {&native});
  EXPECT_EQ(stream()["generation"]["foreign_queues"], false) << "one driver";
  auto to = stranger({"--until-sequence", "8"});
  expect_foreign(stream());
  from.send_command("produce 7");
  finish_and_check(to);
  from.send_command("produce 4");
  EXPECT_EQ(finish_and_check(native)["frames"], 12);
  expect_foreign(stream());
  stop_and_check(from);
}

TEST_F(ForeignQueues, AreHandedBackAfterTheBrokersDeath) {
  auto from = producer({"--size", "67x3:RGBA8"});
  auto to = stranger({"--until-sequence", "12"});
  publish_first_frame(from, {&to});
  const auto before = stream();
  broker_.kill();
  to.wait_report_if("BROKER_LOST", event_is("BROKER_LOST"), 60s);
  from.send_command("produce 5");
  broker_.start();
  to.wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  from.send_command("produce 6");
  EXPECT_EQ(finish_and_check(to)["frames"], 12);
  const auto after = stream_in(status_when([](const auto& s) { return !stream_in(s, "cam").is_null(); }, 60s), "cam");
  expect_foreign(after);
  EXPECT_EQ(after["generation"]["id"], before["generation"]["id"]);
  stop_and_check(from);
}

}  // namespace
}  // namespace ferry::test
