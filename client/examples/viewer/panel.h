#pragma once
// What the window says about the stream beside its picture.

#include <optional>
#include <string>

#include "client/examples/viewer/stream_list.h"
#include "client/examples/viewer/subscription.h"

namespace viewer {

enum class Zoom : std::uint8_t { kFit, kActualSize };

/// A part of the window, in pixels.
struct Area {
  float x = 0, y = 0, width = 0, height = 0;
};

struct PanelInput {
  const Subscription* subscription = nullptr;  ///< nullptr: no stream chosen
  std::string device;
};

class Panel {
 public:
  explicit Panel(const ferry::Connection& connection) : connection_(connection) {}

  /// Lays the panel out in the current ImGui frame. A name when the user chose another stream.
  std::optional<std::string> draw(const PanelInput& input);
  /// Over the picture: why it does not move, or why there is none.
  void draw_notices(const Subscription* subscription, const Area& picture_area) const;

  /// What the panel leaves of the window.
  Area picture_area() const { return picture_area_; }
  Zoom zoom() const { return zoom_; }

 private:
  std::optional<std::string> draw_stream_picker(const std::string& current);
  void draw_stream(const Subscription& subscription) const;
  void draw_zoom();

  const ferry::Connection& connection_;
  StreamList streams_;
  std::int64_t next_refresh_ns_ = 0;
  Area picture_area_;
  Zoom zoom_ = Zoom::kFit;
};

}  // namespace viewer
