#include "daemon/fd_watch.h"

#include <fmt/format.h>

namespace ferry::daemon {

namespace asio = boost::asio;
using asio::posix::descriptor_base;
using boost::system::error_code;

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
    alive->readable();
    if (!alive->stopped) arm(alive);
  });
}

void FdWatch::once_writable(Callback callback) {
  state_->descriptor.async_wait(descriptor_base::wait_write,
                                [weak = std::weak_ptr(state_), call = std::move(callback)](error_code failed) {
                                  const auto alive = weak.lock();
                                  if (alive && !failed && !alive->stopped) call();
                                });
}

}  // namespace ferry::daemon
