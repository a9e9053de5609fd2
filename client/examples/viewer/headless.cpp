#include "client/examples/viewer/headless.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ferry/ferry.hpp>
#include <optional>
#include <stdexcept>

#include "client/examples/common/image_format.h"
#include "client/examples/common/pacer.h"
#include "client/examples/common/png_file.h"
#include "client/examples/common/stats.h"
#include "client/examples/common/stop_signal.h"
#include "client/examples/viewer/exit_codes.h"
#include "client/examples/viewer/readback.h"
#include "client/examples/viewer/stamp_verifier.h"

namespace viewer {
namespace {

using namespace std::chrono_literals;

constexpr auto kStreamDeadline = 10s, kFrameDeadline = 10s;

struct Tally {
  std::uint64_t frames = 0, skipped = 0, faults = 0;
  std::int64_t first_ns = 0, last_ns = 0;
  examples::Samples to_acquire_ms, to_pixels_ms;
  std::string end_reason;  ///< why there were no more frames; empty if enough came

  double rate_hz() const {
    return last_ns > first_ns ? static_cast<double>(frames - 1) * 1e9 / static_cast<double>(last_ns - first_ns) : 0;
  }
};

double ms_since(std::uint64_t produced_ns) {
  return static_cast<double>(examples::monotonic_ns() - static_cast<std::int64_t>(produced_ns)) * 1e-6;
}

/// The next frame. Nothing at the end of the stream, on a signal, or when none comes in time; @p reason says which.
std::optional<ferry::Frame> next_frame(ferry::Consumer& consumer, std::string& reason) try {
  constexpr auto kSlice = 250ms;  // between looks at the stop flag
  for (auto waited = 0ms; waited < kFrameDeadline; waited += kSlice) {
    if (auto frame = consumer.acquire(kSlice)) return frame;
    if (examples::stop_requested()) {
      reason = "stopped by a signal";
      return std::nullopt;
    }
  }
  reason = fmt::format("no frame came within {} s", kFrameDeadline.count());
  return std::nullopt;
} catch (const ferry::Error& error) {
  if (error.code() != FERRY_ERROR_STREAM_CLOSED) throw;
  reason = error.what();
  return std::nullopt;
}

Tally read_frames(ferry::Consumer& consumer, Readback& readback, const Options& options) {
  Tally tally;
  StampVerifier verifier;
  examples::Rgba8Picture picture;
  while (options.frames == 0 || tally.frames < options.frames) {
    const auto frame = next_frame(consumer, tally.end_reason);
    if (!frame) break;
    tally.to_acquire_ms.add(ms_since(frame->produced_ns));
    picture = readback.read(consumer, *frame);
    tally.to_pixels_ms.add(ms_since(frame->produced_ns));
    tally.last_ns = examples::monotonic_ns();
    if (tally.frames++ == 0) tally.first_ns = tally.last_ns;
    tally.skipped += frame->skipped;
    if (!options.verify_stamp) continue;
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
  if (options.verify_stamp) fmt::print("{} of {} stamps wrong\n", tally.faults, tally.frames);
}

}  // namespace

int run_headless(const Options& options) {
  const ferry::Connection connection({.socket_path = options.socket, .application = "ferry-viewer"});
  const ferry::Device device(connection, {.selector = options.device, .enable_validation = options.validate});
  Tally tally;
  {
    ferry::Consumer consumer(connection, device,
                             {.name = options.stream, .mode = options.mode, .timeout = kStreamDeadline});
    Readback readback(examples::gpu_of(device));
    tally = read_frames(consumer, readback, options);
    print_summary(tally, consumer.state(), options);
  }
  if (const auto errors = device.info().validation_errors; errors > 0) {
    fmt::print(stderr, "ferry-viewer: {} messages of the validation layer\n", errors);
    return kExitValidation;
  }
  if (tally.faults > 0) return kExitWrongPicture;
  if (tally.frames < options.frames) {
    fmt::print(stderr, "ferry-viewer: {} of {} frames: {}\n", tally.frames, options.frames, tally.end_reason);
    return kExitFailed;
  }
  return 0;
}

}  // namespace viewer
