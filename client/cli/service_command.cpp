// `ferry service`: the broker under the user's systemd, for people who do not know systemd.

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/service_units.h"

namespace ferry::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnits[] = {"ferryd.socket", "ferryd.service"};

/// Runs a program of the PATH to its end; its exit code, 128 + signal when one ended it.
int run_program(std::vector<std::string> words, bool silent = false) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (silent)
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
      posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw CommandError(ExitCode::kFailure,
                       fmt::format("cannot run {}: {}; without systemd, start ferryd yourself", words[0], std::strerror(failed)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int systemctl(std::vector<std::string> words, bool silent = false) {
  words.insert(words.begin(), {"systemctl", "--user"});
  return run_program(std::move(words), silent);
}

void must(int exit_code, const std::string& what) {
  if (exit_code != 0)
    throw CommandError(ExitCode::kFailure, fmt::format("{} failed with exit code {}", what, exit_code));
}

fs::path unit_folder() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (config != nullptr && *config == '/') return fs::path(config) / "systemd/user";
  if (home == nullptr || *home == '\0') throw CommandError(ExitCode::kFailure, "HOME is not set");
  return fs::path(home) / ".config/systemd/user";
}

/// The broker that was built with this command.
fs::path broker_program() {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "ferryd";
  if (access(program.c_str(), X_OK) != 0)
    throw CommandError(ExitCode::kNotFound, fmt::format("there is no {}", program.string()));
  return program;
}

/// As systemd wants a path in ExecStart=.
std::string quoted(const std::string& path) {
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    out += c;
  }
  return out + "\"";
}

void write_unit(const fs::path& file, const std::string& text) {
  const fs::path temporary = file.string() + ".new";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  std::error_code error;
  if (out) fs::rename(temporary, file, error);
  if (!out || error) throw CommandError(ExitCode::kFailure, fmt::format("cannot write {}", file.string()));
  fmt::print("wrote {}\n", file.string());
}

void install() {
  must(systemctl({"show-environment"}, true), "systemctl --user show-environment (no systemd of this user's runs here);");
  // Units that a package installed are taken as they are.
  if (systemctl({"cat", kUnits[0], kUnits[1]}, true) != 0) {
    const fs::path folder = unit_folder();
    std::string service = kServiceUnit;
    const std::string placeholder = "@FERRYD@";
    service.replace(service.find(placeholder), placeholder.size(), quoted(broker_program()));
    fs::create_directories(folder);
    write_unit(folder / kUnits[0], kSocketUnit);
    write_unit(folder / kUnits[1], service);
    must(systemctl({"daemon-reload"}), "systemctl --user daemon-reload");
  }
  must(systemctl({"enable", "--now", kUnits[0]}), "systemctl --user enable --now ferryd.socket");
  fmt::print("the broker starts when the first client connects; `ferry service status` shows it\n");
}

}  // namespace

void run_service(const ServiceOptions& options) {
  if (options.what == "install") return install();
  const int exit_code =
      options.what == "status" ? systemctl({"status", "--no-pager", "--lines=10", kUnits[0], kUnits[1]})
      : options.follow         ? run_program({"journalctl", "--user", "--unit=ferryd.service", "--follow"})
                               : run_program({"journalctl", "--user", "--unit=ferryd.service", "--no-pager", "--lines=100"});
  // systemctl's own: 3 for units that do not run, 4 for units that there are not.
  if (options.what == "status" && exit_code == 4)
    throw CommandError(ExitCode::kNotFound, "the service is not installed: `ferry service install`");
  if (options.what == "status" && exit_code == 3) return;
  must(exit_code, options.what == "status" ? "systemctl --user status" : "journalctl --user");
}

}  // namespace ferry::cli
