// ferry view

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"

namespace ferry::cli {
namespace {

constexpr const char* kViewer = "ferry-viewer";

/// The viewer that belongs to this program, or its bare name, for execvp to look up in PATH.
std::string find_viewer() {
  std::error_code ignored;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& candidate : {here / kViewer, here / "../libexec/ferry" / kViewer}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return kViewer;
}

}  // namespace

void run_view(const ViewOptions& options) {
  const std::string viewer = find_viewer();
  std::vector<std::string> words{viewer};
  if (!options.socket.empty()) words.insert(words.end(), {"--socket", options.socket});
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  words.insert(words.end(), {"--", options.stream});  // which may begin with a dash

  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(viewer.c_str(), arguments.data());
  if (errno == ENOENT) {
    throw CommandError(ExitCode::kFailure,
                       fmt::format("no {} beside this program, in ../libexec/ferry or in PATH (it is built with the "
                                   "examples: -DFERRY_BUILD_EXAMPLES=ON)",
                                   kViewer));
  }
  throw CommandError(ExitCode::kFailure, fmt::format("cannot start '{}': {}", viewer, strerror(errno)));
}

}  // namespace ferry::cli
