#include "platform/fd_kind.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace ferry::platform {
namespace {

UniqueFd open_file(const char* path, int flags) { return UniqueFd{::open(path, flags | O_CLOEXEC)}; }

TEST(FdKind, MemoryIsWhatHasSeals) {
  EXPECT_EQ(nature_of(UniqueFd{memfd_create("sealable", MFD_CLOEXEC | MFD_ALLOW_SEALING)}).kind, FdKind::kMemory);
  EXPECT_EQ(nature_of(UniqueFd{memfd_create("plain", MFD_CLOEXEC)}).kind, FdKind::kMemory);
}

TEST(FdKind, AnAnonymousInodeMayBeADrivers) {
  const UniqueFd fd{eventfd(0, EFD_CLOEXEC)};
  EXPECT_EQ(nature_of(fd).kind, FdKind::kKernelObject);
  EXPECT_TRUE(nature_of(fd).may_be_used());
}

TEST(FdKind, EverythingElseIsNamed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd out{ends[0]}, in{ends[1]};
  char path[] = "/var/tmp/ferry-fd-kind-XXXXXX";
  const UniqueFd on_disk{mkostemp(path, O_CLOEXEC)};
  ASSERT_TRUE(on_disk);
  unlink(path);
  const std::pair<UniqueFd, std::string> others[] = {
      {UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, "a socket"},
      {UniqueFd{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)}, "a socket"},
      {out.duplicate(), "a pipe"},
      {open_file("/", O_RDONLY | O_DIRECTORY), "a folder"},
      {open_file("/dev/null", O_RDWR), "a character device"},
      {open_file("/dev/ptmx", O_RDWR | O_NOCTTY), "a character device"},
      {open_file("/proc/self/status", O_RDONLY), "a regular file"},
      {open_file("/dev/null", O_PATH), "a character device"}};
  for (const auto& [fd, name] : others) {
    ASSERT_TRUE(fd) << name;
    const FdNature nature = nature_of(fd);
    EXPECT_FALSE(nature.may_be_used()) << name;
    EXPECT_EQ(nature.name, name);
  }
  // A file on tmpfs has seals, as a memfd has: it is memory.
  if (fcntl(on_disk.get(), F_GET_SEALS) < 0) {
    EXPECT_STREQ(nature_of(on_disk).name, "a regular file");
  }
  EXPECT_FALSE(nature_of(UniqueFd{}).may_be_used());
}

}  // namespace
}  // namespace ferry::platform
