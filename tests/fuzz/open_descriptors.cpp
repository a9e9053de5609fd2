#include "tests/fuzz/open_descriptors.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

#include "tests/fuzz/require.h"

namespace ferry::fuzz {

std::vector<std::string> open_descriptors() {
  std::vector<std::string> open;
  DIR* folder = opendir("/proc/self/fd");
  FERRY_REQUIRE(folder != nullptr);
  while (const dirent* entry = readdir(folder)) {
    char target[256] = {};
    if (readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1) < 0) continue;  // "." and ".."
    if (std::to_string(dirfd(folder)) == entry->d_name || std::string_view(target).starts_with("pipe:")) continue;
    open.push_back(std::string(entry->d_name) + " " + target);
  }
  closedir(folder);
  std::sort(open.begin(), open.end());
  return open;
}

void require_the_same(const std::vector<std::string>& before) {
  auto after = open_descriptors();
  for (int tries = 0; tries < 5000 && after != before; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    after = open_descriptors();
  }
  if (after == before) return;
  for (const std::string& descriptor : after) std::fprintf(stderr, "open: %s\n", descriptor.c_str());
  FERRY_REQUIRE(after == before);
}

}  // namespace ferry::fuzz
