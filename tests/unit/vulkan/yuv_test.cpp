// What is of YUV slots alone; texture_test, host_memory_test and dma_buf_test carry their pixels across.

#include <fmt/format.h>
#include <vulkan/vulkan.h>

#include "proto/usage.h"
#include "tests/unit/vulkan/gpu_work.h"
#include "tests/unit/vulkan/second_process.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;
using proto::Format;

class Yuv : public TwoDevices, public ::testing::WithParamInterface<Format> {
 protected:
  TextureDesc desc(std::uint32_t width_px, std::uint32_t height_px, std::uint32_t usage = 0,
                   std::uint32_t flags = 0) const {
    return {width_px, height_px, GetParam(), usage, flags};
  }
  const proto::FormatInfo& format() const { return proto::format_info(GetParam()); }
  std::string lack() const { return lack_of(*broker_, GetParam()); }
  std::string refusal(const TextureDesc& wanted) {
    const auto made = broker_->texture_exporter()->allocate(wanted, 1);
    if (made) return "made";
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument) << made.error().message;
    return made.error().message;
  }
  VkResult make_view(VkImage image, VkFormat view_format, VkImageAspectFlags aspect, const void* next) {
    VkImageViewCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
    info.pNext = next;
    info.image = image;
    info.viewType = VK_IMAGE_VIEW_TYPE_2D;
    info.format = view_format;
    info.subresourceRange = {aspect, 0, 1, 0, 1};
    VkImageView view = VK_NULL_HANDLE;
    const VkResult result = vkCreateImageView(client_->handles().device, &info, nullptr, &view);
    vkDestroyImageView(client_->handles().device, view, nullptr);
    return result;
  }
};

TEST_P(Yuv, SlotsCrossIntoAnotherProcess) {
  if (!lack().empty()) GTEST_SKIP() << lack();
  const TextureDesc shape = desc(642, 362);
  const auto slot = allocate_one(shape);
  ASSERT_TRUE(slot);
  const auto here = import(*client_, *slot, shape);
  ASSERT_TRUE(here);
  write_slot(*client_, here->image(), shape, make_pattern(shape, kFirstPattern));
  EXPECT_EQ(hand_to_second_process(*slot, shape), "");
  EXPECT_TRUE(read_slot(*client_, here->image(), shape) == make_pattern(shape, kSecondPattern));
}

TEST_P(Yuv, SlotsOfOnePoolStartBlackAndDoNotOverlap) {
  if (!lack().empty()) GTEST_SKIP() << lack();
  const TextureDesc shape = desc(66, 6);
  auto slots = broker_->texture_exporter()->allocate(shape, 3);
  ASSERT_TRUE(slots) << slots.error().message;
  std::vector<std::unique_ptr<ImportedTexture>> imported;
  for (const auto& slot : *slots) {
    imported.push_back(import(*client_, *slot, shape));
    ASSERT_TRUE(imported.back());
    EXPECT_TRUE(read_slot(*client_, imported.back()->image(), shape) == blank(shape));
  }
  for (std::uint32_t i = 0; i < 3; ++i) write_slot(*client_, imported[i]->image(), shape, make_pattern(shape, i));
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_TRUE(read_slot(*client_, imported[i]->image(), shape) == make_pattern(shape, i)) << "slot " << i;
}

