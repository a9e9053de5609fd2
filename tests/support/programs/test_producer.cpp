// A producer of pictures in a process of its own, for the integration tests.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/support/check.h"
#include "tests/support/picture_producer.h"
#include "tests/support/programs/arguments.h"
#include "tests/support/programs/control.h"
#include "tests/support/programs/device_loss.h"
#include "tests/support/session.h"

namespace ferry::test {
namespace {

struct Resize {
  std::uint64_t at_frame;
  ImageShape shape;
};

struct Options {
  SessionOptions session;
  ProducerOptions stream;
  double rate_hz = 60;
  std::uint64_t frames = 0;  ///< 0: until it is stopped
  bool paused = false;       ///< produces only what "produce N" asks for
  bool report_frames = false;
  std::vector<Resize> resizes;
};

/// Publishes on schedule and does what it is told.
class ProducerProgram {
 public:
  explicit ProducerProgram(const Options& options)
      : options_(options),
        session_(options.session),
        producer_(session_.connection(), session_.device(), session_.gpu(), options.stream) {
    const ferry_stream_state state = producer_.state();
    report("created", {{"slots", state.slot_count},
                       {"sync_mode", sync_mode_name(state.sync_mode)},
                       {"transport", state.transport},
                       {"sync_reason", state.sync_reason},
                       {"device", session_.device_info().name},
                       {"first", producer_.last_sequence() + 1}});
  }

  int run() {
    auto next = std::chrono::steady_clock::now();
    const auto started = next;
    std::uint64_t wanted = options_.paused ? 0 : options_.frames == 0 ? UINT64_MAX : options_.frames;
    while (!commands_.stopped()) {
      while (auto line = commands_.next()) obey(*line, wanted);
      if (produced_ >= wanted) {
        if (!reported_idle_) report("idle", books());
        reported_idle_ = true;
        commands_.wait(std::chrono::milliseconds(1000));
        next = std::chrono::steady_clock::now();
        continue;
      }
      produce_one();
      if (options_.stream.hang_at != 0 && produced_ == options_.stream.hang_at) {
        report("hanging", books());
        while (!commands_.stopped()) commands_.wait(std::chrono::milliseconds(1000));
        std::_Exit(0);  // nothing of it could be destroyed in order
      }
      if (options_.rate_hz > 0) {
        next += std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / options_.rate_hz));
        std::this_thread::sleep_until(next);
      }
    }
    auto result = books();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
    result["seconds"] = elapsed.count();
    report("done", result);
    return 0;
  }

 private:
  void obey(const std::string& line, std::uint64_t& wanted) {
    if (line.starts_with("produce ")) {
      wanted = produced_ + std::stoull(line.substr(8));
      reported_idle_ = false;
    } else if (line.starts_with("resize ")) {
      resize(parse_shape(line.substr(7), options_.stream.shape));
    } else if (line == "open gate") {
      producer_.open_gate();
    } else if (line == "books") {
      report("books", books());
    } else {
      throw std::invalid_argument("unknown command: " + line);
    }
  }

  /// Without a broker the stream goes on as it is.
  void resize(const ImageShape& shape) try {
    producer_.reconfigure(shape);
    options_.stream.shape = shape;
  } catch (const FerryFailure& failure) {
    if (failure.code() != FERRY_ERROR_DISCONNECTED && failure.code() != FERRY_ERROR_TIMEOUT) throw;
    report("not_resized", {{"code", failure.code()}, {"text", failure.what()}});
  }

