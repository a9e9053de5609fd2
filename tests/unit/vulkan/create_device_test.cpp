#include <algorithm>

#include "platform/vulkan/device_selector.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;

TEST(CreateDevice, ChoosesFromTheListThatEnumerateGives) {
  const auto devices = enumerate_devices();
  ASSERT_TRUE(devices) << devices.error().message;
  ASSERT_FALSE(devices->empty());
  for (std::size_t i = 1; i < devices->size(); ++i) EXPECT_LE((*devices)[i - 1].is_software, (*devices)[i].is_software);

  DeviceChoice choice;
  choice.selector = std::to_string(devices->size() - 1);
  const auto last = create_device(choice);
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ((*last)->capabilities().device_uuid, devices->back().device_uuid);
  choice.selector = to_string(devices->back().device_uuid);
  const auto same = create_device(choice);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ((*same)->capabilities().name, (*last)->capabilities().name);
}

TEST(CreateDevice, WorksAnyNumberOfTimesInOneProcess) {
  for (int i = 0; i < 50; ++i) {
    const auto devices = enumerate_devices();
    ASSERT_TRUE(devices) << "time " << i << ": " << devices.error().message;
  }
}

TEST(CreateDevice, SaysWhatADeviceCannotDo) {
  const auto devices = enumerate_devices();
  ASSERT_TRUE(devices) << devices.error().message;
  for (const auto& d : *devices) {
    EXPECT_FALSE(d.name.empty());
    EXPECT_FALSE(d.driver.empty());
    EXPECT_EQ(d.opaque_fd, d.opaque_fd_reason.empty()) << d.opaque_fd_reason;
    EXPECT_EQ(d.timeline_fd, d.timeline_fd_reason.empty()) << d.timeline_fd_reason;
  }
}

TEST(CreateDevice, HasAQueueAndBothEnds) {
  const auto device = make_device();
  ASSERT_TRUE(device);
  EXPECT_NE(device->queue(), VkQueue{VK_NULL_HANDLE});
  EXPECT_NE(device->texture_exporter(), nullptr);
  EXPECT_EQ(device->timeline_exporter() != nullptr, device->capabilities().timeline_fd);
  EXPECT_EQ(device->validation_errors(), 0u);
}

TEST(CreateDevice, CountsWhatTheValidationLayerFinds) {
  DeviceChoice choice;
  choice.enable_validation = true;
  const auto device = create_device(choice);
  if (!device) GTEST_SKIP() << device.error().message;
  auto timeline = (*device)->timeline_importer().create_local();
  ASSERT_TRUE(timeline);
  ASSERT_TRUE((*timeline)->signal(2));
  EXPECT_EQ((*device)->validation_errors(), 0u);
  static_cast<void>((*timeline)->signal(1));  // backwards
  EXPECT_GT((*device)->validation_errors(), 0u);
}

TEST(CreateDevice, ListsTheDevicesIfNoneMatches) {
  DeviceChoice choice;
  choice.selector = "voodoo";
  const auto refused = create_device(choice);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  const auto devices = enumerate_devices();
  ASSERT_TRUE(devices);
  EXPECT_NE(refused.error().message.find(devices->front().name), std::string::npos) << refused.error().message;
}

TEST(CreateDevice, RefusesExtensionsByName) {
  DeviceChoice with_device_extension;
  with_device_extension.device_extensions = {"VK_EXT_no_such_thing"};
  DeviceChoice with_instance_extension;
  with_instance_extension.instance_extensions = {"VK_EXT_no_such_thing"};
  for (const auto& choice : {with_device_extension, with_instance_extension}) {
    const auto refused = create_device(choice);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(refused.error().message.find("VK_EXT_no_such_thing"), std::string::npos) << refused.error().message;
  }
}

/// Which of the layer's messages come of vkResetQueryPool, which needs the feature hostQueryReset.
std::uint64_t messages_of_a_host_reset(const VulkanDevice& device) {
  const std::uint64_t before = device.validation_errors();
  VkQueryPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 1;
  VkQueryPool pool = VK_NULL_HANDLE;
  EXPECT_EQ(vkCreateQueryPool(device.handles().device, &info, nullptr, &pool), VK_SUCCESS);
  vkResetQueryPool(device.handles().device, pool, 0, 1);
  vkDestroyQueryPool(device.handles().device, pool, nullptr);
  return device.validation_errors() - before;
}

TEST(CreateDevice, EnablesTheCallersFeatures) {
  VkPhysicalDeviceHostQueryResetFeatures reset{};
  reset.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_HOST_QUERY_RESET_FEATURES;
  reset.hostQueryReset = VK_TRUE;
  VkPhysicalDeviceVulkan12Features vulkan12{};
  vulkan12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  vulkan12.timelineSemaphore = vulkan12.hostQueryReset = VK_TRUE;
  DeviceChoice choice;
  choice.enable_validation = true;
  const auto without = create_device(choice);
  if (!without) GTEST_SKIP() << without.error().message;
  EXPECT_GT(messages_of_a_host_reset(**without), 0u);
  for (const void* chain : {static_cast<const void*>(&reset), static_cast<const void*>(&vulkan12)}) {
    choice.features = chain;
    const auto device = create_device(choice);
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ((*device)->validation_errors(), 0u);
    EXPECT_EQ(messages_of_a_host_reset(**device), 0u);
  }
}

TEST(CreateDevice, RefusesFeaturesThatAreNotThere) {
  VkPhysicalDeviceFeatures2 all{};
  all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  {
    const auto device = make_device();
    ASSERT_TRUE(device);
    vkGetPhysicalDeviceFeatures2(device->handles().physical_device, &all);
    auto* features = reinterpret_cast<VkBool32*>(&all.features);
    auto* missing = std::find(features, features + sizeof all.features / sizeof *features, VkBool32{VK_FALSE});
    if (missing == features + sizeof all.features / sizeof *features) GTEST_SKIP() << "this device has every feature";
    *missing = VK_TRUE;
  }
  DeviceChoice choice;
  choice.features = &all;
  const auto refused = create_device(choice);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported) << refused.error().message;
}

}  // namespace
}  // namespace ferry::platform::test
