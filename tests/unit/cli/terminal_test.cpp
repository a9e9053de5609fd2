#include "client/cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "tests/support/pseudo_terminal.h"

namespace ferry::cli {
namespace {

/// One word of this process's environment, for as long as this lives. nullptr: not set.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) {
    if (value != nullptr)
      ::setenv(name_, value, 1);
    else
      ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

class Terminals : public ::testing::Test {
 protected:
  Terminal look() const { return terminal_of(pty_.inside().get()); }
  test::PseudoTerminal pty_;
  Environment type_{"TERM", "xterm-256color"}, no_color_{"NO_COLOR", nullptr};
};

TEST_F(Terminals, HaveColours) {
  EXPECT_TRUE(look().coloured);
  EXPECT_TRUE(look().interactive);
}

TEST_F(Terminals, HaveNoneWhereNoColorIsSetToAnything) {
  for (const char* value : {"1", "0", "no"}) {
    const Environment no_color("NO_COLOR", value);
    EXPECT_FALSE(look().coloured) << value;
    EXPECT_TRUE(look().interactive) << "it can still be redrawn";
  }
  const Environment no_color("NO_COLOR", "");
  EXPECT_TRUE(look().coloured) << "empty counts as not set";
}

TEST_F(Terminals, HaveNoneWhereTheyAreDumb) {
  for (const char* value : {"dumb", static_cast<const char*>(nullptr)}) {
    const Environment type("TERM", value);
    EXPECT_FALSE(look().coloured);
    EXPECT_FALSE(look().interactive);
  }
}

TEST_F(Terminals, HaveASize) {
  const winsize size{.ws_row = 33, .ws_col = 77, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(pty_.inside().get(), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(look().columns, 77u);
  EXPECT_EQ(look().rows, 33u);
}

TEST_F(Terminals, AreNeitherPipesNorFiles) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const platform::UniqueFd reading{ends[0]}, writing{ends[1]}, file{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  for (const int fd : {writing.get(), file.get()}) {
    EXPECT_FALSE(terminal_of(fd).coloured);
    EXPECT_FALSE(terminal_of(fd).interactive);
  }
}

}  // namespace
}  // namespace ferry::cli
