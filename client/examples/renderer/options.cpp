#include "client/examples/renderer/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "client/examples/common/option_types.h"
#include "client/examples/common/stamp.h"

namespace renderer {
namespace {

constexpr std::uint32_t kMaxSidePx = 32768;

std::optional<vk::Extent2D> parse_size(const std::string& text) {
  vk::Extent2D size;
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  if (width.ec != std::errc{} || width.ptr == end || *width.ptr != 'x') return std::nullopt;
  const auto height = std::from_chars(width.ptr + 1, end, size.height);
  if (height.ec != std::errc{} || height.ptr != end || size.width == 0 || size.height == 0) return std::nullopt;
  if (std::max(size.width, size.height) > kMaxSidePx) return std::nullopt;
  return size;
}

/// What is wrong with options that are fine one by one; empty if nothing is.
std::string find_conflict(const Options& options) {
  if (!options.stamp) return {};
  const vk::Extent2D smallest = options.resize_every > 0 ? smaller_size(options.size) : options.size;
  if (smallest.width >= 2 * examples::kStampWidthPx && smallest.height >= 2 * examples::kStampHeightPx) return {};
  return fmt::format("--stamp needs pictures of {}x{} or more, and there would be some of {}x{}",
                     2 * examples::kStampWidthPx, 2 * examples::kStampHeightPx, smallest.width, smallest.height);
}

}  // namespace

vk::Extent2D smaller_size(vk::Extent2D size) {
  return {std::max(1U, size.width * 3 / 4), std::max(1U, size.height * 3 / 4)};
}

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  CLI::App app("Draws a scene into a Ferry stream", "ferry-renderer");
  app.add_option("NAME", options.stream, "Name of the stream")->capture_default_str();
  app.add_option_function<std::string>(
         "--size",
         [&](const std::string& text) {
           const auto size = parse_size(text);
           if (!size) throw CLI::ValidationError("--size", "'" + text + "' is not WIDTHxHEIGHT, each 1 to 32768");
           options.size = *size;
         },
         "Width and height in pixels [1280x720]")
      ->type_name("WxH");
  app.add_option_function<std::string>(
         "--rate",
         [&](const std::string& text) {
           options.rate_hz = 0;
           if (text == "max") return;
           const char* const end = text.data() + text.size();
           const auto parsed = std::from_chars(text.data(), end, options.rate_hz);
           if (parsed.ec != std::errc{} || parsed.ptr != end || !(options.rate_hz >= 0.01 && options.rate_hz <= 10000))
             throw CLI::ValidationError("--rate", "'" + text + "' is neither 0.01 to 10000 nor 'max'");
         },
         "Frames a second, or 'max' [60]")
      ->type_name("HZ|max");
  examples::add_count(app, "--frames", options.frames, "End after so many frames; 0: when stopped [0]");
  examples::add_count(app, "--resize-every", options.resize_every,
                      "Switch between two sizes every N frames; 0: never [0]");
  examples::add_choice(app, "--format", options.format, examples::format_names(), "Pixel format [RGBA8]");
  examples::add_choice<ferry_sync_mode>(
      app, "--sync", options.sync_mode,
      {{"auto", FERRY_SYNC_AUTOMATIC}, {"timeline", FERRY_SYNC_TIMELINE}, {"sync-fd", FERRY_SYNC_FD}, {"host", FERRY_SYNC_HOST}},
      "Sync mode [auto]");
  app.add_option("--samples", options.samples, "Samples a pixel; default: 4 on a GPU, 1 on a CPU")
      ->check(CLI::IsMember({1, 4}));
  app.add_flag("--stamp", options.stamp, "Draw each frame's number into the picture, for ferry-viewer --verify-stamp");
  examples::add_connection_options(app, options.device, options.socket, options.validate);

  if (!examples::parse_command_line(app, argc, argv, exit_code)) return std::nullopt;
  if (const auto conflict = find_conflict(options); !conflict.empty()) {
    exit_code = examples::complain_of_usage(app, conflict);
    return std::nullopt;
  }
  return options;
}

}  // namespace renderer
