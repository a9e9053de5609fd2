#pragma once
// A descriptor in the loop. Nothing is registered for writing until somebody waits for it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::daemon {

class FdWatch {
 public:
  using Callback = std::function<void()>;

  /// @p fd is borrowed and must stay open for the life of the watch.
  static proto::Result<FdWatch> create(boost::asio::io_context& io, const platform::UniqueFd& fd);
  FdWatch(FdWatch&&) = default;
  FdWatch& operator=(FdWatch&&) = delete;
  ~FdWatch();

  /// Calls @p callback each time there is something to read (or the peer is gone), until stop(). It may stop or
  /// destroy the watch.
  void on_readable(Callback callback);
  /// Calls @p callback once, when there is room to write.
  void once_writable(Callback callback);
  void stop();

 private:
  struct State {
    explicit State(boost::asio::io_context& io) : descriptor(io) {}
    boost::asio::posix::stream_descriptor descriptor;
    Callback readable;
    bool stopped = false;
  };
  explicit FdWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static void arm(const std::shared_ptr<State>& state);
  static void arm_for_writing(const std::shared_ptr<State>& state, Callback callback);

  std::shared_ptr<State> state_;  // what a handler that is queued already finds stopped
};

}  // namespace ferry::daemon
