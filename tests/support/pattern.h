#pragma once
// A picture for every frame: each 32-bit word of it depends on the stream's seed, the frame's number and the place in
// the image, and no word of one frame equals the word at the same place of another. Whatever mixes two frames, shifts
// a row or leaves a pixel out is seen by comparing the whole image.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "ferry/ferry.h"

namespace ferry::test {

struct ImageShape {
  std::uint32_t width_px = 0, height_px = 0, format = 0;

  friend bool operator==(const ImageShape&, const ImageShape&) = default;
};

constexpr std::uint32_t bytes_per_pixel(std::uint32_t format) { return format == FERRY_FORMAT_RGBA16_FLOAT ? 8 : 4; }
constexpr std::size_t size_bytes(const ImageShape& shape) {
  return std::size_t{shape.width_px} * shape.height_px * bytes_per_pixel(shape.format);
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
        // Keeps halfs below 2: a copy need not preserve the bits of a NaN.
        mask_(shape.format == FERRY_FORMAT_RGBA16_FLOAT ? 0xBFFFBFFFu : 0xFFFFFFFFu) {}

  std::uint32_t word(std::uint32_t index) const {
    const std::uint32_t mixed = base_ + index * 0x01000193u;
    return (mixed ^ (mixed >> 15)) & mask_;  // invertible but for the mask: different bases differ everywhere
  }
  std::uint32_t base() const { return base_; }
  std::uint32_t mask() const { return mask_; }

 private:
  std::uint32_t base_, mask_;
};

inline void fill_pattern(std::span<std::byte> image, const Picture& picture, const ImageShape& shape) {
  const PatternWords words(picture, shape);
  const auto count = static_cast<std::uint32_t>(image.size() / 4);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t word = words.word(i);
    std::memcpy(image.data() + std::size_t{i} * 4, &word, sizeof word);
  }
}

/// How many of the image's words differ from the picture.
inline std::uint64_t count_wrong_words(std::span<const std::byte> image, const Picture& picture,
                                       const ImageShape& shape) {
  const PatternWords words(picture, shape);
  const auto count = static_cast<std::uint32_t>(image.size() / 4);
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t seen;
    std::memcpy(&seen, image.data() + std::size_t{i} * 4, sizeof seen);
    wrong += seen != words.word(i) ? 1 : 0;
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
