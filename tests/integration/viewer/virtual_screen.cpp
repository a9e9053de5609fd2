#include "tests/integration/viewer/virtual_screen.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace ferry::test {
namespace {

constexpr int kColumns = 32, kRows = 18;

std::string find_program(const std::string& name) {
  for (const char* folder : {"/usr/local/bin/", "/usr/bin/"})
    if (const std::string path = folder + name; ::access(path.c_str(), X_OK) == 0) return path;
  return {};
}

}  // namespace

Bitmap::Bitmap(const std::string& ppm_file) {
  std::ifstream in(ppm_file, std::ios::binary);
  std::string magic;
  int maximum = 0;
  in >> magic >> width_ >> height_ >> maximum;
  in.get();
  if (!in || magic != "P6" || maximum != 255 || width_ <= 0 || height_ <= 0)
    throw std::runtime_error(ppm_file + " is no PPM file of 8 bits");
  bytes_.resize(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3);
  in.read(reinterpret_cast<char*>(bytes_.data()), static_cast<std::streamsize>(bytes_.size()));
  if (!in) throw std::runtime_error(ppm_file + " ends too early");
}

Colour Bitmap::at(int x, int y) const {
  const std::uint8_t* pixel =
      &bytes_[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3];
  return {pixel[0], pixel[1], pixel[2]};
}

Colour Bitmap::tile(int column, int row, int columns, int rows) const {
  const int left = width_ * column / columns, right = width_ * (column + 1) / columns;
  const int top = height_ * row / rows, bottom = height_ * (row + 1) / rows;
  Colour sum;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) {
      const Colour pixel = at(x, y);
      sum = {sum.red + pixel.red, sum.green + pixel.green, sum.blue + pixel.blue};
    }
  const int count = std::max(1, (right - left) * (bottom - top));
  return {sum.red / count, sum.green / count, sum.blue / count};
}

Bitmap Bitmap::crop(int x, int y, int width, int height) const {
  Bitmap part;
  part.width_ = width;
  part.height_ = height;
  for (int row = y; row < y + height; ++row)
    for (int column = x; column < x + width; ++column) {
      const Colour pixel = at(column, row);
      for (const int channel : {pixel.red, pixel.green, pixel.blue})
        part.bytes_.push_back(static_cast<std::uint8_t>(channel));
    }
  return part;
}

double difference(const Bitmap& a, const Bitmap& b) {
  double sum = 0;
  for (int row = 0; row < kRows; ++row)
    for (int column = 0; column < kColumns; ++column) {
      const Colour one = a.tile(column, row, kColumns, kRows), other = b.tile(column, row, kColumns, kRows);
      sum += std::abs(one.red - other.red) + std::abs(one.green - other.green) + std::abs(one.blue - other.blue);
    }
  return sum / (kColumns * kRows * 3);
}

double contrast(const Bitmap& picture) {
  double sum = 0, squares = 0;
  for (int row = 0; row < kRows; ++row)
    for (int column = 0; column < kColumns; ++column) {
      const Colour tile = picture.tile(column, row, kColumns, kRows);
      const double brightness = (tile.red + tile.green + tile.blue) / 3.0;
      sum += brightness;
      squares += brightness * brightness;
    }
  constexpr double kCount = kColumns * kRows;
  return std::sqrt(std::max(0.0, squares / kCount - (sum / kCount) * (sum / kCount)));
}

std::string VirtualScreen::why_not() {
  for (const char* program : {"Xvfb", "import", "convert", "xdotool"})
    if (find_program(program).empty()) return std::string("no ") + program + " here";
  return {};
}

VirtualScreen::VirtualScreen(int width, int height) {
  server_ = std::make_unique<ChildProcess>(
      find_program("Xvfb"),
      std::vector<std::string>{"-displayfd", "1", "-screen", "0", fmt::format("{}x{}x24", width, height), "-nolisten",
                               "tcp"},
      SpawnOptions{{}, folder_.file("xvfb")});
  const auto number = server_->read_line(20s);
  if (!number) throw std::runtime_error("Xvfb did not start: " + server_->error_text());
  display_ = ":" + *number;
}

Bitmap VirtualScreen::run_imagemagick(const std::string& program, std::vector<std::string> arguments) {
  const std::string file = folder_.file("picture.ppm");
  arguments.push_back("ppm:" + file);
  ChildProcess process(find_program(program), std::move(arguments),
                       {{{"DISPLAY", display_}}, folder_.file("imagemagick")});
  if (!process.wait_exit(20s).clean()) throw std::runtime_error(program + ": " + process.error_text());
  return Bitmap(file);
}

Bitmap VirtualScreen::screenshot() { return run_imagemagick("import", {"-window", "root", "-depth", "8"}); }

void VirtualScreen::click(int x, int y) {
  // A pause in between: what is under the pointer is known once it has been drawn so.
  ChildProcess process(find_program("xdotool"),
                       {"mousemove", std::to_string(x), std::to_string(y), "sleep", "0.5", "mousedown", "1", "sleep",
                        "0.3", "mouseup", "1"},
                       {{{"DISPLAY", display_}}, folder_.file("xdotool")});
  if (!process.wait_exit(20s).clean()) throw std::runtime_error("xdotool: " + process.error_text());
}

Bitmap VirtualScreen::load(const std::string& picture) {
  return run_imagemagick("convert", {picture, "-alpha", "off", "-depth", "8"});
}

}  // namespace ferry::test
