// Slots that are dma-bufs: whole images both ways, in every format, and what is refused before a driver sees it. Needs a
// driver that exports them: none of a machine without GPU does, scripts/vm-test has one.

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "proto/usage.h"
#include "tests/unit/vulkan/gpu_work.h"
#include "tests/unit/vulkan/second_process.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;
using proto::Format;

constexpr TextureDesc kSmall{67, 3, Format::kRgba8Unorm, proto::kUsageRender, 0};

std::vector<std::uint64_t> exported_modifiers(const DeviceCapabilities& capabilities, Format format) {
  std::vector<std::uint64_t> modifiers;
  for (const FormatModifier& known : capabilities.modifiers)
    if (known.format == format && known.exports) modifiers.push_back(known.modifier);
  return modifiers;
}

class DmaBufs : public TwoDevices {
 protected:
  void SetUp() override {
    TwoDevices::SetUp();
    if (HasFatalFailure()) return;
    const DeviceCapabilities& capabilities = broker_->capabilities();
    if (std::getenv("FERRY_TEST_DMA_BUF") != nullptr) {
      ASSERT_TRUE(capabilities.dma_buf) << capabilities.dma_buf_reason;
      ASSERT_FALSE(exported_modifiers(capabilities, Format::kRgba8Unorm).empty());
    }
    if (!capabilities.dma_buf) GTEST_SKIP() << capabilities.dma_buf_reason;
    if (exported_modifiers(capabilities, Format::kRgba8Unorm).empty())
      GTEST_SKIP() << capabilities.driver << " imports dma-bufs and exports none";
  }
  std::vector<std::unique_ptr<ExportedTexture>> allocate(const TextureDesc& desc, std::uint32_t count) {
    auto exporter = broker_->dma_buf_exporter(exported_modifiers(broker_->capabilities(), desc.format),
                                              VK_QUEUE_FAMILY_EXTERNAL);
    auto textures = exporter->allocate(desc, count);
    EXPECT_TRUE(textures) << textures.error().message;
    return textures ? std::move(*textures) : std::vector<std::unique_ptr<ExportedTexture>>{};
  }
  void expect_crossing(const TextureDesc& desc) {
    const auto slots = allocate(desc, 1);
    ASSERT_EQ(slots.size(), 1u);
    const auto there = import(*client_, *slots[0], desc);
    const auto here = import(*broker_, *slots[0], desc);
    ASSERT_TRUE(there && here);
    EXPECT_EQ(there->copy(), nullptr) << "the image is the dma-buf";
    EXPECT_TRUE(read_slot(*client_, there->image(), desc) == blank(desc));
    const auto first = make_pattern(desc, 1), second = make_pattern(desc, 2);
    write_slot(*client_, there->image(), desc, first);
    EXPECT_TRUE(read_slot(*broker_, here->image(), desc) == first);
    write_slot(*broker_, here->image(), desc, second);
    EXPECT_TRUE(read_slot(*client_, there->image(), desc) == second);
  }
};

class DmaBufCrossing : public DmaBufs, public ::testing::WithParamInterface<TextureDesc> {};

