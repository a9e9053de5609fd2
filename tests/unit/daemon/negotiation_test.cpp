#include "daemon/negotiation.h"

#include <gtest/gtest.h>

#include "daemon/wire_convert.h"
#include "proto/usage.h"

namespace ferry::daemon {
namespace {

using proto::ErrorCode;

const std::string kWho = "producer 'renderer' (pid 42)";
const std::string kViewer = "consumer 'viewer' (pid 43)";

constexpr platform::TextureDesc kImage{64, 48, proto::Format::kBgra8Unorm, proto::kUsageRender};

platform::DeviceCapabilities gpu(bool timelines = true, std::uint8_t number = 1) {
  platform::DeviceCapabilities out;
  out.device_uuid.fill(number);
  out.driver_uuid.fill(2);
  out.name = "GPU";
  out.opaque_fd = true;
  out.host_memory = true;
  out.timeline_fd = timelines;
  if (!timelines) out.timeline_fd_reason = "driver 1.0 cannot export timeline semaphores";
  return out;
}

Party party(const platform::DeviceCapabilities& device, const std::string& who = kWho) {
  const auto described = to_wire(device);
  return party_of(&described, who).value();
}

/// Of a producer on @p ours and no consumer.
proto::Result<Agreement> alone(const platform::DeviceCapabilities& ours, const platform::DeviceCapabilities& theirs,
                               wire::SyncMode asked = wire::SyncMode::Automatic) {
  return negotiate(&ours, party(theirs), {}, {wire::Transport::None, asked}, kImage);
}

/// Of a producer on gpu() and a consumer on @p theirs.
proto::Result<Agreement> joined_by(const platform::DeviceCapabilities& theirs, const Demand& demand = {}) {
  const auto ours = gpu();
  const Party consumer = party(theirs, kViewer);
  const Party* consumers[] = {&consumer};
  return negotiate(&ours, party(ours), consumers, demand, kImage);
}

platform::DeviceCapabilities without_opaque_fd() {
  auto device = gpu();
  device.opaque_fd = false;
  device.opaque_fd_reason = "driver 1.0 has no VK_KHR_external_memory_fd";
  return device;
}

platform::DeviceCapabilities without_host_memory() {
  auto device = gpu();
  device.host_memory = false;
  device.host_memory_reason = "driver 1.0 has no VK_EXT_external_memory_host";
  return device;
}

TEST(Negotiation, UuidsSurviveTheWire) {
  platform::Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(i * 7 + 1);
  EXPECT_EQ(from_wire(to_wire(uuid)), uuid);
}

TEST(Negotiation, TimelinesWhereAllSidesHaveThem) {
  const auto agreement = alone(gpu(), gpu());
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->sync, wire::SyncMode::Timeline);
  EXPECT_EQ(agreement->sync_reason, "timeline: all sides export and import timeline semaphores");
  EXPECT_EQ(agreement->transport, platform::Transport::kOpaqueFd);
  EXPECT_EQ(agreement->transport_reason, "opaque-fd: device and driver UUID are equal on all sides");
}

TEST(Negotiation, HostSaysWhoseFaultItIs) {
  const auto ours = alone(gpu(false), gpu());
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->sync, wire::SyncMode::Host);
  EXPECT_EQ(ours->sync_reason, "host: driver 1.0 cannot export timeline semaphores; " + kWho + " lists no sync_files");

  const auto theirs = alone(gpu(), gpu(false));
  ASSERT_TRUE(theirs);
  EXPECT_EQ(theirs->sync_reason,
            "host: " + kWho + " lists no timeline semaphores: driver 1.0 cannot export timeline semaphores; " + kWho +
                " lists no sync_files");

  const auto consumers = joined_by(gpu(false));
  ASSERT_TRUE(consumers);
  EXPECT_EQ(consumers->transport, platform::Transport::kOpaqueFd);
  EXPECT_EQ(consumers->sync_reason,
            "host: " + kViewer + " lists no timeline semaphores: driver 1.0 cannot export timeline semaphores; " + kWho +
                " lists no sync_files");

