#pragma once
// Copies between a buffer and the whole of a frame's image.

#include <vector>

#include "client/cli/gpu.h"
#include "client/cli/planes.h"

namespace ferry::cli {

inline std::vector<vk::BufferImageCopy> plane_copies(ferry_format format, std::uint32_t width_px,
                                                     std::uint32_t height_px) {
  constexpr vk::ImageAspectFlagBits kPlanes[] = {vk::ImageAspectFlagBits::ePlane0, vk::ImageAspectFlagBits::ePlane1};
  const Planes planes = planes_of(format);
  std::vector<vk::BufferImageCopy> copies;
  vk::DeviceSize offset_bytes = 0;
  for (std::uint32_t i = 0; i < planes.count; ++i) {
    const vk::ImageAspectFlagBits aspect = planes.count == 1 ? vk::ImageAspectFlagBits::eColor : kPlanes[i];
    const std::uint32_t divisor = planes.all[i].divisor;
    copies.push_back(vk::BufferImageCopy(offset_bytes, 0, 0, {aspect, 0, 0, 1}, {0, 0, 0},
                                         {width_px / divisor, height_px / divisor, 1}));
    offset_bytes += planes.size_bytes(i, width_px, height_px);
  }
  return copies;
}

}  // namespace ferry::cli
