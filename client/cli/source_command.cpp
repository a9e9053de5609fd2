// ferry source

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <cmath>
#include <optional>

#include "client/cli/commands.h"
#include "client/cli/frame_pacer.h"
#include "client/cli/gpu.h"
#include "client/cli/pattern_renderer.h"
#include "client/cli/pixels.h"
#include "client/cli/stop_signal.h"
#include "client/cli/terminal.h"
#include "client/cli/text.h"

namespace ferry::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kReportEveryNs = kSecond;
constexpr double kSweepSeconds = 4;
/// How long begin() may wait before the loop looks whether it should stop: nothing else wakes it.
constexpr std::chrono::milliseconds kSlotPatience{100};

StreamOptions stream_options(const SourceOptions& options) {
  return {.name = options.name,
          .image = image_desc(options.size.width_px, options.size.height_px, options.format),
          .sync_mode = options.sync,
          .queue_policy = options.policy,
          .transport = options.transport};
}

/// sRGB formats turn light into numbers by themselves, and floats hold light.
bool wants_light(ferry_format format) { return is_srgb_format(format) || format == FERRY_FORMAT_RGBA16_FLOAT; }

PatternFrame pattern_now(std::uint64_t number, ferry_format format) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  const std::int64_t second_of_day = (local.tm_hour * 60 + local.tm_min) * 60 + local.tm_sec;
  const double sweep = std::fmod(static_cast<double>(monotonic_ns()) / 1e9, kSweepSeconds) / kSweepSeconds;

  PatternFrame frame{};
  frame.number = static_cast<std::uint32_t>(number);
  frame.time_of_day_ms = static_cast<std::uint32_t>(second_of_day * 1000 + now.tv_nsec / 1'000'000);
  frame.sweep = static_cast<float>(sweep);
  frame.linear_output = wants_light(format) ? 1 : 0;
  return frame;
}

FrameMetadata metadata_for(ferry_format format) {
  auto metadata = sized<FrameMetadata>();
  metadata.transfer = format == FERRY_FORMAT_RGBA16_FLOAT ? FERRY_TRANSFER_LINEAR : FERRY_TRANSFER_SRGB;
  return metadata;
}

/// Once a second on a terminal, a line that replaces the one before.
class ProgressLine {
 public:
  ProgressLine(const SourceOptions& options, std::int64_t now_ns)
      : options_(options), interactive_(terminal_of(STDOUT_FILENO).interactive), reported_ns_(now_ns) {}

  /// When report() has something to do; never, when nobody looks.
  std::int64_t due_ns() const { return interactive_ ? reported_ns_ + kReportEveryNs : INT64_MAX; }

  void report(const StreamState& state, std::uint64_t published, std::uint64_t dropped, std::int64_t now_ns) {
    const double elapsed_s = static_cast<double>(now_ns - reported_ns_) / 1e9;
    const double rate_hz = static_cast<double>(published - reported_frames_) / elapsed_s;
    reported_ns_ = now_ns;
    reported_frames_ = published;
    const std::string line =
        fmt::format("{}   {}x{} {}   {}   frame {}   {} dropped   {}   sync {}{}", printable(options_.name),
                    state.width_px, state.height_px, format_name(state.format), human_rate(rate_hz), state.frames,
                    dropped, counted(state.consumer_count, "consumer"), sync_mode_name(state.sync_mode),
                    state.connected ? "" : "   broker gone");
    // A line that wraps could not be replaced.
    write_all(STDOUT_FILENO, fmt::format("\r{}\x1b[K", truncate(line, terminal_of(STDOUT_FILENO).columns - 1)));
    shown_ = true;
  }

  /// What is left on the screen when all is over.
  void finish(std::uint64_t published, std::uint64_t dropped) const {
    write_all(STDOUT_FILENO,
              fmt::format("{}{} published, {} dropped\n", shown_ ? "\n" : "", counted(published, "frame"), dropped));
  }

 private:
  const SourceOptions& options_;
  bool interactive_;
  bool shown_ = false;
  std::int64_t reported_ns_;
  std::uint64_t reported_frames_ = 0;
};

class Source {
 public:
  explicit Source(const SourceOptions& options)
      : options_(options),
        connection_({.socket_path = options.socket, .application = "ferry source"}),
        device_(connection_, {.selector = options.device}),
        gpu_(open_gpu(device_)),
        producer_(connection_, device_, stream_options(options)),
        metadata_(metadata_for(options.format)),
        progress_(options, monotonic_ns()) {}

  void run() {
    announce();
    FramePacer pacer(options_.rate_hz, monotonic_ns());
    while (options_.frame_count == 0 || published_ < options_.frame_count) {
      if (stopped_before(pacer.due_ns())) break;
      publish_one();
      pacer.advance(monotonic_ns());
    }
    progress_.finish(published_, dropped_);
  }

 private:
  void announce() {
    const StreamState state = producer_.state();
    first_number_ = state.frames + 1;
    const std::string_view sync = sync_mode_name(state.sync_mode);
    const std::string why = printable(without_subject(state.sync_reason, sync));
    write_all(STDOUT_FILENO,
              fmt::format("stream '{}'   {}x{} {}   {} slots   {}   sync {}{}\n", printable(options_.name),
                          state.width_px, state.height_px, format_name(state.format), state.slot_count,
                          printable(state.transport), sync, why.empty() ? "" : fmt::format(" ({})", why)));
  }

  /// Sleeps until the frame is due, with a look at the clock for the progress line in between.
  bool stopped_before(std::int64_t due_ns) {
    for (;;) {
      if (stop_.wait_until(std::min(due_ns, progress_.due_ns()))) return true;
      const std::int64_t now_ns = monotonic_ns();
      if (now_ns >= progress_.due_ns()) progress_.report(producer_.state(), published_, dropped_, now_ns);
      if (now_ns >= due_ns) return false;
    }
  }

  void publish_one() {
    const bool may_wait = options_.rate_hz == 0 || options_.policy == FERRY_QUEUE_BLOCK;
    const std::optional<Target> target = producer_.begin(may_wait ? Timeout(kSlotPatience) : kNoWait);
    if (!target) {
      ++dropped_;
      return;
    }
    if (!renderer_) renderer_.emplace(gpu_, static_cast<vk::Format>(target->vk_format));
    renderer_->draw(*target, pattern_now(first_number_ + published_, options_.format));
    producer_.publish(*target, metadata_);
    ++published_;
  }

  const SourceOptions& options_;
  StopSignal stop_;  // before everything that starts a thread
  Connection connection_;
  Device device_;
  Gpu gpu_;
  Producer producer_;
  std::optional<PatternRenderer> renderer_;
  FrameMetadata metadata_;
  ProgressLine progress_;
  std::uint64_t first_number_ = 1, published_ = 0, dropped_ = 0;
};

}  // namespace

void run_source(const SourceOptions& options) { Source(options).run(); }

}  // namespace ferry::cli