  const auto asked = alone(gpu(), gpu(), wire::SyncMode::Host);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->sync_reason, "host: the producer asked for it");
}

TEST(Negotiation, NeverGivesLessThanWasAskedFor) {
  const auto agreement = alone(gpu(false), gpu(), wire::SyncMode::Timeline);
  ASSERT_FALSE(agreement);
  EXPECT_EQ(agreement.error().code, ErrorCode::kIncompatible);
  EXPECT_EQ(agreement.error().message,
            kWho + " asks for sync mode timeline, but driver 1.0 cannot export timeline semaphores; " + kWho +
                " on device 'GPU' cannot import by dma-buf; " + kWho +
                " asks for sync mode timeline, but transport host-memory has no timelines in common");
  ASSERT_TRUE(agreement.error().conflict);
  EXPECT_EQ(agreement.error().conflict->party, "the broker") << "not a transport";
  EXPECT_EQ(agreement.error().conflict->constraint, "sync mode");
  EXPECT_EQ(alone(gpu(), gpu(), wire::SyncMode::SyncFd).error().code, ErrorCode::kIncompatible);
  EXPECT_EQ(alone(gpu(), gpu(), static_cast<wire::SyncMode>(99)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(joined_by(gpu(), {static_cast<wire::Transport>(99), {}}).error().code, ErrorCode::kInvalidArgument);

  const auto elsewhere = joined_by(gpu(true, 9), {wire::Transport::OpaqueFd, {}});
  ASSERT_FALSE(elsewhere);
  ASSERT_TRUE(elsewhere.error().conflict);
  EXPECT_EQ(elsewhere.error().conflict->party, kViewer);
  EXPECT_EQ(elsewhere.error().conflict->constraint, "device");
}

TEST(Negotiation, OtherDevicesMeetInHostMemory) {
  const auto agreement = joined_by(gpu(true, 9));
  ASSERT_TRUE(agreement) << agreement.error().message;
  EXPECT_EQ(agreement->transport, platform::Transport::kHostMemory);
  EXPECT_EQ(agreement->sync, wire::SyncMode::Host);
  EXPECT_EQ(agreement->sync_reason,
            "host: transport host-memory has no timelines in common; transport host-memory copies a frame once it is complete");
  const std::string& why = agreement->transport_reason;
  for (const std::string& part : {std::string("host-memory, a GPU copy at both ends: "), kViewer,
                                  std::string("09090909-"), std::string("01010101-")})
    EXPECT_NE(why.find(part), std::string::npos) << why;
}

constexpr std::uint64_t kTiled = 0x0300000000606010u;

/// A device that shares BGRA8 in @p modifiers.
platform::DeviceCapabilities dma_gpu(std::uint8_t number, const std::vector<std::uint64_t>& modifiers) {
  auto device = gpu(true, number);
  device.dma_buf = true;
  for (const std::uint64_t modifier : modifiers)
    device.modifiers.push_back({proto::Format::kBgra8Unorm, modifier, 1, proto::kUsageAlways | proto::kUsageRender, true});
  return device;
}

proto::Result<Agreement> dma_buf_between(const platform::DeviceCapabilities& from, const platform::DeviceCapabilities& to,
                                         const Demand& demand = {}, const platform::TextureDesc& image = kImage) {
  const Party consumer = party(to, kViewer);
  const Party* consumers[] = {&consumer};
  return negotiate(&from, party(from), consumers, demand, image);
}

TEST(Negotiation, ModifiersSurviveTheWire) {
  EXPECT_EQ(party(dma_gpu(1, {0, kTiled})).modifiers, dma_gpu(1, {0, kTiled}).modifiers);
}

TEST(Negotiation, OtherDevicesMeetInADmaBufOfAModifierThatAllHave) {
  const auto agreement = dma_buf_between(dma_gpu(1, {kTiled, 0}), dma_gpu(9, {0}));
  ASSERT_TRUE(agreement) << agreement.error().message;
  EXPECT_EQ(agreement->transport, platform::Transport::kDmaBuf);
  EXPECT_EQ(agreement->modifiers, std::vector<std::uint64_t>{0});
  EXPECT_EQ(agreement->sync_reason, "host: transport dma-buf has no timelines in common; " + kWho + " lists no sync_files");
  const std::string& why = agreement->transport_reason;
  EXPECT_EQ(why.find("dma-buf, BGRA8 as LINEAR: opaque-fd needs equal UUIDs"), 0u) << why;
}

/// As dma_gpu(), of a driver that has foreign queues.
platform::DeviceCapabilities foreign_gpu(std::uint8_t number) {
  auto device = dma_gpu(number, {0});
  device.foreign_queues = true;
  return device;
}

TEST(Negotiation, DmaBufsBetweenDriversAreForeignWhereAllCan) {
  const auto agreement = dma_buf_between(foreign_gpu(1), foreign_gpu(9));
  ASSERT_TRUE(agreement) << agreement.error().message;
  EXPECT_EQ(agreement->transport, platform::Transport::kDmaBuf);
  EXPECT_TRUE(agreement->foreign);
  EXPECT_EQ(agreement->transport_reason.find("external"), std::string::npos) << agreement->transport_reason;
}

TEST(Negotiation, WhoHasNoForeignQueuesIsNamed) {
  const auto theirs = dma_buf_between(foreign_gpu(1), dma_gpu(9, {0}));
  ASSERT_TRUE(theirs) << theirs.error().message;
  EXPECT_EQ(theirs->transport, platform::Transport::kDmaBuf);
  EXPECT_FALSE(theirs->foreign);
  const std::string end = "; external queues, because " + kViewer + " on device 'GPU' has no foreign ones";
  EXPECT_TRUE(theirs->transport_reason.ends_with(end)) << theirs->transport_reason;

  const auto ours = dma_buf_between(dma_gpu(1, {0}), foreign_gpu(9));
  ASSERT_TRUE(ours);
  EXPECT_FALSE(ours->foreign);
  EXPECT_TRUE(ours->transport_reason.ends_with("; external queues, because the broker's device 'GPU' has no foreign ones"))
      << ours->transport_reason;

  const auto broker = foreign_gpu(1);
  Party producer = party(broker), consumer = party(foreign_gpu(9), kViewer);
  producer.foreign_queues = false;
  const Party* consumers[] = {&consumer};
  const auto producers = negotiate(&broker, producer, consumers, {}, kImage);
  ASSERT_TRUE(producers);
  EXPECT_FALSE(producers->foreign);
  EXPECT_NE(producers->transport_reason.find("because " + kWho), std::string::npos) << producers->transport_reason;
}

TEST(Negotiation, DmaBufsOfOneDriverAreForeignOnDemandAlone) {
  Demand demand{wire::Transport::DmaBuf, wire::SyncMode::Automatic};
  const auto external = dma_buf_between(foreign_gpu(1), foreign_gpu(1), demand);
  ASSERT_TRUE(external);
  EXPECT_FALSE(external->foreign);
  EXPECT_EQ(external->transport_reason, "dma-buf, BGRA8 as LINEAR: the producer asked for dma-buf alone");
  demand.foreign = true;
  EXPECT_TRUE(dma_buf_between(foreign_gpu(1), foreign_gpu(1), demand)->foreign);
  demand.transport = wire::Transport::HostMemory;
  EXPECT_FALSE(dma_buf_between(foreign_gpu(1), foreign_gpu(1), demand)->foreign) << "each has its own images";
}

TEST(Negotiation, AModifierOfAnotherFormatOrWithoutTheUsageIsNone) {
  const auto to = dma_gpu(9, {0, kTiled});
  auto image = kImage;
  image.format = proto::Format::kRgba8Unorm;
  const auto other_format = dma_buf_between(dma_gpu(1, {0}), to, {}, image);
  ASSERT_TRUE(other_format);
  EXPECT_EQ(other_format->transport, platform::Transport::kHostMemory);
  EXPECT_NE(other_format->transport_reason.find("exports no dma-buf of RGBA8"), std::string::npos);
  image = kImage;
  image.usage |= proto::kUsageStorage;
  EXPECT_EQ(dma_buf_between(dma_gpu(1, {0}), to, {}, image)->transport, platform::Transport::kHostMemory);
  auto import_only = dma_gpu(1, {0});
  import_only.modifiers[0].exports = false;
  EXPECT_EQ(dma_buf_between(import_only, to)->transport, platform::Transport::kHostMemory) << "nobody allocates it";
  auto to_import_only = to;
  for (auto& modifier : to_import_only.modifiers) modifier.exports = false;
  EXPECT_EQ(dma_buf_between(dma_gpu(1, {0}), to_import_only)->transport, platform::Transport::kDmaBuf);
}

TEST(Negotiation, NoModifierInCommonNamesTheFormatAndBothLists) {
  const auto agreement = dma_buf_between(dma_gpu(1, {kTiled}), dma_gpu(9, {0}), {wire::Transport::DmaBuf, {}});
  ASSERT_FALSE(agreement);
  EXPECT_EQ(agreement.error().message,
            kViewer + " on device 'GPU' imports no modifier of BGRA8 that device 'GPU' exports for all; its list: LINEAR; "
                      "the others': 0x0300000000606010");
  ASSERT_TRUE(agreement.error().conflict);
  EXPECT_EQ(agreement.error().conflict->party, kViewer);
  EXPECT_EQ(agreement.error().conflict->constraint, "modifier");
  EXPECT_EQ(agreement.error().conflict->party_has, std::vector<std::string>{"LINEAR"});
  EXPECT_EQ(agreement.error().conflict->others_have, std::vector<std::string>{"0x0300000000606010"});
}

TEST(Negotiation, AModifierThatWasTriedAndFailedIsNotOfferedAgain) {
  const auto from = dma_gpu(1, {0, kTiled});
  Party consumer = party(dma_gpu(9, {0, kTiled}), kViewer);
  const Party* consumers[] = {&consumer};
  consumer.give_up(kTiled, "vkAllocateMemory: VK_ERROR_INVALID_EXTERNAL_HANDLE");
  const auto less = negotiate(&from, party(from), consumers, {}, kImage);
  ASSERT_TRUE(less);
  EXPECT_EQ(less->modifiers, std::vector<std::uint64_t>{0});
  consumer.give_up(std::uint64_t{0}, "vkAllocateMemory: VK_ERROR_INVALID_EXTERNAL_HANDLE");
  const auto none = negotiate(&from, party(from), consumers, {}, kImage);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->transport, platform::Transport::kHostMemory);
  EXPECT_NE(none->transport_reason.find("cannot import by dma-buf: vkAllocateMemory"), std::string::npos);
}

TEST(Negotiation, HostMemoryNeedsNoDeviceOfTheBrokers) {
  const auto agreement = negotiate(nullptr, party(gpu()), {}, {}, kImage);
  ASSERT_TRUE(agreement) << agreement.error().message;
  EXPECT_EQ(agreement->transport, platform::Transport::kHostMemory);
  EXPECT_NE(agreement->transport_reason.find("none of the broker's devices"), std::string::npos);
  EXPECT_FALSE(negotiate(nullptr, party(without_host_memory()), {}, {}, kImage));
}

// ---- sync-fd

/// As gpu(), with fences.
platform::DeviceCapabilities fencing(bool timelines = true, std::uint8_t number = 1) {
  auto device = gpu(timelines, number);
  device.sync_fd = true;
  return device;
}

Party lends_none(const platform::DeviceCapabilities& device, const std::string& who) {
  Party out = party(device, who);
  std::erase(out.sync_modes, wire::SyncMode::SyncFd);
  out.sync_fd_reason = "no queue is lent (ferry_device_lend_queue)";
  return out;
}

TEST(Negotiation, FencesAreBetterThanHostAndWorseThanTimelines) {
  const auto both = alone(fencing(), fencing());
  ASSERT_TRUE(both);
  EXPECT_EQ(both->sync, wire::SyncMode::Timeline);
  const auto fences = alone(fencing(false), fencing(false));
  ASSERT_TRUE(fences);
  EXPECT_EQ(fences->sync, wire::SyncMode::SyncFd);
  EXPECT_EQ(fences->transport, platform::Transport::kOpaqueFd);
  EXPECT_EQ(fences->sync_reason, "sync-fd, a fence a frame: driver 1.0 cannot export timeline semaphores");
  EXPECT_TRUE(fences->publishes_early());
  EXPECT_FALSE(fences->uses_timelines());
}

TEST(Negotiation, FencesCrossBetweenTwoDriversByDmaBuf) {
  auto from = fencing(), to = fencing(true, 9);
  for (auto* device : {&from, &to}) {
    device->dma_buf = true;
    device->modifiers = {{proto::Format::kBgra8Unorm, 0, 1, proto::kUsageAll, true}};
  }
  const Party consumer = party(to, kViewer);
  const Party* consumers[] = {&consumer};
  const auto agreement = negotiate(&from, party(from), consumers, {}, kImage);
  ASSERT_TRUE(agreement) << agreement.error().message;
  EXPECT_EQ(agreement->transport, platform::Transport::kDmaBuf);
  EXPECT_EQ(agreement->sync, wire::SyncMode::SyncFd);
  EXPECT_EQ(agreement->sync_reason, "sync-fd, a fence a frame: transport dma-buf has no timelines in common");
}

TEST(Negotiation, WhoLendsNoQueueIsNamed) {
  const auto ours = fencing(false);
  const Party consumer = lends_none(ours, kViewer);
  const Party* consumers[] = {&consumer};
  const auto agreement = negotiate(&ours, party(ours), consumers, {}, kImage);
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->sync, wire::SyncMode::Host);
  EXPECT_EQ(agreement->sync_reason, "host: driver 1.0 cannot export timeline semaphores; " + kViewer +
                                        " lists no sync_files: no queue is lent (ferry_device_lend_queue)");
  const auto asked = negotiate(&ours, party(ours), consumers, {wire::Transport::None, wire::SyncMode::SyncFd}, kImage);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ErrorCode::kIncompatible);
  EXPECT_NE(asked.error().message.find(kWho + " asks for sync mode sync-fd, but " + kViewer +
                                       " lists no sync_files: no queue is lent (ferry_device_lend_queue)"),
            std::string::npos)
      << asked.error().message;
  ASSERT_TRUE(asked.error().conflict);
  EXPECT_EQ(asked.error().conflict->party, kViewer);
  EXPECT_EQ(asked.error().conflict->constraint, "sync mode");
  EXPECT_EQ(asked.error().conflict->party_has, std::vector<std::string>{"host"});
  EXPECT_EQ(asked.error().conflict->others_have, std::vector<std::string>{"sync-fd"});
}

