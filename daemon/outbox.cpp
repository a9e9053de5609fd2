#include "daemon/outbox.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "platform/message_socket.h"

namespace ferry::daemon {

using platform::SendStatus;
using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<void> Outbox::send(const UniqueFd& socket, std::vector<std::byte> bytes, const FdList& fds) {
  if (entries_.empty()) {
    std::vector<int> numbers;
    numbers.reserve(fds.size());
    for (const UniqueFd* fd : fds) numbers.push_back(fd->get());
    auto sent = platform::send_packet(socket, bytes, numbers);
    if (!sent) return std::move(sent).error();
    if (*sent == SendStatus::kSent) return {};
  }
  return keep(std::move(bytes), fds);
}

Result<void> Outbox::keep(std::vector<std::byte> bytes, const FdList& fds) {
  if (entries_.size() >= max_messages_)
    return Error{ErrorCode::kLimitExceeded, fmt::format("{} messages are unread; the limit max_outbox_messages is {}",
                                                        entries_.size(), max_messages_)};
  if (descriptors_ + fds.size() > kMaxDescriptors)
    return Error{ErrorCode::kLimitExceeded, fmt::format("unread messages with {} descriptors; the limit is {}",
                                                        descriptors_ + fds.size(), kMaxDescriptors)};
  auto memory = Reservation::take(memory_, sizeof(Entry) + bytes.size(), "a message that is not read");
  if (!memory) return std::move(memory).error();
  Entry entry{std::move(bytes), {}, std::move(*memory), {}};
  if (descriptor_budget_ && !fds.empty()) {
    auto paid = Reservation::take(descriptor_budget_, fds.size(), "what is unread");
    if (!paid) return std::move(paid).error();
    entry.descriptors = std::move(*paid);
  }
  for (const UniqueFd* fd : fds) {
    entry.fds.push_back(fd->duplicate());
    if (!entry.fds.back())
      return Error{ErrorCode::kSystem, fmt::format("duplicate of descriptor {}: {}", fd->get(), std::strerror(errno))};
  }
  descriptors_ += fds.size();
  entries_.push_back(std::move(entry));
  return {};
}

std::vector<UniqueFd> Outbox::take_descriptors() {
  std::vector<UniqueFd> fds;
  for (Entry& entry : entries_)
    for (UniqueFd& fd : std::exchange(entry.fds, {})) fds.push_back(std::move(fd));
  return fds;
}

Result<void> Outbox::flush(const UniqueFd& socket) {
  while (!entries_.empty()) {
    const Entry& entry = entries_.front();
    std::vector<int> numbers;
    numbers.reserve(entry.fds.size());
    for (const UniqueFd& fd : entry.fds) numbers.push_back(fd.get());
    auto sent = platform::send_packet(socket, entry.bytes, numbers);
    if (!sent) return std::move(sent).error();
    if (*sent == SendStatus::kWouldBlock) return {};
    descriptors_ -= entry.fds.size();
    entries_.pop_front();
  }
  return {};
}

}  // namespace ferry::daemon
