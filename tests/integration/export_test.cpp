// ferry_consumer_export(): a frame's dma-buf, for readers that are no Vulkan programs.

#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>

#include "platform/dma_buf_fences.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/dma_buf_needed.h"
#include "tests/support/pattern.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::test {
namespace {

constexpr ImageShape kShape{67, 31, FERRY_FORMAT_RGBA8_UNORM};

class Export : public StreamTest {
 protected:
  Export() : StreamTest(kPatient) {}
  void start(const std::string& transport) {
    producer_.emplace(start_producer({"--name", "cam", "--size", "67x31:RGBA8", "--policy", "block", "--rate", "0", "--min-slots", "16", "--paused",
                                      "--transport", transport}));
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = "cam";
    info.mode = FERRY_CONSUMER_EVERY;
    check(ferry_consumer_attach(session().connection(), session().device(), &info, &consumer_), "ferry_consumer_attach");
    producer_->send_command("produce 1");
    frame_ = acquire();
  }
  void TearDown() override {
    if (consumer_ != nullptr) {
      EXPECT_EQ(ferry_consumer_destroy(consumer_), FERRY_OK) << ferry_last_error();
    }
    if (producer_) stop_and_check(*producer_);
    StreamTest::TearDown();
  }
  ferry_frame acquire() {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    check(ferry_consumer_acquire(consumer_, 20'000'000'000, &frame), "ferry_consumer_acquire");
    return frame;
  }
  std::int32_t export_frame(std::uint32_t flags = 0) {
    const std::int32_t code = ferry_consumer_export(consumer_, frame_.sequence, flags, &dma_buf_);
    if (code == FERRY_OK) fd_.reset(dma_buf_.fd);
    return code;
  }
  void expect_refused(std::int32_t code, std::int32_t expected, const std::string& text) {
    EXPECT_EQ(code, expected);
    EXPECT_NE(std::string(ferry_last_error()).find(text), std::string::npos) << ferry_last_error();
  }
  std::uint64_t held_slots() { return stream_in(session().status(), "cam")["consumers"][0]["held"]; }

  std::optional<ChildProcess> producer_;
  ferry_consumer* consumer_ = nullptr;
  ferry_frame frame_{};
  ferry_dma_buf dma_buf_ = FERRY_DMA_BUF_INIT;
  platform::UniqueFd fd_;
};

TEST_F(Export, IsOfDmaBufsAlone) {
  start("opaque-fd");
  expect_refused(export_frame(), FERRY_ERROR_UNSUPPORTED, "frames of stream 'cam' cross by opaque-fd, and are no dma-bufs");
  EXPECT_EQ(dma_buf_.fd, -1) << "nothing is given out";
  expect_refused(ferry_consumer_release(consumer_, frame_.sequence, FERRY_RELEASE_IMPLICIT), FERRY_ERROR_INVALID_STATE,
                 "was not exported");
  check(ferry_consumer_release(consumer_, frame_.sequence, FERRY_RELEASE_UNUSED), "the frame is still held");
}

class ExportedDmaBuf : public Export {
 protected:
  void SetUp() override {
    need_dma_bufs(session().status());
    if (!IsSkipped()) start("dma-buf");
  }
  /// As a program reads it that knows no Vulkan.
  std::vector<std::byte> read_pixels() const {
    const off_t size_bytes = ::lseek(dma_buf_.fd, 0, SEEK_END);
    void* mapped = ::mmap(nullptr, static_cast<std::size_t>(size_bytes), PROT_READ, MAP_SHARED, dma_buf_.fd, 0);
    if (mapped == MAP_FAILED) throw std::runtime_error("mmap of a dma-buf");
    const dma_buf_sync begin{DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ}, end{DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ};
    EXPECT_EQ(::ioctl(dma_buf_.fd, DMA_BUF_IOCTL_SYNC, &begin), 0);
    const std::size_t row_bytes = format_of(kShape).row_bytes(0, kShape.width_px);
    std::vector<std::byte> pixels;
    for (std::uint32_t row = 0; row < kShape.height_px; ++row) {
      const auto* from = static_cast<const std::byte*>(mapped) + dma_buf_.planes[0].offset_bytes +
                         row * dma_buf_.planes[0].row_pitch_bytes;
      pixels.insert(pixels.end(), from, from + row_bytes);
    }
    EXPECT_EQ(::ioctl(dma_buf_.fd, DMA_BUF_IOCTL_SYNC, &end), 0);
    ::munmap(mapped, static_cast<std::size_t>(size_bytes));
    return pixels;
  }
};

TEST_F(ExportedDmaBuf, HoldsTheFramesPixelsWhereItSays) {
  check(export_frame(), "ferry_consumer_export");
  EXPECT_EQ(dma_buf_.modifier, 0u);
  ASSERT_EQ(dma_buf_.plane_count, 1u);
  EXPECT_GE(dma_buf_.size_bytes, size_bytes(kShape));
  EXPECT_LE(dma_buf_.size_bytes, static_cast<std::uint64_t>(::lseek(dma_buf_.fd, 0, SEEK_END)));
  EXPECT_EQ(frame_.peer_queue_family, VK_QUEUE_FAMILY_EXTERNAL) << "one driver";
  EXPECT_EQ(count_wrong_words(read_pixels(), {seed_of("cam"), frame_.sequence}, kShape), 0u);
  check(ferry_consumer_release(consumer_, frame_.sequence, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
}

TEST_F(ExportedDmaBuf, IsOfFramesThatAreHeld) {
  expect_refused(export_frame(2), FERRY_ERROR_INVALID_ARGUMENT, "export flags 0x2 have bits outside FERRY_EXPORT_* (0x1)");
  expect_refused(export_frame(FERRY_EXPORT_FENCE), FERRY_ERROR_UNSUPPORTED, "FERRY_EXPORT_FENCE needs a queue that is lent");
  expect_refused(ferry_consumer_export(consumer_, frame_.sequence, 0, nullptr), FERRY_ERROR_INVALID_ARGUMENT, "NULL");
  dma_buf_.struct_size = 8;
  expect_refused(export_frame(), FERRY_ERROR_INVALID_ARGUMENT, "ferry_dma_buf.struct_size 8 is below");
  dma_buf_.struct_size = sizeof dma_buf_;
  check(ferry_consumer_release(consumer_, frame_.sequence, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
  expect_refused(export_frame(), FERRY_ERROR_INVALID_STATE, "is not held");
}

TEST_F(ExportedDmaBuf, IsFreeWhenItsImplicitReadersAreDone) {
  const SwSync reader = SwSync::open();
  need_sw_sync(reader);
  if (IsSkipped()) return;
  check(export_frame(), "ferry_consumer_export");
  ASSERT_TRUE(platform::import_dma_buf_fence(fd_, reader.fence_at(1), platform::Access::kRead));
  check(ferry_consumer_release(consumer_, frame_.sequence, FERRY_RELEASE_IMPLICIT), "ferry_consumer_release");
  producer_->send_command("produce 20");
  for (int i = 0; i < 10; ++i) {
    const ferry_frame frame = acquire();
    EXPECT_NE(frame.slot, frame_.slot) << "it is still read";
    check(ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
  }
  EXPECT_EQ(held_slots(), 1u);
  reader.advance(1);
  for (const Deadline deadline(20s); held_slots() != 0 && !deadline.passed();)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(held_slots(), 0u);
}

TEST_F(ExportedDmaBuf, IsFreeAtOnceWithoutImplicitReaders) {
  check(export_frame(), "ferry_consumer_export");
  check(ferry_consumer_release(consumer_, frame_.sequence, FERRY_RELEASE_IMPLICIT), "ferry_consumer_release");
  for (const Deadline deadline(20s); held_slots() != 0 && !deadline.passed();)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(held_slots(), 0u);
}

}  // namespace
}  // namespace ferry::test
