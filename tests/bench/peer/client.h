#pragma once
// A client of the broker's in this process, on a device that the application made.

#include <cstdint>
#include <string>

#include "ferry/ferry.h"
#include "tests/bench/gpu/device.h"
#include "tests/support/check.h"

namespace ferry::bench {

/// A connection, and an application's device wrapped for Ferry.
class Client {
 public:
  Client(const Device& device, const std::string& socket) : Client(device, device.gpu(), socket) {}
  /// For work on @p gpu's queue.
  Client(const Device& device, const test::Gpu& gpu, const std::string& socket);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ferry_connection* connection() const { return connection_; }
  ferry_device* device() const { return device_; }

  ferry_producer* create(const std::string& name, std::uint32_t width_px, std::uint32_t height_px) const;
  ferry_consumer* attach(const std::string& name, std::uint32_t mode = FERRY_CONSUMER_LATEST) const;

 private:
  ferry_connection* connection_ = nullptr;
  ferry_device* device_ = nullptr;
};

/// begin, a submission without commands that signals, publish.
void publish_empty_frame(const Device& device, ferry_producer* producer);

/// Since when, in microseconds.
double us_since(std::int64_t start_ns);

}  // namespace ferry::bench
