#include "client/src/device_binding.h"

#include "client/src/wire_convert.h"

namespace ferry::client {

wire::DeviceT DeviceBinding::describe() const {
  const platform::DeviceCapabilities& caps = device_->capabilities();
  wire::DeviceT out;
  out.device_uuid = std::make_unique<wire::Uuid>(to_wire(caps.device_uuid));
  out.driver_uuid = std::make_unique<wire::Uuid>(to_wire(caps.driver_uuid));
  out.name = caps.name;
  out.driver = caps.driver;
  out.is_software = caps.is_software;
  const auto state = [&](wire::Transport transport, bool can, const std::string& reason) {
    if (can) return out.transports.push_back(transport);
    out.lacks.push_back(std::make_unique<wire::TransportLackT>());
    out.lacks.back()->transport = transport;
    out.lacks.back()->reason = reason;
  };
  state(wire::Transport::OpaqueFd, caps.opaque_fd, caps.opaque_fd_reason);
  state(wire::Transport::DmaBuf, caps.dma_buf, caps.dma_buf_reason);
  for (const platform::FormatModifier& known : caps.modifiers)
    out.modifiers.emplace_back(known.modifier, known.usage, static_cast<std::uint8_t>(known.format),
                               static_cast<std::uint8_t>(known.plane_count), known.exports);
  state(wire::Transport::HostMemory, caps.host_memory, caps.host_memory_reason);
  if (caps.timeline_fd) out.sync_modes.push_back(wire::SyncMode::Timeline);
  const bool fenced = fences() != nullptr;
  if (fenced && !caps.is_software) out.sync_modes.push_back(wire::SyncMode::SyncFd);
  out.sync_modes.push_back(wire::SyncMode::Host);
  if (fenced && caps.is_software) out.sync_modes.push_back(wire::SyncMode::SyncFd);  // it waits before it exports
  out.foreign_queues = caps.foreign_queues;
  out.sync_reason = caps.timeline_fd_reason;
  if (!fenced) out.sync_fd_reason = caps.sync_fd ? "no queue is lent (ferry_device_lend_queue)" : caps.sync_fd_reason;
  return out;
}

proto::Result<void> DeviceBinding::lend(platform::LentQueue queue) {
  std::lock_guard lock(mutex_);
  if (bridge_) return proto::Error{proto::ErrorCode::kInvalidState, "a queue of this device is lent already"};
  auto bridge = device_->fence_bridge(std::move(queue));
  if (!bridge) return std::move(bridge).error();
  bridge_ = std::move(*bridge);
  fences_.store(bridge_.get(), std::memory_order_release);
  return {};
}

FailedWay way_of(const wire::GenerationT& generation) { return {generation.transport, generation.modifier}; }

bool give_up(wire::DeviceT& device, const FailedWay& way, const std::string& reason) {
  const auto is_it = [&](const wire::FormatModifier& known) { return known.modifier() == way.modifier; };
  if (way.transport == wire::Transport::DmaBuf && std::erase_if(device.modifiers, is_it) != 0 && !device.modifiers.empty())
    return true;
  if (std::erase(device.transports, way.transport) == 0) return false;
  device.lacks.push_back(std::make_unique<wire::TransportLackT>());
  device.lacks.back()->transport = way.transport;
  device.lacks.back()->reason = reason;
  return !device.transports.empty();
}

void DeviceBinding::keep_until(std::shared_ptr<platform::Timeline> timeline, std::uint64_t value,
                               std::shared_ptr<void> object) {
  std::vector<Kept> done;  // destroyed after the mutex is free
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](Kept& kept) {
    const auto reached = kept.timeline->value();
    if (!reached || *reached < kept.value) return false;
    done.push_back(std::move(kept));
    return true;
  });
  kept_.push_back({std::move(timeline), value, std::move(object)});
}

void DeviceBinding::drop_kept() {
  // First, and with a wait for what is under way: that uses timelines of what is kept.
  fences_.store(nullptr, std::memory_order_release);
  bridge_.reset();
  std::vector<Kept> done;
  std::lock_guard lock(mutex_);
  done.swap(kept_);
}

}  // namespace ferry::client
