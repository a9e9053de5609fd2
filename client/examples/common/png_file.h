#pragma once

#include <string>

#include "client/examples/common/rgba8_picture.h"

namespace examples {

/// Writes an sRGB picture of 8 bits a channel. Throws std::runtime_error with the path and libpng's reason.
void write_png(const std::string& path, const Rgba8Picture& picture);

}  // namespace examples
