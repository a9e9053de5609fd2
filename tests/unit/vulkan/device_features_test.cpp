#include "platform/vulkan/device_features.h"

#include <gtest/gtest.h>

#include <map>

namespace ferry::platform {
namespace {

// A device that has everything of Vulkan 1.3, as far as this looks; one of 1.2 has no conversions.
std::uint32_t device_version = VK_API_VERSION_1_3;
VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice, VkPhysicalDeviceProperties2* out) {
  out->properties.apiVersion = device_version;
}
VKAPI_ATTR void VKAPI_CALL features(VkPhysicalDevice, VkPhysicalDeviceFeatures2* out) {
  out->features.samplerAnisotropy = VK_TRUE;
  for (auto* next = static_cast<VkBaseOutStructure*>(out->pNext); next != nullptr; next = next->pNext) {
    if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES) {
      reinterpret_cast<VkPhysicalDeviceSamplerYcbcrConversionFeatures*>(next)->samplerYcbcrConversion =
          device_version >= VK_API_VERSION_1_3 ? VK_TRUE : VK_FALSE;
      continue;
    }
    ASSERT_EQ(device_version, VK_API_VERSION_1_3) << "a struct that this device does not know";
    ASSERT_EQ(next->sType, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES);
    reinterpret_cast<VkPhysicalDeviceDynamicRenderingFeatures*>(next)->dynamicRendering = VK_TRUE;
  }
}

class DeviceFeaturesTest : public ::testing::Test {
 protected:
  DeviceFeaturesTest() {
    device_version = VK_API_VERSION_1_3;
    vki_.GetPhysicalDeviceProperties2 = properties;
    vki_.GetPhysicalDeviceFeatures2 = features;
  }
  proto::Result<std::unique_ptr<DeviceFeatures>> choose(const void* chain) const {
    return DeviceFeatures::choose(vki_, VK_NULL_HANDLE, VK_API_VERSION_1_3, chain);
  }
  /// Every struct of the chain; none is there twice.
  static std::map<VkStructureType, const void*> structs_of(const DeviceFeatures& features) {
    std::map<VkStructureType, const void*> structs;
    for (auto* in = static_cast<const VkBaseInStructure*>(features.next()); in != nullptr; in = in->pNext)
      EXPECT_TRUE(structs.emplace(in->sType, in).second) << in->sType << " is there twice";
    return structs;
  }
  template <class Struct>
  static Struct with_type(VkStructureType type) {
    Struct made{};
    made.sType = type;
    return made;
  }

  VkPhysicalDeviceVulkan11Features vulkan11_ =
      with_type<VkPhysicalDeviceVulkan11Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  VkPhysicalDeviceVulkan12Features vulkan12_ =
      with_type<VkPhysicalDeviceVulkan12Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  VkPhysicalDeviceVulkan13Features vulkan13_ =
      with_type<VkPhysicalDeviceVulkan13Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline_ =
      with_type<VkPhysicalDeviceTimelineSemaphoreFeatures>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES);
  VkPhysicalDeviceFeatures2 core_ = with_type<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);

 private:
  InstanceDispatch vki_{};
};

TEST_F(DeviceFeaturesTest, AreWhatFerryAndItsExamplesUse) {
  const auto chosen = choose(nullptr);
  ASSERT_TRUE(chosen) << chosen.error().message;
  const auto structs = structs_of(**chosen);
  ASSERT_EQ(structs.size(), 4u);
  const auto* core = static_cast<const VkPhysicalDeviceFeatures2*>(structs.at(core_.sType));
  EXPECT_EQ(core->features.samplerAnisotropy, VK_TRUE);
  EXPECT_EQ(core->features.geometryShader, VK_FALSE);
  EXPECT_EQ(static_cast<const VkPhysicalDeviceTimelineSemaphoreFeatures*>(structs.at(timeline_.sType))->timelineSemaphore,
            VK_TRUE);
  EXPECT_EQ(structs.count(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES), 1u);
  EXPECT_EQ(structs.count(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES), 1u);
}

TEST_F(DeviceFeaturesTest, AreFewerOnAnOlderDevice) {
  device_version = VK_API_VERSION_1_2;
  const auto chosen = choose(nullptr);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(structs_of(**chosen).size(), 2u);
}

TEST_F(DeviceFeaturesTest, AreDecidedByTheCallersStructs) {
  vulkan12_.timelineSemaphore = VK_TRUE;
  vulkan12_.pNext = &vulkan13_;
  vulkan13_.pNext = &vulkan11_;
  vulkan11_.pNext = &core_;
  const auto chosen = choose(&vulkan12_);
  ASSERT_TRUE(chosen) << chosen.error().message;
  const auto structs = structs_of(**chosen);
  EXPECT_EQ(structs.size(), 4u) << "nothing beside what is there";
  EXPECT_EQ(structs.at(vulkan12_.sType), &vulkan12_);
  EXPECT_EQ(structs.at(vulkan13_.sType), &vulkan13_);
  EXPECT_EQ(structs.at(core_.sType), &core_);
}

TEST_F(DeviceFeaturesTest, LeaveConversionsToAStructOfTheirOwn) {
  auto conversion = with_type<VkPhysicalDeviceSamplerYcbcrConversionFeatures>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES);
  const auto chosen = choose(&conversion);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(structs_of(**chosen).at(conversion.sType), &conversion);
  EXPECT_EQ(conversion.samplerYcbcrConversion, VK_FALSE);
}

TEST_F(DeviceFeaturesTest, StandBesideOthersOfTheCallers) {
  auto address = with_type<VkPhysicalDeviceBufferDeviceAddressFeatures>(
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES);
  address.bufferDeviceAddress = VK_TRUE;
  const auto chosen = choose(&address);
  ASSERT_TRUE(chosen) << chosen.error().message;
  const auto structs = structs_of(**chosen);
  EXPECT_EQ(structs.size(), 5u);
  EXPECT_EQ(structs.at(address.sType), &address);
  EXPECT_EQ(structs.count(vulkan12_.sType), 0u) << "with it no feature of 1.2 may have a struct of its own";
  EXPECT_EQ(address.pNext, nullptr) << "the caller's";
}

TEST_F(DeviceFeaturesTest, AreRefusedWithoutTimelines) {
  for (const void* chain : {static_cast<const void*>(&vulkan12_), static_cast<const void*>(&timeline_)}) {
    const auto chosen = choose(chain);
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, proto::ErrorCode::kInvalidArgument);
    EXPECT_NE(chosen.error().message.find("timelineSemaphore"), std::string::npos) << chosen.error().message;
  }
}

}  // namespace
}  // namespace ferry::platform
