#include "client/examples/common/png_file.h"

#include <fmt/format.h>
#include <png.h>

#include <stdexcept>

namespace examples {

void write_png(const std::string& path, const Rgba8Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.width_px;
  image.height = picture.height_px;
  image.format = PNG_FORMAT_RGBA;
  if (png_image_write_to_file(&image, path.c_str(), 0, picture.pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(fmt::format("cannot write '{}': {}", path, image.message));
}

}  // namespace examples
