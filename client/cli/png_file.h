#pragma once
// A picture as a PNG file.

#include <string>

#include "client/cli/picture.h"

namespace ferry::cli {

/// Writes @p picture to @p path ("-": standard output). The file appears complete or not at all. CommandError names the
/// path and what failed.
void write_png(const Picture& picture, const std::string& path);

}  // namespace ferry::cli
