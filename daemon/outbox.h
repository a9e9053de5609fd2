#pragma once
// What a peer has not read yet. Bounded: a peer that reads nothing costs so much and no more.

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "daemon/budget.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::daemon {

/// Descriptors to send, borrowed for the call.
using FdList = std::vector<const platform::UniqueFd*>;

class Outbox {
 public:
  /// Descriptors are scarcer than messages: a process may have a thousand or so.
  static constexpr std::size_t kMaxDescriptors = 1024;

  /// @p memory: for the bytes that wait, beside those of the same user's other sessions. @p descriptors: the same for the
  /// duplicates; nullptr: nobody pays for them.
  Outbox(std::size_t max_messages, std::shared_ptr<Budget> memory, std::shared_ptr<Budget> descriptors = nullptr)
      : max_messages_(max_messages), memory_(std::move(memory)), descriptor_budget_(std::move(descriptors)) {}

  /// Sends at once if nothing waits and the socket has room. Else the message waits, with duplicates of its
  /// descriptors. kLimitExceeded when the outbox or the budget is full, kDisconnected when the peer is gone.
  proto::Result<void> send(const platform::UniqueFd& socket, std::vector<std::byte> bytes, const FdList& fds);
  /// Sends what the socket has room for.
  proto::Result<void> flush(const platform::UniqueFd& socket);

  /// What is left of descriptors: the last that anybody has, perhaps, of a channel that a peer has filled.
  std::vector<platform::UniqueFd> take_descriptors();

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::vector<std::byte> bytes;
    std::vector<platform::UniqueFd> fds;
    Reservation memory, descriptors;
  };
  proto::Result<void> keep(std::vector<std::byte> bytes, const FdList& fds);

  std::size_t max_messages_;
  std::shared_ptr<Budget> memory_, descriptor_budget_;
  std::size_t descriptors_ = 0;
  std::deque<Entry> entries_;
};

}  // namespace ferry::daemon
