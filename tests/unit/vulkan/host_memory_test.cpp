// Slots in host memory between every pair of this machine's devices, whoever made their drivers: whole images, both
// ways, and what is refused before a driver sees it.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "proto/usage.h"
#include "tests/unit/vulkan/gpu_work.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;
using proto::Format;

constexpr TextureDesc kSmall{67, 3, Format::kRgba8Unorm, proto::kUsageRender, 0};

struct Slot {
  TextureLayout layout;
  std::unique_ptr<ExportedTexture> memory;
};

Slot allocate_slot(const TextureDesc& desc) {
  auto textures = make_host_memory_exporter()->allocate(desc, 1);
  if (!textures) throw std::runtime_error(textures.error().message);
  return {textures->front()->layout(), std::move(textures->front())};
}

std::unique_ptr<ImportedTexture> import_slot(VulkanDevice& device, const Slot& slot, const TextureDesc& desc) {
  auto imported = device.texture_importer().import(slot.memory->fd().duplicate(), desc, slot.layout);
  if (!imported) throw std::runtime_error(imported.error().message);
  if ((*imported)->copy() == nullptr) throw std::runtime_error("a slot in host memory that needs no copies");
  return std::move(*imported);
}

/// What @p from has drawn, as @p to sees it after both copies.
void expect_crossing(VulkanDevice& from, const ImportedTexture& there, VulkanDevice& to, const ImportedTexture& here,
                     const TextureDesc& desc, std::uint32_t seed) {
  const auto pattern = make_pattern(desc, seed);
  write_slot(from, there.image(), desc, pattern);
  const auto sent = there.copy()->to_shared();
  ASSERT_TRUE(sent) << sent.error().message;
  const auto received = here.copy()->from_shared();
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_TRUE(read_slot(to, here.image(), desc) == pattern)
      << from.capabilities().name << " to " << to.capabilities().name;
}

class HostMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    auto devices = enumerate_devices();
    ASSERT_TRUE(devices) << devices.error().message;
    for (const auto& device : *devices) {
      devices_.push_back(make_device(to_string(device.device_uuid)));
      ASSERT_TRUE(devices_.back());
    }
  }
  void TearDown() override {
    for (const auto& device : devices_) EXPECT_EQ(device->validation_errors(), 0u);
  }
  VulkanDevice& any() { return *devices_.front(); }
  bool have(Format format, std::initializer_list<const VulkanDevice*> devices) {
    for (const VulkanDevice* device : devices)
      if (const std::string lack = lack_of(*device, format); !lack.empty()) {
        lacks_ += fmt::format("\n{}: {}", device->capabilities().name, lack);
        return false;
      }
    return true;
  }

  std::vector<std::unique_ptr<VulkanDevice>> devices_;
  std::string lacks_;
};

class HostMemoryCrossing : public HostMemory, public ::testing::WithParamInterface<TextureDesc> {};

TEST_P(HostMemoryCrossing, CarriesPixelsBetweenEveryPairOfDevices) {
  const TextureDesc desc = GetParam();
  bool was_tried = false;
  for (std::size_t first = 0; first < devices_.size(); ++first)
    for (std::size_t second = first; second < devices_.size(); ++second) {
      VulkanDevice &a = *devices_[first], &b = *devices_[second];
      if (!have(desc.format, {&a, &b})) continue;
      const Slot slot = allocate_slot(desc);
      const auto in_a = import_slot(a, slot, desc);
      const auto in_b = import_slot(b, slot, desc);
      EXPECT_TRUE(read_slot(b, in_b->image(), desc) == blank(desc));
      expect_crossing(a, *in_a, b, *in_b, desc, 1);
      expect_crossing(b, *in_b, a, *in_a, desc, 2);
      was_tried = true;
    }
  if (!was_tried) GTEST_SKIP() << "no two devices of this machine have the format: " << lacks_;
}

std::vector<TextureDesc> all_shapes() {
  std::vector<TextureDesc> shapes;
  for (const auto& format : proto::kRgbFormats)
    for (const auto& [width, height] : {std::pair{1u, 1u}, std::pair{67u, 3u}, std::pair{4097u, 2160u}})
      shapes.push_back({width, height, format.format, proto::kUsageRender, 0});
  for (const Format format : {Format::kNv12, Format::kP010})
    for (const auto& [width, height] : {std::pair{2u, 2u}, std::pair{66u, 6u}, std::pair{1922u, 1082u}})
      shapes.push_back({width, height, format, 0, 0});
  return shapes;
}
std::string shape_name(const ::testing::TestParamInfo<TextureDesc>& info) {
  return fmt::format("{}_{}x{}", proto::format_info(info.param.format).name, info.param.width_px, info.param.height_px);
}
INSTANTIATE_TEST_SUITE_P(EveryFormat, HostMemoryCrossing, ::testing::ValuesIn(all_shapes()), shape_name);

