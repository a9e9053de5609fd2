#pragma once
// An X server without a screen, and what it shows.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {

struct Colour {
  int red = 0, green = 0, blue = 0;
  friend bool operator==(const Colour&, const Colour&) = default;
};

/// 8 bits a channel, rows from the top.
class Bitmap {
 public:
  Bitmap() = default;
  /// A binary PPM file. Throws when it is none.
  explicit Bitmap(const std::string& ppm_file);

  int width() const { return width_; }
  int height() const { return height_; }
  Colour at(int x, int y) const;
  /// The part of @p columns x @p rows equal tiles that lies at (@p column, @p row), averaged.
  Colour tile(int column, int row, int columns, int rows) const;
  Bitmap crop(int x, int y, int width, int height) const;
  friend bool operator==(const Bitmap&, const Bitmap&) = default;

 private:
  int width_ = 0, height_ = 0;
  std::vector<std::uint8_t> bytes_;
};

/// The mean difference of a channel over a grid of tiles, 0 to 255: small changes of scale and filter vanish in it.
double difference(const Bitmap& a, const Bitmap& b);
/// How much a picture varies: the standard deviation of its tiles' brightness.
double contrast(const Bitmap& picture);

class VirtualScreen {
 public:
  /// "" when Xvfb, ImageMagick and xdotool are here, else which is not.
  static std::string why_not();

  VirtualScreen(int width, int height);
  const std::string& display() const { return display_; }
  Bitmap screenshot();
  /// The left button, at a place on the screen.
  void click(int x, int y);
  /// @p picture, a file that ImageMagick reads.
  Bitmap load(const std::string& picture);

 private:
  Bitmap run_imagemagick(const std::string& program, std::vector<std::string> arguments);

  TempDir folder_;
  std::unique_ptr<ChildProcess> server_;
  std::string display_;
};

}  // namespace ferry::test
