#pragma once
// What the numbers in a picture mean. A stream has one of it, which a frame may replace by its own.

#include <cstdint>

namespace ferry::proto {

enum class AlphaMode : std::uint8_t { kOpaque = 0, kPremultiplied = 1, kStraight = 2 };
enum class ColourPrimaries : std::uint8_t { kBt709 = 0, kDisplayP3 = 1, kBt2020 = 2 };
/// How stored numbers become light. An *_SRGB format decodes on sampling: its transfer stays kSrgb here.
enum class TransferFunction : std::uint8_t { kSrgb = 0, kLinear = 1, kPq = 2, kHlg = 3, kGamma22 = 4 };
enum class ColourRange : std::uint8_t { kFull = 0, kLimited = 1 };

/// All zero is BT.709 primaries, sRGB transfer, full range, opaque.
struct Colour {
  ColourPrimaries primaries{};
  TransferFunction transfer{};
  ColourRange range{};
  AlphaMode alpha{};

  friend bool operator==(const Colour&, const Colour&) = default;
};

/// Whether every value is one that this version knows.
constexpr bool colour_valid(const Colour& c) {
  return c.primaries <= ColourPrimaries::kBt2020 && c.transfer <= TransferFunction::kGamma22 &&
         c.range <= ColourRange::kLimited && c.alpha <= AlphaMode::kStraight;
}

constexpr const char* name_of(ColourPrimaries primaries) {
  constexpr const char* kNames[] = {"bt709", "display-p3", "bt2020"};
  return kNames[static_cast<std::uint8_t>(primaries) % 3];
}
constexpr const char* name_of(TransferFunction transfer) {
  constexpr const char* kNames[] = {"srgb", "linear", "pq", "hlg", "gamma22"};
  return kNames[static_cast<std::uint8_t>(transfer) % 5];
}
constexpr const char* name_of(ColourRange range) { return range == ColourRange::kLimited ? "limited" : "full"; }
constexpr const char* name_of(AlphaMode alpha) {
  constexpr const char* kNames[] = {"opaque", "premultiplied", "straight"};
  return kNames[static_cast<std::uint8_t>(alpha) % 3];
}

}  // namespace ferry::proto
