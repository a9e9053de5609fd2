#include "daemon/process.h"

#include <fmt/format.h>

#include <algorithm>

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;

proto::Result<std::shared_ptr<Process>> Process::watch(boost::asio::io_context& io, platform::PeerIdentity identity) {
  if (!identity.pidfd)
    return Error{ErrorCode::kUnsupported,
                 fmt::format("the kernel has no pidfd for process {}: Linux 5.3 or newer is needed", identity.pid)};
  std::shared_ptr<Process> process(new Process(std::move(identity)));
  auto watch = FdWatch::create(io, process->identity_.pidfd);
  if (!watch) return std::move(watch).error();
  process->watch_.emplace(std::move(*watch));
  // Weak: a handler that is queued already must not find a process that was dropped.
  process->watch_->on_readable([weak = std::weak_ptr(process)] {
    if (const auto alive = weak.lock()) alive->on_gone();
  });
  return process;
}

std::shared_ptr<Process> Process::departed(pid_t pid) {
  platform::PeerIdentity identity;
  identity.pid = pid;
  std::shared_ptr<Process> process(new Process(std::move(identity)));
  process->gone_ = true;
  return process;
}

void Process::on_gone() {
  gone_ = true;
  watch_->stop();
  for (const Promise& promise : std::exchange(promises_, {})) keep_from_host(promise);
  for (const auto& callback : std::exchange(callbacks_, {})) callback();
}

void Process::when_gone(std::function<void()> callback) {
  if (gone_)
    callback();
  else
    callbacks_.push_back(std::move(callback));
}

void Process::when_gone(std::function<void()> callback, std::weak_ptr<const void> interest) {
  if (!gone_) interests_.push_back(std::move(interest));
  when_gone(std::move(callback));
}

bool Process::owes() {
  std::erase_if(promises_, is_kept);
  std::erase_if(interests_, [](const auto& interest) { return interest.expired(); });
  return !promises_.empty() || !interests_.empty();
}

void Process::remember(Promise promise) {
  if (gone_) return keep_from_host(promise);
  std::erase_if(promises_, is_kept);
  if (!is_kept(promise)) promises_.push_back(std::move(promise));
}

}  // namespace ferry::daemon
