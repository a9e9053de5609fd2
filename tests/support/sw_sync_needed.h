#pragma once
// For tests that hold a fence themselves.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/sw_sync.h"

namespace ferry::test {

/// Skips the test that is running where the kernel gave no @p timeline; fails it where FERRY_TEST_SYNC_FD says that it does.
inline void need_sw_sync(const SwSync& timeline) {
  if (timeline) return;
  if (std::getenv("FERRY_TEST_SYNC_FD") != nullptr) FAIL() << "this machine should have sw_sync";
  GTEST_SKIP() << "no sw_sync here (scripts/vm-test has one)";
}

}  // namespace ferry::test
