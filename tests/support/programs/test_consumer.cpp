// A consumer of pictures in a process of its own, for the integration tests: checks every pixel of every frame.

#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/check.h"
#include "tests/support/deadline.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/programs/arguments.h"
#include "tests/support/programs/control.h"
#include "tests/support/programs/device_loss.h"
#include "tests/support/session.h"

namespace ferry::test {
namespace {

struct Options {
  SessionOptions session;
  ConsumerOptions stream;
  std::uint64_t frames = 0;          ///< ends after so many; 0: does not
  std::uint64_t until_sequence = 0;  ///< ends at this number or a later one; 0: does not
  std::int64_t hold_ms = 0;          ///< keeps every frame so long
  std::int64_t pace_ms = 0;          ///< sleeps so long between frames
  bool keep = false;                 ///< takes as many frames as it may hold, and keeps them
  bool report_frames = false;
  std::int64_t acquire_timeout_ms = 200;  ///< between two looks at the commands and the deadline
  bool until_wrong = false;               ///< ends at the first frame that is not right
  bool use_fd = false;                    ///< sleeps in poll(2) on ferry_consumer_get_fd()
  bool ask_status = false;                ///< asks the broker for its status after every frame
  bool reattach = false;                  ///< attaches again, once, when it is evicted or the stream has ended
  std::int64_t deadline_ms = 120'000;
};

std::uint64_t percentile(std::vector<std::uint64_t> values, double share) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(static_cast<double>(values.size()) * share));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

class ConsumerProgram {
 public:
  explicit ConsumerProgram(const Options& options)
      : options_(options),
        session_(options.session),
        deadline_(std::chrono::milliseconds(options.deadline_ms)) {
    attach();
  }

  void attach() {
    consumer_ = std::make_unique<PictureConsumer>(session_.connection(), session_.device(), session_.gpu(), options_.stream);
    if (options_.use_fd) check(ferry_consumer_get_fd(consumer_->handle(), &fd_), "ferry_consumer_get_fd");
    const ferry_stream_state state = consumer_->state();
    report("attached", {{"slots", state.slot_count},
                        {"sync_mode", sync_mode_name(state.sync_mode)},
                        {"transport", state.transport}});
  }

  int run() {
    std::string ended = "stopped";
    while (!commands_.stopped()) {
      if (deadline_.passed()) {
        ended = "deadline";
        break;
      }
      report_events();
      while (const auto line = commands_.next()) obey(*line);
      const std::int32_t code = take();
      if (code == FERRY_OK) {
        after_frame();
        if (options_.until_wrong && !consumer_->books().all_right()) {
          ended = "wrong";
          break;
        }
        if (reached_goal()) {
          ended = "goal";
          break;
        }
      } else if (code != FERRY_ERROR_TIMEOUT && code != FERRY_ERROR_WOULD_BLOCK) {
        ended = ferry_error_name(code);
        report("ended", {{"code", code}, {"text", ferry_last_error()}});
        if ((code == FERRY_ERROR_EVICTED || code == FERRY_ERROR_STREAM_CLOSED) && std::exchange(options_.reattach, false)) {
          report(code == FERRY_ERROR_EVICTED ? "evicted" : "closed", books());
          consumer_->release_all();
          report_events();
          attach();
          continue;
        }
        break;
      }
      if (options_.stream.hang_at != 0 && consumer_->books().frames == options_.stream.hang_at) {
        consumer_->release_all();
        report("hanging", books());
        while (!commands_.stopped()) commands_.wait(std::chrono::milliseconds(1000));
        std::_Exit(0);  // nothing of it could be destroyed in order
      }
      if (options_.keep && consumer_->held() == std::max(options_.stream.max_holds, 1u)) {
        report("holding", books());
        while (!commands_.stopped() && !deadline_.passed()) commands_.wait(std::chrono::milliseconds(1000));
      }
    }
    consumer_->release_all();
    report_events();
    if (!becomes_idle()) {
      report("failed", {{"code", 0}, {"text", "vkDeviceWaitIdle did not return within 20 s"}});
      std::_Exit(1);  // nothing of it could be destroyed in order
    }
    auto result = books();
    result["ended"] = ended;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started_;
    result["seconds"] = elapsed.count();
    report("done", result);
    return 0;
  }

 private:
  std::int32_t take() {
    if (!options_.use_fd) {
      const std::int32_t code = consumer_->take(options_.acquire_timeout_ms * 1'000'000);
      if (code == FERRY_ERROR_WOULD_BLOCK) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return code;
    }
    const std::int32_t code = consumer_->take(0);
    if (code != FERRY_ERROR_WOULD_BLOCK) return code;
    pollfd readable{fd_, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(options_.acquire_timeout_ms)) > 0) ++wakeups_;
    return FERRY_ERROR_WOULD_BLOCK;
  }

  /// Whoever drew what was read may be dead, and a driver may wait for that for ever.
  bool becomes_idle() const {
    auto result = std::make_shared<std::promise<VkResult>>();
    auto idle = result->get_future();
    std::thread([result, &gpu = session_.gpu()] { result->set_value(gpu.DeviceWaitIdle(gpu.device())); }).detach();
    return idle.wait_for(std::chrono::seconds(20)) == std::future_status::ready && idle.get() == VK_SUCCESS;
  }

