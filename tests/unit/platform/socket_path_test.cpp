#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "platform/listener.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

/// Sets a variable for one test; nullptr unsets it.
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
  void set(const char* value) const {
    if (value != nullptr)
      setenv(name_, value, 1);
    else
      unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(SocketPath, TheVariableComesFirst) {
  const Environment named("FERRY_SOCKET", "/tmp/mine.sock"), runtime("XDG_RUNTIME_DIR", "/run/user/1");
  EXPECT_EQ(default_socket_path(true), "/tmp/mine.sock");
  EXPECT_EQ(default_socket_path(false), "/tmp/mine.sock");
}

TEST(SocketPath, ThenTheUsersFolder) {
  const test::TempDir folder;
  const Environment named("FERRY_SOCKET", ""), runtime("XDG_RUNTIME_DIR", folder.path().c_str());
  const std::string expected = folder.file("ferry/ferryd.sock");
  EXPECT_EQ(default_socket_path(false), expected);
  std::filesystem::create_directory(folder.file("ferry"));
  test::write_file(expected, "");
  EXPECT_EQ(default_socket_path(true), expected);
}

TEST(SocketPath, ThenTheSystems) {
  const Environment named("FERRY_SOCKET", nullptr), runtime("XDG_RUNTIME_DIR", nullptr);
  EXPECT_EQ(default_socket_path(false), "/run/ferry/ferryd.sock");
  EXPECT_EQ(default_socket_path(true), "/run/ferry/ferryd.sock");
}

TEST(SocketPath, AClientWithoutEitherIsToldTheUsersPath) {
  const test::TempDir folder;
  if (std::filesystem::exists("/run/ferry/ferryd.sock")) GTEST_SKIP() << "a system-wide broker runs here";
  const Environment named("FERRY_SOCKET", nullptr), runtime("XDG_RUNTIME_DIR", folder.path().c_str());
  EXPECT_EQ(default_socket_path(true), folder.file("ferry/ferryd.sock"));
}

}  // namespace
}  // namespace ferry::platform
