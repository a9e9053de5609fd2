#include "tests/bench/peer/usage.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/clock.h"

namespace ferry::bench {
namespace {

std::int64_t ns_of(const timeval& time) { return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1'000LL; }

/// Of this process and the threads it makes from now on: open it first.
platform::UniqueFd count_cache_misses() {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CACHE_MISSES;
  attributes.inherit = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  return platform::UniqueFd(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0)));
}

}  // namespace

Usage::Usage() : cache_misses_(count_cache_misses()) { start(); }

Usage::Sample Usage::sample() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return {platform::now_ns(), ns_of(usage.ru_utime) + ns_of(usage.ru_stime), usage.ru_nvcsw, usage.ru_nivcsw};
}

void Usage::start() {
  begin_ = sample();
  if (cache_misses_) ::ioctl(cache_misses_.get(), PERF_EVENT_IOC_RESET, 0);
}

nlohmann::json Usage::so_far() const {
  const Sample now = sample();
  nlohmann::json usage{{"wall_ns", now.wall_ns - begin_.wall_ns},
                       {"cpu_ns", now.cpu_ns - begin_.cpu_ns},
                       {"voluntary_switches", now.voluntary_switches - begin_.voluntary_switches},
                       {"involuntary_switches", now.involuntary_switches - begin_.involuntary_switches},
                       {"cache_misses", nullptr}};
  std::uint64_t misses = 0;
  if (cache_misses_ && ::read(cache_misses_.get(), &misses, sizeof misses) == sizeof misses)
    usage["cache_misses"] = misses;
  return usage;
}

}  // namespace ferry::bench
