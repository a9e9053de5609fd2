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
  if (caps.opaque_fd) out.transports.push_back(wire::Transport::OpaqueFd);
  if (caps.timeline_fd) out.sync_modes.push_back(wire::SyncMode::Timeline);
  out.sync_modes.push_back(wire::SyncMode::Host);
  out.sync_reason = caps.timeline_fd_reason;
  return out;
}

}  // namespace ferry::client