  void obey(const std::string& line) {
    if (line == "books")
      report("books", books());
    else if (line == "forget gaps")
      consumer_->forget_gaps();
    else
      throw std::invalid_argument("unknown command: " + line);
  }

  /// Without a broker there is none to be had, and from one that stands still none in time.
  void ask_status() try {
    session_.status();
  } catch (const FerryFailure& failure) {
    if (failure.code() != FERRY_ERROR_DISCONNECTED && failure.code() != FERRY_ERROR_TIMEOUT) throw;
  }

  void after_frame() {
    if (options_.ask_status) ask_status();
    if (options_.report_frames) report("frame", {{"sequence", consumer_->books().last}});
    if (options_.keep) return;
    if (options_.hold_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(options_.hold_ms));
    if (consumer_->held() >= std::max(options_.stream.max_holds, 1u)) consumer_->release_oldest();
    if (options_.pace_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(options_.pace_ms));
  }

  bool reached_goal() const {
    const ConsumerBooks& books = consumer_->books();
    return (options_.frames != 0 && books.frames >= options_.frames) ||
           (options_.until_sequence != 0 && books.last >= options_.until_sequence);
  }

  void report_events() {
    while (const auto event = consumer_->next_event())
      report("event",
             {{"type", event_name(event->type)}, {"generation", event->generation}, {"reason", event->reason}});
  }

  nlohmann::json books() const {
    const ConsumerBooks& b = consumer_->books();
    return {{"frames", b.frames},
            {"wrong", b.wrong_frames},
            {"torn", b.torn_frames},
            {"wrong_stamps", b.wrong_stamps},
            {"disorder", b.disorder},
            {"skipped", b.skipped},
            {"missing", b.missing},
            {"first", b.first},
            {"last", b.last},
            {"generations", b.generations},
            {"longest_gap_ns", b.longest_gap_ns},
            {"longest_arrival_gap_ns", consumer_->longest_arrival_gap_ns()},
            {"longest_overrun_ns", b.longest_overrun_ns},
            {"overtaken", b.overtaken},
            {"laps", b.laps},
            {"width", b.shape.width_px},
            {"height", b.shape.height_px},
            {"format", b.shape.format},
            {"first_wrong", b.first_wrong},
            {"all_right", b.all_right()},
            {"wakeups", wakeups_},
            {"latency_p50_ns", percentile(consumer_->latencies_ns(), 0.5)},
            {"latency_p99_ns", percentile(consumer_->latencies_ns(), 0.99)},
            {"read_p50_ns", percentile(consumer_->read_ns(), 0.5)},
            {"read_p99_ns", percentile(consumer_->read_ns(), 0.99)},
            {"validation_errors", session_.validation_errors()}};
  }

  Options options_;
  Session session_;
  std::unique_ptr<PictureConsumer> consumer_;
  Commands commands_;
  Deadline deadline_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  int fd_ = -1;
  std::uint64_t wakeups_ = 0;
};

int run(int argc, char** argv) {
  Options options;
  std::string mode = "latest";
  bool start_anew = false, no_validation = false, no_verify = false;
  std::int64_t attach_timeout_ms = 0;
  CLI::App app("Checks the pictures of test_producer");
  app.add_option("--socket", options.session.socket);
  app.add_option("--name", options.stream.name)->required();
  app.add_option("--device", options.session.device);
  app.add_option("--mode", mode)->check(CLI::IsMember({"latest", "every"}));
  app.add_option("--holds", options.stream.max_holds);
  app.add_option("--queue-depth", options.stream.queue_depth);
  app.add_option("--seed", options.stream.seed);
  app.add_option("--attach-timeout-ms", attach_timeout_ms);
  app.add_option("--frames", options.frames);
  app.add_option("--until-sequence", options.until_sequence);
  app.add_option("--hold-ms", options.hold_ms);
  app.add_option("--pace-ms", options.pace_ms);
  app.add_option("--deadline-ms", options.deadline_ms);
  app.add_option("--engine", options.stream.engine)->transform(CLI::CheckedTransformer(kEngines));
  app.add_option("--hang-at", options.stream.hang_at);
  app.add_flag("--mark", options.stream.mark);
  app.add_flag("--keep", options.keep);
  app.add_flag("--recheck", options.stream.recheck);
  app.add_flag("--release-early", options.stream.release_early);
  app.add_option("--acquire-timeout-ms", options.acquire_timeout_ms);
  app.add_flag("--until-wrong", options.until_wrong);
  app.add_flag("--use-fd", options.use_fd);
  app.add_flag("--ask-status", options.ask_status);
  app.add_flag("--reattach", options.reattach);
  app.add_flag("--report-frames", options.report_frames);
  app.add_flag("--no-verify", no_verify);
  app.add_flag("--start-anew", start_anew, "with another device, when one is lost");
  app.add_flag("--lend-queue", options.session.lend_queue);
  app.add_flag("--no-validation", no_validation);
  CLI11_PARSE(app, argc, argv);

  options.session.validation = !no_validation;
  options.stream.verify = !no_verify;
  options.stream.mode = mode == "every" ? FERRY_CONSUMER_EVERY : FERRY_CONSUMER_LATEST;
  options.stream.attach_timeout_ns = attach_timeout_ms * 1'000'000;
  return run_through_losses<ConsumerProgram>(options, start_anew);
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
