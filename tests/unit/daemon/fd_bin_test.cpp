#include "daemon/fd_bin.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/integration/hostile/lingering_socket.h"

namespace ferry::daemon {
namespace {

using namespace std::chrono_literals;
using platform::UniqueFd;

template <class Condition>
bool comes_true(const Condition& condition, std::chrono::milliseconds within = 20s) {
  const auto end = std::chrono::steady_clock::now() + within;
  while (!condition())
    if (std::chrono::steady_clock::now() > end)
      return false;
    else
      std::this_thread::sleep_for(1ms);
  return true;
}

TEST(FdBin, ClosesWhatItTakes) {
  const auto bin = FdBin::create();
  int ends[2];
  ASSERT_EQ(pipe2(ends, 0), 0);
  const UniqueFd out{ends[0]};
  bin->take(UniqueFd{ends[1]});
  char byte = 0;
  EXPECT_EQ(read(out.get(), &byte, 1), 0) << "its other end is open";
  EXPECT_TRUE(comes_true([&] { return bin->held() == 0; }));
  bin->take(UniqueFd{});
  EXPECT_EQ(bin->held(), 0u);
}

TEST(FdBin, TakesAtOnceWhatDoesNotClose) {
  const auto bin = FdBin::create();
  {
    ferry::test::LingeringSocket socket(30);
    const auto begin = std::chrono::steady_clock::now();
    bin->take(UniqueFd{dup(socket.get())});
    socket.leave_it_to_others();
    for (std::size_t i = 1; i < FdBin::kMostThatWait; ++i) bin->take(UniqueFd{eventfd(0, EFD_CLOEXEC)});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
    EXPECT_EQ(bin->held(), FdBin::kMostThatWait);
    EXPECT_TRUE(comes_true([&] { return bin->is_clogged(); })) << "nothing has closed for a while";
  }
  EXPECT_TRUE(comes_true([&] { return bin->held() == 0; })) << "there is nobody to linger for";
  EXPECT_FALSE(bin->is_clogged());
}

TEST(FdBin, ManyThatCloseAreNoFault) {
  const auto bin = FdBin::create();
  std::vector<UniqueFd> many;
  for (int i = 0; i < 500; ++i) many.emplace_back(eventfd(0, EFD_CLOEXEC));
  bin->take(std::move(many));
  EXPECT_FALSE(bin->is_clogged());
  EXPECT_TRUE(comes_true([&] { return bin->held() == 0; }));
}

TEST(FdBin, EmptiesItselfAfterItsUserIsGone) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, 0), 0);
  const UniqueFd out{ends[0]};
  FdBin::create()->take(UniqueFd{ends[1]});
  char byte = 0;
  EXPECT_EQ(read(out.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace ferry::daemon
