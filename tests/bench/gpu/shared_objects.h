#pragma once
// Images and timelines that cross a process boundary, made with nothing but Vulkan: what every rival of Ferry is built
// on.

#include <cstdint>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "platform/unique_fd.h"
#include "tests/bench/gpu/device.h"
#include "tests/support/pattern.h"

namespace ferry::bench {

/// An image with memory of its own.
struct Image {
  vk::UniqueImage image;
  vk::UniqueDeviceMemory memory;
};

Image make_local_image(const Device& device, const test::ImageShape& shape);
/// Exportable, and brought into the layout in which images are handed over.
Image make_shared_image(const Device& device, const test::ImageShape& shape);
platform::UniqueFd export_image(const Device& device, const Image& image);
/// Takes @p fd.
Image import_image(const Device& device, const test::ImageShape& shape, platform::UniqueFd fd);

vk::UniqueSemaphore make_timeline(const Device& device, bool exportable);
platform::UniqueFd export_timeline(const Device& device, vk::Semaphore timeline);
/// Takes @p fd.
vk::UniqueSemaphore import_timeline(const Device& device, platform::UniqueFd fd);

}  // namespace ferry::bench
