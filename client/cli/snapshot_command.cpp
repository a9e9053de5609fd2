// ferry snapshot

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/frame_readback.h"
#include "client/cli/gpu.h"
#include "client/cli/picture.h"
#include "client/cli/png_file.h"
#include "client/cli/status_model.h"
#include "client/cli/stop_signal.h"
#include "client/cli/terminal.h"
#include "client/cli/text.h"

namespace ferry::cli {
namespace {

std::chrono::nanoseconds time_left(std::int64_t deadline_ns) {
  return std::chrono::nanoseconds(std::max<std::int64_t>(deadline_ns - monotonic_ns(), 0));
}

Consumer attach(const Connection& connection, const Device& device, const SnapshotOptions& options,
                std::int64_t deadline_ns) {
  try {
    return Consumer(
        connection, device,
        {.name = options.stream, .max_holds = 1, .timeout = options.wait ? Timeout(time_left(deadline_ns)) : kNoWait});
  } catch (const Error& error) {
    // Not found at once: with no time left, the library only looks.
    if (error.code() == FERRY_ERROR_TIMEOUT || (options.wait && error.code() == FERRY_ERROR_NOT_FOUND)) {
      throw CommandError(ExitCode::kTimedOut,
                         fmt::format("stream '{}' did not appear within {} s", options.stream, options.timeout_s));
    }
    if (error.code() != FERRY_ERROR_NOT_FOUND) throw;
    throw CommandError(ExitCode::kNotFound,
                       fmt::format("{} (`ferry list` shows the streams, --wait waits for one)", error.what()));
  }
}

Frame first_frame(Consumer& consumer, const SnapshotOptions& options, std::int64_t deadline_ns) {
  const std::optional<Frame> frame = consumer.acquire(time_left(deadline_ns));
  if (!frame) {
    throw CommandError(ExitCode::kTimedOut,
                       fmt::format("stream '{}' gave no frame within {} s", options.stream, options.timeout_s));
  }
  return *frame;
}

}  // namespace

void run_snapshot(const SnapshotOptions& options) {
  const std::int64_t deadline_ns = monotonic_ns() + static_cast<std::int64_t>(options.timeout_s * 1e9);
  Connection connection({.socket_path = options.socket, .application = "ferry snapshot"});
  Device device(connection, {.selector = options.device.empty()
                                             ? device_of_stream(parse_status(connection.status_json()), options.stream)
                                             : options.device});
  const Gpu gpu = open_gpu(device);
  Consumer consumer = attach(connection, device, options, deadline_ns);
  const Frame frame = first_frame(consumer, options, deadline_ns);
  const FrameReadback readback(gpu, consumer, frame, std::max(deadline_ns, monotonic_ns() + kGpuPatienceNs));
  const Picture picture = options.raw ? make_raw_picture(readback.pixels(), frame.metadata)
                                      : make_picture(readback.pixels(), frame.metadata);
  write_png(picture, options.path);
  if (options.path != "-" && terminal_of(STDOUT_FILENO).interactive) {
    write_all(STDOUT_FILENO,
              fmt::format("{}: frame {} of '{}', {}x{}, {} bits\n", printable(options.path), frame.sequence,
                          printable(options.stream), picture.width_px, picture.height_px, picture.bits_per_sample));
  }
}

}  // namespace ferry::cli
