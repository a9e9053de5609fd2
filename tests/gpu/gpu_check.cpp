// End to end on this machine's GPU: whole frames compared at 1080p, 4K and 8K, by the GPU and by the processor, with
// what it took. Ends with 1 on any wrong frame.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <thread>

#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/session.h"

namespace ferry::test {
namespace {

struct Options {
  std::string sync = "timeline";
  std::vector<std::string> sizes{"1920x1080", "3840x2160", "7680x4320"};
  double seconds = 3;
  bool validate = false;
};

struct Check {
  std::string size, format, compared_by;
  std::string mode;  ///< of the consumers; "early": `latest`, releasing frames before they are read
  int consumers = 1;
  double rate_hz = 0;
};

class GpuCheck {
 public:
  explicit GpuCheck(const Options& options) : options_(options) {}

  int run() {
    print_device();
    fmt::print("\n{:<10} {:<10} {:<8} {:<7} {:>2} {:>8} {:>6} {:>8} {:>20} {:>20}\n", "size", "format", "compared",
               "mode", "n", "frames", "wrong", "frames/s", "acquired p50/p99 us", "compared p50/p99 us");
    for (const std::string& size : options_.sizes) {
      run_one({size, "RGBA8", "gpu", "latest", 1, 60});
      run_one({size, "RGBA8", "gpu", "latest", 1, 0});
      run_one({size, "BGRA8_SRGB", "cpu", "latest", 1, 0});
      run_one({size, "RGBA8", "gpu", "every", 2, 0});
      run_one({size, "RGBA8", "gpu", "early", 1, 0});
    }
    for (const char* format : {"RGBA8_SRGB", "BGRA8", "RGB10A2", "RGBA16F"})
      run_one({options_.sizes.front(), format, "cpu", "latest", 1, 0});
    if (const std::string complaint = broker_.stop(); !complaint.empty()) {
      ++failures_;
      fmt::print("FAILED ferryd: {}\n", complaint);
    }
    fmt::print("\n{}\n", failures_ == 0 ? "no wrong frame" : fmt::format("{} of the runs above FAILED", failures_));
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void print_device() {
    Session session({.socket = broker_.socket(), .validation = false});
    const auto status = session.status();
    const auto& device = status["broker"]["devices"][0];
    fmt::print("device      {}\ndriver      {}\n", device["name"].get<std::string>(),
               device["driver"].get<std::string>());
    fmt::print("transports  {}\nsync modes  {} {}\n", device["transports"].dump(), device["sync_modes"].dump(),
               device["sync_reason"].get<std::string>());
    fmt::print("wanted sync {}\n", options_.sync);
  }

  ChildProcess start(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--socket", broker_.socket(), "--name", "check"});
    if (!options_.validate) arguments.push_back("--no-validation");  // its cost would be in the figures
    return ChildProcess(program_folder() + "/" + program, std::move(arguments),
                        {{}, broker_.folder().file(program + std::to_string(logs_++))});
  }

  void run_one(const Check& check) {
    fmt::print("{:<10} {:<10} {:<8} {:<7} {:>2} ", check.size, check.format, check.compared_by, check.mode,
               check.consumers);
    try {
      measure(check);
    } catch (const std::exception& e) {
      ++failures_;
      fmt::print("FAILED: {}\n", e.what());
    }
    std::fflush(stdout);
  }

  void measure(const Check& check) {
    const bool early = check.mode == "early";
    auto producer = start("test_producer", {"--size", check.size + ":" + check.format, "--engine", check.compared_by,
                                            "--rate", std::to_string(check.rate_hz), "--sync", options_.sync,
                                            "--policy", check.mode == "every" ? "block" : "drop"});
    const auto created = producer.wait_report("created", 60s);
    std::vector<ChildProcess> consumers;
    for (int i = 0; i < check.consumers; ++i) {
      consumers.push_back(start("test_consumer", early ? std::vector<std::string>{"--engine", check.compared_by,
                                                                                  "--release-early", "--no-validation"}
                                                       : std::vector<std::string>{"--engine", check.compared_by,
                                                                                  "--mode", check.mode}));
      consumers.back().wait_report("attached", 60s);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.seconds));

    nlohmann::json sum;
    std::uint64_t frames = 0, wrong = 0, messages = 0;
    double seconds = 0;
    for (auto& consumer : consumers) {
      consumer.send_command("stop");
      sum = consumer.wait_report("done", 60s);
      frames += sum["frames"].get<std::uint64_t>();
      messages += sum["validation_errors"].get<std::uint64_t>();
      for (const char* kind : {"wrong", "torn", "wrong_stamps", "disorder"}) wrong += sum[kind].get<std::uint64_t>();
      if (check.mode == "every") wrong += sum["missing"].get<std::uint64_t>();
      seconds = sum["seconds"];
    }
    producer.send_command("stop");
    const auto produced = producer.wait_report("done", 60s);
    const std::uint64_t waited = produced["waited"];
    messages += produced["validation_errors"].get<std::uint64_t>();

    const auto in_us = [&](const char* key) { return sum[key].get<double>() / 1000; };
    fmt::print("{:>8} {:>6} {:>8.1f} {:>20} {:>20}", frames, wrong,
               static_cast<double>(frames) / check.consumers / seconds,
               fmt::format("{:.0f}/{:.0f}", in_us("latency_p50_ns"), in_us("latency_p99_ns")),
               fmt::format("{:.0f}/{:.0f}", in_us("read_p50_ns"), in_us("read_p99_ns")));
    if (const std::string sync = created["sync_mode"]; sync != options_.sync) fmt::print("  sync {}", sync);
    fmt::print("\n");
    if (early && waited == 0 && created["sync_mode"] == "timeline") {
      ++failures_;
      fmt::print("  FAILED no drawing had to wait for a release point\n");
    }
    if (messages != 0) {
      ++failures_;
      fmt::print("  FAILED {} messages of the validation layer\n", messages);
    }
    if (wrong != 0 || frames == 0) {
      ++failures_;
      fmt::print("  FAILED {}\n", sum["first_wrong"].get<std::string>());
    }
  }

  Options options_;
  BrokerProcess broker_;
  int logs_ = 0;
  int failures_ = 0;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Carries whole frames over this machine's GPU and compares every pixel");
  app.add_option("--sync", options.sync, "auto, timeline or host")->check(CLI::IsMember({"auto", "timeline", "host"}));
  app.add_option("--sizes", options.sizes, "WxH ...");
  app.add_option("--seconds", options.seconds, "for each run");
  app.add_flag("--validate", options.validate, "under the validation layer: slower");
  CLI11_PARSE(app, argc, argv);
  return GpuCheck(options).run();
}

}  // namespace
}  // namespace ferry::test

int main(int argc, char** argv) {
  try {
    return ferry::test::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "gpu_check: {}\n", e.what());
    return 1;
  }
}
