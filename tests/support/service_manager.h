#pragma once
// A service manager's end of NOTIFY_SOCKET: hears what a service says, and keeps the descriptors that it stores.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "platform/unique_fd.h"
#include "tests/support/deadline.h"

namespace ferry::test {

class ServiceManager {
 public:
  /// Listens at @p path.
  explicit ServiceManager(std::string path);
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  const std::string& path() const { return path_; }
  /// Waits until it has heard a message with @p wanted so often, since the last call; how often it has.
  int hear(std::string_view wanted, int times, std::chrono::milliseconds timeout);

  using Store = std::vector<std::pair<std::string, platform::UniqueFd>>;
  /// What it keeps, in an order that says nothing; duplicates.
  Store stored() const;
  std::vector<std::string> names() const;  ///< sorted
  /// Until what it keeps is as @p holds wants it. False when @p timeout passes.
  bool wait_stored(const std::function<bool(const std::vector<std::string>&)>& holds, std::chrono::milliseconds timeout);
  void put(std::string name, platform::UniqueFd fd);
  /// Whatever has a name that begins so.
  void forget(std::string_view beginning);
  /// Until it has taken all that it was told before this call.
  void catch_up();
  /// Reads nothing until it is told to go on: its socket fills up.
  void pause(bool paused);

 private:
  void run();
  void take(std::string text, std::vector<platform::UniqueFd> fds);

  const std::string path_;
  const platform::UniqueFd socket_;
  platform::UniqueFd wake_, woken_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> heard_;
  Store store_;
  int caught_up_ = 0;
  bool paused_ = false, stopping_ = false;
  std::thread thread_;
};

}  // namespace ferry::test
