#include "tests/integration/viewer/panel_photo.h"

namespace ferry::test {
namespace {

/// client/examples/viewer/gui.cpp: what the graph's line is drawn in, smoothed over what is behind it (ImGui's frames).
constexpr Colour kGraphLine{97, 184, 242}, kBehindGraph{31, 51, 79};

/// Where at least a third of the pixel is the line's. It is a pixel wide, and where it is steep no pixel is all its own.
bool is_of_graph(const Colour& seen) {
  const auto a_third = [](int line, int behind) { return behind + (line - behind) / 3; };
  return seen.green >= a_third(kGraphLine.green, kBehindGraph.green) &&
         seen.blue - seen.red >= a_third(kGraphLine.blue - kGraphLine.red, kBehindGraph.blue - kBehindGraph.red);
}

}  // namespace

PanelPhoto::PanelPhoto(const Bitmap& screen) : screen_(screen) {
  // The panel is what the upper right corner is the colour of; nothing is drawn on its edge.
  const Colour plain = screen.at(screen.width() - 1, 0);
  left_ = screen.width();
  while (left_ > 0 && screen.at(left_ - 1, 0) == plain) --left_;
  const auto is_empty = [&](int y) {
    for (int x = left_; x < screen.width(); ++x)
      if (!(screen.at(x, y) == plain)) return false;
    return true;
  };
  for (int y = 0; y < screen.height(); ++y) {
    if (is_empty(y)) continue;
    const int top = y;
    while (y < screen.height() && !is_empty(y)) ++y;
    rows_.push_back({top, y - top});
  }
}

std::size_t PanelPhoto::tallest_row() const {
  std::size_t tallest = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_[i].height > rows_[tallest].height) tallest = i;
  return tallest;
}

int PanelPhoto::graph_columns() const {
  int columns = 0;
  if (rows_.empty()) return columns;
  const Band& graph = rows_[tallest_row()];
  for (int x = left_; x < screen_.width(); ++x)
    for (int y = graph.top; y < graph.top + graph.height; ++y)
      if (is_of_graph(screen_.at(x, y))) {
        ++columns;
        break;
      }
  return columns;
}

}  // namespace ferry::test
