#include "daemon/wire_convert.h"

#include <fmt/format.h>

#include <cstring>

#include "proto/image_rules.h"
#include "proto/usage.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

platform::Uuid from_wire(const wire::Uuid& uuid) {
  const std::uint64_t halves[2] = {uuid.low(), uuid.high()};
  platform::Uuid out;
  static_assert(sizeof out == sizeof halves);
  std::memcpy(out.data(), halves, sizeof halves);
  return out;
}

wire::Uuid to_wire(const platform::Uuid& uuid) {
  std::uint64_t halves[2];
  std::memcpy(halves, uuid.data(), sizeof halves);
  return {halves[0], halves[1]};
}

platform::FormatModifier from_wire(const wire::FormatModifier& stated) {
  return {static_cast<proto::Format>(stated.format()), stated.modifier(), stated.planes(), stated.usage(),
          stated.exports()};
}

void describe_layout(const platform::TextureLayout& layout, wire::GenerationT& out) {
  out.transport = static_cast<wire::Transport>(layout.transport);
  out.allocation_size = layout.allocation_size_bytes;
  out.memory_type_index = layout.memory_type_index;
  out.dedicated = layout.dedicated;
  out.row_pitch = layout.row_pitch_bytes;
  if (layout.transport != platform::Transport::kDmaBuf) return;
  out.modifier = layout.modifier;
  for (std::uint32_t i = 0; i < layout.plane_count; ++i)
    out.planes.emplace_back(layout.planes[i].offset_bytes, layout.planes[i].row_pitch_bytes);
}

platform::TextureLayout layout_of(const wire::GenerationT& info) {
  platform::TextureLayout layout;
  layout.transport = static_cast<platform::Transport>(info.transport);
  layout.allocation_size_bytes = info.allocation_size;
  layout.memory_type_index = info.memory_type_index;
  layout.dedicated = info.dedicated;
  layout.row_pitch_bytes = info.row_pitch;
  if (layout.transport != platform::Transport::kDmaBuf) return layout;
  layout.modifier = info.modifier;
  if (info.planes.size() > platform::kMaxPlanes) return layout;
  for (const wire::Plane& plane : info.planes) layout.planes[layout.plane_count++] = {plane.offset(), plane.row_pitch()};
  return layout;
}

wire::DeviceT to_wire(const platform::DeviceCapabilities& device) {
  wire::DeviceT out;
  out.device_uuid = std::make_unique<wire::Uuid>(to_wire(device.device_uuid));
  out.driver_uuid = std::make_unique<wire::Uuid>(to_wire(device.driver_uuid));
  out.name = device.name;
  out.driver = device.driver;
  out.is_software = device.is_software;
  const auto state = [&](wire::Transport transport, bool can, const std::string& reason) {
    if (can) return out.transports.push_back(transport);
    out.lacks.push_back(std::make_unique<wire::TransportLackT>());
    out.lacks.back()->transport = transport;
    out.lacks.back()->reason = reason;
  };
  state(wire::Transport::OpaqueFd, device.opaque_fd, device.opaque_fd_reason);
  state(wire::Transport::DmaBuf, device.dma_buf, device.dma_buf_reason);
  for (const platform::FormatModifier& known : device.modifiers)
    out.modifiers.emplace_back(known.modifier, known.usage, static_cast<std::uint8_t>(known.format),
                               static_cast<std::uint8_t>(known.plane_count), known.exports);
  state(wire::Transport::HostMemory, device.host_memory, device.host_memory_reason);
  if (device.timeline_fd) out.sync_modes.push_back(wire::SyncMode::Timeline);
  if (device.sync_fd && !device.is_software) out.sync_modes.push_back(wire::SyncMode::SyncFd);
  out.sync_modes.push_back(wire::SyncMode::Host);
  if (device.sync_fd && device.is_software) out.sync_modes.push_back(wire::SyncMode::SyncFd);  // it waits before it exports
  out.foreign_queues = device.foreign_queues;
  out.sync_reason = device.timeline_fd_reason;
  out.sync_fd_reason = device.sync_fd_reason;
  return out;
}

wire::ImageT to_wire(const platform::TextureDesc& desc) {
  wire::ImageT out;
  out.width_px = desc.width_px;
  out.height_px = desc.height_px;
  out.format = static_cast<std::uint8_t>(desc.format);
  out.usage = desc.usage;
  out.flags = desc.flags;
  out.primaries = static_cast<std::uint8_t>(desc.colour.primaries);
  out.transfer = static_cast<std::uint8_t>(desc.colour.transfer);
  out.range = static_cast<std::uint8_t>(desc.colour.range);
  out.alpha = static_cast<std::uint8_t>(desc.colour.alpha);
  return out;
}

wire::ConflictT to_wire(const proto::Conflict& conflict) {
  wire::ConflictT out;
  out.party = conflict.party;
  out.constraint = conflict.constraint;
  out.party_has = conflict.party_has;
  out.others_have = conflict.others_have;
  return out;
}

Result<platform::TextureDesc> check_image(const wire::ImageT* image, const Limits& limits, const std::string& object) {
  auto invalid = [&](std::string what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for {}", what, object)};
  };
  if (image == nullptr) return invalid("no image description");
  const std::pair<const char*, std::uint32_t> sides[] = {{"width", image->width_px}, {"height", image->height_px}};
  for (const auto& [name, side_px] : sides) {
    if (side_px == 0) return invalid(fmt::format("image {} 0 px", name));
    if (side_px > limits.max_extent_px)
      return Error{ErrorCode::kLimitExceeded, fmt::format("image {} {} px exceeds the limit max_extent_px = {} for {}",
                                                          name, side_px, limits.max_extent_px, object)};
  }
  const proto::FormatInfo* format = proto::find_format(image->format);
  if (format == nullptr) return invalid(fmt::format("image format {} is not known", image->format));
  if ((image->usage & ~proto::kUsageAll) != 0)
    return invalid(fmt::format("image usage {:#x} has bits outside {:#x}", image->usage, proto::kUsageAll + 0u));
  if ((image->flags & ~proto::kImageFlagsAll) != 0)
    return invalid(fmt::format("image flags {:#x} have bits outside {:#x}", image->flags, proto::kImageFlagsAll + 0u));
  if (auto checked = proto::check_image_rules(*format, image->width_px, image->height_px, image->usage, image->flags);
      !checked)
    return invalid(checked.error().message);
  const proto::Colour colour{
      static_cast<proto::ColourPrimaries>(image->primaries), static_cast<proto::TransferFunction>(image->transfer),
      static_cast<proto::ColourRange>(image->range), static_cast<proto::AlphaMode>(image->alpha)};
  if (!proto::colour_valid(colour))
    return invalid(fmt::format("image colour (primaries {}, transfer {}, range {}, alpha {}) is not known", image->primaries,
                               image->transfer, image->range, image->alpha));
  return platform::TextureDesc{image->width_px, image->height_px, static_cast<proto::Format>(image->format),
                               image->usage | proto::kUsageAlways, image->flags, colour};
}

}  // namespace ferry::daemon
