#pragma once
// Numbers of processes are used again; a number and a start are not.

#include <sys/types.h>

#include <cstdint>

namespace ferry::platform {

/// When process @p pid started, in clock ticks since boot. 0: there is none, or /proc does not say.
std::uint64_t process_start_ticks(pid_t pid);

}  // namespace ferry::platform
