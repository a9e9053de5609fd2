#include "client/src/crowd_bell.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "platform/clock.h"
#include "platform/futex.h"
#include "platform/message_socket.h"

namespace ferry::client {
namespace {

constexpr std::int64_t kPatienceNs = 30'000'000'000;

struct Lease {
  platform::UniqueFd consumer_end;
  CrowdBell::Channel channel;
};

std::vector<Lease> make_leases(std::size_t count) {
  std::vector<Lease> leases;
  for (std::size_t i = 0; i < count; ++i) {
    auto pair = platform::create_channel();
    EXPECT_TRUE(pair);
    leases.push_back(
        {std::move(pair->consumer_end), std::make_shared<const platform::UniqueFd>(std::move(pair->producer_end))});
  }
  return leases;
}

std::vector<const CrowdBell::Channel*> channels_of(const std::vector<Lease>& leases) {
  std::vector<const CrowdBell::Channel*> channels;
  for (const Lease& lease : leases) channels.push_back(&lease.channel);
  return channels;
}

bool is_rung(const Lease& lease) {
  const auto ready = platform::wait_readable(lease.consumer_end, {}, platform::now_ns() + kPatienceNs);
  return ready && ready->socket;
}

TEST(CrowdBell, RingsEveryChannel) {
  proto::AtomicU32 doorbell{0};
  const auto leases = make_leases(20);
  CrowdBell bell(doorbell);
  for (int frame = 0; frame < 3; ++frame) {
    bell.ring(false, channels_of(leases));
    for (const Lease& lease : leases) {
      EXPECT_TRUE(is_rung(lease));
      (void)platform::drain_channel(lease.consumer_end);
    }
  }
}

TEST(CrowdBell, WakesWhoSleepsOnTheDoorbell) {
  proto::AtomicU32 doorbell{0};
  CrowdBell bell(doorbell);
  std::atomic<bool> awake{false};
  std::thread sleeper([&] {
    const platform::FutexWord word{&doorbell, 0};
    platform::futex_wait_any({&word, 1}, platform::now_ns() + kPatienceNs);
    awake = true;
  });
  const std::int64_t deadline_ns = platform::now_ns() + kPatienceNs;
  while (!awake && platform::now_ns() < deadline_ns) {  // the sleeper may not sleep yet
    bell.ring(true, {});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(awake);
  sleeper.join();
}

TEST(CrowdBell, RingsALeaseThatEndsMeanwhileAndWhatWasAskedForBeforeItsEnd) {
  proto::AtomicU32 doorbell{0};
  auto leases = make_leases(8);
  {
    CrowdBell bell(doorbell);
    bell.ring(false, channels_of(leases));
    for (Lease& lease : leases) lease.channel.reset();
  }
  for (const Lease& lease : leases) EXPECT_TRUE(is_rung(lease));
}

TEST(CrowdBell, HasRoomForMoreThanItCanKeep) {
  proto::AtomicU32 doorbell{0};
  const auto leases = make_leases(8);
  CrowdBell bell(doorbell);
  for (std::uint32_t i = 0; i < proto::kMaxLeases; ++i) bell.ring(true, channels_of(leases));
  for (const Lease& lease : leases) EXPECT_TRUE(is_rung(lease));
}

}  // namespace
}  // namespace ferry::client
