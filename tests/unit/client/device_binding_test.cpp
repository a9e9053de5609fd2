#include "client/src/device_binding.h"

#include <gtest/gtest.h>

namespace ferry::client {
namespace {

using wire::Transport;

constexpr std::uint64_t kTiled = 0x0300000000606010u;

/// Two formats that share a modifier, and one that knows no other.
wire::DeviceT device() {
  wire::DeviceT device;
  device.transports = {Transport::OpaqueFd, Transport::DmaBuf, Transport::HostMemory};
  device.modifiers = {{0, 1, 1, 1, true}, {kTiled, 1, 1, 1, true}, {kTiled, 1, 2, 1, true}};
  return device;
}

FailedWay failed_in(std::uint64_t modifier) {
  wire::GenerationT generation;
  generation.transport = Transport::DmaBuf;
  generation.modifier = modifier;
  return way_of(generation);
}

TEST(GiveUp, CostsADmaBufThatCannotBeImportedOneModifier) {
  wire::DeviceT tried = device();
  EXPECT_TRUE(give_up(tried, failed_in(kTiled), "no"));
  EXPECT_EQ(tried.transports, device().transports);
  ASSERT_EQ(tried.modifiers.size(), 1u);
  EXPECT_EQ(tried.modifiers[0].modifier(), 0u);
  EXPECT_TRUE(tried.lacks.empty());
}

TEST(GiveUp, TheTransportGoesWithItsLastModifier) {
  wire::DeviceT tried = device();
  EXPECT_TRUE(give_up(tried, failed_in(kTiled), "the first"));
  EXPECT_TRUE(give_up(tried, failed_in(0), "the last"));
  EXPECT_EQ(tried.transports, (std::vector{Transport::OpaqueFd, Transport::HostMemory}));
  ASSERT_EQ(tried.lacks.size(), 1u);
  EXPECT_EQ(tried.lacks[0]->transport, Transport::DmaBuf);
  EXPECT_EQ(tried.lacks[0]->reason, "the last");
}

TEST(GiveUp, TheTransportGoesWithAModifierThatNobodyOffered) {
  // Or the same answer would come for ever.
  wire::DeviceT tried = device();
  EXPECT_TRUE(give_up(tried, failed_in(42), "no"));
  EXPECT_EQ(tried.transports, (std::vector{Transport::OpaqueFd, Transport::HostMemory}));
}

TEST(GiveUp, EndsWithTheLastTransport) {
  wire::DeviceT tried = device();
  EXPECT_TRUE(give_up(tried, {Transport::OpaqueFd}, "a"));
  EXPECT_EQ(tried.modifiers.size(), device().modifiers.size());
  EXPECT_TRUE(give_up(tried, {Transport::DmaBuf, 42}, "b"));
  EXPECT_FALSE(give_up(tried, {Transport::HostMemory}, "c"));
  EXPECT_FALSE(give_up(tried, {Transport::HostMemory}, "once more"));
}

}  // namespace
}  // namespace ferry::client
