#pragma once
#include <cstdint>

namespace ferry::platform {

/// CLOCK_MONOTONIC in ns: the same in every process of the machine. No system call (vDSO).
std::int64_t now_ns();

/// Absolute deadline for a timeout as the C ABI has it: negative means none (-1), and no overflow.
std::int64_t deadline_after(std::int64_t timeout_ns);

}  // namespace ferry::platform
