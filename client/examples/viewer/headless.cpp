#include "client/examples/viewer/headless.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ferry/ferry.hpp>
#include <optional>
#include <string>
#include <variant>

#include "client/cli/exit_code.h"
#include "client/examples/common/image_format.h"
#include "client/examples/common/pacer.h"
#include "client/examples/common/png_file.h"
#include "client/examples/common/stats.h"
#include "client/examples/common/stop_signal.h"
#include "client/examples/viewer/picture_verifier.h"
#include "client/examples/viewer/readback.h"
#include "client/examples/viewer/stamp_verifier.h"

namespace viewer {
namespace {

using namespace std::chrono_literals;
using ferry::cli::CommandError;
using ferry::cli::ExitCode;

constexpr auto kStreamDeadline = 10s, kFrameDeadline = 10s;

enum class End : std::uint8_t { kEnough, kStreamClosed, kStopped, kTimedOut };

struct Tally {
  std::uint64_t frames = 0, skipped = 0, faults = 0;
  std::int64_t first_ns = 0, last_ns = 0;
  examples::Samples to_acquire_ms, to_pixels_ms;
  End end = End::kEnough;

  double rate_hz() const {
    return last_ns > first_ns ? static_cast<double>(frames - 1) * 1e9 / static_cast<double>(last_ns - first_ns) : 0;
  }
};

double ms_since(std::uint64_t produced_ns) {
  return static_cast<double>(examples::monotonic_ns() - static_cast<std::int64_t>(produced_ns)) * 1e-6;
}

/// The next frame, or why there is none: the end of the stream, a signal, or that none comes in time.
std::variant<ferry::Frame, End> next_frame(ferry::Consumer& consumer) try {
  constexpr auto kSlice = 250ms;  // a signal that lands before the wait begins ends no wait
  for (auto waited = 0ms; waited < kFrameDeadline; waited += kSlice) {
    if (examples::stop_requested()) return End::kStopped;
    if (const auto frame = consumer.acquire(kSlice)) return *frame;
  }
  return End::kTimedOut;
} catch (const ferry::Error& error) {
  if (error.code() != FERRY_ERROR_STREAM_CLOSED) throw;
  return End::kStreamClosed;
}

/// All that was asked to be checked.
class Verifier {
 public:
  Verifier(const examples::Gpu& gpu, const Options& options) {
    if (options.verify_stamp) stamp_.emplace();
    if (options.verify_picture) picture_.emplace(gpu);
  }

  /// What is wrong with this frame; empty if nothing is.
  std::string find_fault(const ferry::Frame& frame, const examples::Rgba8Picture& picture) {
    std::string fault;
    if (stamp_) fault = stamp_->find_fault(frame, picture);
    if (picture_ && fault.empty()) fault = picture_->find_fault(frame, picture);
    return fault;
  }

 private:
  std::optional<StampVerifier> stamp_;
  std::optional<PictureVerifier> picture_;
};

Tally read_frames(ferry::Consumer& consumer, const examples::Gpu& gpu, const Options& options) {
  Tally tally;
  Readback readback(gpu);
  Verifier verifier(gpu, options);
  examples::Rgba8Picture picture;
  while (options.frames == 0 || tally.frames < options.frames) {
    const auto next = next_frame(consumer);
    if (const End* end = std::get_if<End>(&next)) {
      tally.end = *end;
      break;
    }
    const auto* frame = std::get_if<ferry::Frame>(&next);
    tally.to_acquire_ms.add(ms_since(frame->produced_ns));
    if (examples::is_yuv(frame->format))
      throw CommandError(ExitCode::kFailure,
                         fmt::format("stream '{}' is {}, which this viewer does not show: `ferry snapshot` converts it",
                                     options.stream, examples::format_name(frame->format)));
    picture = readback.read(consumer, *frame);
    tally.to_pixels_ms.add(ms_since(frame->produced_ns));
    tally.last_ns = examples::monotonic_ns();
    if (tally.frames++ == 0) tally.first_ns = tally.last_ns;
    tally.skipped += frame->skipped;
    if (const auto fault = verifier.find_fault(*frame, picture); !fault.empty()) {
      ++tally.faults;
      fmt::print(stderr, "ferry-viewer: frame {} (generation {}, slot {}): {}\n", frame->sequence, frame->generation,
                 frame->slot, fault);
    }
  }
  if (!options.save_path.empty() && tally.frames > 0) examples::write_png(options.save_path, picture);
  return tally;
}

void print_summary(const Tally& tally, const ferry::StreamState& state, const Options& options) {
  fmt::print("{} frames of '{}' ({}x{} {}, generation {}), {:.1f} Hz, {} skipped\n", tally.frames, options.stream,
             state.width_px, state.height_px, examples::format_name(state.format), state.generation, tally.rate_hz(),
             tally.skipped);
  fmt::print(
      "latency from publish to acquire p50 {:.3f} ms, p99 {:.3f} ms; to pixels on the CPU p50 {:.3f} ms, p99 "
      "{:.3f} ms\n",
      tally.to_acquire_ms.percentile(0.5), tally.to_acquire_ms.percentile(0.99), tally.to_pixels_ms.percentile(0.5),
      tally.to_pixels_ms.percentile(0.99));
  if (options.verify_stamp || options.verify_picture)
    fmt::print("{} of {} frames wrong ({})\n", tally.faults, tally.frames,
               options.verify_picture ? "every pixel compared" : "stamps compared");
}

/// Throws CommandError unless @p tally is what was asked for.
void judge(const Tally& tally, const Options& options) {
  if (tally.faults > 0)
    throw CommandError(ExitCode::kWrongPicture, fmt::format("{} of {} frames were wrong", tally.faults, tally.frames));
  const bool has_all = options.frames == 0 || tally.frames >= options.frames;
  const std::string count = options.frames == 0 ? fmt::format("{} frames", tally.frames)
                                                : fmt::format("{} of {} frames", tally.frames, options.frames);
  if (tally.end == End::kTimedOut)
    throw CommandError(ExitCode::kTimedOut,
                       fmt::format("{}: the next one did not come within {} s", count, kFrameDeadline.count()));
  if (has_all) return;
  if (tally.end == End::kStreamClosed)
    throw CommandError(ExitCode::kEnded, fmt::format("{}: stream '{}' has ended", count, options.stream));
  throw CommandError(ExitCode::kFailure, fmt::format("{}: stopped by a signal", count));
}

}  // namespace

void run_headless(const Options& options) {
  const ferry::Connection connection({.socket_path = options.socket, .application = "ferry-viewer"});
  const ferry::Device device(connection, {.selector = options.device, .enable_validation = options.validate});
  examples::lend_queue(device);
  Tally tally;
  {
    ferry::Consumer consumer(connection, device,
                             {.name = options.stream, .mode = options.mode, .timeout = kStreamDeadline});
    examples::stop_on_signals();  // not before: a signal that comes while we wait for the stream has nothing to tidy up
    tally = read_frames(consumer, examples::gpu_of(device), options);
    print_summary(tally, consumer.state(), options);
  }
  examples::require_silent_validation(device);
  judge(tally, options);
}

}  // namespace viewer
