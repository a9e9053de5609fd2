#include "tests/integration/cli/png_picture.h"

#include <png.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace ferry::test {

PngPicture::PngPicture(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"), std::fclose);
  if (!in) throw std::runtime_error("cannot read " + file);
  const auto fail = [](png_structp, png_const_charp what) { throw std::runtime_error(std::string("PNG: ") + what); };
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, fail, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, in.get());
  png_read_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  width_px_ = static_cast<int>(png_get_image_width(png, info));
  height_px_ = static_cast<int>(png_get_image_height(png, info));
  channels_ = png_get_channels(png, info);
  bits_per_sample_ = png_get_bit_depth(png, info);
  const std::size_t row_samples = static_cast<std::size_t>(width_px_) * channels_;
  for (int y = 0; y < height_px_; ++y) {
    const png_byte* row = png_get_rows(png, info)[y];
    for (std::size_t i = 0; i < row_samples; ++i)
      samples_.push_back(
          static_cast<std::uint16_t>(bits_per_sample_ == 16 ? row[2 * i] << 8 | row[2 * i + 1] : row[i]));
  }
  png_destroy_read_struct(&png, &info, nullptr);
}

Rgb PngPicture::at(int x, int y) const {
  const std::uint16_t* pixel =
      &samples_[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px_) + static_cast<std::size_t>(x)) *
                channels_];
  const double maximum = bits_per_sample_ == 16 ? 65535 : 255;
  return {pixel[0] / maximum, pixel[1] / maximum, pixel[2] / maximum};
}

}  // namespace ferry::test
