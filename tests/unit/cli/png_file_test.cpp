#include "client/cli/png_file.h"

#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "client/cli/exit_code.h"

namespace ferry::cli {
namespace {

namespace fs = std::filesystem;

class PngFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ferry-png-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "out.png";
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_, path_;
};

struct Decoded {
  Picture picture;
  bool has_srgb = false;
  png_fixed_point gamma = 0, red_x = 0;
};

Decoded read_png(const fs::path& path) {
  Decoded out;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_read_png(png, info, std::endian::native == std::endian::little ? PNG_TRANSFORM_SWAP_ENDIAN : 0, nullptr);
  out.picture.width_px = png_get_image_width(png, info);
  out.picture.height_px = png_get_image_height(png, info);
  out.picture.channels = png_get_channels(png, info);
  out.picture.bits_per_sample = png_get_bit_depth(png, info);
  const std::size_t row_samples = std::size_t{out.picture.width_px} * out.picture.channels;
  for (std::size_t y = 0; y < out.picture.height_px; ++y) {
    png_bytep row = png_get_rows(png, info)[y];
    for (std::size_t i = 0; i < row_samples; ++i) {
      out.picture.samples.push_back(out.picture.bits_per_sample == 16 ? reinterpret_cast<std::uint16_t*>(row)[i]
                                                                      : row[i]);
    }
  }
  int intent = 0;
  out.has_srgb = png_get_sRGB(png, info, &intent) != 0;
  png_get_gAMA_fixed(png, info, &out.gamma);
  png_fixed_point ignored = 0;
  png_get_cHRM_fixed(png, info, &ignored, &ignored, &out.red_x, &ignored, &ignored, &ignored, &ignored, &ignored);
  png_destroy_read_struct(&png, &info, nullptr);
  std::fclose(file);
  return out;
}

Picture gradient(unsigned channels, unsigned bits) {
  Picture picture{.width_px = 5, .height_px = 3, .channels = channels, .bits_per_sample = bits, .samples = {}};
  for (unsigned i = 0; i < 15 * channels; ++i) {
    picture.samples.push_back(static_cast<std::uint16_t>(bits == 16 ? i * 1021 : i * 4));
  }
  return picture;
}

TEST_F(PngFile, HoldsTheSamplesOfEveryKind) {
  for (const unsigned channels : {3u, 4u}) {
    for (const unsigned bits : {8u, 16u}) {
      const Picture picture = gradient(channels, bits);
      write_png(picture, path_);
      const Decoded decoded = read_png(path_);
      EXPECT_EQ(decoded.picture.channels, channels);
      EXPECT_EQ(decoded.picture.bits_per_sample, bits);
      EXPECT_EQ(decoded.picture.width_px, 5u);
      EXPECT_EQ(decoded.picture.samples, picture.samples);
    }
  }
}

TEST_F(PngFile, SaysThatItIsSrgb) {
  write_png(gradient(3, 8), path_);
  const Decoded decoded = read_png(path_);
  EXPECT_TRUE(decoded.has_srgb);
  EXPECT_EQ(decoded.gamma, 45455);
}

TEST_F(PngFile, SaysWhatRawNumbersMean) {
  Picture picture = gradient(3, 16);
  picture.colour = PictureColour::kLinear;
  picture.primaries = FERRY_PRIMARIES_BT2020;
  write_png(picture, path_);
  const Decoded linear = read_png(path_);
  EXPECT_FALSE(linear.has_srgb);
  EXPECT_EQ(linear.gamma, 100000);
  EXPECT_EQ(linear.red_x, 70800);

  picture.colour = PictureColour::kUnspecified;
  write_png(picture, path_);
  EXPECT_EQ(read_png(path_).gamma, 0);
}

TEST_F(PngFile, LeavesNothingElseBehind) {
  write_png(gradient(3, 8), path_);
  write_png(gradient(4, 8), path_);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(PngFile, NamesThePathItCannotWrite) {
  try {
    write_png(gradient(3, 8), folder_ / "no" / "such.png");
    FAIL();
  } catch (const CommandError& error) {
    EXPECT_NE(std::string(error.what()).find("such.png"), std::string::npos) << error.what();
  }
}

TEST_F(PngFile, ReportsAFullDisk) { EXPECT_THROW(write_png(gradient(3, 8), "/dev/full"), CommandError); }

}  // namespace
}  // namespace ferry::cli
