#include "daemon/fd_watch.h"

#include <fmt/format.h>
#include <poll.h>

namespace ferry::daemon {

namespace asio = boost::asio;
using asio::posix::descriptor_base;
using boost::system::error_code;

namespace {

/// Asio gives the next descriptor the entry of one that was let go, and with it what epoll had already said of that one in
/// the same round. Nobody must be taken for dead, and no timer for due, because of that.
bool is_ready(int fd, short events) {
  pollfd asked{fd, events, 0};
  return ::poll(&asked, 1, 0) != 0;
}

}  // namespace

proto::Result<FdWatch> FdWatch::create(asio::io_context& io, const platform::UniqueFd& fd) {
  auto state = std::make_shared<State>(io);
  error_code failed;
  state->descriptor.assign(fd.get(), failed);
  if (failed)
    return proto::Error{proto::ErrorCode::kSystem,
                        fmt::format("descriptor {} cannot be watched: {}", fd.get(), failed.message())};
  return FdWatch(std::move(state));
}

FdWatch::~FdWatch() {
  if (state_) stop();
}

void FdWatch::stop() {
  if (state_->stopped) return;
  state_->stopped = true;
  state_->descriptor.release();  // out of the loop; the descriptor itself is its owner's
}

void FdWatch::on_readable(Callback callback) {
  state_->readable = std::move(callback);
  arm(state_);
}

void FdWatch::arm(const std::shared_ptr<State>& state) {
  state->descriptor.async_wait(descriptor_base::wait_read, [weak = std::weak_ptr(state)](error_code failed) {
    const auto alive = weak.lock();
    if (!alive || failed || alive->stopped) return;
    if (is_ready(alive->descriptor.native_handle(), POLLIN)) alive->readable();
    if (!alive->stopped) arm(alive);
  });
}

void FdWatch::once_writable(Callback callback) { arm_for_writing(state_, std::move(callback)); }

void FdWatch::arm_for_writing(const std::shared_ptr<State>& state, Callback callback) {
  state->descriptor.async_wait(descriptor_base::wait_write,
                               [weak = std::weak_ptr(state), call = std::move(callback)](error_code failed) mutable {
                                 const auto alive = weak.lock();
                                 if (!alive || failed || alive->stopped) return;
                                 if (is_ready(alive->descriptor.native_handle(), POLLOUT)) return call();
                                 arm_for_writing(alive, std::move(call));
                               });
}

}  // namespace ferry::daemon
