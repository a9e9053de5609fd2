#pragma once
// A PNG file's numbers, as they are stored.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ferry::test {

using Rgb = std::array<double, 3>;  ///< 0 to 1, encoded as the file says

class PngPicture {
 public:
  /// Throws when @p file is no PNG file.
  explicit PngPicture(const std::string& file);

  int width_px() const { return width_px_; }
  int height_px() const { return height_px_; }
  unsigned channels() const { return channels_; }
  unsigned bits_per_sample() const { return bits_per_sample_; }
  Rgb at(int x, int y) const;

 private:
  int width_px_ = 0, height_px_ = 0;
  unsigned channels_ = 0, bits_per_sample_ = 0;
  std::vector<std::uint16_t> samples_;
};

}  // namespace ferry::test
