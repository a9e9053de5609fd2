#pragma once
// For tests that share dma-bufs.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace ferry::test {

/// Skips the test that is running where no device of the broker's shares dma-bufs, says its @p status; fails it where
/// FERRY_TEST_DMA_BUF says that one does.
inline void need_dma_bufs(const nlohmann::json& status) {
  for (const auto& device : status["broker"]["devices"]) {
    const auto& transports = device["transports"];
    if (std::find(transports.begin(), transports.end(), "dma-buf") != transports.end()) return;
  }
  if (std::getenv("FERRY_TEST_DMA_BUF") != nullptr) FAIL() << "this machine should share dma-bufs";
  GTEST_SKIP() << "no device of this machine shares dma-bufs (scripts/vm-test has one)";
}

}  // namespace ferry::test
