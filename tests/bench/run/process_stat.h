#pragma once
// What /proc says of a process.

#include <sys/types.h>

#include <cstdint>

namespace ferry::bench {

struct ProcessStat {
  std::int64_t cpu_ns = 0;                ///< of its living threads, as the scheduler counts it
  std::int64_t voluntary_switches = 0;    ///< of all its threads
  std::int64_t main_thread_switches = 0;  ///< of its first thread alone: a driver has threads of its own
  std::int64_t resident_bytes = 0;
  std::int64_t descriptors = 0;
};

ProcessStat stat_of(pid_t pid);

}  // namespace ferry::bench
