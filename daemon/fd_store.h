#pragma once
// The service manager's store of descriptors (systemd's FileDescriptorStoreMax=): what is in it outlives this process. Each
// entry is one descriptor, a parcel of a message with its own descriptors.
//
// Nothing depends on it: what finds no room, or meets a manager that does not read, is not kept, and the log says so once.

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "daemon/fd_watch.h"
#include "daemon/outbox.h"
#include "platform/service.h"

namespace ferry::daemon {

class FdStore {
 public:
  /// nullptr where there is no manager, or none that can be reached.
  static std::unique_ptr<FdStore> open(boost::asio::io_context& io);
  /// @p manager: platform::connect_to_manager(); @p capacity: entries.
  FdStore(boost::asio::io_context& io, platform::UniqueFd manager, std::size_t capacity);

  /// Kept as @p name; what has that name already stays. @p fds are borrowed for the call.
  void put(const std::string& name, std::span<const std::byte> bytes, const FdList& fds);
  /// Also what this process was passed and never put.
  void remove(const std::string& name);
  bool has(const std::string& name) const { return names_.contains(name); }
  /// Came from the manager: counts as put.
  void adopt(const std::string& name) { names_.insert(name); }
  std::size_t size() const { return names_.size(); }

 private:
  struct Request {
    std::string name;
    platform::UniqueFd parcel;  ///< invalid: to be removed
  };
  void flush();
  void complain(const std::string& why);

  boost::asio::io_context& io_;
  platform::UniqueFd manager_;
  std::optional<FdWatch> watch_;  // after manager_, which it borrows; while the manager has no room
  std::size_t capacity_;
  std::set<std::string> names_;
  std::deque<Request> queue_;
  bool complained_ = false;
};

}  // namespace ferry::daemon
