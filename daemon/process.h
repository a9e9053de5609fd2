#pragma once
// The process behind a session, as the kernel knows it: who it is, and the moment in which it is gone for good. A
// closed socket says only that nobody talks any more.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/fd_watch.h"
#include "daemon/promises.h"
#include "platform/listener.h"
#include "proto/result.h"

namespace ferry::daemon {

class Process {
 public:
  /// kUnsupported where the kernel has no pidfds.
  static proto::Result<std::shared_ptr<Process>> watch(boost::asio::io_context& io, platform::PeerIdentity identity);

  /// One of which the kernel knows nothing any more.
  static std::shared_ptr<Process> departed(pid_t pid);

  const platform::PeerIdentity& identity() const { return identity_; }
  pid_t pid() const { return identity_.pid; }
  uid_t uid() const { return identity_.uid; }
  const std::string& name() const { return identity_.process; }  ///< its comm, printable
  bool gone() const { return gone_; }

  /// Calls back once, after the promises; at once if it is gone already. Not kept in sight for that alone.
  void when_gone(std::function<void()> callback);
  /// The same for somebody who counts on it for as long as @p interest lives.
  void when_gone(std::function<void()> callback, std::weak_ptr<const void> interest);
  /// Kept for it when it is gone, unless it has kept it itself by then.
  void remember(Promise promise);
  /// Something is left to do when it is gone.
  bool owes();

 private:
  explicit Process(platform::PeerIdentity identity) : identity_(std::move(identity)) {}
  void on_gone();

  platform::PeerIdentity identity_;
  std::optional<FdWatch> watch_;  // after identity_, whose pidfd it borrows
  bool gone_ = false;
  std::vector<Promise> promises_;
  std::vector<std::function<void()>> callbacks_;
  std::vector<std::weak_ptr<const void>> interests_;
};

}  // namespace ferry::daemon
