#pragma once
// What standard output is: a terminal with a size and colours, or a pipe.

#include <cstddef>
#include <string>
#include <string_view>

namespace ferry::cli {

/// Colours, or nothing at all. Pad before you paint: escape sequences have no width.
class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string red(std::string_view text) const { return paint("31", text); }
  std::string green(std::string_view text) const { return paint("32", text); }
  std::string yellow(std::string_view text) const { return paint("33", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
  bool coloured_;
};

struct Terminal {
  bool interactive = false;  ///< somebody looks at it: it can be redrawn
  bool coloured = false;     ///< interactive, no NO_COLOR, and not a "dumb" one
  std::size_t columns = 100;
  std::size_t rows = 0;  ///< 0: without end
};

/// Of the descriptor @p fd, now: a window can be resized.
Terminal terminal_of(int fd);

/// Writes everything to @p fd. CommandError when that fails; a reader that went away ends the program quietly.
void write_all(int fd, std::string_view text);

/// The alternate screen of a terminal for as long as this lives.
class FullScreen {
 public:
  explicit FullScreen(int fd);
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  /// Shows @p text (lines) from the top, cut to the terminal's rows.
  void show(std::string_view text);

 private:
  int fd_;
};

}  // namespace ferry::cli