  void produce_one() {
    for (const Resize& wanted : options_.resizes)
      if (wanted.at_frame == produced_) resize(wanted.shape);
    const std::int32_t code = producer_.produce(1'000'000'000);
    if (code != FERRY_OK) {
      ++starved_;
      return;
    }
    ++produced_;
    if (options_.report_frames) report("frame", {{"sequence", producer_.last_sequence()}});
  }

  nlohmann::json books() const {
    const ferry_stream_state state = producer_.state();
    return {{"frames", produced_},
            {"last", producer_.last_sequence()},
            {"starved", starved_},
            {"waited", producer_.waited_targets()},
            {"longest_overrun_ns", producer_.longest_overrun_ns()},
            {"connected", state.connected},
            {"generation", state.generation},
            {"transport", state.transport},
            {"slots", state.slot_count},
            {"validation_errors", session_.validation_errors()}};
  }

  Options options_;
  Session session_;
  PictureProducer producer_;
  Commands commands_;
  std::uint64_t produced_ = 0, starved_ = 0;
  bool reported_idle_ = false;
};

int run(int argc, char** argv) {
  Options options;
  std::string size = "640x360:RGBA8", policy = "drop", sync = "auto", transport = "auto";
  std::vector<std::string> resizes;
  bool start_anew = false, no_validation = false;
  CLI::App app("Publishes pictures that test_consumer can check");
  app.add_option("--socket", options.session.socket);
  app.add_option("--name", options.stream.name)->required();
  app.add_option("--size", size, "WxH[:FORMAT]");
  app.add_option("--rate", options.rate_hz, "frames a second; 0: as fast as it goes");
  app.add_option("--frames", options.frames, "0: until stopped");
  app.add_option("--seed", options.stream.seed);
  app.add_option("--policy", policy)->check(CLI::IsMember({"drop", "block"}));
  app.add_option("--sync", sync)->check(CLI::IsMember({"auto", "timeline", "host", "sync-fd"}));
  app.add_option("--transport", transport)->check(CLI::IsMember({"auto", "opaque-fd", "dma-buf", "host-memory"}));
  app.add_option("--device", options.session.device);
  app.add_option("--in-flight", options.stream.frames_in_flight);
  app.add_option("--min-slots", options.stream.min_slots);
  app.add_option("--resize", resizes, "N=WxH[:FORMAT]: before frame N, counted from 0");
  app.add_option("--engine", options.stream.engine)->transform(CLI::CheckedTransformer(kEngines));
  app.add_option("--hang-at", options.stream.hang_at, "this frame (1, 2 ...) is published, and its drawing never ends");
  app.add_option("--gate-at", options.stream.gate_at, "this frame's drawing waits for the command \"open gate\"");
  app.add_flag("--mark", options.stream.mark);
  app.add_flag("--paused", options.paused);
  app.add_flag("--report-frames", options.report_frames);
  app.add_flag("--start-anew", start_anew, "with another device, when one is lost");
  app.add_flag("--lend-queue", options.session.lend_queue);
  app.add_flag("--no-validation", no_validation);
  CLI11_PARSE(app, argc, argv);

  options.session.validation = !no_validation;
  options.stream.shape = parse_shape(size, {});
  options.stream.queue_policy = policy == "block" ? FERRY_QUEUE_BLOCK : FERRY_QUEUE_DROP;
  options.stream.sync_mode = sync == "timeline" ? FERRY_SYNC_TIMELINE
                             : sync == "host"   ? FERRY_SYNC_HOST
                             : sync == "sync-fd" ? FERRY_SYNC_FD
                                                : FERRY_SYNC_AUTOMATIC;
  options.stream.transport = transport == "opaque-fd"     ? FERRY_TRANSPORT_OPAQUE_FD
                             : transport == "dma-buf"     ? FERRY_TRANSPORT_DMA_BUF
                             : transport == "host-memory" ? FERRY_TRANSPORT_HOST_MEMORY
                                                          : FERRY_TRANSPORT_AUTOMATIC;
  ImageShape shape = options.stream.shape;
  for (const std::string& text : resizes) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) throw std::invalid_argument("no resize: " + text);
    shape = parse_shape(text.substr(equals + 1), shape);
    options.resizes.push_back({std::stoull(text.substr(0, equals)), shape});
  }
  return run_through_losses<ProducerProgram>(options, start_anew);
}

}  // namespace
}  // namespace ferry::test

int main(int argc, char** argv) {
  try {
    return ferry::test::run(argc, argv);
  } catch (const ferry::test::FerryFailure& e) {
    ferry::test::report("failed", {{"code", e.code()}, {"text", e.what()}});
  } catch (const std::exception& e) {
    ferry::test::report("failed", {{"code", 0}, {"text", e.what()}});
  }
  return 1;
}
