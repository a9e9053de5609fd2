// From one process's saying so to another's knowing: by looking all the time, by futex, and by descriptors in an epoll
// loop.

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <thread>

#include "platform/clock.h"
#include "platform/message_socket.h"
#include "tests/bench/peer/board.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"

namespace ferry::bench {

using nlohmann::json;

namespace {

constexpr int kRounds = 2000;

struct Shared {
  alignas(64) std::atomic<std::uint64_t> said;
  alignas(64) std::atomic<std::uint32_t> bell;
  alignas(64) std::atomic<std::uint64_t> heard;
  std::int64_t said_ns;
  double latency_us[kRounds];
};

struct Way {
  std::string name;
  std::function<void()> ring;
  std::function<void(std::uint64_t)> sleep_until_said;  ///< may return early
};

/// Forks a listener, tells it kRounds things, a good pause between them.
json measure(Shared& shared, const Way& way) {
  shared.said = 0;
  shared.heard = 0;
  const pid_t listener = ::fork();
  if (listener < 0) throw std::runtime_error("fork failed");
  if (listener == 0) {
    for (std::uint64_t i = 1; i <= kRounds; ++i) {
      while (shared.said.load(std::memory_order_acquire) < i) way.sleep_until_said(i);
      shared.latency_us[i - 1] = static_cast<double>(platform::now_ns() - shared.said_ns) / 1000;
      shared.heard.store(i, std::memory_order_release);
    }
    ::_exit(0);
  }
  for (std::uint64_t i = 1; i <= kRounds; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    shared.said_ns = platform::now_ns();
    shared.said.store(i, std::memory_order_seq_cst);
    way.ring();
    while (shared.heard.load(std::memory_order_acquire) < i) std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  ::waitpid(listener, nullptr, 0);
  json row = summary({shared.latency_us, shared.latency_us + kRounds});
  row["way"] = way.name;
  fmt::print(stderr, "wake-up {:<22} p50 {:>7.2f} p99 {:>7.2f} us\n", way.name, row["p50"].get<double>(),
             row["p99"].get<double>());
  return row;
}

}  // namespace

json measure_wakeup(const RunOptions&) {
  const SharedMemory memory = SharedMemory::create(sizeof(Shared));
  Shared& shared = *reinterpret_cast<Shared*>(memory.data());
  const platform::UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const auto channel = platform::create_channel();
  if (!channel) throw std::runtime_error(channel.error().message);
  const auto epoll_on = [](const platform::UniqueFd& fd) {
    platform::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &wanted);
    return epoll;
  };
  const platform::UniqueFd event_loop = epoll_on(event), channel_loop = epoll_on(channel->consumer_end);
  epoll_event happened{};

  const Way ways[] = {
      {"spinning", [] {}, [](std::uint64_t) {}},
      {"futex",
       [&] {
         shared.bell.fetch_add(1, std::memory_order_seq_cst);
         platform::futex_wake_all(shared.bell);
       },
       [&](std::uint64_t wanted) {
         const std::uint32_t before = shared.bell.load(std::memory_order_seq_cst);
         const platform::FutexWord word{&shared.bell, before};
         if (shared.said.load(std::memory_order_seq_cst) < wanted) platform::futex_wait_any({&word, 1}, -1);
       }},
      {"futex, three words",
       [&] {
         shared.bell.fetch_add(1, std::memory_order_seq_cst);
         platform::futex_wake_all(shared.bell);
       },
       [&](std::uint64_t wanted) {
         static std::atomic<std::uint32_t> other{0}, third{0};
         const platform::FutexWord words[] = {
             {&shared.bell, shared.bell.load(std::memory_order_seq_cst)}, {&other, 0}, {&third, 0}};
         if (shared.said.load(std::memory_order_seq_cst) < wanted) platform::futex_wait_any(words, -1);
       }},
      {"eventfd in epoll",
       [&] {
         const std::uint64_t one = 1;
         [[maybe_unused]] const ssize_t written = ::write(event.get(), &one, sizeof one);
       },
       [&](std::uint64_t) {
         ::epoll_wait(event_loop.get(), &happened, 1, -1);
         std::uint64_t count = 0;
         [[maybe_unused]] const ssize_t got = ::read(event.get(), &count, sizeof count);
       }},
      {"socket in epoll", [&] { platform::ring_channel(channel->producer_end); },
       [&](std::uint64_t) {
         ::epoll_wait(channel_loop.get(), &happened, 1, -1);
         platform::drain_channel(channel->consumer_end);
       }},
  };
  json rows = json::array();
  for (const Way& way : ways) rows.push_back(measure(shared, way));
  return rows;
}

}  // namespace ferry::bench
