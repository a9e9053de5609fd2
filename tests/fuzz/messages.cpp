#include "tests/fuzz/messages.h"

#include "proto/format.h"
#include "proto/usage.h"

namespace ferry::fuzz {

namespace {

std::unique_ptr<wire::ImageT> some_image(Input& input) {
  auto image = std::make_unique<wire::ImageT>();
  const std::uint8_t kind = input.byte();
  image->width_px = kind < 220 ? 1 + kind : static_cast<std::uint32_t>(input.interesting());
  image->height_px = kind < 220 ? 1 + kind / 2 : static_cast<std::uint32_t>(input.interesting());
  image->format = kind < 220 ? static_cast<std::uint8_t>(proto::Format::kRgba8Unorm) : input.byte();
  if (kind >= 220) {
    image->usage = static_cast<std::uint32_t>(input.interesting());
    image->flags = static_cast<std::uint32_t>(input.interesting());
  }
  return image;
}

std::unique_ptr<wire::OwnSlotsT> some_own_slots(Input& input) {
  const std::uint8_t kind = input.byte();
  if (kind > 250) return nullptr;
  auto own = std::make_unique<wire::OwnSlotsT>();
  own->slot_count = kind % 12;
  own->allocation_size = kind < 200 ? 65536 : input.interesting();
  own->modifier = kind < 100 ? kind % 5 : input.interesting();
  const std::uint32_t planes = kind < 150 ? 1 : input.below(7);
  for (std::uint32_t i = 0; i < planes; ++i) own->planes.emplace_back(kind < 200 ? 0 : input.interesting(), kind < 220 ? 512 : input.interesting());
  return own;
}

}  // namespace

std::string some_name(Input& input) {
  const std::uint8_t kind = input.byte();
  if (kind < 200) return std::string(1, static_cast<char>('a' + kind % 3));
  const auto bytes = input.take(kind % 8);
  return {bytes.begin(), bytes.end()};
}

std::unique_ptr<wire::DeviceT> some_device(Input& input, std::uint8_t number) {
  const std::uint8_t kind = input.byte();
  if (kind > 250) return nullptr;
  auto device = std::make_unique<wire::DeviceT>();
  const auto filled = [](std::uint8_t byte) {
    const std::uint64_t word = 0x0101010101010101u * byte;
    return std::make_unique<wire::Uuid>(word, word);
  };
  device->device_uuid = filled(kind > 240 ? std::uint8_t{9} : number);
  device->driver_uuid = filled(0xdd);
  device->transports = {wire::Transport::OpaqueFd};
  if (kind > 100) device->transports.push_back(wire::Transport::DmaBuf);
  const bool fits = kind % 2 == 0;
  for (std::uint8_t i = 0; i < kind % 5; ++i)
    device->modifiers.emplace_back(i == 2 ? ~std::uint64_t{0} : i, fits ? proto::kUsageAll : kind % 64u,
                                   fits ? static_cast<std::uint8_t>(proto::Format::kRgba8Unorm) : static_cast<std::uint8_t>(i * 3),
                                   fits ? std::uint8_t{1} : i, i != 1);
  device->sync_modes = {wire::SyncMode::Timeline, wire::SyncMode::Host};
  if (kind > 230) device->sync_modes.pop_back();
  if (kind % 3 == 2) device->sync_modes.push_back(wire::SyncMode::SyncFd);
  device->foreign_queues = kind % 7 == 3;
  return device;
}

std::unique_ptr<wire::GenerationT> some_generation(Input& input) {
  if (input.byte() > 250) return nullptr;
  auto generation = std::make_unique<wire::GenerationT>();
  generation->id = static_cast<std::uint32_t>(input.interesting());
  generation->image = some_image(input);
  generation->slot_count = 3 + input.below(4);
  generation->transport = input.below(4) == 0 ? static_cast<wire::Transport>(input.below(5)) : wire::Transport::OpaqueFd;
  generation->has_timeline = input.below(4) == 0;
  generation->allocation_size = input.byte() < 200 ? 4096 : input.interesting();
  generation->row_pitch = static_cast<std::uint32_t>(input.interesting());
  if (input.below(4) == 0) {
    generation->transport = wire::Transport::DmaBuf;
    generation->modifier = input.interesting();
    for (std::uint32_t planes = input.below(7); planes > 0; --planes)
      generation->planes.emplace_back(input.interesting(), input.interesting());
  }
  generation->reason = some_name(input);
  return generation;
}

wire::BodyUnion some_hand_back(Input& input, std::uint8_t device_number) {
  wire::BodyUnion body;
  switch (input.below(4)) {
    case 0: {
      wire::HandBackGenerationT part;
      part.stream = input.interesting();
      part.generation = some_generation(input);
      body.Set(std::move(part));
      break;
    }
    case 1: {
      wire::HandBackLeaseT part;
      part.stream = input.interesting();
      part.lease = input.interesting();
      part.lease_index = static_cast<std::uint32_t>(input.interesting());
      part.mode = static_cast<wire::ConsumerMode>(input.below(4));
      part.max_holds = input.below(18);
      part.queue_depth = input.below(34);
      part.has_release_timeline = input.below(2) == 0;
      const std::uint8_t how = input.byte();
      part.completed_only = how % 4 == 0;
      part.has_fence_channel = how >= 192;
      body.Set(part);
      break;
    }
    case 2: {
      wire::ReclaimStreamT claim;
      claim.stream = input.interesting();
      claim.name = some_name(input);
      claim.device = some_device(input, device_number);
      claim.sync_mode = static_cast<wire::SyncMode>(input.below(5));
      claim.queue_policy = static_cast<wire::QueuePolicy>(input.below(4));
      claim.frames_in_flight = 1 + input.below(9);
      claim.next_sequence = input.interesting();
      claim.newest_generation = static_cast<std::uint32_t>(input.interesting());
      claim.producers = static_cast<std::uint32_t>(input.interesting());
      body.Set(std::move(claim));
      break;
    }
    default: {
      wire::ReclaimLeaseT claim;
      claim.stream = input.interesting();
      claim.name = some_name(input);
      claim.lease = input.interesting();
      claim.lease_index = static_cast<std::uint32_t>(input.interesting());
      claim.mode = static_cast<wire::ConsumerMode>(input.below(4));
      claim.max_holds = input.below(18);
      claim.queue_depth = input.below(34);
      claim.has_release_timeline = input.below(2) == 0;
      const std::uint8_t how = input.byte();
      claim.completed_only = how % 4 == 0;
      claim.has_fence_channel = how >= 192;
      claim.device = some_device(input, device_number);
      claim.queue_policy = static_cast<wire::QueuePolicy>(input.below(4));
      claim.next_sequence = input.interesting();
      claim.newest_generation = static_cast<std::uint32_t>(input.interesting());
      claim.newest_known = static_cast<std::uint32_t>(input.interesting());
      claim.producers = static_cast<std::uint32_t>(input.interesting());
      body.Set(std::move(claim));
    }
  }
  return body;
}

namespace {

wire::CreateStreamT some_stream(Input& input, std::uint8_t device_number) {
  wire::CreateStreamT create;
  create.name = some_name(input);
  create.image = some_image(input);
  create.device = some_device(input, device_number);
  create.sync_mode = static_cast<wire::SyncMode>(input.below(5));
  create.queue_policy = static_cast<wire::QueuePolicy>(input.below(4));
  create.frames_in_flight = 1 + input.below(9);
  create.min_slots = input.below(20);
  return create;
}

/// What only newer clients say.
wire::BodyUnion some_newer_request(Input& input, std::uint8_t device_number) {
  wire::BodyUnion body;
  switch (input.below(4)) {
    case 0: {
      wire::ImportFailedT failed;
      failed.stream = input.interesting();
      failed.lease = input.interesting();
      failed.generation = static_cast<std::uint32_t>(input.interesting());
      failed.reason = some_name(input);
      body.Set(std::move(failed));
      break;
    }
    case 1: {
      wire::CreateStreamT create = some_stream(input, device_number);
      create.transport = static_cast<wire::Transport>(input.below(5));
      create.own = some_own_slots(input);
      body.Set(std::move(create));
      break;
    }
    case 2: {
      wire::ReconfigureT reconfigure;
      reconfigure.stream = input.interesting();
      reconfigure.image = some_image(input);
      reconfigure.own = some_own_slots(input);
      body.Set(std::move(reconfigure));
      break;
    }
    default: {
      wire::QueryStatusT query;
      query.first_stream = input.interesting();
      query.first_lease = input.interesting();
      body.Set(query);
    }
  }
  return body;
}

}  // namespace

wire::BodyUnion some_request(Input& input, std::uint8_t device_number) {
  wire::BodyUnion body;
  const std::uint8_t what = input.byte();
  if (what >= 200) return some_hand_back(input, device_number);
  if (what >= 176) return some_newer_request(input, device_number);
  switch (what % 11) {
    case 0: {
      wire::HelloT hello;
      hello.protocol_min = 1;
      hello.protocol_max = static_cast<std::uint16_t>(1 + input.interesting());
      hello.application = some_name(input);
      body.Set(std::move(hello));
      break;
    }
    case 1: {
      body.Set(some_stream(input, device_number));
      break;
    }
    case 2: {
      wire::ReconfigureT reconfigure;
      reconfigure.stream = input.interesting();
      reconfigure.image = some_image(input);
      body.Set(std::move(reconfigure));
      break;
    }
    case 3: {
      wire::GenerationsRetiredT retired;
      retired.stream = input.interesting();
      retired.newest = static_cast<std::uint32_t>(input.interesting());
      body.Set(retired);
      break;
    }
    case 4: {
      wire::ReportStarvedT starved;
      starved.stream = input.interesting();
      for (std::uint32_t i = input.below(4); i > 0; --i) starved.leases.push_back(input.interesting());
      starved.starved_ms = static_cast<std::uint32_t>(input.interesting());
      body.Set(std::move(starved));
      break;
    }
    case 5: {
      wire::CloseStreamT close;
      close.stream = input.interesting();
      body.Set(close);
      break;
    }
    case 6:
    case 7: {
      wire::AttachT attach;
      attach.name = some_name(input);
      attach.device = some_device(input, device_number);
      attach.mode = static_cast<wire::ConsumerMode>(input.below(4));
      attach.max_holds = input.below(18);
      attach.queue_depth = input.below(34);
      attach.wait = input.below(2) == 0;
      body.Set(std::move(attach));
      break;
    }
    case 8: {
      wire::CancelAttachT cancel;
      cancel.request = input.interesting();
      body.Set(cancel);
      break;
    }
    case 9: {
      wire::DetachT detach;
      detach.lease = input.interesting();
      body.Set(detach);
      break;
    }
    default: {
      wire::QueryStatusT query;
      query.first_stream = input.interesting();
      body.Set(query);
    }
  }
  return body;
}

}  // namespace ferry::fuzz
