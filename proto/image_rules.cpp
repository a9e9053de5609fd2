#include "proto/image_rules.h"

#include <fmt/format.h>

#include <utility>

#include "proto/usage.h"

namespace ferry::proto {
namespace {

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

}  // namespace

Result<void> check_image_rules(const FormatInfo& format, std::uint32_t width_px, std::uint32_t height_px,
                               std::uint32_t usage, std::uint32_t flags) {
  for (std::size_t i = 0; i < format.plane_count; ++i)
    for (const auto& [name, value] : {std::pair{"width", width_px}, std::pair{"height", height_px}})
      if (value % format.planes[i].divisor != 0)
        return invalid(fmt::format("{} {} px is no multiple of {}, as format {} needs it", name, value,
                                   format.planes[i].divisor, format.name));
  if (format.is_yuv() && (usage & kUsageRender) != 0)
    return invalid(fmt::format("format {} cannot have usage render", format.name));
  if ((flags & kImageSrgbViews) != 0 && format.vk_srgb_sibling == 0)
    return invalid(fmt::format("format {} has no sRGB sibling, so it cannot have sRGB views", format.name));
  return {};
}

}  // namespace ferry::proto
