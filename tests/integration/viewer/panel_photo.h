#pragma once
// The viewer's panel in a photo of the screen: where it is, and its rows from top to bottom. What the letters say is not
// read; that a row is there, changes or stays the same is.

#include <vector>

#include "tests/integration/viewer/virtual_screen.h"

namespace ferry::test {

class PanelPhoto {
 public:
  /// The panel's rows while a stream is shown; more follow.
  enum Row : std::size_t {
    kStreamLabel, kPicker, kZoom, kSeparator, kCondition,
    kRate, kFrames, kMode, kSequence, kSize, kFormat, kGeneration, kCamera, kTransport, kSync,
  };
  /// Of a stream that brings no camera along kTransport takes the place of kCamera.
  static constexpr std::size_t kRowsWithAStream = kTransport + 1;

  explicit PanelPhoto(const Bitmap& screen);

  std::size_t row_count() const { return rows_.size(); }
  /// The pixels of a row, at the panel's full width.
  Bitmap row(std::size_t index) const { return screen_.crop(left_, rows_[index].top, width(), rows_[index].height); }
  bool same(std::size_t index, const PanelPhoto& other) const { return row(index) == other.row(index); }
  /// The middle of a row on the screen, and how far below it the next one begins.
  int middle_x() const { return left_ + width() / 2; }
  int middle_y(std::size_t index) const { return rows_[index].top + rows_[index].height / 2; }
  int bottom(std::size_t index) const { return rows_[index].top + rows_[index].height; }

  /// The graph's, while a stream is shown.
  std::size_t tallest_row() const;

  int width() const { return screen_.width() - left_; }
  /// Columns in which there is something of the latency graph's line.
  int graph_columns() const;

 private:
  struct Band {
    int top, height;
  };

  Bitmap screen_;
  int left_ = 0;
  std::vector<Band> rows_;
};

}  // namespace ferry::test
