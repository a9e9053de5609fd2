#pragma once
// A picture for every frame: each 32-bit word of it depends on the stream's seed, the frame's number and the place in
// the image, and no word of one frame equals the word at the same place of another. Whatever mixes two frames, shifts
// a row or leaves a pixel out is seen by comparing the whole image.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "ferry/ferry.h"
#include "proto/format.h"

namespace ferry::test {

struct ImageShape {
  std::uint32_t width_px = 0, height_px = 0, format = 0;

  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

constexpr const proto::FormatInfo& format_of(const ImageShape& shape) {
  return proto::format_info(static_cast<proto::Format>(shape.format));
}
/// Of all planes, one after the other.
constexpr std::size_t size_bytes(const ImageShape& shape) {
  return format_of(shape).image_bytes(shape.width_px, shape.height_px);
}

struct Picture {
  std::uint32_t seed = 0;
  std::uint64_t sequence = 0;
};

/// The words of one picture, in the order of memory: word(i) for the i-th four bytes. shaders/pattern.comp computes the
/// same on the GPU.
class PatternWords {
 public:
  PatternWords(const Picture& picture, const ImageShape& shape)
      : base_(picture.seed * 0x85EBCA6Bu + static_cast<std::uint32_t>(picture.sequence) * 0x9E3779B1u +
              shape.format * 0xC2B2AE35u),
        mask_(kept_bits(shape.format)) {}

  std::uint32_t word(std::uint32_t index) const {
    const std::uint32_t mixed = base_ + index * 0x01000193u;
    return (mixed ^ (mixed >> 15)) & mask_;  // invertible but for the mask: different bases differ everywhere
  }
  std::uint32_t base() const { return base_; }
  std::uint32_t mask() const { return mask_; }

 private:
  /// The bits that a copy must preserve.
  static constexpr std::uint32_t kept_bits(std::uint32_t format) {
    if (format == FERRY_FORMAT_RGBA16_FLOAT) return 0xBFFFBFFFu;  // halfs below 2: a NaN may become another one
    if (format == FERRY_FORMAT_P010) return 0xFFC0FFC0u;
    return 0xFFFFFFFFu;
  }
  std::uint32_t base_, mask_;
};

/// Of a picture with @p bytes: the last word may be more than half beyond them.
constexpr std::uint32_t word_count(std::size_t bytes) { return static_cast<std::uint32_t>((bytes + 3) / 4); }

inline void fill_pattern(std::span<std::byte> image, const Picture& picture, const ImageShape& shape) {
  const PatternWords words(picture, shape);
  for (std::uint32_t i = 0; i < word_count(image.size()); ++i) {
    const std::uint32_t word = words.word(i);
    const auto place = image.subspan(std::size_t{i} * 4);
    std::memcpy(place.data(), &word, std::min(place.size(), sizeof word));
  }
}

/// How many of the image's words differ from the picture.
inline std::uint64_t count_wrong_words(std::span<const std::byte> image, const Picture& picture,
                                       const ImageShape& shape) {
  const PatternWords words(picture, shape);
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < word_count(image.size()); ++i) {
    const std::uint32_t word = words.word(i);
    const auto seen = image.subspan(std::size_t{i} * 4);
    wrong += std::memcmp(seen.data(), &word, std::min(seen.size(), sizeof word)) != 0 ? 1 : 0;
  }
  return wrong;
}

/// What a test producer puts into a frame's user bytes: metadata and picture must belong to the same frame.
struct FrameStamp {
  std::uint32_t magic = kMagic;
  std::uint32_t seed = 0;
  std::uint64_t sequence = 0;
  ImageShape shape;
  std::uint32_t reserved = 0;

  static constexpr std::uint32_t kMagic = 0x504d5453;  // "STMP"
  friend bool operator==(const FrameStamp&, const FrameStamp&) = default;
};
static_assert(sizeof(FrameStamp) == 32);

/// The seed of a stream whose producer chose none.
constexpr std::uint32_t seed_of(std::string_view name) {
  std::uint32_t hash = 0x811C9DC5u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u;
  return hash;
}

}  // namespace ferry::test
