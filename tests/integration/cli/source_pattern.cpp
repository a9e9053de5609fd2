#include "tests/integration/cli/source_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace ferry::test {
namespace {

constexpr int kColumns = 5, kRows = 7;
constexpr std::size_t kNumberDigits = 8, kClockCharacters = 12;

constexpr std::string_view kCharacters = "0123456789:.";
using Glyph = std::array<std::string_view, kRows>;
constexpr std::array<Glyph, 12> kGlyphs{{
    {".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###."},
    {"..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."},
    {".###.", "#...#", "....#", "...#.", "..#..", ".#...", "#####"},
    {"#####", "...#.", "..#..", "...#.", "....#", "#...#", ".###."},
    {"...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#."},
    {"#####", "#....", "####.", "....#", "....#", "#...#", ".###."},
    {"..##.", ".#...", "#....", "####.", "#...#", "#...#", ".###."},
    {"#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."},
    {".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###."},
    {".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.."},
    {".....", "..#..", "..#..", ".....", "..#..", "..#..", "....."},
    {".....", ".....", ".....", ".....", ".....", ".##..", ".##.."},
}};

int text_width_px(std::size_t characters, int dot_px) {
  return (static_cast<int>(characters) * (kColumns + 1) - 1) * dot_px;
}

/// A line of text: its first corner, the size of a dot, how many characters.
struct TextLine {
  int x = 0, y = 0, dot_px = 1;
  std::size_t characters = 0;

  /// The character and the dot of it at a pixel; nothing between characters and outside.
  struct Place {
    std::size_t index;
    int column, row;
  };
  std::optional<Place> at(int px, int py) const {
    if (px < x || py < y) return std::nullopt;
    const int column = (px - x) / dot_px, row = (py - y) / dot_px;
    const auto index = static_cast<std::size_t>(column / (kColumns + 1));
    if (index >= characters || row >= kRows || column % (kColumns + 1) == kColumns) return std::nullopt;
    return Place{index, column % (kColumns + 1), row};
  }
};

struct Layout {
  TextLine number, clock;
  int plate_x, plate_y, plate_width, plate_height;

