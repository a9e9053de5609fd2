#pragma once
// Does each picture belong to the frame it came with? Compares the number in the pixels with the renderer's note in the
// metadata, and that with the sequence number.

#include <fmt/format.h>

#include <cstdint>
#include <ferry/ferry.hpp>
#include <optional>
#include <string>

#include "client/examples/common/frame_note.h"
#include "client/examples/common/stamp.h"

namespace viewer {

class StampVerifier {
 public:
  /// What is wrong with this frame; empty if nothing is.
  std::string find_fault(const ferry::Frame& frame, const examples::Rgba8Picture& picture) {
    const auto note = examples::get_note(frame.metadata);
    if (!note || note->has_stamp == 0) return "the producer stamps no frames (ferry-renderer --stamp does)";
    const auto stamp = examples::read_stamp(picture);
    if (!stamp) return "the stamps are damaged, or differ between the corners";
    if (*stamp != static_cast<std::uint32_t>(note->counter))
      return fmt::format("the picture is of frame {}, its metadata of frame {}", *stamp, note->counter);

    // Sequence and counter run in step; a renderer that took the stream over counts from one again.
    const std::uint64_t lead = frame.sequence - note->counter;
    const bool is_same_renderer = note->counter > last_counter_;
    const bool is_in_step = !is_same_renderer || !lead_ || *lead_ == lead;
    const std::uint64_t expected = frame.sequence - lead_.value_or(lead);
    lead_ = lead;
    last_counter_ = note->counter;
    if (!is_in_step) return fmt::format("it carries frame {} where {} was due", note->counter, expected);
    return {};
  }

 private:
  std::optional<std::uint64_t> lead_;
  std::uint64_t last_counter_ = 0;
};

}  // namespace viewer
