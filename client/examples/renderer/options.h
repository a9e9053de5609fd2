#pragma once

#include <ferry/ferry.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vulkan/vulkan.hpp>

namespace renderer {

struct Options {
  std::string stream = "demo";
  vk::Extent2D size{1280, 720};
  double rate_hz = 60;             ///< 0: as fast as it goes
  std::uint64_t frames = 0;        ///< 0: until stopped
  std::uint64_t resize_every = 0;  ///< frames; 0: never
  ferry_format format = FERRY_FORMAT_RGBA8_UNORM;
  ferry_sync_mode sync_mode = FERRY_SYNC_AUTOMATIC;
  std::uint32_t samples = 0;  ///< 1 or 4; 0: 4 on a GPU, 1 on a CPU
  std::string device, socket;
  bool stamp = false;
  bool validate = false;
};

/// Nothing when there is nothing to do but exit with @p exit_code: --help, or a mistake that has been explained.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

/// What --resize-every alternates with: three quarters of the size.
vk::Extent2D smaller_size(vk::Extent2D size);

}  // namespace renderer
