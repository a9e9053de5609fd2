#include "client/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "client/cli/exit_code.h"
#include "client/cli/text.h"

namespace ferry::cli {
namespace {

bool environment_set(const char* name) {
  const char* value = std::getenv(name);
  return value && *value;
}

}  // namespace

std::string Style::paint(std::string_view code, std::string_view text) const {
  if (!coloured_) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

Terminal terminal_of(int fd) {
  Terminal terminal;
  if (isatty(fd) != 1) return terminal;
  const char* type = std::getenv("TERM");
  terminal.interactive = type && std::string_view(type) != "dumb";
  terminal.coloured = terminal.interactive && !environment_set("NO_COLOR");
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw CommandError(ExitCode::kFailure, fmt::format("cannot write the output: {}", strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

FullScreen::FullScreen(int fd) : fd_(fd) { write_all(fd_, "\x1b[?1049h\x1b[?25l\x1b[?7l"); }

FullScreen::~FullScreen() {
  try {
    write_all(fd_, "\x1b[?7h\x1b[?25h\x1b[?1049l");
  } catch (const CommandError&) {
    // The terminal is gone, and its state with it.
  }
}

void FullScreen::show(std::string_view text) {
  const Terminal terminal = terminal_of(fd_);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const bool cut = terminal.rows > 1 && lines >= terminal.rows;
  std::size_t room = cut ? terminal.rows - 1 : lines;

  std::string screen = "\x1b[H";
  const std::size_t hidden = lines - room;
  for (; room > 0; --room) {
    const std::size_t end = text.find('\n');
    screen.append(text.substr(0, end)).append("\x1b[K\n");
    text.remove_prefix(end + 1);
  }
  if (cut) screen += fmt::format("… {} more", counted(hidden, "line"));
  screen += "\x1b[J";
  write_all(fd_, screen);
}

}  // namespace ferry::cli