TEST_F(HostMemory, DoesWithAnyRowPitch) {
  for (const std::uint32_t pitch_bytes : {67u * 4u, 67u * 4u + 4u, 512u, 4096u}) {
    Slot slot = allocate_slot(kSmall);  // 64 KiB: room for all of these
    slot.layout.row_pitch_bytes = pitch_bytes;
    const auto here = import_slot(any(), slot, kSmall);
    const auto there = import_slot(*devices_.back(), slot, kSmall);
    expect_crossing(any(), *here, *devices_.back(), *there, kSmall, pitch_bytes);
  }
}

class HostMemoryRows : public HostMemory, public ::testing::WithParamInterface<TextureDesc> {};

TEST_P(HostMemoryRows, LieWhereTheLayoutSaysAndTheirPaddingIsLeftAlone) {
  const TextureDesc desc = GetParam();
  const auto& format = proto::format_info(desc.format);
  bool was_tried = false;
  for (const auto& device : devices_)
    for (const std::uint64_t pitch_bytes : {format.row_bytes(0, desc.width_px), std::uint64_t{512}, std::uint64_t{4096}}) {
      if (!have(desc.format, {device.get()})) continue;
      was_tried = true;
      Slot slot = allocate_slot(desc);
      slot.layout.row_pitch_bytes = static_cast<std::uint32_t>(pitch_bytes);
      void* mapped = ::mmap(nullptr, slot.layout.allocation_size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                            slot.memory->fd().get(), 0);
      ASSERT_NE(mapped, MAP_FAILED);
      const std::span<std::byte> bytes(static_cast<std::byte*>(mapped), slot.layout.allocation_size_bytes);
      const auto imported = import_slot(*device, slot, desc);
      std::fill(bytes.begin(), bytes.end(), std::byte{0xa5});
      const auto pattern = make_pattern(desc, 9);
      write_slot(*device, imported->image(), desc, pattern);
      ASSERT_TRUE(imported->copy()->to_shared());
      const PlaneLayout planes[] = {{0, pitch_bytes}, {pitch_bytes * desc.height_px, pitch_bytes}};
      const auto expected = laid_out(desc, pattern, planes, bytes.size());
      const auto differs = std::mismatch(bytes.begin(), bytes.end(), expected.begin()).first - bytes.begin();
      EXPECT_EQ(static_cast<std::size_t>(differs), bytes.size())
          << "the first byte that differs, pitch " << pitch_bytes << ", " << device->capabilities().name;
      ::munmap(mapped, slot.layout.allocation_size_bytes);
    }
  if (!was_tried) GTEST_SKIP() << "no device of this machine has the format: " << lacks_;
}

INSTANTIATE_TEST_SUITE_P(Formats, HostMemoryRows,
                         ::testing::Values(kSmall, TextureDesc{66, 6, Format::kNv12, 0, 0},
                                           TextureDesc{66, 6, Format::kP010, 0, 0}),
                         shape_name);

TEST_F(HostMemory, SlotsOfOnePoolDoNotOverlap) {
  auto slots = make_host_memory_exporter()->allocate(kSmall, 3);
  ASSERT_TRUE(slots);
  std::vector<std::unique_ptr<ImportedTexture>> imported;
  for (const auto& slot : *slots) {
    auto one = any().texture_importer().import(slot->fd().duplicate(), kSmall, slot->layout());
    ASSERT_TRUE(one) << one.error().message;
    imported.push_back(std::move(*one));
  }
  for (std::uint32_t i = 0; i < 3; ++i) {
    write_slot(any(), imported[i]->image(), kSmall, make_pattern(kSmall, i));
    ASSERT_TRUE(imported[i]->copy()->to_shared());
  }
  for (std::uint32_t i = 0; i < 3; ++i) {
    clear_slot(any(), imported[i]->image(), VkClearColorValue{});
    ASSERT_TRUE(imported[i]->copy()->from_shared());
    EXPECT_TRUE(read_slot(any(), imported[i]->image(), kSmall) == make_pattern(kSmall, i)) << "slot " << i;
  }
}

