#include "platform/linux/peer_origin.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "forked_child.h"

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

}  // namespace
}  // namespace ferry::platform
