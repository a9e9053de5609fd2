// Kernels and sandboxes without futex_waitv: here a seccomp filter in a child says ENOSYS or EPERM to it.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>

#include "forked_child.h"
#include "platform/clock.h"
#include "platform/futex.h"

namespace ferry::platform {
namespace {

using testing::ForkedChild;

constexpr std::int64_t kMs = 1'000'000;

bool forbid_futex_waitv(unsigned error_number) {
  constexpr unsigned kFutexWaitv = 449;
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kFutexWaitv, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error_number),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(program), program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

class FutexFallback : public ::testing::TestWithParam<unsigned> {};

TEST_P(FutexFallback, KeepsTheDeadline) {
  ForkedChild child([] {
    if (!forbid_futex_waitv(GetParam())) return 10;
    std::array<std::atomic<std::uint32_t>, 2> words{};
    const std::array<FutexWord, 2> expected{{{&words[0], 0}, {&words[1], 0}}};
    const std::int64_t start = now_ns();
    if (futex_wait_any(expected, deadline_after(120 * kMs)) != FutexResult::kTimedOut) return 11;
    return now_ns() - start >= 120 * kMs ? 0 : 12;
  });
  EXPECT_EQ(child.wait(), 0);
}

TEST_P(FutexFallback, NoticesEveryWord) {
  ForkedChild child([] {
    if (!forbid_futex_waitv(GetParam())) return 10;
    for (std::size_t moved = 0; moved < 2; ++moved) {
      std::array<std::atomic<std::uint32_t>, 2> words{};
      const std::array<FutexWord, 2> expected{{{&words[0], 0}, {&words[1], 0}}};
      std::thread mover([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        words[moved].store(1);
        futex_wake_all(words[moved]);
      });
      const auto result = futex_wait_any(expected, -1);
      mover.join();
      if (result != FutexResult::kWoken) return 11;
    }
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Errors, FutexFallback, ::testing::Values(ENOSYS, EPERM));

}  // namespace
}  // namespace ferry::platform
