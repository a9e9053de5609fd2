// Waking many processes at once: what it costs the one who wakes, and when the last of them knows.

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
#include "tests/bench/run/ring_together.h"

namespace ferry::bench {

using nlohmann::json;
using platform::UniqueFd;

namespace {

constexpr int kRounds = 200, kMaxSleepers = 64;

struct Shared {
  alignas(64) std::atomic<std::uint64_t> said;
  alignas(64) std::atomic<std::uint32_t> bell;
  std::int64_t said_ns;
  struct alignas(64) Sleeper {
    std::atomic<std::uint64_t> heard;
    std::int64_t heard_ns;
  } sleepers[kMaxSleepers];
};

UniqueFd epoll_on(const UniqueFd& fd, std::uint32_t events) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted{};
  wanted.events = events;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &wanted) != 0) throw std::runtime_error("epoll_ctl failed");
  return epoll;
}

void wait_on(const UniqueFd& epoll) {
  epoll_event happened{};
  ::epoll_wait(epoll.get(), &happened, 1, -1);
}

void write_eventfd(const UniqueFd& fd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd.get(), &one, sizeof one);
}

void read_eventfd(const UniqueFd& fd) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd.get(), &count, sizeof count);
}

void ring_futex(Shared& shared) {
  shared.bell.fetch_add(1, std::memory_order_seq_cst);
  platform::futex_wake_all(shared.bell);
}

void sleep_on_futex(Shared& shared, std::uint64_t wanted) {
  const std::uint32_t before = shared.bell.load(std::memory_order_seq_cst);
  const platform::FutexWord word{&shared.bell, before};
  if (shared.said.load(std::memory_order_seq_cst) < wanted) platform::futex_wait_any({&word, 1}, -1);
}

using Sleep = std::function<void(std::uint64_t wanted)>;  ///< may return early

/// One way for one number of sleepers. The channels, the eventfd and so on are made before anybody is forked.
struct Way {
  std::string name;
  std::function<void()> ring;
  std::function<Sleep(int sleeper)> prepare;  ///< in the sleeper's process
};

json measure(Shared& shared, int sleepers, const Way& way) {
  shared.said = 0;
  std::vector<pid_t> children;
  for (int i = 0; i < sleepers; ++i) {
    Shared::Sleeper& me = shared.sleepers[i];
    me.heard = 0;
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork failed");
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    const Sleep sleep = way.prepare(i);
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      while (shared.said.load(std::memory_order_acquire) < round) sleep(round);
      me.heard_ns = platform::now_ns();
      me.heard.store(round, std::memory_order_release);
    }
    ::_exit(0);
  }
  std::vector<double> ring_us, last_us;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // everybody sleeps again
    shared.said_ns = platform::now_ns();
    shared.said.store(round, std::memory_order_seq_cst);
    way.ring();
    ring_us.push_back(static_cast<double>(platform::now_ns() - shared.said_ns) / 1000);
    std::int64_t last_ns = 0;
    for (int i = 0; i < sleepers; ++i) {
      while (shared.sleepers[i].heard.load(std::memory_order_acquire) < round)
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      last_ns = std::max(last_ns, shared.sleepers[i].heard_ns);
    }
    last_us.push_back(static_cast<double>(last_ns - shared.said_ns) / 1000);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  json row{
      {"way", way.name}, {"sleepers", sleepers}, {"ring_us", summary(ring_us)}, {"last_awake_us", summary(last_us)}};
  fmt::print(stderr, "wake {:>2} {:<34} ringing p50 {:>7.2f} us, last awake p50 {:>8.2f} us\n", sleepers, way.name,
             percentile(ring_us, 0.5), percentile(last_us, 0.5));
  return row;
}

json measure_crowd(Shared& shared, int sleepers) {
  std::vector<platform::ChannelPair> channels;
  std::vector<int> rung;
  for (int i = 0; i < sleepers; ++i) {
    auto channel = platform::create_channel();
    if (!channel) throw std::runtime_error(channel.error().message);
    rung.push_back(channel->producer_end.get());
    channels.push_back(std::move(*channel));
  }
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  RingTogether together;

  const auto own_channel = [&](int i) -> Sleep {
    const auto loop = std::make_shared<UniqueFd>(epoll_on(channels[i].consumer_end, EPOLLIN));
    return [&, i, loop](std::uint64_t) {
      wait_on(*loop);
      platform::drain_channel(channels[i].consumer_end);
    };
  };
  const Way ways[] = {
      {"futex", [&] { ring_futex(shared); },
       [&](int) -> Sleep { return [&](std::uint64_t wanted) { sleep_on_futex(shared, wanted); }; }},
      {"a socket each, a send each",
       [&] {
         for (const auto& channel : channels) platform::ring_channel(channel.producer_end);
       },
       own_channel},
      {"a socket each, one io_uring_enter", [&] { together.ring(rung); }, own_channel},
      {"one eventfd, edges in each epoll", [&] { write_eventfd(event); },
       [&](int) -> Sleep {
         const auto loop = std::make_shared<UniqueFd>(epoll_on(event, EPOLLIN | EPOLLET));
         return [loop](std::uint64_t) { wait_on(*loop); };
       }},
      {"futex, a thread and an eventfd each", [&] { ring_futex(shared); },
       [&](int) -> Sleep {
         const auto local = std::make_shared<UniqueFd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
         const auto loop = std::make_shared<UniqueFd>(epoll_on(*local, EPOLLIN));
         std::thread([&shared, local] {
           for (std::uint64_t round = 1; round <= kRounds; ++round) {
             while (shared.said.load(std::memory_order_acquire) < round) sleep_on_futex(shared, round);
             write_eventfd(*local);
           }
         }).detach();
         return [local, loop](std::uint64_t) {
           wait_on(*loop);
           read_eventfd(*local);
         };
       }},
  };
  json rows = json::array();
  for (const Way& way : ways) rows.push_back(measure(shared, sleepers, way));
  return rows;
}

}  // namespace

json measure_wake_crowd(const RunOptions&) {
  const SharedMemory memory = SharedMemory::create(sizeof(Shared));
  Shared& shared = *reinterpret_cast<Shared*>(memory.data());
  json rows = json::array();
  for (const int sleepers : {1, 4, 16, kMaxSleepers})
    for (json& row : measure_crowd(shared, sleepers)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace ferry::bench
