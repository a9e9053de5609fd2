#include "tests/support/layers/call_counts.h"

#include <cstring>
#include <iterator>
#include <stdexcept>

#include "tests/support/counted_functions.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

const char* const kNames[] = {
#define FERRY_TEST_NAME(name) "vk" #name,
    FERRY_TEST_COUNTED_FUNCTIONS(FERRY_TEST_NAME)
#undef FERRY_TEST_NAME
};

}  // namespace

Environment counting_layer(const std::string& file) {
  auto environment = with_layer("counting");
  environment.emplace_back("FERRY_COUNT_FILE", file);
  return environment;
}

std::map<std::string, std::uint64_t> read_call_counts(const std::string& file) {
  const std::string counts = read_file(file);
  if (counts.size() != sizeof(std::uint64_t) * std::size(kNames))
    throw std::runtime_error("the counting layer wrote no counts to " + file);
  std::map<std::string, std::uint64_t> result;
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    std::uint64_t count;
    std::memcpy(&count, counts.data() + i * sizeof count, sizeof count);
    if (count != 0) result[kNames[i]] = count;
  }
  return result;
}

}  // namespace ferry::test