TEST(Negotiation, SoftwareDriversFenceOnDemandAlone) {
  auto software = fencing(false);
  software.is_software = true;
  const auto best = alone(software, software);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->sync, wire::SyncMode::Host);
  EXPECT_EQ(best->sync_reason, "host: driver 1.0 cannot export timeline semaphores");
  const auto asked = alone(software, software, wire::SyncMode::SyncFd);
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->sync, wire::SyncMode::SyncFd);
  EXPECT_EQ(asked->sync_reason, "sync-fd: the producer asked for it");
}

TEST(Negotiation, FencesAreNoneOfHostMemorys) {
  const auto agreement = negotiate(nullptr, party(fencing()), {}, {wire::Transport::None, wire::SyncMode::SyncFd}, kImage);
  ASSERT_FALSE(agreement);
  EXPECT_NE(agreement.error().message.find(
                kWho + " asks for sync mode sync-fd, but transport host-memory copies a frame once it is complete"),
            std::string::npos)
      << agreement.error().message;
}

TEST(Negotiation, ASyncModeOnlyEverGivesWay) {
  struct Case {
    wire::SyncMode in_use;
    bool timelines, fences, channels;
    wire::SyncMode expected;
  };
  using wire::SyncMode;
  for (const Case& c : {
           Case{SyncMode::Automatic, true, true, true, SyncMode::Timeline},
           Case{SyncMode::Automatic, false, true, true, SyncMode::SyncFd},
           Case{SyncMode::Automatic, false, false, true, SyncMode::Host},
           Case{SyncMode::Timeline, true, true, true, SyncMode::Timeline},
           Case{SyncMode::Timeline, false, true, true, SyncMode::SyncFd},
           Case{SyncMode::Timeline, false, true, false, SyncMode::Host},
           Case{SyncMode::Timeline, false, false, true, SyncMode::Host},
           Case{SyncMode::SyncFd, true, true, true, SyncMode::SyncFd},
           Case{SyncMode::SyncFd, false, true, true, SyncMode::SyncFd},
           Case{SyncMode::SyncFd, true, false, true, SyncMode::Host},
           Case{SyncMode::SyncFd, false, false, true, SyncMode::Host},
           Case{SyncMode::Host, true, true, true, SyncMode::Host},
           Case{SyncMode::Host, false, true, true, SyncMode::Host},
       }) {
    auto device = gpu(c.timelines);
    device.sync_fd = c.fences;
    Demand demand;
    demand.in_use = c.in_use;
    demand.leases_have_channels = c.channels;
    const auto agreement = negotiate(&device, party(device), {}, demand, kImage);
    ASSERT_TRUE(agreement);
    EXPECT_EQ(agreement->sync, c.expected) << sync_mode_name(c.in_use) << " timelines " << c.timelines << " fences "
                                           << c.fences << " channels " << c.channels << ": " << agreement->sync_reason;
  }
}