TEST_P(Yuv, SlotsHaveNoViewUntilTheApplicationMakesOneWithAConversion) {
  if (!lack().empty()) GTEST_SKIP() << lack();
  const auto slot = allocate_one(desc(16, 16));
  ASSERT_TRUE(slot);
  const auto imported = import(*client_, *slot, desc(16, 16));
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->view(), VkImageView{VK_NULL_HANDLE});
  EXPECT_EQ(imported->vk_format(), static_cast<VkFormat>(format().vk_format));

  VkSamplerYcbcrConversionCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_CREATE_INFO;
  info.format = imported->vk_format();
  info.ycbcrModel = VK_SAMPLER_YCBCR_MODEL_CONVERSION_YCBCR_709;
  info.ycbcrRange = VK_SAMPLER_YCBCR_RANGE_ITU_NARROW;
  info.chromaFilter = VK_FILTER_NEAREST;
  info.xChromaOffset = info.yChromaOffset = VK_CHROMA_LOCATION_COSITED_EVEN;
  VkFormatProperties features;
  vkGetPhysicalDeviceFormatProperties(client_->handles().physical_device, info.format, &features);
  if ((features.optimalTilingFeatures & VK_FORMAT_FEATURE_COSITED_CHROMA_SAMPLES_BIT) == 0)
    info.xChromaOffset = info.yChromaOffset = VK_CHROMA_LOCATION_MIDPOINT;
  VkSamplerYcbcrConversionInfo conversion{};
  conversion.sType = VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_INFO;
  // The feature is on, or the layer would complain of this.
  ASSERT_EQ(vkCreateSamplerYcbcrConversion(client_->handles().device, &info, nullptr, &conversion.conversion), VK_SUCCESS);
  EXPECT_EQ(make_view(imported->image(), imported->vk_format(), VK_IMAGE_ASPECT_COLOR_BIT, &conversion), VK_SUCCESS);
  vkDestroySamplerYcbcrConversion(client_->handles().device, conversion.conversion, nullptr);
}

TEST_P(Yuv, SlotsMayHaveViewsOfTheirPlanes) {
  if (!lack().empty()) GTEST_SKIP() << lack();
  const auto slot = allocate_one(desc(16, 16));
  ASSERT_TRUE(slot);
  const auto imported = import(*client_, *slot, desc(16, 16));
  ASSERT_TRUE(imported);
  for (std::size_t plane = 0; plane < format().plane_count; ++plane) {
    const auto view_format = static_cast<VkFormat>(format().planes[plane].vk_format);
    VkFormatProperties features;
    vkGetPhysicalDeviceFormatProperties(client_->handles().physical_device, view_format, &features);
    if ((features.optimalTilingFeatures & VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT) == 0)
      GTEST_SKIP() << "this driver samples no format " << view_format << ", which views of the planes have";
    EXPECT_EQ(make_view(imported->image(), view_format, VkImageAspectFlags{VK_IMAGE_ASPECT_PLANE_0_BIT} << plane, nullptr),
              VK_SUCCESS);
  }
}

TEST_P(Yuv, SlotsAreStorageImagesWhereTheDriverSaysSo) {
  if (!lack().empty()) GTEST_SKIP() << lack();
  const TextureDesc shape = desc(16, 16, proto::kUsageStorage);
  const auto made = broker_->texture_exporter()->allocate(shape, 1);
  if (!made) {
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(made.error().message.find(std::string(format().name) + " with usage sample+storage"), std::string::npos)
        << made.error().message;
    return;
  }
  EXPECT_TRUE(import(*client_, *made->front(), shape));
}

TEST_P(Yuv, SlotsThatNoDriverCouldHaveAreRefusedByName) {
  const std::string name(format().name);
  EXPECT_EQ(refusal(desc(67, 4)), "width 67 px is no multiple of 2, as format " + name + " needs it");
  EXPECT_EQ(refusal(desc(66, 3)), "height 3 px is no multiple of 2, as format " + name + " needs it");
  EXPECT_EQ(refusal(desc(1, 1)), "width 1 px is no multiple of 2, as format " + name + " needs it");
  EXPECT_EQ(refusal(desc(66, 4, proto::kUsageRender)),
            "format " + name + " cannot have usage render");
  EXPECT_EQ(refusal(desc(66, 4, 0, proto::kImageSrgbViews)),
            "format " + name + " has no sRGB sibling, so it cannot have sRGB views");
}

TEST_P(Yuv, SlotsThatTheDriverLacksAreRefusedByName) {
  if (lack().empty()) GTEST_SKIP() << broker_->capabilities().name << " has the format";
  EXPECT_EQ(refusal(desc(66, 4)),
            fmt::format("device '{}' does not support format {} with usage sample+transfer-src+transfer-dst",
                        broker_->capabilities().name, format().name));
}

INSTANTIATE_TEST_SUITE_P(Formats, Yuv, ::testing::Values(Format::kNv12, Format::kP010), [](const auto& test) {
  return std::string(proto::format_info(test.param).name);
});

}  // namespace
}  // namespace ferry::platform::test
