#include "tests/bench/run/process_stat.h"

#include <fmt/format.h>

#include <sstream>

#include "tests/support/temp_dir.h"

namespace ferry::bench {
namespace {

std::int64_t field(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + ":");
  return at == std::string::npos ? 0 : std::stoll(text.substr(at + name.size() + 2));
}

}  // namespace

ProcessStat stat_of(pid_t pid) {
  const std::string folder = fmt::format("/proc/{}", pid);
  ProcessStat stat;
  stat.resident_bytes = field(test::read_file(folder + "/status"), "VmRSS") * 1024;
  for (const std::string& thread : test::TempDir::list(folder + "/task")) {
    const std::string status = test::read_file(folder + "/task/" + thread + "/status");
    const std::int64_t switches = field(status, "voluntary_ctxt_switches");
    stat.voluntary_switches += switches;
    if (thread == std::to_string(pid)) stat.main_thread_switches = switches;
    std::istringstream words(test::read_file(folder + "/task/" + thread + "/schedstat"));
    std::int64_t on_cpu_ns = 0;
    if (words >> on_cpu_ns) stat.cpu_ns += on_cpu_ns;
  }
  stat.descriptors = static_cast<std::int64_t>(test::TempDir::list(folder + "/fd").size());
  return stat;
}

}  // namespace ferry::bench