TEST_P(DmaBufCrossing, StartsTransparentAndCarriesPixelsBothWays) {
  const std::string lack = lack_of(*broker_, GetParam().format, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
  if (!lack.empty()) GTEST_SKIP() << lack;
  expect_crossing(GetParam());
}

std::vector<TextureDesc> all_shapes() {
  std::vector<TextureDesc> shapes;
  for (const auto& format : proto::kRgbFormats)
    for (const auto& [width, height] :
         {std::pair{1u, 1u}, std::pair{67u, 3u}, std::pair{641u, 361u}, std::pair{4097u, 2160u}})
      shapes.push_back({width, height, format.format, proto::kUsageRender, 0});
  for (const Format format : {Format::kNv12, Format::kP010})
    for (const auto& [width, height] : {std::pair{2u, 2u}, std::pair{66u, 6u}, std::pair{642u, 362u}})
      shapes.push_back({width, height, format, 0, 0});
  return shapes;
}
INSTANTIATE_TEST_SUITE_P(EveryFormat, DmaBufCrossing, ::testing::ValuesIn(all_shapes()), [](const auto& shape) {
  return fmt::format("{}_{}x{}", proto::format_info(shape.param.format).name, shape.param.width_px, shape.param.height_px);
});

TEST_F(DmaBufs, CrossIntoAnotherProcess) {
  const TextureDesc desc{641, 361, Format::kBgra8Unorm, proto::kUsageRender, 0};
  const auto slots = allocate(desc, 1);
  ASSERT_EQ(slots.size(), 1u);
  const auto here = import(*client_, *slots[0], desc);
  ASSERT_TRUE(here);
  write_slot(*client_, here->image(), desc, make_pattern(desc, kFirstPattern));
  EXPECT_EQ(hand_to_second_process(*slots[0], desc), "");
  EXPECT_TRUE(read_slot(*client_, here->image(), desc) == make_pattern(desc, kSecondPattern));
}

TEST_F(DmaBufs, SayWhatTheirImporterMustKnow) {
  const auto slots = allocate(kSmall, 2);
  ASSERT_EQ(slots.size(), 2u);
  const TextureLayout& layout = slots[0]->layout();
  EXPECT_EQ(layout.transport, Transport::kDmaBuf);
  EXPECT_NE(layout.modifier, kNoModifier);
  ASSERT_GE(layout.plane_count, 1u);
  EXPECT_GE(layout.planes[0].row_pitch_bytes, 67u * 4u);
  EXPECT_EQ(slots[1]->layout().modifier, layout.modifier);
  EXPECT_EQ(slots[1]->layout().planes[0].row_pitch_bytes, layout.planes[0].row_pitch_bytes);
}

TEST_F(DmaBufs, OfOnePoolDoNotOverlap) {
  const auto slots = allocate(kSmall, 3);
  ASSERT_EQ(slots.size(), 3u);
  std::vector<std::unique_ptr<ImportedTexture>> imported;
  for (const auto& slot : slots) imported.push_back(import(*client_, *slot, kSmall));
  for (std::uint32_t i = 0; i < 3; ++i) write_slot(*client_, imported[i]->image(), kSmall, make_pattern(kSmall, i));
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_TRUE(read_slot(*client_, imported[i]->image(), kSmall) == make_pattern(kSmall, i)) << "slot " << i;
}

TEST_F(DmaBufs, OutliveTheirExporter) {
  auto slots = allocate(kSmall, 1);
  ASSERT_EQ(slots.size(), 1u);
  const auto there = import(*client_, *slots[0], kSmall);
  ASSERT_TRUE(there);
  write_slot(*client_, there->image(), kSmall, make_pattern(kSmall, 7));
  EXPECT_EQ(broker_->validation_errors(), 0u);
  slots.clear();
  broker_.reset();
  EXPECT_TRUE(read_slot(*client_, there->image(), kSmall) == make_pattern(kSmall, 7));
}

/// Of the kernel's own making: no driver has laid anything out in it.
UniqueFd heap_buffer(std::uint64_t size_bytes) {
  const UniqueFd heap(::open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC));
  if (!heap) return {};
  dma_heap_allocation_data request{};
  request.len = size_bytes;
  request.fd_flags = O_RDWR | O_CLOEXEC;
  if (::ioctl(heap.get(), DMA_HEAP_IOCTL_ALLOC, &request) != 0) return {};
  return UniqueFd(static_cast<int>(request.fd));
}

class ForeignDmaBufs : public DmaBufs {
 protected:
  void SetUp() override {
    DmaBufs::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    if (!heap_buffer(4096)) GTEST_SKIP() << "no /dev/dma_heap/system to allocate from";
  }
  static TextureLayout linear(std::uint64_t size_bytes, std::uint64_t offset_bytes, std::uint64_t pitch_bytes) {
    TextureLayout layout;
    layout.transport = Transport::kDmaBuf;
    layout.allocation_size_bytes = size_bytes;
    layout.modifier = kModifierLinear;
    layout.plane_count = 1;
    layout.planes[0] = {offset_bytes, pitch_bytes};
    return layout;
  }
  void expect_refused(UniqueFd fd, const TextureLayout& layout, ErrorCode code, const std::string& text) {
    const std::size_t before = open_descriptors();
    const auto refused = client_->texture_importer().import(fd.duplicate(), kSmall, layout);
    EXPECT_EQ(open_descriptors(), before) << text;
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, code) << refused.error().message;
    EXPECT_NE(refused.error().message.find(text), std::string::npos) << refused.error().message;
  }
};

