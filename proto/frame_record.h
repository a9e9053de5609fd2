#pragma once
// What a producer says of one frame. Fixed size, written into the stream page's ring; read by strangers, so every
// field is checked (frame_record_valid) after it has been copied and before it is used.

#include <cstdint>
#include <type_traits>

#include "proto/colour.h"
#include "proto/limits.h"

namespace ferry::proto {

/// How the picture lies in the texture. Values as EXIF's: what the viewer must do to show it upright.
enum class Orientation : std::uint8_t {
  kNormal = 1, kMirrored = 2, kRotated180 = 3, kFlipped = 4,
  kTransposed = 5, kRotated90 = 6, kTransversed = 7, kRotated270 = 8,
};

struct Rect {
  std::uint32_t x_px, y_px, width_px, height_px;
};

/// SMPTE ST 2086 and CTA-861.3. All zero: not given. Luminance in cd/m2, chromaticities in CIE 1931 xy.
struct HdrMetadata {
  float red_xy[2], green_xy[2], blue_xy[2], white_xy[2];
  float max_luminance, min_luminance;
  float max_content_light, max_frame_average_light;
};

struct FrameRecord {
  std::uint64_t sequence;       ///< 1, 2, 3 ... for the life of the stream, over generations and producers
  std::uint64_t acquire_point;  ///< value of the generation's acquire timeline; 0 in sync mode host: already complete
  std::uint64_t produced_ns;    ///< CLOCK_MONOTONIC at publish
  std::uint64_t present_ns;     ///< CLOCK_MONOTONIC at which it is meant to be seen; 0: at once
  std::uint32_t generation;
  std::uint32_t slot;
  Orientation orientation;
  AlphaMode alpha;
  ColourPrimaries primaries;
  TransferFunction transfer;
  ColourRange range;
  std::uint8_t reserved0[3];
  std::uint32_t damage_count;  ///< 0: everything may have changed
  std::uint32_t user_size_bytes;
  Rect crop;                   ///< width 0: the whole texture
  Rect damage[kMaxDamageRects];
  HdrMetadata hdr;
  std::uint8_t user[kMaxUserBytes];
  std::uint8_t reserved1[8];
};

static_assert(sizeof(FrameRecord) == 384 && std::is_trivially_copyable_v<FrameRecord>);

/// Whether a record that came from a peer's page can be used with an image of that size.
constexpr bool frame_record_valid(const FrameRecord& r, std::uint32_t width_px, std::uint32_t height_px) {
  auto inside = [&](const Rect& rect) {
    return rect.x_px <= width_px && rect.width_px <= width_px - rect.x_px && rect.y_px <= height_px &&
           rect.height_px <= height_px - rect.y_px;
  };
  if (r.slot >= kMaxSlots || r.generation == 0 || r.sequence == 0) return false;
  if (r.damage_count > kMaxDamageRects || r.user_size_bytes > kMaxUserBytes) return false;
  if (static_cast<std::uint8_t>(r.orientation) < 1 || static_cast<std::uint8_t>(r.orientation) > 8) return false;
  if (!colour_valid({r.primaries, r.transfer, r.range, r.alpha})) return false;
  if (!inside(r.crop)) return false;
  for (std::uint32_t i = 0; i < r.damage_count; ++i)
    if (!inside(r.damage[i])) return false;
  return true;
}

}  // namespace ferry::proto
