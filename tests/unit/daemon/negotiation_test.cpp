#include "daemon/negotiation.h"

#include <gtest/gtest.h>

#include "daemon/wire_convert.h"

namespace ferry::daemon {
namespace {

using proto::ErrorCode;

const std::string kWho = "producer 'renderer' (pid 42)";

platform::DeviceCapabilities gpu(bool timelines = true, std::uint8_t number = 1) {
  platform::DeviceCapabilities out;
  out.device_uuid.fill(number);
  out.driver_uuid.fill(2);
  out.name = "GPU";
  out.opaque_fd = true;
  out.timeline_fd = timelines;
  if (!timelines) out.timeline_fd_reason = "driver 1.0 cannot export timeline semaphores";
  return out;
}

TEST(Negotiation, UuidsSurviveTheWire) {
  platform::Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(i * 7 + 1);
  EXPECT_EQ(from_wire(to_wire(uuid)), uuid);
}

TEST(Negotiation, TimelinesWhereBothSidesHaveThem) {
  const auto agreement = negotiate(gpu(), to_wire(gpu()), wire::SyncMode::Automatic, kWho);
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->sync, wire::SyncMode::Timeline);
  EXPECT_EQ(agreement->sync_reason, "timeline: both sides export and import timeline semaphores");
  EXPECT_EQ(agreement->transport, platform::Transport::kOpaqueFd);
  EXPECT_FALSE(agreement->transport_reason.empty());
}

TEST(Negotiation, HostSaysWhoseFaultItIs) {
  const auto ours = negotiate(gpu(false), to_wire(gpu()), wire::SyncMode::Automatic, kWho);
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->sync, wire::SyncMode::Host);
  EXPECT_EQ(ours->sync_reason, "host: driver 1.0 cannot export timeline semaphores");

  const auto theirs = negotiate(gpu(), to_wire(gpu(false)), wire::SyncMode::Automatic, kWho);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(theirs->sync_reason,
            "host: " + kWho + " lists no timeline semaphores: driver 1.0 cannot export timeline semaphores");

  const auto asked = negotiate(gpu(), to_wire(gpu()), wire::SyncMode::Host, kWho);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->sync_reason, "host: the producer asked for it");
}

TEST(Negotiation, NeverGivesLessThanWasAskedFor) {
  const auto agreement = negotiate(gpu(false), to_wire(gpu()), wire::SyncMode::Timeline, kWho);
  ASSERT_FALSE(agreement);
  EXPECT_EQ(agreement.error().code, ErrorCode::kIncompatible);
  EXPECT_EQ(agreement.error().message,
            kWho + " asks for sync mode timeline, but driver 1.0 cannot export timeline semaphores");
  EXPECT_EQ(negotiate(gpu(), to_wire(gpu()), wire::SyncMode::SyncFd, kWho).error().code, ErrorCode::kIncompatible);
  EXPECT_EQ(negotiate(gpu(), to_wire(gpu()), static_cast<wire::SyncMode>(99), kWho).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(Negotiation, APartyThatCannotImportIsNamed) {
  auto theirs = to_wire(gpu());
  theirs.transports = {wire::Transport::DmaBuf};
  const auto agreement = negotiate(gpu(), theirs, wire::SyncMode::Automatic, kWho);
  ASSERT_FALSE(agreement);
  EXPECT_EQ(agreement.error().message, kWho + " on device 'GPU' cannot import by opaque-fd");
}

TEST(Negotiation, AConsumerMustFitWhatTheStreamUses) {
  const auto agreement = negotiate(gpu(), to_wire(gpu()), wire::SyncMode::Automatic, kWho);
  ASSERT_TRUE(agreement);
  const std::string who = "consumer 'viewer' (pid 43)";
  EXPECT_TRUE(check_joins("cam", *agreement, to_wire(gpu()), who));

  const auto elsewhere = check_joins("cam", *agreement, to_wire(gpu(true, 9)), who);
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::kIncompatible);
  EXPECT_NE(elsewhere.error().message.find(who), std::string::npos);
  EXPECT_NE(elsewhere.error().message.find("09090909-"), std::string::npos) << elsewhere.error().message;
  EXPECT_NE(elsewhere.error().message.find("01010101-"), std::string::npos) << elsewhere.error().message;

  const auto no_timelines = check_joins("cam", *agreement, to_wire(gpu(false)), who);
  ASSERT_FALSE(no_timelines);
  EXPECT_NE(no_timelines.error().message.find("lists no timeline semaphores"), std::string::npos);
}

TEST(Negotiation, ADeviceWithoutUuidsIsNone) {
  wire::DeviceT device;
  EXPECT_EQ(key_of(&device, kWho).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(key_of(nullptr, kWho).error().code, ErrorCode::kInvalidArgument);
}

TEST(Negotiation, ImagesAreChecked) {
  Limits limits;
  limits.max_extent_px = 4096;
  auto image = to_wire(platform::TextureDesc{64, 64, proto::Format::kRgba8Unorm, 0, 0});
  EXPECT_TRUE(check_image(&image, limits, "stream 'cam'"));
  image.width_px = 4097;
  EXPECT_EQ(check_image(&image, limits, "stream 'cam'").error().message,
            "image width 4097 px exceeds the limit max_extent_px = 4096 for stream 'cam'");
  image.width_px = 0;
  EXPECT_EQ(check_image(&image, limits, "stream 'cam'").error().code, ErrorCode::kInvalidArgument);
  image.width_px = 64;
  image.format = 200;
  EXPECT_EQ(check_image(&image, limits, "stream 'cam'").error().code, ErrorCode::kInvalidArgument);
  image.format = 1;
  image.usage = 1u << 30;
  EXPECT_EQ(check_image(&image, limits, "stream 'cam'").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(check_image(nullptr, limits, "stream 'cam'").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace ferry::daemon