class ForeignRows : public ForeignDmaBufs, public ::testing::WithParamInterface<TextureDesc> {};

TEST_P(ForeignRows, LieWhereTheLayoutSaysAndTheirPaddingIsLeftAlone) {
  constexpr std::uint64_t kBytes = 65536;
  const TextureDesc desc = GetParam();
  const std::string lack = lack_of(*client_, desc.format, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
  if (!lack.empty()) GTEST_SKIP() << lack;
  for (const std::uint64_t pitch_bytes : {512u, 4096u}) {
    const UniqueFd fd = heap_buffer(kBytes);
    TextureLayout layout = linear(kBytes, 0, pitch_bytes);
    layout.plane_count = proto::format_info(desc.format).plane_count;
    layout.planes[1] = {8 * pitch_bytes, pitch_bytes};  // two rows beyond the first plane's last one
    auto imported = client_->texture_importer().import(fd.duplicate(), desc, layout);
    ASSERT_TRUE(imported) << imported.error().message;
    void* mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    const std::span<std::byte> bytes(static_cast<std::byte*>(mapped), kBytes);
    std::fill(bytes.begin(), bytes.end(), std::byte{0xa5});
    const auto pattern = make_pattern(desc, 9);
    write_slot(*client_, (*imported)->image(), desc, pattern);
    const auto expected = laid_out(desc, pattern, layout.planes, kBytes);
    const auto differs = std::mismatch(bytes.begin(), bytes.end(), expected.begin()).first - bytes.begin();
    EXPECT_EQ(static_cast<std::uint64_t>(differs), kBytes) << "the first byte that differs, pitch " << pitch_bytes;
    ::munmap(mapped, kBytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, ForeignRows,
                         ::testing::Values(kSmall, TextureDesc{66, 6, Format::kNv12, 0, 0},
                                           TextureDesc{66, 6, Format::kP010, 0, 0}),
                         [](const auto& desc) { return std::string(proto::format_info(desc.param.format).name); });

TEST_F(ForeignDmaBufs, WhatIsNoDmaBufIsRefusedBeforeADriverSeesIt) {
  const auto violation = ErrorCode::kProtocolViolation;
  UniqueFd memory(::memfd_create("ferry-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(memory.get(), 65536), 0);
  expect_refused(std::move(memory), linear(65536, 0, 512), violation, "a memfd, not a dma-buf");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd keep_open(ends[1]);
  expect_refused(UniqueFd(ends[0]), linear(65536, 0, 512), violation, "a pipe, not a dma-buf");
  expect_refused(UniqueFd(), linear(65536, 0, 512), violation, "missing");
}

TEST_F(ForeignDmaBufs, PlanesThatDoNotFitAreRefused) {
  const auto violation = ErrorCode::kProtocolViolation;
  expect_refused(heap_buffer(4096), linear(8192, 0, 512), violation, "4096 bytes, it is said to have 8192");
  expect_refused(heap_buffer(4u << 20), linear(4096, 0, 512), violation, "it is said to have 4096");
  expect_refused(heap_buffer(4096), linear(4096, 0, 4096), violation, "ends at byte 8460");
  expect_refused(heap_buffer(4096), linear(4096, 4096, 512), violation, "the dma-buf has 4096");
  expect_refused(heap_buffer(4096), linear(4096, 0, 64), violation, "row pitch 64");
  expect_refused(heap_buffer(4096), linear(4096, 2, 512), violation, "plane 0 at byte 2 with row pitch 512: not both");
  expect_refused(heap_buffer(4096), linear(4096, 0, 514), violation, "plane 0 at byte 0 with row pitch 514: not both");
  expect_refused(heap_buffer(4096), linear(4096, UINT64_MAX, 512), violation, "cannot be");
  expect_refused(heap_buffer(4096), linear(4096, 0, UINT64_MAX / 2), violation, "cannot be");
  TextureLayout two_planes = linear(65536, 0, 512);
  two_planes.plane_count = 2;
  expect_refused(heap_buffer(65536), two_planes, violation, "has 1 planes, not 2");
  TextureLayout unknown = linear(65536, 0, 512);
  unknown.modifier = 0x0300000000606010u;
  expect_refused(heap_buffer(65536), unknown, ErrorCode::kUnsupported, "in modifier 0x0300000000606010");
}

}  // namespace
}  // namespace ferry::platform::test
