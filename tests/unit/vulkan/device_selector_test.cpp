#include "platform/vulkan/device_selector.h"

#include <gtest/gtest.h>

namespace ferry::platform {
namespace {

DeviceCapabilities device(const char* name, std::uint8_t first_uuid_byte) {
  DeviceCapabilities d;
  d.name = name;
  d.device_uuid[0] = first_uuid_byte;
  d.device_uuid[15] = 0xef;
  return d;
}

const std::vector<DeviceCapabilities> kDevices{device("NVIDIA H100 80GB HBM3", 0xab), device("AMD Radeon RX 7900", 2),
                                               device("llvmpipe (LLVM 15.0.6, 256 bits)", 3)};

TEST(DeviceSelector, RanksRealDevicesBeforeSoftware) {
  const VkPhysicalDeviceType best_first[] = {
      VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU, VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU,
      VK_PHYSICAL_DEVICE_TYPE_OTHER, VK_PHYSICAL_DEVICE_TYPE_CPU};
  for (std::size_t i = 1; i < std::size(best_first); ++i)
    EXPECT_LT(device_rank(best_first[i - 1]), device_rank(best_first[i]));
}

TEST(DeviceSelector, TakesTheFirstIfNobodyMinds) {
  EXPECT_EQ(select_device(kDevices, ""), 0u);
  EXPECT_EQ(select_device({}, ""), std::nullopt);
}

TEST(DeviceSelector, TakesAnIndex) {
  EXPECT_EQ(select_device(kDevices, "0"), 0u);
  EXPECT_EQ(select_device(kDevices, "2"), 2u);
  EXPECT_EQ(select_device(kDevices, "3"), std::nullopt);
  EXPECT_EQ(select_device(kDevices, "99999999999999999999999"), std::nullopt);
}

TEST(DeviceSelector, TakesAUuidWithAndWithoutDashes) {
  EXPECT_EQ(to_string(kDevices[0].device_uuid), "ab000000-0000-0000-0000-0000000000ef");
  EXPECT_EQ(select_device(kDevices, "ab000000-0000-0000-0000-0000000000ef"), 0u);
  EXPECT_EQ(select_device(kDevices, "AB0000000000000000000000000000EF"), 0u);
  EXPECT_EQ(select_device(kDevices, "030000000000000000000000000000ef"), 2u);
  EXPECT_EQ(select_device(kDevices, "00000000000000000000000000000000"), std::nullopt);  // no index either
}

TEST(DeviceSelector, TakesAPartOfTheNameWhateverTheCase) {
  EXPECT_EQ(select_device(kDevices, "radeon"), 1u);
  EXPECT_EQ(select_device(kDevices, "LLVM"), 2u);
  EXPECT_EQ(select_device(kDevices, "00"), 0u);  // digits only: an index
  EXPECT_EQ(select_device(kDevices, "a"), 0u);   // several: the first
  EXPECT_EQ(select_device(kDevices, "voodoo"), std::nullopt);
}

TEST(DeviceSelector, TakesANumberThatIsNoIndexForAWordOfTheName) {
  EXPECT_EQ(select_device(kDevices, "7900"), 1u);
  EXPECT_EQ(select_device(kDevices, "256"), 2u);
  EXPECT_EQ(select_device(kDevices, "790"), std::nullopt);
  EXPECT_EQ(select_device(kDevices, "100"), std::nullopt) << "of H100";
  EXPECT_EQ(select_device(kDevices, "3"), std::nullopt) << "one too many, and no choice by a digit of HBM3";
  EXPECT_EQ(select_device(kDevices, "15"), std::nullopt) << "of a version";
  const std::vector<DeviceCapabilities> one_with_a_number{device("AMD Radeon RX 7900", 1), device("RTX 1", 2)};
  EXPECT_EQ(select_device(one_with_a_number, "1"), 1u);
  EXPECT_EQ(select_device({one_with_a_number.data(), 1}, "1"), std::nullopt);
}

TEST(DeviceSelector, NamesBothReadingsOfANumber) {
  const auto error = no_such_device(kDevices, "3090");
  EXPECT_EQ(error.code, proto::ErrorCode::kNotFound);
  for (const char* part : {"index 3090", "'3090' in its name", "'AMD Radeon RX 7900' (index 1"})
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
}

TEST(DeviceSelector, ListsWhatThereIs) {
  const auto error = no_such_device(kDevices, "voodoo\x1b");
  EXPECT_EQ(error.code, proto::ErrorCode::kNotFound);
  for (const char* part :
       {"'voodoo\\x1b'", "'NVIDIA H100 80GB HBM3' (index 0, UUID ab000000-0000-0000-0000-0000000000ef)", "'AMD", "(index 2"})
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
}

}  // namespace
}  // namespace ferry::platform
