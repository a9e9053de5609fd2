#pragma once
// What a stretch of work took of this process: every thread of it, the driver's too.

#include <cstdint>
#include <nlohmann/json.hpp>

#include "platform/unique_fd.h"

namespace ferry::bench {

class Usage {
 public:
  Usage();
  void start();
  /// Since start(). "cache_misses" is null where the kernel counts none for us.
  nlohmann::json so_far() const;

 private:
  struct Sample {
    std::int64_t wall_ns, cpu_ns;
    std::int64_t voluntary_switches, involuntary_switches;
  };
  static Sample sample();
  Sample begin_{};
  platform::UniqueFd cache_misses_;
};

}  // namespace ferry::bench