TEST(Negotiation, ADemandIsGranted) {
  const auto agreement = joined_by(gpu(), {wire::Transport::HostMemory, wire::SyncMode::Automatic});
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->transport, platform::Transport::kHostMemory);
  EXPECT_EQ(agreement->transport_reason,
            "host-memory, a GPU copy at both ends: the producer asked for host-memory alone");
}

TEST(Negotiation, NothingInCommonNamesPartyConstraintAndBothLists) {
  auto lonely = without_host_memory();
  lonely.device_uuid.fill(9);
  const auto agreement = joined_by(lonely);
  ASSERT_FALSE(agreement);
  EXPECT_EQ(agreement.error().code, ErrorCode::kIncompatible);
  const std::string& text = agreement.error().message;
  EXPECT_NE(text.find("opaque-fd needs equal UUIDs"), std::string::npos) << text;
  EXPECT_NE(text.find(kViewer + " on device 'GPU' cannot import by host-memory: driver 1.0 has no "
                                "VK_EXT_external_memory_host"),
            std::string::npos)
      << text;
  ASSERT_TRUE(agreement.error().conflict);
  const proto::Conflict& conflict = *agreement.error().conflict;
  EXPECT_EQ(conflict.party, kViewer);
  EXPECT_EQ(conflict.constraint, "transport");
  EXPECT_EQ(conflict.party_has, std::vector<std::string>{"opaque-fd"});
  EXPECT_EQ(conflict.others_have, std::vector<std::string>{"host-memory"});
}

TEST(Negotiation, TheBrokersOwnLackIsNamed) {
  const auto ours = without_opaque_fd();
  const auto agreement = negotiate(&ours, party(gpu()), {}, {wire::Transport::OpaqueFd, {}}, kImage);
  ASSERT_FALSE(agreement);
  EXPECT_NE(agreement.error().message.find(
                "the broker's device 'GPU' exports no textures: driver 1.0 has no VK_KHR_external_memory_fd"),
            std::string::npos)
      << agreement.error().message;
}

TEST(Negotiation, WhatWasTriedAndFailedIsNotOfferedAgain) {
  const auto ours = gpu();
  Party consumer = party(gpu(), kViewer);
  consumer.give_up(wire::Transport::OpaqueFd, "vkAllocateMemory: VK_ERROR_INVALID_EXTERNAL_HANDLE");
  const Party* consumers[] = {&consumer};
  const auto agreement = negotiate(&ours, party(ours), consumers, {}, kImage);
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->transport, platform::Transport::kHostMemory);
  EXPECT_NE(agreement->transport_reason.find("cannot import by opaque-fd: vkAllocateMemory"), std::string::npos)
      << agreement->transport_reason;
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
