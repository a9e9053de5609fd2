#include "platform/linux/peer_origin.h"

#include <gtest/gtest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "forked_child.h"
#include "platform/linux/process_start.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using testing::ForkedChild;

TEST(CgroupUnit, IsTheInnermostOne) {
  EXPECT_EQ(unit_of_cgroup("0::/user.slice/user-1000.slice/user@1000.service/app.slice/obs.service\n"), "obs.service");
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/render.service/worker\n"), "render.service");
  EXPECT_EQ(unit_of_cgroup("0::/user.slice/user-0.slice/session-2.scope"), "session-2.scope");
  EXPECT_EQ(unit_of_cgroup("9:name=systemd:/system.slice/a.service\n4:memory:/b.service\n0::/\n"), "a.service");
  EXPECT_EQ(unit_of_cgroup("0::/\n"), "");
  EXPECT_EQ(unit_of_cgroup("0::/system.slice/not.service.really/x\n"), "");
  EXPECT_EQ(unit_of_cgroup(""), "");
  EXPECT_EQ(unit_of_cgroup("garbage"), "");
}

TEST(FlatpakInfo, HasTheApplicationsId) {
  EXPECT_EQ(flatpak_application("[Application]\nname=org.example.Game\nruntime=x\n"), "org.example.Game");
  EXPECT_EQ(flatpak_application("[Instance]\nname=no\n[Application]\nname=org.example.Game"), "org.example.Game");
  EXPECT_EQ(flatpak_application("[Instance]\nname=no\n"), "");
  EXPECT_EQ(flatpak_application(""), "");
}

TEST(SandboxUnit, IsFlatpaksOrSnapds) {
  EXPECT_EQ(sandbox_of_unit("app-flatpak-org.example.Game-4211.scope"), "org.example.Game");
  EXPECT_EQ(sandbox_of_unit("snap.firefox.firefox-0c1e.scope"), "snap.firefox");
  EXPECT_EQ(sandbox_of_unit("app-gnome-org.example.Game-12.scope"), "");
  EXPECT_EQ(sandbox_of_unit(""), "");
}

UniqueFd pidfd_of(pid_t pid) { return UniqueFd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))}; }

TEST(PeerOrigin, OfThisProcess) {
  const auto origin = read_peer_origin(pidfd_of(getpid()), getpid());
  ASSERT_TRUE(origin) << origin.error().message;
  EXPECT_EQ(origin->executable, std::filesystem::read_symlink("/proc/self/exe"));
  EXPECT_EQ(origin->sandbox, "");
}

TEST(PeerOrigin, OfAProcessInAUserNamespaceOfItsOwn) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  ForkedChild child([&] {
    const char made = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    if (write(ready[1], &made, 1) != 1) return 1;
    for (;;) pause();
  });
  char made = 0;
  ASSERT_EQ(read(ready[0], &made, 1), 1);
  if (made == 'n') GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  const auto origin = read_peer_origin(pidfd_of(child.pid()), child.pid());
  ASSERT_TRUE(origin) << origin.error().message;
  EXPECT_EQ(origin->sandbox, "user-namespace");
}

TEST(PeerOrigin, ANumberThatBelongsToSomebodyElseNowIsNotBelieved) {
  ForkedChild gone([] { return 0; });
  const UniqueFd pidfd = pidfd_of(gone.pid());
  ASSERT_TRUE(pidfd);
  ASSERT_EQ(gone.wait(), 0);
  // As if the number had been given to this process meanwhile.
  const auto origin = read_peer_origin(pidfd, getpid());
  ASSERT_FALSE(origin);
  EXPECT_EQ(origin.error().code, proto::ErrorCode::kDisconnected);
}

