#include "tests/integration/viewer/panel_photo.h"

#include <cstdlib>

namespace ferry::test {
namespace {

/// client/examples/viewer/gui.cpp: what the graph's line is drawn in, and nothing else.
constexpr Colour kGraphLine{97, 184, 242};

bool near(const Colour& a, const Colour& b) {
  constexpr int kSmoothing = 40;
  return std::abs(a.red - b.red) < kSmoothing && std::abs(a.green - b.green) < kSmoothing &&
         std::abs(a.blue - b.blue) < kSmoothing;
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
  for (int x = left_; x < screen_.width(); ++x)
    for (int y = 0; y < screen_.height(); ++y)
      if (near(screen_.at(x, y), kGraphLine)) {
        ++columns;
        break;
      }
  return columns;
}

}  // namespace ferry::test
