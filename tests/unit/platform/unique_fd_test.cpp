#include "platform/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

namespace ferry::platform {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

UniqueFd make() { return UniqueFd{eventfd(0, EFD_CLOEXEC)}; }

TEST(UniqueFd, ClosesWhatItOwns) {
  int number = -1;
  {
    const UniqueFd fd = make();
    number = fd.get();
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MovingHandsOver) {
  UniqueFd from = make();
  const int number = from.get();
  UniqueFd to = std::move(from);
  EXPECT_FALSE(from.valid());  // NOLINT: the state after a move is the point
  EXPECT_EQ(to.get(), number);

  UniqueFd other = make();
  const int replaced = other.get();
  other = std::move(to);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_TRUE(is_open(number));
}

TEST(UniqueFd, SurvivesAssignmentToItself) {
  UniqueFd fd = make();
  UniqueFd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(UniqueFd, ReleaseGivesItAway) {
  UniqueFd fd = make();
  const UniqueFd owner{fd.release()};
  EXPECT_FALSE(fd.valid());
  fd.reset();
  EXPECT_TRUE(is_open(owner.get()));
}

TEST(UniqueFd, ADuplicateIsAnotherNumberAndCloseOnExec) {
  const UniqueFd fd = make();
  const UniqueFd copy = fd.duplicate();
  ASSERT_TRUE(copy);
  EXPECT_NE(copy.get(), fd.get());
  EXPECT_EQ(fcntl(copy.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(UniqueFd, NothingHasNoDuplicate) { EXPECT_FALSE(UniqueFd{}.duplicate().valid()); }

}  // namespace
}  // namespace ferry::platform
