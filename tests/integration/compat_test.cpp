// Two versions of Ferry together: brokers, producers and consumers of another build ($FERRY_COMPAT_BIN, which scripts/compat
// makes and names) and of this one, in all pairings.

#include <cstdlib>
#include <string>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

enum class Version { kNew, kOld };

struct Pairing {
  Version broker, producer, consumer;
};

std::string name_of(Version version) { return version == Version::kNew ? "New" : "Old"; }

std::string name_of(const ::testing::TestParamInfo<Pairing>& info) {
  return name_of(info.param.broker) + "Broker" + name_of(info.param.producer) + "Producer" + name_of(info.param.consumer) +
         "Consumer";
}

constexpr Version kBoth[] = {Version::kNew, Version::kOld};

std::vector<Pairing> all_pairings() {
  std::vector<Pairing> out;
  for (const Version broker : kBoth)
    for (const Version producer : kBoth)
      for (const Version consumer : kBoth) out.push_back({broker, producer, consumer});
  return out;
}

class Versions : public StreamTest {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("FERRY_COMPAT_BIN");
    if (folder == nullptr) GTEST_SKIP() << "no other version: FERRY_COMPAT_BIN is not set (scripts/compat sets it)";
    other_ = folder;
    for (const char* program : {"ferryd", "test_producer", "test_consumer"})
      ASSERT_FALSE(read_file(other_ + "/" + program).empty()) << other_ << " has no " << program;
  }
  std::string program(Version version, const char* name) const {
    return version == Version::kNew ? name : other_ + "/" + name;
  }
  /// kill -9, if one runs, and the next one is of @p version.
  void start_broker(Version version) {
    broker_.kill();
    broker_.start(program(version, "ferryd"));
  }
  void replace_broker(Version version, ChildProcess& consumer) {
    start_broker(version);
    consumer.wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
    const auto stream = cam();
    ASSERT_EQ(stream["consumers"].size(), 1u);
    consumer.wait_report_if("20 frames more", frame_after(stream["frames"].get<std::uint64_t>() + 20));
  }
  /// With the consumers that are expected.
  nlohmann::json cam(std::size_t consumers = 1) {
    return stream_in(status_when([&](const auto& s) {
                       const auto stream = stream_in(s, "cam");
                       return !stream.is_null() && stream["consumers"].size() == consumers;
                     }),
                     "cam");
  }
  void expect_newcomer(Version version) {
    auto late = start(program(version, "test_consumer"), {"--name", "cam", "--frames", "10"});
    EXPECT_GE(finish_and_check(late)["frames"], 10);
  }

  std::string other_;
};

class Pairings : public Versions, public ::testing::WithParamInterface<Pairing> {};
INSTANTIATE_TEST_SUITE_P(All, Pairings, ::testing::ValuesIn(all_pairings()),
                         static_cast<std::string (*)(const ::testing::TestParamInfo<Pairing>&)>(name_of));

TEST_P(Pairings, WorkTogetherAndSurviveUpgradeAndDowngrade) {
  const auto [broker, producer_version, consumer_version] = GetParam();
  const Version other_broker = broker == Version::kNew ? Version::kOld : Version::kNew;
  start_broker(broker);

  // Frames, whole.
  auto producer = start(program(producer_version, "test_producer"),
                        {"--name", "cam", "--size", "320x180:RGBA8", "--policy", "block", "--paused"});
  producer.wait_report("created");
  auto every = start(program(consumer_version, "test_consumer"),
                     {"--name", "cam", "--mode", "every", "--queue-depth", "8", "--report-frames"});
  every.wait_report("attached");
  publish_first_frame(producer, {&every});
  producer.send_command("produce 1000000");
  every.wait_report_if("50 frames", frame_after(50));

  // Upgrade and downgrade, or the other way round.
  for (const Version next : {other_broker, broker}) {
    SCOPED_TRACE(name_of(next));
    ASSERT_NO_FATAL_FAILURE(replace_broker(next, every));
    for (const Version late : kBoth) expect_newcomer(late);
  }

  // Resize, in a broker that has taken the stream back from one of the other version.
  const std::uint64_t generation = cam()["generation"]["id"];
  producer.send_command("resize 200x100");
  every.wait_report_if("a new generation", [&](const auto& report) {
    return event_is("GENERATION")(report) && report["generation"] > generation;
  });
  every.wait_report_if("frames of it", frame_after(cam()["frames"].get<std::uint64_t>() + 20));
  producer.send_command("stop");
  const auto made = producer.wait_report("done");
  expect_right(made);
  const auto read = finish_and_check(every);
  EXPECT_EQ(read["missing"], 0) << read;
  EXPECT_EQ(read["last"], made["last"]) << "every frame, to the last";
  EXPECT_EQ(read["width"], 200);
}

TEST_P(Pairings, TakeOver) {
  const auto [broker, producer_version, consumer_version] = GetParam();
  start_broker(broker);
  // The heir is of the other version than the one that died.
  const Version heir = producer_version == Version::kNew ? Version::kOld : Version::kNew;
  auto producer = start(program(producer_version, "test_producer"), {"--name", "cam", "--size", "320x180:RGBA8"});
  producer.wait_report("created");
  auto consumer = start(program(consumer_version, "test_consumer"), {"--name", "cam", "--report-frames"});
  consumer.wait_report("attached");
  consumer.wait_report_if("20 frames", frame_after(20));
  producer.kill_now();
  consumer.wait_report_if("ORPHANED", event_is("ORPHANED"));
  for (const Version late : kBoth) {
    auto newcomer = start(program(late, "test_consumer"), {"--name", "cam", "--frames", "1"});
    finish_and_check(newcomer);
  }
  auto second = start(program(heir, "test_producer"), {"--name", "cam", "--size", "160x90:BGRA8"});
  const std::uint64_t first = second.wait_report("created")["first"];
  consumer.wait_report_if("RESUMED", event_is("RESUMED"));
  consumer.wait_report_if("frames of the second", frame_after(first + 20));
  EXPECT_EQ(stop_and_check(consumer)["width"], 160);
  stop_and_check(second);
}

/// A program that was built with the older library's headers, and runs with the newer library.
TEST_F(Versions, AnOldProgramRunsWithTheNewLibrary) {
  const auto with_new_library = [&](const char* name, Arguments arguments) {
    SpawnOptions options;
    options.environment.emplace_back("LD_LIBRARY_PATH", FERRY_LIBRARY_FOLDER);
    return start(program(Version::kOld, name), std::move(arguments), std::move(options));
  };
  const auto uses_new_library = [](const ChildProcess& process) {
    return read_file("/proc/" + std::to_string(process.pid()) + "/maps").find(FERRY_LIBRARY_FOLDER "/libferry.so") !=
           std::string::npos;
  };
  auto producer = with_new_library("test_producer", {"--name", "cam", "--size", "320x180:RGBA8"});
  producer.wait_report("created");
  EXPECT_TRUE(uses_new_library(producer));
  auto consumer = with_new_library("test_consumer", {"--name", "cam", "--report-frames"});
  consumer.wait_report("attached");
  EXPECT_TRUE(uses_new_library(consumer));
  consumer.wait_report_if("20 frames", frame_after(20));
  producer.send_command("resize 200x100");
  consumer.wait_report_if("a new generation", event_is("GENERATION"));
  ASSERT_NO_FATAL_FAILURE(replace_broker(Version::kNew, consumer));
  stop_and_check(consumer);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
