#include "platform/linux/process_start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

#include "platform/unique_fd.h"

namespace ferry::platform {

std::uint64_t process_start_ticks(pid_t pid) {
  // Field 22 of proc_pid_stat(5). The second one, the name, is in parentheses and may contain anything, even those.
  const UniqueFd file{open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC)};
  char buffer[1024];
  const ssize_t length = file ? read(file.get(), buffer, sizeof buffer) : 0;
  if (length <= 0) return 0;
  const std::string_view text(buffer, static_cast<std::size_t>(length));
  std::size_t at = text.rfind(')');
  for (int field = 2; field < 22 && at != std::string_view::npos; ++field) at = text.find(' ', at + 1);
  if (at == std::string_view::npos) return 0;
  std::uint64_t ticks = 0;
  std::from_chars(text.data() + at + 1, text.data() + text.size(), ticks);
  return ticks;
}

}  // namespace ferry::platform
