#pragma once
// What the example renderer says of a frame in ferry_frame_metadata::user, and the viewer reads back: one process's
// bytes in another, so they are checked before they are believed.

#include <ferry/ferry.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

namespace examples {

struct FrameNote {
  static constexpr std::uint32_t kMagic = 0x544f4e46;  // "FNOT"

  std::uint32_t magic = kMagic;
  std::uint32_t has_stamp = 0;  ///< 1: the picture carries `counter` (stamp.h)
  std::uint64_t counter = 0;    ///< frames drawn before this one, plus 1
  double scene_time_s = 0;
  std::array<float, 3> eye{}, look_at{};
  float vertical_fov_rad = 0;
  std::uint32_t samples = 1;  ///< a pixel
};
static_assert(std::is_trivially_copyable_v<FrameNote> && sizeof(FrameNote) == 56);
static_assert(sizeof(FrameNote) <= FERRY_MAX_USER_BYTES);

inline void put_note(const FrameNote& note, ferry_frame_metadata& metadata) {
  std::memcpy(metadata.user, &note, sizeof(note));
  metadata.user_size_bytes = sizeof(note);
}

/// Nothing when another kind of producer wrote the frame.
inline std::optional<FrameNote> get_note(const ferry_frame_metadata& metadata) {
  FrameNote note;
  if (metadata.user_size_bytes != sizeof(note)) return std::nullopt;
  std::memcpy(&note, metadata.user, sizeof(note));
  if (note.magic != FrameNote::kMagic) return std::nullopt;
  return note;
}

}  // namespace examples
