#include "client/cli/doctor_remarks.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace ferry::cli {
namespace {

std::vector<std::string> render_nodes(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code ignored;  // no folder: no GPU, which is no remark
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with("renderD")) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Machine this_machine() {
  Machine machine{"/dev/dri", UINT64_MAX, [](const std::string& path) { return ::access(path.c_str(), R_OK | W_OK) == 0; }};
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) machine.memlock_bytes = limit.rlim_cur;
  return machine;
}

std::vector<DoctorRemark> remarks_on(const Machine& machine) {
  std::vector<DoctorRemark> remarks;
  for (const std::string& path : render_nodes(machine.drm_folder))
    if (!machine.may_open(path))
      remarks.push_back({path + " may not be opened by this user",
                         "join the group that owns it (usually `render` or `video`): its GPU is missing here"});
  constexpr std::uint64_t kOneFrameBytes = 64u << 20;
  if (machine.memlock_bytes < kOneFrameBytes)
    remarks.push_back({fmt::format("RLIMIT_MEMLOCK is {} KiB", machine.memlock_bytes / 1024),
                       "only matters if host-memory fails below: drivers of GPUs may count what they pin"});
  return remarks;
}

}  // namespace ferry::cli
