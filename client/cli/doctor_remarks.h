#pragma once
// What about the machine itself stands in the way of a transport.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/cli/doctor_report.h"

namespace ferry::cli {

struct Machine {
  std::string drm_folder;            ///< "/dev/dri"
  std::uint64_t memlock_bytes = 0;   ///< RLIMIT_MEMLOCK; UINT64_MAX: no limit
  std::function<bool(const std::string& path)> may_open;  ///< for reading and writing
};
Machine this_machine();

/// In the order of the devices' names.
std::vector<DoctorRemark> remarks_on(const Machine& machine);

}  // namespace ferry::cli
