#include "platform/dma_buf_fences.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "platform/sync_file.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;

UniqueFd sealed_memory() {
  UniqueFd memory(::memfd_create("ferry-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(memory.get(), 4096), 0);
  EXPECT_EQ(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  return memory;
}

/// A page of the host's memory; invalid where the kernel makes none.
UniqueFd make_dma_buf() {
  const UniqueFd maker(::open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  if (!maker) return {};
  const UniqueFd memory = sealed_memory();
  udmabuf_create create{};
  create.memfd = static_cast<std::uint32_t>(memory.get());
  create.flags = UDMABUF_FLAGS_CLOEXEC;
  create.size = 4096;
  return UniqueFd(::ioctl(maker.get(), UDMABUF_CREATE, &create));
}

class DmaBufFences : public ::testing::Test {
 protected:
  void SetUp() override {
    ferry::test::need_sw_sync(work_);
    if (dma_buf_ || IsSkipped()) return;
    if (std::getenv("FERRY_TEST_DMA_BUF") != nullptr) FAIL() << "this machine should have /dev/udmabuf";
    GTEST_SKIP() << "no /dev/udmabuf";
  }
  /// What who wants @p access has to wait for.
  FenceState before(Access access) {
    const auto fence = export_dma_buf_fence(dma_buf_, access);
    EXPECT_TRUE(fence) << fence.error().message;
    return *fence ? *fence_state(*fence) : FenceState::kSignalled;
  }
  ferry::test::SwSync work_ = ferry::test::SwSync::open();
  UniqueFd dma_buf_ = make_dma_buf();
};

TEST_F(DmaBufFences, AreNoneAtFirst) {
  EXPECT_EQ(before(Access::kRead), FenceState::kSignalled);
  EXPECT_EQ(before(Access::kWrite), FenceState::kSignalled);
  EXPECT_TRUE(import_dma_buf_fence(dma_buf_, UniqueFd(), Access::kWrite)) << "nothing under way";
  EXPECT_EQ(before(Access::kWrite), FenceState::kSignalled);
}

TEST_F(DmaBufFences, OfAWriteAreWaitedForByAll) {
  ASSERT_TRUE(import_dma_buf_fence(dma_buf_, work_.fence_at(1), Access::kWrite));
  EXPECT_EQ(before(Access::kRead), FenceState::kPending);
  EXPECT_EQ(before(Access::kWrite), FenceState::kPending);
  work_.advance(1);
  EXPECT_EQ(before(Access::kRead), FenceState::kSignalled);
  EXPECT_EQ(before(Access::kWrite), FenceState::kSignalled);
}

TEST_F(DmaBufFences, OfAReadAreWaitedForByWritesAlone) {
  ASSERT_TRUE(import_dma_buf_fence(dma_buf_, work_.fence_at(1), Access::kRead));
  EXPECT_EQ(before(Access::kRead), FenceState::kSignalled);
  EXPECT_EQ(before(Access::kWrite), FenceState::kPending);
  work_.advance(1);
  EXPECT_EQ(before(Access::kWrite), FenceState::kSignalled);
}

TEST_F(DmaBufFences, AreNoOtherDescriptors) {
  const auto refused = import_dma_buf_fence(dma_buf_, sealed_memory(), Access::kWrite);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kProtocolViolation);
}

TEST(NoDmaBuf, HasNoFences) {
  const auto none = export_dma_buf_fence(sealed_memory(), Access::kRead);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(none.error().message,
            "no DMA_BUF_IOCTL_EXPORT_SYNC_FILE of a regular file: it needs a dma-buf, and Linux 6.0");
}

}  // namespace
}  // namespace ferry::platform
