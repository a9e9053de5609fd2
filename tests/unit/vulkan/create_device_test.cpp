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

}  // namespace
}  // namespace ferry::platform::test
