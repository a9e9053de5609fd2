#include "daemon/status_report.h"

#include <unistd.h>

#include <algorithm>

#include "daemon/wire_convert.h"
#include "proto/histogram.h"

namespace ferry::daemon {
namespace {

constexpr std::size_t kMaxStreamsPerReply = 24;
// Upper bounds of what a table takes as FlatBuffers: scalars, offsets, vtable and alignment, without its strings.
constexpr std::size_t kStreamBytes = 640;
constexpr std::size_t kLeaseBytes = 256;
constexpr std::size_t kStringBytes = 12;
// Of kMaxMessageBytes; the rest is for the envelope and the broker's own part.
constexpr std::size_t kBudgetBytes = 48 * 1024;
constexpr std::int64_t kRateWindowNs = 2'000'000'000;

std::uint64_t age_ns(std::uint64_t then_ns, std::int64_t now_ns) {
  const auto now = static_cast<std::uint64_t>(now_ns);
  return then_ns == 0 || then_ns > now ? 0 : now - then_ns;
}

std::size_t bytes_of(const wire::ClientStatusT& client) {
  return client.process.size() + client.application.size() + 2 * kStringBytes;
}

std::unique_ptr<wire::ClientStatusT> client_status(const Process& process, const std::string& application) {
  auto out = std::make_unique<wire::ClientStatusT>();
  out->pid = static_cast<std::uint32_t>(process.pid());
  out->uid = process.uid();
  out->process = process.name();
  out->application = application;
  return out;
}

std::unique_ptr<wire::LeaseStatusT> lease_status(const Stream& stream, const Lease& lease,
                                                 std::int64_t now_ns) {
  const proto::StreamPageReader frames = stream.frames();
  const proto::LeasePage& page = lease.page->page();
  const proto::LeasePageReader reader(page);
  auto out = std::make_unique<wire::LeaseStatusT>();
  out->lease = raw(lease.id);
  out->consumer = client_status(*lease.session->process(), lease.session->application());
  out->mode = static_cast<wire::ConsumerMode>(lease.need.mode);
  out->max_holds = lease.need.max_holds;
  out->queue_depth = lease.need.queue_depth;
  for (const auto& slot : page.slots) out->held += slot.held.load(std::memory_order_relaxed) != 0 ? 1 : 0;
  const std::uint64_t published = frames.published();
  const std::uint64_t cursor = reader.cursor();
  out->acquired = page.acquired.load(std::memory_order_relaxed);
  out->lag_frames = out->acquired != 0 && published > cursor ? published - cursor : 0;
  out->skipped = page.skipped.load(std::memory_order_relaxed);
  proto::LatencyHistogram latency;
  for (std::uint32_t i = 0; i < proto::LatencyHistogram::kBuckets; ++i)
    latency.counts[i] = page.latency[i].load(std::memory_order_relaxed);
  out->latency_p50_ns = latency.percentile_ns(0.50);
  out->latency_p99_ns = latency.percentile_ns(0.99);
  out->last_seen_ns = age_ns(page.heartbeat_ns.load(std::memory_order_relaxed), now_ns);
  out->sync_mode = stream.sync_of(lease);
  out->sync_reason = stream.sync_reason_of(lease);
  out->admitted = frames.is_admitted(lease.index, lease.id);
  return out;
}

std::unique_ptr<wire::StreamStatusT> stream_status(const Stream& stream, std::int64_t now_ns) {
  const Producer& producer = stream.producer();
  const proto::StreamPageReader frames = stream.frames();
  auto out = std::make_unique<wire::StreamStatusT>();
  out->stream = raw(stream.id());
  out->name = stream.name();
  out->state = static_cast<wire::StreamState>(stream.state());
  out->generation = stream.newest_generation().describe();
  out->sync_mode = stream.agreement().sync;
  out->sync_reason = stream.agreement().sync_reason;
  out->transport_reason = stream.agreement().transport_reason;
  out->queue_policy = static_cast<wire::QueuePolicy>(producer.queue_policy);
  out->device = stream.device_name();
  out->memory_bytes = stream.memory_bytes();
  out->producer = client_status(*producer.process, producer.application);
  // A producer that took over counts on from where the one before was.
  out->frames = std::max(frames.published(), stream.first_sequence() - 1);
  out->rate_mhz = frame_rate_mhz(frames, now_ns);
  if (const auto newest = frames.read(frames.published())) out->last_frame_age_ns = age_ns(newest->produced_ns, now_ns);
  out->starved = frames.page().starved.load(std::memory_order_relaxed);
  out->slots_required = stream.slots_required();
  out->device_uuid = std::make_unique<wire::Uuid>(to_wire(stream.device_uuid()));
  return out;
}

std::size_t bytes_of(const wire::LeaseStatusT& lease) {
  return kLeaseBytes + bytes_of(*lease.consumer) + lease.sync_reason.size() + kStringBytes;
}

std::size_t bytes_of(const wire::StreamStatusT& stream) {
  return kStreamBytes + stream.name.size() + stream.sync_reason.size() + stream.transport_reason.size() +
         stream.device.size() + stream.generation->reason.size() + stream.generation->transport_reason.size() +
         stream.generation->sync_reason.size() + 7 * kStringBytes + bytes_of(*stream.producer);
}

/// Adds leases from @p first on as long as @p room_bytes last. The first one that found no room, nullptr if all did.
const Lease* add_leases(wire::StreamStatusT& out, const Stream& stream, proto::LeaseId first, std::size_t room_bytes,
                        std::int64_t now_ns) {
  for (const auto& lease : stream.leases()) {  // in the order of their ids
    if (raw(lease->id) < raw(first)) continue;
    auto one = lease_status(stream, *lease, now_ns);
    const std::size_t bytes = bytes_of(*one);
    if (bytes > room_bytes) return lease.get();
    room_bytes -= bytes;
    out.leases.push_back(std::move(one));
  }
  return nullptr;
}

}  // namespace

std::uint64_t frame_rate_mhz(proto::StreamPageReader frames, std::int64_t now_ns) {
  const std::uint64_t published = frames.published();
  const auto newest = frames.read(published);
  if (!newest || age_ns(newest->produced_ns, now_ns) > static_cast<std::uint64_t>(kRateWindowNs)) return 0;
  // The oldest one that is still there: the producer overwrites while we look.
  for (std::uint64_t back = std::min<std::uint64_t>(published, proto::kRingFrames) - 1; back > 0; --back) {
    const auto oldest = frames.read(published - back);
    if (!oldest || oldest->produced_ns >= newest->produced_ns) continue;
    const auto seconds = static_cast<double>(newest->produced_ns - oldest->produced_ns) / 1e9;
    return static_cast<std::uint64_t>(static_cast<double>(back) * 1000.0 / seconds + 0.5);
  }
  return 0;
}

wire::StatusReplyT report_status(const BrokerFacts& facts, const StreamService& service, const GpuPool& gpus,
                                 const Budget& memory, const Session& asker, StatusCursor first, std::int64_t now_ns) {
  wire::StatusReplyT reply;
  reply.broker = std::make_unique<wire::BrokerStatusT>();
  wire::BrokerStatusT& broker = *reply.broker;
  broker.pid = static_cast<std::uint32_t>(getpid());
  broker.version = FERRY_VERSION;
  broker.socket = facts.socket_path;
  broker.uptime_ns = static_cast<std::uint64_t>(now_ns - facts.started_ns);
  broker.sessions = static_cast<std::uint32_t>(facts.sessions);
  broker.streams = static_cast<std::uint32_t>(service.streams().size());
  broker.leases = static_cast<std::uint32_t>(service.lease_count());
  broker.memory_bytes = memory.used();
  broker.memory_limit_bytes = memory.limit();
  for (auto& device : gpus.describe()) broker.devices.push_back(std::make_unique<wire::DeviceT>(std::move(device)));

  std::size_t bytes = 0;
  for (auto at = service.streams().lower_bound(first.stream); at != service.streams().end(); ++at) {
    if (!service.may_know(asker, *at->second)) continue;
    auto status = stream_status(*at->second, now_ns);
    const proto::LeaseId first_lease = at->first == first.stream ? first.lease : proto::LeaseId{};
    const Lease* left_over = add_leases(*status, *at->second, first_lease, kBudgetBytes - bytes_of(*status), now_ns);
    bytes += bytes_of(*status);
    for (const auto& lease : status->leases) bytes += bytes_of(*lease);
    // Only a crowd that no page has room for is parted.
    if (!reply.streams.empty() &&
        (left_over != nullptr || reply.streams.size() == kMaxStreamsPerReply || bytes > kBudgetBytes)) {
      reply.next_stream = raw(at->first);
      break;
    }
    reply.streams.push_back(std::move(status));
    if (left_over == nullptr) continue;
    reply.next_stream = raw(at->first);
    reply.next_lease = raw(left_over->id);
    break;
  }
  return reply;
}

}  // namespace ferry::daemon