TEST_F(HostMemory, OutlivesItsExporter) {
  Slot slot = allocate_slot(kSmall);
  const auto here = import_slot(any(), slot, kSmall);
  slot.memory.reset();
  expect_crossing(any(), *here, any(), *here, kSmall, 3);
}

class BadHostMemory : public HostMemory {
 protected:
  static UniqueFd memory_of(std::uint64_t size_bytes, int seals) {
    UniqueFd fd(::memfd_create("ferry-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(size_bytes)), 0);
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    return fd;
  }
  void expect_refused(UniqueFd fd, const TextureLayout& layout, ErrorCode code, const std::string& text) {
    for (const auto& device : devices_) {
      const std::size_t before = open_descriptors();
      const auto refused = device->texture_importer().import(fd.duplicate(), kSmall, layout);
      EXPECT_EQ(open_descriptors(), before) << text;
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, code) << refused.error().message;
      EXPECT_NE(refused.error().message.find(text), std::string::npos) << refused.error().message;
    }
  }
  static constexpr int kFixedSize = F_SEAL_SHRINK | F_SEAL_GROW;
};

TEST_F(BadHostMemory, IsRefusedBeforeADriverSeesIt) {
  const TextureLayout layout = allocate_slot(kSmall).layout;
  const std::uint64_t size = layout.allocation_size_bytes;
  const auto violation = ErrorCode::kProtocolViolation;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd keep_open(ends[1]);
  expect_refused(UniqueFd(ends[0]), layout, violation, "a pipe, not a memfd");
  expect_refused(UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), layout, violation, "a file on disk");
  expect_refused(UniqueFd(), layout, violation, "missing");
  expect_refused(memory_of(size, F_SEAL_GROW), layout, violation, "not sealed against shrinking");
  expect_refused(memory_of(size, F_SEAL_SHRINK), layout, violation, "not sealed against growing");
  expect_refused(memory_of(size - 4096, kFixedSize), layout, violation, std::to_string(size - 4096));
  expect_refused(memory_of(size * 16, kFixedSize), layout, violation, std::to_string(size * 16));
}

TEST_F(BadHostMemory, WithoutRoomForEveryPlaneIsRefused) {
  const TextureDesc desc{64, 64, Format::kNv12, 0, 0};
  TextureLayout layout = allocate_slot(desc).layout;
  layout.row_pitch_bytes = 1024;  // 64 rows of luma fill the 64 KiB, 32 of chroma come after them
  ASSERT_EQ(layout.allocation_size_bytes, 65536u);
  const auto refused = check_host_memory_slot(memory_of(65536, kFixedSize), desc, layout);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kProtocolViolation);
  EXPECT_NE(refused.error().message.find("less than its 96 rows of 1024 bytes"), std::string::npos)
      << refused.error().message;
  layout.row_pitch_bytes = 65;  // whole samples of luma, and half a pair of chroma
  const auto halved = check_host_memory_slot(memory_of(65536, kFixedSize), desc, layout);
  ASSERT_FALSE(halved);
  EXPECT_NE(halved.error().message.find("row pitch 65"), std::string::npos) << halved.error().message;
}

TEST_F(BadHostMemory, OfAnImpossibleLayoutIsRefused) {
  const Slot slot = allocate_slot(kSmall);
  for (const auto& device : devices_)  // the device for copies is made for the first slot, and has descriptors of its own
    ASSERT_TRUE(device->texture_importer().import(slot.memory->fd().duplicate(), kSmall, slot.layout));
  const auto violation = ErrorCode::kProtocolViolation;
  for (const std::uint32_t pitch_bytes : {0u, 67u * 4u - 4u, 67u * 4u + 1u}) {
    TextureLayout layout = slot.layout;
    layout.row_pitch_bytes = pitch_bytes;
    expect_refused(slot.memory->fd().duplicate(), layout, violation, fmt::format("row pitch {}", pitch_bytes));
  }
  TextureLayout layout = slot.layout;
  layout.row_pitch_bytes = 65536;  // three of these are more than the slot has
  expect_refused(slot.memory->fd().duplicate(), layout, violation, "less than its 3 rows");
  // Long enough, and in no steps that a driver takes.
  layout = slot.layout;
  layout.row_pitch_bytes = 67 * 4;
  layout.allocation_size_bytes = 1000;
  expect_refused(memory_of(1000, kFixedSize), layout, ErrorCode::kUnsupported, "no multiple of");
}

}  // namespace
}  // namespace ferry::platform::test
