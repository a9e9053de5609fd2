#include "message_samples.h"

#include <memory>
#include <utility>

namespace ferry::proto::testing {
namespace {

std::unique_ptr<wire::ImageT> image() {
  wire::ImageT image;
  image.width_px = 1920;
  image.height_px = 1080;
  image.format = 3;
  image.usage = 7;
  image.flags = 1;
  return std::make_unique<wire::ImageT>(image);
}

std::unique_ptr<wire::DeviceT> device() {
  auto device = std::make_unique<wire::DeviceT>();
  device->device_uuid = std::make_unique<wire::Uuid>(0x1122334455667788u, 0x99aabbccddeeff00u);
  device->driver_uuid = std::make_unique<wire::Uuid>(1u, 2u);
  device->name = "llvmpipe (LLVM 15.0.6, 256 bits)";
  device->driver = "llvmpipe Mesa 22.3.6";
  device->is_software = true;
  device->transports = {wire::Transport::OpaqueFd, wire::Transport::HostMemory};
  device->sync_modes = {wire::SyncMode::Timeline, wire::SyncMode::SyncFd, wire::SyncMode::Host};
  device->sync_fd_reason = "no queue is lent";
  device->sync_reason = "it exports timeline semaphores";
  device->lacks.push_back(std::make_unique<wire::TransportLackT>());
  device->lacks.back()->transport = wire::Transport::DmaBuf;
  device->lacks.back()->reason = "no extension";
  device->modifiers = {wire::FormatModifier(0x0300000000606010u, 0x1f, 3, 1, true), wire::FormatModifier(0, 0x1e, 1, 2, false)};
  return device;
}

std::unique_ptr<wire::ConflictT> conflict() {
  auto conflict = std::make_unique<wire::ConflictT>();
  conflict->party = "consumer 'viewer' (pid 4211)";
  conflict->constraint = "transport";
  conflict->party_has = {"host-memory"};
  conflict->others_have = {"opaque-fd", "dma-buf"};
  return conflict;
}

wire::RefusedT refused() {
  wire::RefusedT refused;
  refused.code = -13;
  refused.message = "nothing in common";
  refused.conflict = conflict();
  return refused;
}

std::unique_ptr<wire::GenerationT> generation() {
  auto generation = std::make_unique<wire::GenerationT>();
  generation->id = 4;
  generation->image = image();
  generation->slot_count = kSampleSlots;
  generation->transport = wire::Transport::OpaqueFd;
  generation->has_timeline = true;
  generation->sync_mode = wire::SyncMode::Timeline;
  generation->allocation_size = std::uint64_t{1} << 33;
  generation->memory_type_index = 2;
  generation->dedicated = true;
  generation->reason = "resize";
  generation->row_pitch = 7680;
  generation->transport_reason = "equal UUIDs";
  generation->sync_reason = "both export";
  generation->modifier = 0x0300000000606010u;
  generation->planes = {wire::Plane(0, 8192), wire::Plane(std::uint64_t{1} << 32, 512)};
  return generation;
}

std::unique_ptr<wire::ClientStatusT> client() {
  auto client = std::make_unique<wire::ClientStatusT>();
  client->pid = 4211;
  client->uid = 1000;
  client->process = "viewer";
  client->application = "Editor";
  return client;
}

std::unique_ptr<wire::LeaseStatusT> lease() {
  auto lease = std::make_unique<wire::LeaseStatusT>();
  lease->lease = 9;
  lease->consumer = client();
  lease->mode = wire::ConsumerMode::Every;
  lease->max_holds = 2;
  lease->queue_depth = 4;
  lease->held = 1;
  lease->lag_frames = 3;
  lease->acquired = 1000;
  lease->skipped = 5;
  lease->latency_p50_ns = 100'000;
  lease->latency_p99_ns = 400'000;
  lease->last_seen_ns = 16'000'000;
  lease->admitted = true;
  lease->sync_mode = wire::SyncMode::Host;
  lease->sync_reason = "another trust domain";
  return lease;
}

std::unique_ptr<wire::StreamStatusT> stream() {
  auto stream = std::make_unique<wire::StreamStatusT>();
  stream->stream = 3;
  stream->name = "cam";
  stream->state = wire::StreamState::Live;
  stream->generation = generation();
  stream->sync_mode = wire::SyncMode::Host;
  stream->sync_reason = "no semaphore export";
  stream->transport_reason = "same driver";
  stream->queue_policy = wire::QueuePolicy::Block;
  stream->device = "llvmpipe";
  stream->memory_bytes = 50'000'000;
  stream->producer = client();
  stream->frames = 77;
  stream->rate_mhz = 60'000;
  stream->last_frame_age_ns = 5;
  stream->starved = 1;
  stream->leases.push_back(lease());
  stream->leases.push_back(lease());
  return stream;
}

std::unique_ptr<wire::BrokerStatusT> broker() {
  auto broker = std::make_unique<wire::BrokerStatusT>();
  broker->pid = 99;
  broker->version = "0.1.0";
  broker->socket = "/run/ferry/ferryd.sock";
  broker->uptime_ns = 1;
  broker->sessions = 2;
  broker->streams = 3;
  broker->leases = 4;
  broker->memory_bytes = 5;
  broker->memory_limit_bytes = 6;
  broker->devices.push_back(device());
  return broker;
}

wire::CreateStreamT create_stream() {
  wire::CreateStreamT body;
  body.name = "cam";
  body.image = image();
  body.device = device();
  body.sync_mode = wire::SyncMode::Timeline;
  body.queue_policy = wire::QueuePolicy::Drop;
  body.frames_in_flight = 2;
  body.min_slots = 6;
  return body;
}

wire::AttachT attach() {
  wire::AttachT body;
  body.name = "cam";
  body.device = device();
  body.mode = wire::ConsumerMode::Every;
  body.max_holds = 2;
  body.queue_depth = 4;
  body.wait = true;
  return body;
}

wire::HelloReplyT hello_reply() {
  wire::HelloReplyT body;
  body.protocol = 1;
  body.protocol_min = 1;
  body.protocol_max = 1;
  body.broker_version = "0.1.0";
  body.broker_pid = 17;
  body.session = 5;
  body.devices.push_back(device());
  body.client_pid = 4211;
  body.client_started = 123456;
  body.takes_back = true;
  return body;
}

wire::StreamCreatedT stream_created() {
  wire::StreamCreatedT body;
  body.stream = 3;
  body.sync_mode = wire::SyncMode::Timeline;
  body.sync_reason = "asked for";
  body.transport_reason = "same driver";
  body.first_sequence = 120;
  body.generation = generation();
  return body;
}

wire::AttachedT attached() {
  wire::AttachedT body;
  body.stream = 3;
  body.lease = 9;
  body.lease_index = 1;
  body.sync_mode = wire::SyncMode::Timeline;
  body.sync_reason = "asked for";
  body.transport_reason = "same driver";
  body.has_release_timeline = true;
  body.state = wire::StreamState::Live;
  body.generation = generation();
  body.producer_pid = 12;
  body.queue_policy = wire::QueuePolicy::Block;
  body.has_fence_channel = true;
  return body;
}

wire::HandBackGenerationT hand_back_generation() {
  wire::HandBackGenerationT body;
  body.stream = 3;
  body.generation = generation();
  return body;
}

wire::HandBackLeaseT hand_back_lease() {
  wire::HandBackLeaseT body;
  body.stream = 3;
  body.lease = 9;
  body.lease_index = 1;
  body.mode = wire::ConsumerMode::Every;
  body.max_holds = 2;
  body.queue_depth = 4;
  body.has_release_timeline = true;
  body.completed_only = true;
  body.has_fence_channel = true;
  return body;
}

wire::ReclaimStreamT reclaim_stream() {
  wire::ReclaimStreamT body;
  body.stream = 3;
  body.name = "cam";
  body.device = device();
  body.transport = wire::Transport::OpaqueFd;
  body.sync_mode = wire::SyncMode::Timeline;
  body.queue_policy = wire::QueuePolicy::Block;
  body.frames_in_flight = 2;
  body.min_slots = 4;
  body.next_sequence = 77;
  body.newest_generation = 5;
  body.producers = 2;
  return body;
}

wire::ReclaimLeaseT reclaim_lease() {
  wire::ReclaimLeaseT body;
  body.stream = 3;
  body.name = "cam";
  body.lease = 9;
  body.lease_index = 1;
  body.mode = wire::ConsumerMode::Every;
  body.max_holds = 2;
  body.queue_depth = 4;
  body.has_release_timeline = true;
  body.completed_only = true;
  body.device = device();
  body.queue_policy = wire::QueuePolicy::Block;
  body.next_sequence = 77;
  body.newest_generation = 5;
  body.newest_known = 4;
  body.producers = 2;
  body.has_fence_channel = true;
  return body;
}

wire::LeaseEndedT lease_ended() {
  wire::LeaseEndedT body;
  body.stream = 3;
  body.lease = 9;
  body.lease_index = 1;
  body.reason = wire::EndReason::Evicted;
  body.message = "held too long";
  body.to_consumer = true;
  body.conflict = conflict();
  return body;
}

wire::LeaseAddedT lease_added() {
  wire::LeaseAddedT body;
  body.stream = 3;
  body.lease = 9;
  body.lease_index = 1;
  body.mode = wire::ConsumerMode::Latest;
  body.max_holds = 2;
  body.queue_depth = 1;
  body.has_release_timeline = true;
  body.consumer_pid = 13;
  body.has_fence_channel = true;
  return body;
}

wire::StatusReplyT status_reply() {
  wire::StatusReplyT body;
  body.broker = broker();
  body.streams.push_back(stream());
  body.streams.push_back(stream());
  body.next_stream = 8;
  return body;
}

wire::ReconfigureT reconfigure() {
  wire::ReconfigureT body;
  body.stream = 3;
  body.image = image();
  return body;
}

wire::GenerationStartedT generation_started() {
  wire::GenerationStartedT body;
  body.stream = 3;
  body.generation = generation();
  body.lease = 9;
  return body;
}

wire::ProducerChangedT producer_changed() {
  wire::ProducerChangedT body;
  body.stream = 3;
  body.generation = generation();
  body.producer_pid = 12;
  body.lease = 9;
  body.queue_policy = wire::QueuePolicy::Block;
  return body;
}

template <class Table>
wire::BodyUnion body_of(Table table) {
  wire::BodyUnion body;
  body.Set(std::move(table));
  return body;
}

}  // namespace

wire::BodyUnion sample_body(wire::Body type) {
  using wire::Body;
  switch (type) {
    case Body::NONE:
      return {};
    case Body::Hello:
      return body_of(wire::HelloT{{}, 1, 2, "0.1.0", "Editor"});
    case Body::CreateStream:
      return body_of(create_stream());
    case Body::Reconfigure:
      return body_of(reconfigure());
    case Body::GenerationsRetired:
      return body_of(wire::GenerationsRetiredT{{}, 3, 4});
    case Body::ReportStarved:
      return body_of(wire::ReportStarvedT{{}, 3, {9, 10}, 500});
    case Body::CloseStream:
      return body_of(wire::CloseStreamT{{}, 3});
    case Body::Attach:
      return body_of(attach());
    case Body::CancelAttach:
      return body_of(wire::CancelAttachT{{}, 21});
    case Body::Detach:
      return body_of(wire::DetachT{{}, 9});
    case Body::QueryStatus:
      return body_of(wire::QueryStatusT{{}, 3});
    case Body::HelloReply:
      return body_of(hello_reply());
    case Body::Refused:
      return body_of(refused());
    case Body::Done:
      return body_of(wire::DoneT{});
    case Body::StreamCreated:
      return body_of(stream_created());
    case Body::Attached:
      return body_of(attached());
    case Body::GenerationStarted:
      return body_of(generation_started());
    case Body::ProducerChanged:
      return body_of(producer_changed());
    case Body::LeaseAdded:
      return body_of(lease_added());
    case Body::LeaseEnded:
      return body_of(lease_ended());
    case Body::StreamStateChanged:
      return body_of(wire::StreamStateChangedT{{}, 3, wire::StreamState::Orphaned, "producer died", 9});
    case Body::StatusReply:
      return body_of(status_reply());
    case Body::Goodbye:
      return body_of(wire::GoodbyeT{{}, -8, "no version in common"});
    case Body::ImportFailed:
      return body_of(wire::ImportFailedT{{}, 3, 9, 4, "vkAllocateMemory"});
    case Body::HandBackGeneration:
      return body_of(hand_back_generation());
    case Body::HandBackLease:
      return body_of(hand_back_lease());
    case Body::ReclaimStream:
      return body_of(reclaim_stream());
    case Body::ReclaimLease:
      return body_of(reclaim_lease());
    case Body::StreamRestored:
      return body_of(wire::StreamRestoredT{{}, 3});
    case Body::LeaseRestored:
      return body_of(wire::LeaseRestoredT{{}, 3, 9, wire::StreamState::Orphaned});
  }
  return {};
}

std::vector<wire::Body> all_bodies() {
  std::vector<wire::Body> bodies;
  for (const wire::Body body : wire::EnumValuesBody())
    if (body != wire::Body::NONE) bodies.push_back(body);
  return bodies;
}

}  // namespace ferry::proto::testing
