#include "platform/shared_page.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"
#include "proto/pages/verdict_page.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;
using proto::LeasePage;
using proto::PageHeader;
using proto::PageKind;
using proto::VerdictPage;

constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

OwnedPage<LeasePage> make_page() {
  auto page = OwnedPage<LeasePage>::create(PageKind::kLease, "ferry-test");
  EXPECT_TRUE(page.ok());
  return std::move(*page);
}

/// A memfd that a hostile peer made by hand.
UniqueFd make_memfd(std::size_t size_bytes, const PageHeader& header, int seals) {
  UniqueFd fd{memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  EXPECT_EQ(ftruncate(fd.get(), static_cast<off_t>(size_bytes)), 0);
  EXPECT_EQ(pwrite(fd.get(), &header, sizeof header, 0), static_cast<ssize_t>(sizeof header));
  EXPECT_EQ(fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

constexpr PageHeader kGoodHeader{PageKind::kLease, proto::kPageLayoutVersion, sizeof(LeasePage)};

std::string refusal(const UniqueFd& fd) {
  const auto page = PeerPage<LeasePage>::map(fd, PageKind::kLease);
  if (page) return "accepted";
  EXPECT_EQ(page.error().code, ErrorCode::kProtocolViolation);
  return page.error().message;
}

TEST(OwnedPage, IsZeroedButForItsHeader) {
  auto owned = make_page();
  EXPECT_EQ(owned.page().header.kind, PageKind::kLease);
  EXPECT_EQ(owned.page().header.layout_version, proto::kPageLayoutVersion);
  EXPECT_EQ(owned.page().header.size_bytes, sizeof(LeasePage));
  EXPECT_EQ(owned.page().cursor.load(), 0u);
  EXPECT_EQ(owned.page().slots[proto::kMaxSlots - 1].held.load(), 0u);
  EXPECT_EQ(lseek(owned.fd().get(), 0, SEEK_END), static_cast<off_t>(sizeof(LeasePage)));
}

TEST(OwnedPage, CannotChangeItsSize) {
  const auto owned = make_page();
  for (const off_t size :
       {off_t{0}, static_cast<off_t>(sizeof(LeasePage)) - 1, static_cast<off_t>(sizeof(LeasePage)) + 1}) {
    EXPECT_EQ(ftruncate(owned.fd().get(), size), -1) << size;
    EXPECT_EQ(errno, EPERM);
  }
}

TEST(OwnedPage, CannotBeWrittenByWhoeverGetsItsDescriptor) {
  const auto owned = make_page();
  EXPECT_EQ(mmap(nullptr, sizeof(LeasePage), PROT_READ | PROT_WRITE, MAP_SHARED, owned.fd().get(), 0), MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(pwrite(owned.fd().get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(fallocate(owned.fd().get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(fcntl(owned.fd().get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(OwnedPage, CannotBeWrittenByOpeningItAgain) {
  const auto owned = make_page();
  const UniqueFd again{open(("/proc/self/fd/" + std::to_string(owned.fd().get())).c_str(), O_RDWR | O_CLOEXEC)};
  ASSERT_TRUE(again);
  EXPECT_EQ(mmap(nullptr, sizeof(LeasePage), PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0), MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
}

TEST(OwnedPage, WritesShowInAPeersMapping) {
  auto owned = make_page();
  const auto peer = PeerPage<LeasePage>::map(owned.fd(), PageKind::kLease);
  ASSERT_TRUE(peer) << peer.error().message;
  owned.page().cursor.store(42);
  EXPECT_EQ(peer->page().cursor.load(), 42u);
}

TEST(PeerPage, CannotBeMadeWritable) {
  const auto owned = make_page();
  const auto peer = PeerPage<LeasePage>::map(owned.fd(), PageKind::kLease);
  ASSERT_TRUE(peer);
  void* address = const_cast<LeasePage*>(&peer->page());
  EXPECT_EQ(mprotect(address, sizeof(LeasePage), PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
}

TEST(PeerPage, OutlivesItsDescriptorAndItsMaker) {
  PeerPage<LeasePage> peer;
  EXPECT_FALSE(peer);
  {
    auto owned = make_page();
    owned.page().cursor.store(7);
    UniqueFd fd = owned.fd().duplicate();
    auto mapped = PeerPage<LeasePage>::map(fd, PageKind::kLease);
    ASSERT_TRUE(mapped);
    peer = std::move(*mapped);
  }
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer.page().cursor.load(), 7u);
}

TEST(PeerPage, RefusesWhatIsNoMemfdAndNamesIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd pipe_end{ends[0]}, pipe_other{ends[1]};
  EXPECT_EQ(refusal(pipe_end), "lease page is a pipe, not a memfd");
  EXPECT_EQ(refusal(UniqueFd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}), "lease page is a socket, not a memfd");
  EXPECT_EQ(refusal(UniqueFd{eventfd(0, EFD_CLOEXEC)}), "lease page is an anonymous kernel object, not a memfd");
  EXPECT_EQ(refusal(UniqueFd{open("/dev/zero", O_RDWR | O_CLOEXEC)}), "lease page is a character device, not a memfd");
  EXPECT_EQ(refusal(UniqueFd{open("/", O_RDONLY | O_CLOEXEC)}), "lease page is a folder, not a memfd");
  EXPECT_EQ(refusal(UniqueFd{}), "lease page is no open descriptor, not a memfd");
}

TEST(PeerPage, RefusesAFileOfTheRightSize) {
  const test::TempDir folder;
  const std::string path = folder.file("page");
  const UniqueFd file{open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  ASSERT_EQ(ftruncate(file.get(), sizeof(LeasePage)), 0);
  EXPECT_NE(refusal(file), "accepted");
}

TEST(PeerPage, NeedsEverySeal) {
  EXPECT_EQ(refusal(make_memfd(sizeof(LeasePage), kGoodHeader, kAllSeals)), "accepted");
  EXPECT_EQ(refusal(make_memfd(sizeof(LeasePage), kGoodHeader, 0)),
            "lease page lacks the seals SHRINK, GROW, FUTURE_WRITE, SEAL");
  const std::pair<int, const char*> seals[] = {
      {F_SEAL_SHRINK, "SHRINK"}, {F_SEAL_GROW, "GROW"}, {F_SEAL_FUTURE_WRITE, "FUTURE_WRITE"}, {F_SEAL_SEAL, "SEAL"}};
  for (const auto& [seal, name] : seals)
    EXPECT_EQ(refusal(make_memfd(sizeof(LeasePage), kGoodHeader, kAllSeals & ~seal)),
              std::string("lease page lacks the seals ") + name);
}

TEST(PeerPage, NeedsTheExactSize) {
  EXPECT_EQ(refusal(make_memfd(sizeof(LeasePage) - 1, kGoodHeader, kAllSeals)),
            fmt::format("lease page has 1599 bytes; layout {} has 1600", proto::kPageLayoutVersion));
  EXPECT_EQ(refusal(make_memfd(sizeof(LeasePage) + 1, kGoodHeader, kAllSeals)),
            fmt::format("lease page has 1601 bytes; layout {} has 1600", proto::kPageLayoutVersion));
  EXPECT_EQ(refusal(make_memfd(4096, kGoodHeader, kAllSeals)), fmt::format("lease page has 4096 bytes; layout {} has 1600", proto::kPageLayoutVersion));
}

TEST(PeerPage, NeedsAHeaderThatFits) {
  auto with = [](auto change) {
    PageHeader header = kGoodHeader;
    change(header);
    return refusal(make_memfd(sizeof(LeasePage), header, kAllSeals));
  };
  EXPECT_EQ(with([](PageHeader& h) { h.kind = PageKind::kStream; }),
            "lease page says it is of kind 0x53595246, not 0x4c595246");
  EXPECT_EQ(with([](PageHeader& h) { h.layout_version = proto::kPageLayoutVersion + 1; }), fmt::format("lease page has layout version {}; this build reads {}", proto::kPageLayoutVersion + 1,
                        proto::kPageLayoutVersion));
  EXPECT_EQ(with([](PageHeader& h) { h.size_bytes = 4096; }), "lease page says it has 4096 bytes; it has 1600");
}

TEST(PeerPage, OnePageIsNotAnother) {
  const auto verdict = OwnedPage<VerdictPage>::create(PageKind::kVerdict, "ferry-test");
  ASSERT_TRUE(verdict);
  EXPECT_NE(refusal(verdict->fd()), "accepted");
}

}  // namespace
}  // namespace ferry::platform
