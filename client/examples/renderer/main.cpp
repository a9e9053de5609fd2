// ferry-renderer: an animated scene as a Ferry stream.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <ferry/ferry.hpp>

#include "client/cli/complaint.h"
#include "client/examples/common/gpu.h"
#include "client/examples/common/image_format.h"
#include "client/examples/common/pacer.h"
#include "client/examples/common/stats.h"
#include "client/examples/common/stop_signal.h"
#include "client/examples/renderer/options.h"
#include "client/examples/renderer/publisher.h"

namespace renderer {
namespace {

void describe_stream(const Options& options, const ferry::DeviceInfo& device, const ferry::StreamState& state) {
  // The reason names the mode that was chosen.
  fmt::print("stream '{}': {}x{} {} on {}, {} slots, {}, sync mode {}\n", options.stream, state.width_px, state.height_px,
             examples::format_name(state.format), device.name, state.slot_count, state.transport, state.sync_reason);
  std::fflush(stdout);
}

void render(const ferry::Connection& connection, const ferry::Device& device, const Options& options) {
  Publisher publisher(connection, device, options);
  describe_stream(options, device.info(), publisher.state());

  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  const std::int64_t start_ns = examples::monotonic_ns();
  const auto elapsed_s = [&] { return static_cast<double>(examples::monotonic_ns() - start_ns) * 1e-9; };
  examples::Pacer pacer(options.rate_hz);
  examples::RateMeter rate;
  std::uint64_t starved = 0;
  while ((options.frames == 0 || publisher.frames() < options.frames) && pacer.wait_for_next()) {
    const bool published = publisher.publish_frame(elapsed_s());
    if (!published) ++starved;
    if (rate.tick(examples::monotonic_ns(), published ? 1 : 0) && is_terminal) {
      const auto state = publisher.state();
      fmt::print("\r\033[K{:.1f} Hz, {} frames, {} starved, {} consumers, generation {}, {}x{}{}", rate.per_second(),
                 publisher.frames(), starved, state.consumer_count, state.generation, state.width_px, state.height_px,
                 state.connected != 0 ? "" : ", broker lost");
      std::fflush(stdout);
    }
  }
  const double seconds = elapsed_s();
  fmt::print("{}{} frames in {:.1f} s ({:.1f} Hz), {} starved, last generation {}\n", is_terminal ? "\r\033[K" : "",
             publisher.frames(), seconds, seconds > 0 ? static_cast<double>(publisher.frames()) / seconds : 0, starved,
             publisher.state().generation);
}

void run(const Options& options) {
  const ferry::Connection connection({.socket_path = options.socket, .application = "ferry-renderer"});
  const ferry::Device device(connection, {.selector = options.device, .enable_validation = options.validate});
  examples::lend_queue(device);
  render(connection, device, options);
  examples::require_silent_validation(device);
}

}  // namespace
}  // namespace renderer

int main(int argc, char** argv) {
  try {
    int exit_code = 0;
    const auto options = renderer::parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    examples::stop_on_signals();
    renderer::run(*options);
    return 0;
  } catch (const std::exception&) {
    return ferry::cli::complain_of_exception("ferry-renderer");
  }
}
