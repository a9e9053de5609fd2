#include "tests/bench/peer/meeting.h"

#include <poll.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "platform/clock.h"
#include "platform/message_socket.h"

namespace ferry::bench {
namespace {

constexpr std::int64_t kPatienceNs = 60'000'000'000;

template <class T>
T value_of(proto::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

void wait_readable_or_throw(const platform::UniqueFd& fd) {
  pollfd readable{fd.get(), POLLIN, 0};
  if (::poll(&readable, 1, static_cast<int>(kPatienceNs / 1'000'000)) != 1)
    throw std::runtime_error("the other process did not come to the meeting");
}

}  // namespace

MeetingPoint::MeetingPoint(const std::string& path) : listener_(value_of(platform::Listener::bind(path))) {}

std::vector<platform::UniqueFd> MeetingPoint::wait_for_descriptors() {
  wait_readable_or_throw(listener_.fd());
  const platform::UniqueFd connection = value_of(listener_.accept());
  wait_readable_or_throw(connection);
  return std::move(value_of(platform::receive_packet(connection)).fds);
}

void bring_descriptors(const std::string& path, std::span<const int> fds) {
  // The other process may not listen yet.
  const std::int64_t deadline_ns = platform::now_ns() + kPatienceNs;
  auto reached = platform::connect_to(path);
  for (; !reached && platform::now_ns() < deadline_ns; reached = platform::connect_to(path))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const platform::UniqueFd connection = value_of(std::move(reached));
  const std::byte hello[1] = {};
  const auto sent = platform::send_packet_before(connection, hello, fds, platform::now_ns() + kPatienceNs);
  if (!sent) throw std::runtime_error(sent.error().message);
}

}  // namespace ferry::bench
