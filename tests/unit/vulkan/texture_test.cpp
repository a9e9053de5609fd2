// Slots made on one device, used on another: whole images are compared, not return codes.

#include <fmt/format.h>
#include <vulkan/vulkan.h>

#include <thread>

#include "proto/limits.h"
#include "proto/usage.h"
#include "tests/unit/vulkan/gpu_work.h"
#include "tests/unit/vulkan/second_process.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;
using proto::Format;

constexpr TextureDesc kSmall{67, 3, Format::kRgba8Unorm, proto::kUsageRender, 0};

class SlotCrossing : public TwoDevices, public ::testing::WithParamInterface<TextureDesc> {};

TEST_P(SlotCrossing, StartsTransparentAndCarriesPixelsBothWays) {
  const TextureDesc desc = GetParam();
  if (const std::string lack = lack_of(*broker_, desc.format); !lack.empty()) GTEST_SKIP() << lack;
  const auto slot = allocate_one(desc);
  ASSERT_TRUE(slot);
  const auto there = import(*client_, *slot, desc);
  const auto here = import(*broker_, *slot, desc);
  ASSERT_TRUE(there && here);

  EXPECT_TRUE(read_slot(*client_, there->image(), desc) == blank(desc));
  const auto first = make_pattern(desc, 1), second = make_pattern(desc, 2);
  write_slot(*client_, there->image(), desc, first);
  EXPECT_TRUE(read_slot(*broker_, here->image(), desc) == first);
  write_slot(*broker_, here->image(), desc, second);
  EXPECT_TRUE(read_slot(*client_, there->image(), desc) == second);
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

INSTANTIATE_TEST_SUITE_P(EveryFormat, SlotCrossing, ::testing::ValuesIn(all_shapes()), shape_name);

using Textures = TwoDevices;

TEST_F(Textures, CrossIntoAnotherProcess) {
  const TextureDesc desc{1920, 1080, Format::kBgra8Unorm, proto::kUsageRender, 0};
  const auto slot = allocate_one(desc);
  ASSERT_TRUE(slot);
  const auto here = import(*client_, *slot, desc);
  ASSERT_TRUE(here);
  write_slot(*client_, here->image(), desc, make_pattern(desc, kFirstPattern));

  EXPECT_EQ(hand_to_second_process(*slot, desc), "");
  EXPECT_TRUE(read_slot(*client_, here->image(), desc) == make_pattern(desc, kSecondPattern));
}

TEST_F(Textures, ClearedByOneAreSeenByTheOther) {
  const auto slot = allocate_one(kSmall);
  ASSERT_TRUE(slot);
  const auto there = import(*client_, *slot, kSmall);
  const auto here = import(*broker_, *slot, kSmall);
  ASSERT_TRUE(there && here);
  clear_slot(*client_, there->image(), VkClearColorValue{{1.0F, 0.0F, 1.0F, 0.0F}});
  const auto pixels = read_slot(*broker_, here->image(), kSmall);
  for (std::size_t i = 0; i < pixels.size(); ++i) ASSERT_EQ(pixels[i], std::byte(i % 2 == 0 ? 0xff : 0)) << i;
}

TEST_F(Textures, OfOnePoolDoNotOverlap) {
  auto slots = broker_->texture_exporter()->allocate(kSmall, 5);
  ASSERT_TRUE(slots) << slots.error().message;
  ASSERT_EQ(slots->size(), 5u);
  std::vector<std::unique_ptr<ImportedTexture>> imported;
  for (const auto& slot : *slots) {
    imported.push_back(import(*client_, *slot, kSmall));
    ASSERT_TRUE(imported.back());
  }
  for (std::uint32_t i = 0; i < 5; ++i) write_slot(*client_, imported[i]->image(), kSmall, make_pattern(kSmall, i));
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(read_slot(*client_, imported[i]->image(), kSmall) == make_pattern(kSmall, i)) << "slot " << i;
}

TEST_F(Textures, SayWhatTheirImporterMustKnow) {
  const auto slot = allocate_one(kSmall);
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->layout().transport, Transport::kOpaqueFd);
  EXPECT_GE(slot->layout().allocation_size_bytes, 67u * 3u * 4u);
  EXPECT_TRUE(slot->layout().dedicated);
  const auto imported = import(*client_, *slot, kSmall);
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->vk_format(), VK_FORMAT_R8G8B8A8_UNORM);
  EXPECT_NE(imported->view(), VkImageView{VK_NULL_HANDLE});
}

