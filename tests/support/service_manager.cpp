#include "tests/support/service_manager.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace ferry::test {
namespace {

/// What a service never says.
constexpr std::string_view kCatchUp = "CATCH_UP=1";

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

platform::UniqueFd listen_at(const std::string& path) {
  platform::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  ::unlink(path.c_str());
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(fmt::format("cannot bind {}: {}", path, std::strerror(errno)));
  return fd;
}

std::string value_of(const std::string& text, std::string_view key) {
  const auto start = text.find(key);
  if (start == std::string::npos) return {};
  const auto from = start + key.size();
  return text.substr(from, text.find('\n', from) - from);
}

}  // namespace

ServiceManager::ServiceManager(std::string path) : path_(std::move(path)), socket_(listen_at(path_)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("pipe2");
  woken_.reset(ends[0]);
  wake_.reset(ends[1]);
  thread_ = std::thread([this] { run(); });
}

ServiceManager::~ServiceManager() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  [[maybe_unused]] const ssize_t woken = ::write(wake_.get(), "x", 1);
  thread_.join();
}

void ServiceManager::run() {
  for (;;) {
    bool paused = false;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      paused = paused_;
    }
    pollfd watched[] = {{woken_.get(), POLLIN, 0}, {socket_.get(), static_cast<short>(paused ? 0 : POLLIN), 0}};
    if (::poll(watched, std::size(watched), -1) <= 0) continue;
    char drop[16];
    while (::read(woken_.get(), drop, sizeof drop) > 0) {
    }
    if (paused || (watched[1].revents & POLLIN) == 0) continue;
    char text[4096];
    iovec data{text, sizeof text};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0) continue;
    std::vector<platform::UniqueFd> fds;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
        fds.emplace_back(fd);
      }
    }
    take({text, static_cast<std::size_t>(got)}, std::move(fds));
  }
}

void ServiceManager::take(std::string text, std::vector<platform::UniqueFd> fds) {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
  if (text == kCatchUp) {
    ++caught_up_;
    return;
  }
  const std::string name = value_of(text, "FDNAME=");
  if (text.starts_with("FDSTORE=1"))
    for (platform::UniqueFd& fd : fds) store_.emplace_back(name, std::move(fd));
  if (text.starts_with("FDSTOREREMOVE=1"))
    std::erase_if(store_, [&](const auto& entry) { return entry.first == name; });
  heard_.push_back(std::move(text));
}

int ServiceManager::hear(std::string_view wanted, int times, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  int heard = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    for (; heard < times && !heard_.empty(); heard_.pop_front())
      if (heard_.front().find(wanted) != std::string::npos) ++heard;
    if (heard >= times || deadline.passed()) return heard;
    changed_.wait_for(lock, std::chrono::milliseconds(deadline.left_ms()));
  }
}

ServiceManager::Store ServiceManager::stored() const {
  const std::lock_guard lock(mutex_);
  Store out;
  // Not as they came: nobody may count on that.
  for (auto entry = store_.rbegin(); entry != store_.rend(); ++entry)
    out.emplace_back(entry->first, entry->second.duplicate());
  return out;
}

std::vector<std::string> ServiceManager::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& entry : store_) names.push_back(entry.first);
  std::sort(names.begin(), names.end());
  return names;
}

bool ServiceManager::wait_stored(const std::function<bool(const std::vector<std::string>&)>& holds,
                                 std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  while (!holds(names())) {
    if (deadline.passed()) return false;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 50ms);
  }
  return true;
}

void ServiceManager::put(std::string name, platform::UniqueFd fd) {
  const std::lock_guard lock(mutex_);
  store_.emplace_back(std::move(name), std::move(fd));
}

void ServiceManager::forget(std::string_view beginning) {
  const std::lock_guard lock(mutex_);
  std::erase_if(store_, [&](const auto& entry) { return entry.first.starts_with(beginning); });
}

void ServiceManager::catch_up() {
  std::unique_lock lock(mutex_);
  const int before = caught_up_;
  lock.unlock();
  const platform::UniqueFd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path_);
  if (::sendto(sender.get(), kCatchUp.data(), kCatchUp.size(), 0, reinterpret_cast<const sockaddr*>(&address),
               sizeof address) < 0)
    throw std::runtime_error("sendto " + path_);
  lock.lock();
  if (!changed_.wait_for(lock, 20s, [&] { return caught_up_ > before; })) throw std::runtime_error("nobody reads " + path_);
}

void ServiceManager::pause(bool paused) {
  {
    const std::lock_guard lock(mutex_);
    paused_ = paused;
  }
  [[maybe_unused]] const ssize_t woken = ::write(wake_.get(), "x", 1);
}

}  // namespace ferry::test