  Layout(int width_px, int height_px) {
    const int widest = width_px * 7 / 10 / text_width_px(kClockCharacters, 1);
    clock.dot_px = std::max(1, std::min(widest, height_px / 10 / kRows));
    number.dot_px = std::max(1, clock.dot_px * 3 / 2);
    clock.characters = kClockCharacters;
    number.characters = kNumberDigits;
    const int gap = 3 * clock.dot_px;
    const int number_width = text_width_px(kNumberDigits, number.dot_px);
    const int clock_width = text_width_px(kClockCharacters, clock.dot_px);
    const int width = std::max(number_width, clock_width);
    const int height = kRows * (clock.dot_px + number.dot_px) + gap;
    const int top = static_cast<int>(height_px * 0.64) / 2 - height / 2;
    number.x = (width_px - number_width) / 2;
    number.y = top;
    clock.x = (width_px - clock_width) / 2;
    clock.y = top + kRows * number.dot_px + gap;
    plate_x = width_px / 2 - width / 2 - gap;
    plate_y = top - gap;
    plate_width = width + 2 * gap;
    plate_height = height + 2 * gap;
  }
};

bool is_dot(const TextLine& line, const std::string& text, int x, int y) {
  const auto place = line.at(x, y);
  if (!place) return false;
  const Glyph& glyph = kGlyphs.at(kCharacters.find(text.at(place->index)));
  return glyph[static_cast<std::size_t>(place->row)][static_cast<std::size_t>(place->column)] == '#';
}

std::string read_text(const PngPicture& picture, const TextLine& line) {
  std::string text;
  for (std::size_t i = 0; i < line.characters; ++i) {
    const int left = line.x + static_cast<int>(i) * (kColumns + 1) * line.dot_px;
    const auto fits = [&](const Glyph& glyph) {
      for (int row = 0; row < kRows; ++row)
        for (int column = 0; column < kColumns; ++column) {
          const bool is_on = picture.at(left + column * line.dot_px, line.y + row * line.dot_px)[0] > 0.5;
          if (is_on != (glyph[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] == '#')) return false;
        }
      return true;
    };
    const auto found = std::find_if(kGlyphs.begin(), kGlyphs.end(), fits);
    if (found == kGlyphs.end()) throw std::runtime_error(fmt::format("character {} of the text is none", i));
    text += kCharacters[static_cast<std::size_t>(found - kGlyphs.begin())];
  }
  return text;
}

std::uint32_t read_strip(const PngPicture& picture) {
  std::uint32_t number = 0;
  for (int bit = 0; bit < 32; ++bit)
    number = number << 1 | (picture.at((2 * bit + 1) * picture.width_px() / 64, 0)[0] > 0.5 ? 1U : 0U);
  return number;
}

int line_width_px(int width_px) { return std::max(2, width_px / 320); }

double distance_behind(double head_px, int x, int width_px) {
  const double behind = std::fmod(head_px - x, width_px);
  return behind < 0 ? behind + width_px : behind;
}

/// In the red ramp only the moving line has all of green: its last pixel is the head, rounded down. How far the head is
/// beyond that shows in the tail.
double read_head(const PngPicture& picture) {
  const int width = picture.width_px(), y = static_cast<int>(picture.height_px() * 0.725);
  const auto is_line = [&](int x) { return picture.at((x + width) % width, y)[1] > 0.9; };
  int last = 0;
  while (last < width && !(is_line(last) && !is_line(last + 1))) ++last;
  if (last == width) throw std::runtime_error("the moving line is not there");
  const int probe = (last - line_width_px(width) - 4 + width) % width;
  const double tail_px = width / 8.0;
  const double behind = (1 - picture.at(probe, y)[1] / 0.35) * tail_px;
  const double whole = distance_behind(last, probe, width);
  return last + std::clamp(behind - whole, 0.0, 0.999);
}

Rgb background(int width_px, int height_px, int x, int y) {
  const double part = (y + 0.5) / height_px, ramp = static_cast<double>(x) / std::max(width_px - 1, 1);
  if (part < 0.60) {
    const int bar =
        static_cast<int>((x + 0.5) / width_px * 8);  // white, yellow, cyan, green, magenta, red, blue, black
    return {bar == 0 || bar == 1 || bar == 4 || bar == 5 ? 0.75 : 0.0, bar < 4 ? 0.75 : 0.0, bar % 2 == 0 ? 0.75 : 0.0};
  }
  if (part < 0.70) return {ramp, ramp, ramp};
  if (part < 0.75) return {ramp, 0, 0};
  if (part < 0.80) return {0, ramp, 0};
  if (part < 0.85) return {0, 0, ramp};
  const int field = x * 6 / width_px, position = field % 2 == 0 ? x : y;
  const double line = (position >> (field / 2)) & 1;
  return {line, line, line};
}

}  // namespace

SourceMoment SourceMoment::read_from(const PngPicture& picture) {
  const Layout layout(picture.width_px(), picture.height_px());
  SourceMoment moment{read_strip(picture), read_text(picture, layout.clock), read_head(picture)};
  const std::string digits = read_text(picture, layout.number);
  if (digits != fmt::format("{:08}", moment.number))
    throw std::runtime_error(fmt::format("the strip says {}, the digits {}", moment.number, digits));
  return moment;
}

Rgb source_pixel(const SourceMoment& moment, int width_px, int height_px, int x, int y) {
  if (y < std::max(height_px / 24, 1)) {
    const double bit = (moment.number >> (31 - x * 32 / width_px)) & 1U;
    return {bit, bit, bit};
  }
  const Layout layout(width_px, height_px);
  if (is_dot(layout.clock, moment.clock, x, y)) return {1, 0.85, 0.35};
  if (is_dot(layout.number, fmt::format("{:08}", moment.number), x, y)) return {1, 1, 1};

  Rgb colour = background(width_px, height_px, x, y);
  const double behind = distance_behind(moment.head_px, x, width_px), tail_px = width_px / 8.0;
  if (behind < line_width_px(width_px)) {
    colour = {1, 1, 1};
  } else if (behind < tail_px) {
    const double light = 0.35 * (1 - behind / tail_px);
    for (double& c : colour) c += (1 - c) * light;
  }
  const bool is_on_plate = x >= layout.plate_x && x < layout.plate_x + layout.plate_width && y >= layout.plate_y &&
                           y < layout.plate_y + layout.plate_height;
  if (is_on_plate)
    for (double& c : colour) c *= 0.12;
  return colour;
}

}  // namespace ferry::test
