#include "daemon/fd_store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "platform/parcel.h"

namespace ferry::daemon {
namespace {

/// Of a manager that does not read: each holds a descriptor here.
constexpr std::size_t kMaxWaiting = 4096;

}  // namespace

std::unique_ptr<FdStore> FdStore::open(boost::asio::io_context& io) {
  auto manager = platform::connect_to_manager();
  if (!manager) {
    if (manager.error().code != proto::ErrorCode::kNoBroker) spdlog::warn("{}", manager.error().message);
    return nullptr;
  }
  return std::make_unique<FdStore>(io, std::move(*manager), platform::fd_store_capacity());
}

FdStore::FdStore(boost::asio::io_context& io, platform::UniqueFd manager, std::size_t capacity)
    : io_(io), manager_(std::move(manager)), capacity_(capacity) {}

void FdStore::put(const std::string& name, std::span<const std::byte> bytes, const FdList& fds) {
  if (capacity_ == 0 || has(name)) return;
  if (names_.size() >= capacity_)
    return complain(fmt::format("it keeps {} entries (FileDescriptorStoreMax), and has them", capacity_));
  if (queue_.size() >= kMaxWaiting) return complain(fmt::format("it has not read the last {} requests", queue_.size()));
  std::vector<int> numbers;
  for (const platform::UniqueFd* fd : fds) numbers.push_back(fd->get());
  auto parcel = platform::pack_parcel(bytes, numbers);
  if (!parcel) return complain(parcel.error().message);
  names_.insert(name);
  queue_.push_back({name, std::move(*parcel)});
  flush();
}

void FdStore::remove(const std::string& name) {
  if (names_.erase(name) == 0) return;
  const auto unsent =
      std::find_if(queue_.begin(), queue_.end(), [&](const Request& r) { return r.parcel && r.name == name; });
  if (unsent != queue_.end()) {
    queue_.erase(unsent);
    return;
  }
  queue_.push_back({name, {}});
  flush();
}

void FdStore::flush() {
  while (!watch_ && !queue_.empty()) {
    const Request& next = queue_.front();
    const auto sent = next.parcel ? platform::store_fd(manager_, next.name, next.parcel)
                                  : platform::unstore_fds(manager_, next.name);
    if (!sent) {
      complain(sent.error().message);
      if (next.parcel) names_.erase(next.name);
    } else if (*sent == platform::SendStatus::kWouldBlock) {
      auto watch = FdWatch::create(io_, manager_);
      if (!watch) return complain(watch.error().message);
      watch_.emplace(std::move(*watch));
      watch_->once_writable([this] {
        watch_.reset();
        flush();
      });
      return;
    }
    queue_.pop_front();
  }
}

void FdStore::complain(const std::string& why) {
  if (!complained_) spdlog::warn("the service manager does not keep everything for the next broker: {}", why);
  complained_ = true;
}

}  // namespace ferry::daemon
