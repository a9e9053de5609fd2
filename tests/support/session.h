#pragma once
// A connection and a device, as nearly every test needs them.

#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "ferry/ferry.h"
#include "tests/support/gpu.h"

namespace ferry::test {

struct SessionOptions {
  std::string socket{};
  std::string application{};  ///< empty: the process's name
  std::string device{};       ///< selector; empty: the broker's first
  bool lend_queue = false;    ///< the one that gpu() submits to, for sync mode sync-fd
  bool validation = true;     ///< but not where $FERRY_TEST_NO_VALIDATION is set: the layer may be missing
};

class Session {
 public:
  explicit Session(const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ferry_connection* connection() const { return connection_; }
  ferry_device* device() const { return device_; }
  const Gpu& gpu() const { return *gpu_; }
  ferry_device_info device_info() const;
  std::uint64_t validation_errors() const { return device_info().validation_errors; }
  /// `ferry status --json`.
  nlohmann::json status() const;

 private:
  ferry_connection* connection_ = nullptr;
  ferry_device* device_ = nullptr;
  std::unique_ptr<Gpu> gpu_;
  std::mutex queue_mutex_;  // held while Ferry uses the queue: everything here is one thread's
};

}  // namespace ferry::test