TEST_F(Textures, OutliveTheirExporter) {
  auto slot = allocate_one(kSmall);
  ASSERT_TRUE(slot);
  const auto there = import(*client_, *slot, kSmall);
  ASSERT_TRUE(there);
  write_slot(*client_, there->image(), kSmall, make_pattern(kSmall, 7));
  EXPECT_EQ(broker_->validation_errors(), 0u);
  broker_.reset();
  slot.reset();
  EXPECT_TRUE(read_slot(*client_, there->image(), kSmall) == make_pattern(kSmall, 7));
}

TEST_F(Textures, AreImportedByManyAtOnce) {
  const auto slot = allocate_one(kSmall);
  ASSERT_TRUE(slot);
  std::atomic<int> failures{0};
  std::vector<std::thread> importers;
  for (int t = 0; t < 4; ++t)
    importers.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        if (!client_->texture_importer().import(slot->fd().duplicate(), kSmall, slot->layout())) ++failures;
    });
  for (auto& importer : importers) importer.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(Textures, HaveViewsOfBothTransferFunctionsOnRequest) {
  for (const auto& format : proto::kRgbFormats) {
    const TextureDesc desc{16, 16, format.format, proto::kUsageRender, proto::kImageSrgbViews};
    if (format.vk_srgb_sibling == 0) {
      const auto refused = broker_->texture_exporter()->allocate(desc, 1);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
      EXPECT_NE(refused.error().message.find(format.name), std::string::npos) << refused.error().message;
      continue;
    }
    const auto slot = allocate_one(desc);
    ASSERT_TRUE(slot);
    const auto imported = import(*client_, *slot, desc);
    ASSERT_TRUE(imported);
    VkImageViewCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
    info.image = imported->image();
    info.viewType = VK_IMAGE_VIEW_TYPE_2D;
    info.format = static_cast<VkFormat>(format.vk_srgb_sibling);
    info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    VkImageView view = VK_NULL_HANDLE;
    EXPECT_EQ(vkCreateImageView(client_->handles().device, &info, nullptr, &view), VK_SUCCESS);
    vkDestroyImageView(client_->handles().device, view, nullptr);
  }
}

TEST_F(Textures, BeyondTheDevicesLimitAreRefusedByName) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(broker_->handles().physical_device, &properties);
  const std::uint32_t limit = std::min(properties.limits.maxImageDimension2D, proto::kMaxExtentPx);
  for (const TextureDesc& desc :
       {TextureDesc{limit + 1, 4, Format::kRgba8Unorm, 0, 0}, TextureDesc{4, limit + 1, Format::kRgba8Unorm, 0, 0}}) {
    const auto refused = broker_->texture_exporter()->allocate(desc, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    for (const std::string& part :
         {std::to_string(limit + 1), std::to_string(limit), std::string(desc.width_px > 4 ? "width" : "height")})
      EXPECT_NE(refused.error().message.find(part), std::string::npos) << refused.error().message;
  }
}

TEST_F(Textures, OfImpossibleShapesAreRefused) {
  const TextureDesc shapes[] = {
      {0, 4, Format::kRgba8Unorm, 0, 0},
      {4, 0, Format::kRgba8Unorm, 0, 0},
      {UINT32_MAX, 4, Format::kRgba8Unorm, 0, 0},
      {4, 4, Format{}, 0, 0},
      {4, 4, Format{200}, 0, 0},
      {4, 4, Format::kRgba8Unorm, 1u << 20, 0},
      {4, 4, Format::kRgba8Unorm, 0, 1u << 9},
  };
  for (const auto& desc : shapes) {
    const auto refused = broker_->texture_exporter()->allocate(desc, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << refused.error().message;
  }
}

TEST_F(Textures, WithAUsageTheFormatLacksAreRefusedByName) {
  const TextureDesc desc{16, 16, Format::kBgra8Srgb, proto::kUsageStorage, 0};
  VkFormatProperties properties;
  vkGetPhysicalDeviceFormatProperties(broker_->handles().physical_device, VK_FORMAT_B8G8R8A8_SRGB, &properties);
  if (properties.optimalTilingFeatures & VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT)
    GTEST_SKIP() << "this device has sRGB storage images";
  const auto refused = broker_->texture_exporter()->allocate(desc, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("BGRA8_SRGB with usage sample+storage"), std::string::npos)
      << refused.error().message;
}

TEST_F(Textures, NoneAreNoError) {
  const auto none = broker_->texture_exporter()->allocate(kSmall, 0);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace ferry::platform::test
