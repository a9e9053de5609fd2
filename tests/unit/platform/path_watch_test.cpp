#include "platform/path_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "forked_child.h"
#include "platform/listener.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

bool readable(const UniqueFd& fd, int timeout_ms) {
  pollfd watched{fd.get(), POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

struct PathWatchTest : ::testing::Test {
  test::TempDir folder;
  std::string path = folder.file("ferryd.sock");
  proto::Result<PathWatch> watch = PathWatch::create(path);

  void make(const std::string& file) { std::ofstream(file) << "x"; }
};

TEST_F(PathWatchTest, IsQuietWhereNothingHappens) {
  ASSERT_TRUE(watch) << watch.error().message;
  EXPECT_FALSE(readable(watch->fd(), 0));
  EXPECT_FALSE(watch->drain());
}

TEST_F(PathWatchTest, SeesASocketThatAnotherProcessBinds) {
  ASSERT_TRUE(watch) << watch.error().message;
  testing::ForkedChild broker([&] { return Listener::bind(path).ok() ? 0 : 1; });
  ASSERT_EQ(broker.wait(), 0);
  EXPECT_TRUE(readable(watch->fd(), 20'000));
  EXPECT_TRUE(watch->drain());
  EXPECT_FALSE(readable(watch->fd(), 0));
}

TEST_F(PathWatchTest, SeesAFileThatIsMovedThere) {
  ASSERT_TRUE(watch) << watch.error().message;
  make(folder.file("other"));
  EXPECT_FALSE(watch->drain());
  std::filesystem::rename(folder.file("other"), path);
  EXPECT_TRUE(watch->drain());
}

TEST_F(PathWatchTest, FindsItsNameAmongMany) {
  ASSERT_TRUE(watch) << watch.error().message;
  for (int i = 0; i < 500; ++i) make(folder.file("ferryd.sock" + std::to_string(i)));
  EXPECT_FALSE(watch->drain());
  for (int i = 0; i < 500; ++i) make(folder.file("a" + std::to_string(i)));
  make(path);
  EXPECT_TRUE(watch->drain());
}

TEST(PathWatch, NeedsTheFolder) {
  test::TempDir folder;
  EXPECT_FALSE(PathWatch::create(folder.file("none/ferryd.sock")).ok());
  std::ofstream(folder.file("file")) << "x";
  EXPECT_FALSE(PathWatch::create(folder.file("file/ferryd.sock")).ok());
}

}  // namespace
}  // namespace ferry::platform
