#include <gtest/gtest.h>

#include <string_view>

#include "tests/unit/vulkan/second_process.h"

int main(int argc, char** argv) {
  using namespace ferry::platform::test;
  if (argc == 3 && std::string_view(argv[1]) == kSecondProcessOption) return run_second_process(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