/// What is read of a process whose folder of /proc is one that the test makes: as one that may see no more of it would.
class HiddenOrigin : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& folder : {ours_, theirs_}) std::filesystem::create_directories(root_.file(folder + "/ns"));
  }
  void write(const std::string& file, const std::string& text) { test::write_file(root_.file(file), text); }
  /// "executable|unit|sandbox".
  std::string read() {
    int answer[2];
    EXPECT_EQ(pipe(answer), 0);
    ForkedChild reader([&] {
      const UniqueFd pidfd = pidfd_of(kPid);
      if (chroot(root_.path().c_str()) != 0 && (unshare(CLONE_NEWUSER) != 0 || chroot(root_.path().c_str()) != 0)) return 77;
      const auto origin = read_peer_origin(pidfd, kPid);
      const std::string text =
          origin ? fmt::format("{}|{}|{}", origin->executable, origin->unit, origin->sandbox) : origin.error().message;
      return ::write(answer[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1;
    });
    const auto code = reader.wait();
    close(answer[1]);
    char text[512];
    const ssize_t length = code == 0 ? ::read(answer[0], text, sizeof text) : 0;
    close(answer[0]);
    if (code == 77) return "no chroot";
    EXPECT_EQ(code, 0);
    return std::string(text, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  }

  const pid_t kPid = getpid();
  test::TempDir root_;
  const std::string ours_ = "proc/self", theirs_ = fmt::format("proc/{}", kPid);
};

TEST_F(HiddenOrigin, IsUnknownAndNotThatOfAnUnsandboxedUser) {
  const std::string nothing = read();
  if (nothing == "no chroot") GTEST_SKIP() << "this process may not change its root";
  EXPECT_EQ(nothing, "||unknown") << "its folder is there, and empty: hidepid=2";
  std::filesystem::remove_all(root_.file(theirs_));
  EXPECT_EQ(read(), "||unknown") << "not even its folder is there";
  std::filesystem::create_directories(root_.file(theirs_));
  write(ours_ + "/ns/user", "");
  write(ours_ + "/uid_map", "0 0 4294967295\n");
  write(theirs_ + "/cgroup", "0::/system.slice/render.service\n");
  EXPECT_EQ(read(), "||unknown") << "whose users it has is hidden";
}

TEST_F(HiddenOrigin, IsTakenFromWhatEverybodyMayRead) {
  write(ours_ + "/ns/user", "");
  write(ours_ + "/uid_map", "0 0 4294967295\n");
  write(theirs_ + "/uid_map", "0 0 4294967295\n");
  write(theirs_ + "/cgroup", "0::/system.slice/render.service\n");
  const std::string plain = read();
  if (plain == "no chroot") GTEST_SKIP() << "this process may not change its root";
  EXPECT_EQ(plain, "|render.service|") << "another user's process, seen without CAP_SYS_PTRACE";
  write(theirs_ + "/uid_map", "1000 1000 1\n");
  EXPECT_EQ(read(), "|render.service|user-namespace");
  write(theirs_ + "/cgroup", "0::/user.slice/app-flatpak-org.example.Game-1.scope\n");
  EXPECT_EQ(read(), "|app-flatpak-org.example.Game-1.scope|org.example.Game");
}

/// In a process that may open only @p free descriptors more.
template <class Look>
int with_descriptors_left(rlim_t free, Look look) {
  ForkedChild child([&] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const int lowest_free = dup(STDIN_FILENO);
    close(lowest_free);
    limit.rlim_cur = static_cast<rlim_t>(lowest_free) + free;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? look() : 1;
  });
  return child.wait().value_or(-1);
}

TEST(PeerOrigin, IsNotGuessedWhenNoDescriptorIsLeft) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  ForkedChild stranger([&] {
    const char made = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
    if (write(ready[1], &made, 1) != 1) return 1;
    for (;;) pause();
  });
  char made = 0;
  ASSERT_EQ(read(ready[0], &made, 1), 1);
  if (made == 'n') GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  const UniqueFd pidfd = pidfd_of(stranger.pid());
  constexpr int kRefused = 10, kSeen = 11;
  const auto look = [&] {
    const auto origin = read_peer_origin(pidfd, stranger.pid());
    if (!origin) return origin.error().code == proto::ErrorCode::kLimitExceeded ? kRefused : 2;
    return origin->sandbox == "user-namespace" ? kSeen : 3;
  };
  EXPECT_EQ(with_descriptors_left(0, look), kRefused);
  EXPECT_EQ(with_descriptors_left(1, look), kRefused) << "the folder can be opened, and nothing in it";
  EXPECT_EQ(with_descriptors_left(8, look), kSeen);
}

TEST(PeerOrigin, OfAProcessThatLivesIsNotGoneWhenNoDescriptorIsLeft) {
  ForkedChild child([] {
    for (;;) pause();
    return 0;
  });
  const std::uint64_t started = process_start_ticks(child.pid());
  const auto look = [&] {
    const auto found = identify_process(child.pid(), started);
    return !found && found.error().code == proto::ErrorCode::kNotFound ? 2 : 0;
  };
  for (rlim_t free = 0; free < 6; ++free) EXPECT_EQ(with_descriptors_left(free, look), 0) << free;
}

}  // namespace
}  // namespace ferry::platform
