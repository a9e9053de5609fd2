// What a hostile or broken peer could send instead of a slot. Errors, quickly, and nothing leaks.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include "proto/usage.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;

constexpr TextureDesc kDesc{64, 64, proto::Format::kRgba8Unorm, proto::kUsageRender, 0};
constexpr auto kSoon = std::chrono::seconds(3);

class BadImport : public TwoDevices {
 protected:
  void SetUp() override {
    TwoDevices::SetUp();
    if (HasFatalFailure()) return;
    slot_ = allocate_one(kDesc);
    ASSERT_TRUE(slot_);
    layout_ = slot_->layout();
  }

  /// Tries it, and returns the error.
  proto::Error refuse(UniqueFd fd, const TextureLayout& layout) {
    const auto before = std::chrono::steady_clock::now();
    const auto imported = client_->texture_importer().import(std::move(fd), kDesc, layout);
    EXPECT_LT(std::chrono::steady_clock::now() - before, kSoon);
    if (imported) {
      ADD_FAILURE() << "was imported";
      return {};
    }
    return imported.error();
  }
  void expect_violation(UniqueFd fd, const TextureLayout& layout, const std::string& text) {
    const auto error = refuse(std::move(fd), layout);
    EXPECT_EQ(error.code, ErrorCode::kProtocolViolation) << error.message;
    EXPECT_NE(error.message.find(text), std::string::npos) << error.message;
  }
  UniqueFd good_fd() const { return slot_->fd().duplicate(); }

  static UniqueFd memory_of(std::uint64_t size_bytes) {
    UniqueFd fd(::memfd_create("ferry-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size_bytes)), 0);
    return fd;
  }

  std::unique_ptr<ExportedTexture> slot_;
  TextureLayout layout_;
};

TEST_F(BadImport, RefusesDescriptorsThatAreNoGpuMemory) {
  const auto before = open_descriptors();
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  {
    const UniqueFd keep_open(pipe_ends[1]);
    expect_violation(UniqueFd(pipe_ends[0]), layout_, "a pipe");
  }
  int socket_ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socket_ends), 0);
  {
    const UniqueFd keep_open(socket_ends[1]);
    expect_violation(UniqueFd(socket_ends[0]), layout_, "a socket");
  }
  expect_violation(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)), layout_, "character device 1:3");
  expect_violation(UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), layout_, "a file on disk");
  expect_violation(UniqueFd(::open("/", O_RDONLY | O_CLOEXEC)), layout_, "a directory");
  expect_violation(UniqueFd(), layout_, "missing");
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(BadImport, RefusesAnEventfdWhereTheDriverWouldReadFromIt) {
  if (!client_->capabilities().is_software) GTEST_SKIP() << "drivers of hardware know their own handles";
  expect_violation(UniqueFd(::eventfd(0, EFD_CLOEXEC)), layout_, "an anonymous inode");
}

TEST_F(BadImport, RefusesMemoryThatIsTooShort) {
  expect_violation(memory_of(layout_.allocation_size_bytes - 1), layout_,
                   std::to_string(layout_.allocation_size_bytes - 1));
}

TEST_F(BadImport, SurvivesMemoryThatIsNoSlot) {
  const auto before = open_descriptors();
  // SwiftShader knows no better than to take it: long enough, it does nobody any harm.
  const auto imported =
      client_->texture_importer().import(memory_of(layout_.allocation_size_bytes + 65536), kDesc, layout_);
  if (!imported) {
    EXPECT_NE(imported.error().message.find("vkAllocateMemory"), std::string::npos) << imported.error().message;
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_F(BadImport, RefusesAMemoryTypeOfAnother) {
  for (const std::uint32_t index : {31u, 32u, 1000u, UINT32_MAX}) {
    TextureLayout layout = layout_;
    layout.memory_type_index = index;
    expect_violation(good_fd(), layout, "memory type " + std::to_string(index));
  }
}

TEST_F(BadImport, RefusesAbsurdAllocationSizes) {
  for (const std::uint64_t size : {std::uint64_t{0}, layout_.allocation_size_bytes - 1,
                                   16 * layout_.allocation_size_bytes + (4u << 20), UINT64_MAX}) {
    TextureLayout layout = layout_;
    layout.allocation_size_bytes = size;
    expect_violation(good_fd(), layout, "allocation size " + std::to_string(size));
  }
}

TEST_F(BadImport, KeepsNoDescriptorOfWhatItRefuses) {
  const std::size_t before = open_descriptors();
  expect_violation(memory_of(layout_.allocation_size_bytes - 1), layout_, "bytes");
  TextureLayout layout = layout_;
  layout.memory_type_index = 31;
  expect_violation(good_fd(), layout, "memory type");
  layout = layout_;
  layout.allocation_size_bytes = 0;
  expect_violation(good_fd(), layout, "allocation size");
  layout = layout_;
  layout.transport = Transport::kNone;
  EXPECT_EQ(refuse(good_fd(), layout).code, ErrorCode::kUnsupported);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(BadImport, RefusesAnotherTransport) {
  TextureLayout layout = layout_;
  layout.transport = Transport::kNone;
  const auto error = refuse(good_fd(), layout);
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_NE(error.message.find("transport none"), std::string::npos) << error.message;
}

TEST_F(BadImport, RefusesAPipeAsTimeline) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd keep_open(ends[1]);
  const std::size_t before = open_descriptors();
  const auto refused = client_->timeline_importer().import(UniqueFd(ends[0]));
  EXPECT_EQ(open_descriptors(), before - 1) << "the importer takes it in every case";
  ASSERT_FALSE(refused);
  if (client_->capabilities().timeline_fd)
    EXPECT_EQ(refused.error().code, ErrorCode::kProtocolViolation);
  else
    EXPECT_EQ(refused.error().message, client_->capabilities().timeline_fd_reason);
}

TEST_F(BadImport, KeepsNoDescriptorOfATimelineThatIsNone) {
  const UniqueFd memory = memory_of(4096), null_device(::open("/dev/null", O_RDWR | O_CLOEXEC)), nothing;
  for (const UniqueFd* fd : {&memory, &null_device, &nothing}) {
    const std::size_t before = open_descriptors();
    EXPECT_FALSE(client_->timeline_importer().import(fd->duplicate()));
    EXPECT_EQ(open_descriptors(), before);
  }
}

}  // namespace
}  // namespace ferry::platform::test
