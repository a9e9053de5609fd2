#include "platform/vulkan/driver_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ferry::platform {
namespace {

UniqueFd memory_of(off_t size_bytes) {
  UniqueFd fd(::memfd_create("ferry-test", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(fd.get(), size_bytes), 0);
  return fd;
}

TEST(DriverFd, TakesSharedMemoryThatIsLongEnough) {
  const auto fd = memory_of(4096);
  EXPECT_TRUE(check_driver_fd(fd, 4096, true));
  EXPECT_TRUE(check_driver_fd(fd, 4096, false));
  EXPECT_FALSE(check_driver_fd(fd, 4097, true));
  EXPECT_FALSE(check_driver_fd(fd, 4097, false));
}

TEST(DriverFd, LeavesHandlesWithoutSizeToDriversOfHardware) {
  const UniqueFd anonymous(::eventfd(0, EFD_CLOEXEC));
  EXPECT_TRUE(check_driver_fd(anonymous, 4096, false));
  EXPECT_FALSE(check_driver_fd(anonymous, 4096, true));
}

TEST(DriverFd, TakesNothingElseForADmaBuf) {
  const TextureDesc desc{64, 48, proto::Format::kRgba8Unorm, 0, 0};
  TextureLayout layout;
  layout.transport = Transport::kDmaBuf;
  layout.modifier = kModifierLinear;
  layout.plane_count = 1;
  layout.planes[0].row_pitch_bytes = 256;
  const auto why = [&](const UniqueFd& fd) { return check_dma_buf(fd, desc, layout).error().message; };
  EXPECT_EQ(why(memory_of(65536)), "the slot's descriptor is a memfd, not a dma-buf");
  EXPECT_EQ(why(UniqueFd(::eventfd(0, EFD_CLOEXEC))), "the slot's descriptor is an anonymous inode, not a dma-buf");
  EXPECT_EQ(why(UniqueFd()), "the descriptor of a slot is missing");
}

/// A plane of 4x2 pixels of 8 bytes.
proto::Error refuse_plane(std::uint64_t offset_bytes, std::uint64_t row_pitch_bytes, std::uint64_t modifier = kModifierLinear) {
  const TextureDesc desc{4, 2, proto::Format::kRgba16Float, 0, 0};
  TextureLayout layout;
  layout.transport = Transport::kDmaBuf;
  layout.allocation_size_bytes = 4096;
  layout.modifier = modifier;
  layout.plane_count = 1;
  layout.planes[0] = {offset_bytes, row_pitch_bytes};
  const auto checked = check_planes(desc, layout, 4096);
  return checked ? proto::Error{} : checked.error();
}

TEST(DriverFd, TakesPlanesWhosePixelsLieAtMultiplesOfTheirSize) {
  for (const std::uint64_t good : {0u, 8u, 4024u}) EXPECT_EQ(refuse_plane(good, 40).message, "");
  for (const std::uint64_t bad : {1u, 2u, 4u, 12u}) {
    const auto error = refuse_plane(bad, 40);
    EXPECT_EQ(error.code, proto::ErrorCode::kProtocolViolation);
    EXPECT_EQ(error.message, "plane 0 at byte " + std::to_string(bad) +
                                 " with row pitch 40: not both are multiples of a pixel's 8 bytes");
  }
  EXPECT_EQ(refuse_plane(8, 36).message, "plane 0 at byte 8 with row pitch 36: not both are multiples of a pixel's 8 bytes");
  EXPECT_EQ(refuse_plane(8, 33).message, "plane 0 at byte 8 with row pitch 33: not both are multiples of a pixel's 8 bytes");
}

TEST(DriverFd, RefusesPlanesThatDoNotFit) {
  EXPECT_EQ(refuse_plane(0, 24).message, "row pitch 24 of plane 0 is less than a row's 32 bytes");
  EXPECT_EQ(refuse_plane(4032, 40).message, "plane 0 of a 4x2 slot ends at byte 4104, the dma-buf has 4096");
  EXPECT_NE(refuse_plane(UINT64_MAX, 40).message.find("cannot be"), std::string::npos);
  EXPECT_NE(refuse_plane(0, UINT64_MAX / 2).message.find("cannot be"), std::string::npos);
}

/// What becomes of 4x4 NV12 with luma at byte 0 and rows of 64 bytes.
proto::Error refuse_chroma(std::uint64_t offset_bytes, std::uint64_t row_pitch_bytes, std::uint32_t plane_count = 2) {
  const TextureDesc desc{4, 4, proto::Format::kNv12, 0, 0};
  TextureLayout layout;
  layout.transport = Transport::kDmaBuf;
  layout.allocation_size_bytes = 4096;
  layout.modifier = kModifierLinear;
  layout.plane_count = plane_count;
  layout.planes[0] = {0, 64};
  layout.planes[1] = {offset_bytes, row_pitch_bytes};
  const auto checked = check_planes(desc, layout, 4096);
  return checked ? proto::Error{} : checked.error();
}

TEST(DriverFd, ChecksEveryPlaneOfALinearYuvImageByItself) {
  for (const auto& [offset, pitch] : {std::pair{256u, 64u}, std::pair{4094u - 4 - 62, 64u}, std::pair{256u, 4u}})
    EXPECT_EQ(refuse_chroma(offset, pitch).message, "") << offset;
  EXPECT_EQ(refuse_chroma(256, 2).message, "row pitch 2 of plane 1 is less than a row's 4 bytes");
  EXPECT_EQ(refuse_chroma(257, 64).message,
            "plane 1 at byte 257 with row pitch 64: not both are multiples of a pixel's 2 bytes");
  EXPECT_EQ(refuse_chroma(4030, 64).message, "plane 1 of a 4x4 slot ends at byte 4098, the dma-buf has 4096");
  EXPECT_EQ(refuse_chroma(256, 64, 1).message, "1 planes of format NV12 as LINEAR are not its 2");
}

TEST(DriverFd, OfATiledPlaneOnlyTheDriverKnowsWhereItsPixelsLie) {
  EXPECT_EQ(refuse_plane(1, 3, 0x0300000000606010u).message, "");
  EXPECT_NE(refuse_plane(4096, 3, 0x0300000000606010u).message.find("ends at byte 4097"), std::string::npos);
}

TEST(DriverFd, RefusesATerminal) {
  const UniqueFd terminal(::open("/dev/ptmx", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal) GTEST_SKIP() << "no /dev/ptmx here";
  EXPECT_FALSE(check_driver_fd(terminal, 0, false));
}

TEST(DriverFd, CopyOfSharedMemoryHasItsOwnPosition) {
  const auto fd = memory_of(4096);
  ASSERT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
  const auto copy = driver_copy(fd);
  ASSERT_TRUE(copy) << copy.error().message;
  ASSERT_EQ(::lseek(copy->get(), 100, SEEK_SET), 100);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 0);
  EXPECT_EQ(::fcntl(copy->get(), F_GETFD), FD_CLOEXEC);
}

TEST(DriverFd, FailedImportIsClosedUnlessTheDriverMayHaveDoneSo) {
  const auto hardware = memory_of(1).release();
  settle_failed_import(hardware, false);
  EXPECT_EQ(::fcntl(hardware, F_GETFD), -1);
  const UniqueFd software = memory_of(1);
  settle_failed_import(software.get(), true);
  EXPECT_EQ(::fcntl(software.get(), F_GETFD), FD_CLOEXEC);
}

}  // namespace
}  // namespace ferry::platform
