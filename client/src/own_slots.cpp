#include "client/src/own_slots.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "client/src/connection.h"
#include "client/src/sized_struct.h"
#include "client/src/wire_convert.h"
#include "platform/dma_buf_fences.h"
#include "platform/file_identity.h"
#include "platform/vulkan/driver_fd.h"
#include "proto/limits.h"
#include "proto/names.h"

namespace ferry::client {
namespace {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

constexpr std::uint32_t kAllFlags = FERRY_OWN_IMPLICIT_FENCES;

Error invalid(std::string text) { return {ErrorCode::kInvalidArgument, std::move(text)}; }

Error of_slot(std::size_t slot, Error error) {
  error.message = fmt::format("slot {}: {}", slot, error.message);
  return error;
}

/// Structs of one size, whichever version of this library that is the caller's.
Result<std::vector<ferry_dma_buf>> read_slots(const ferry_own_slots& own) {
  std::vector<ferry_dma_buf> slots;
  const auto* bytes = reinterpret_cast<const std::byte*>(own.slots);
  for (std::uint32_t i = 0; i < own.count; ++i) {
    auto slot = read_struct(reinterpret_cast<const ferry_dma_buf*>(bytes), "ferry_dma_buf");
    if (!slot) return of_slot(i, std::move(slot).error());
    if (slot->struct_size != own.slots->struct_size)
      return of_slot(i, invalid(fmt::format("struct_size {} is not slot 0's {}", slot->struct_size, own.slots->struct_size)));
    bytes += slot->struct_size;
    slots.push_back(*slot);
  }
  return slots;
}

/// Of the caller's descriptor, which stays his.
UniqueFd duplicate_of(int fd) {
  UniqueFd borrowed(fd);
  UniqueFd copy = borrowed.duplicate();
  (void)borrowed.release();
  return copy;
}

Result<platform::TextureLayout> layout_of(const ferry_dma_buf& slot, const UniqueFd& fd) {
  if (slot.reserved != 0)
    return Error{ErrorCode::kUnsupported, "a reserved field is set: this library does not know it"};
  if (slot.plane_count == 0 || slot.plane_count > platform::kMaxPlanes)
    return invalid(fmt::format("plane_count {} is outside 1 to {}", slot.plane_count, platform::kMaxPlanes));
  platform::TextureLayout layout;
  layout.transport = platform::Transport::kDmaBuf;
  layout.modifier = slot.modifier;
  layout.allocation_size_bytes = slot.size_bytes;
  for (; layout.plane_count < slot.plane_count; ++layout.plane_count)
    layout.planes[layout.plane_count] = {slot.planes[layout.plane_count].offset_bytes,
                                         slot.planes[layout.plane_count].row_pitch_bytes};
  if (slot.size_bytes != 0) return layout;
  const auto whole = platform::dma_buf_size_bytes(fd);
  if (!whole) return Error{ErrorCode::kProtocolViolation, fmt::format("fd {} is no dma-buf: {}", slot.fd, whole.error().message)};
  layout.allocation_size_bytes = *whole;
  return layout;
}

std::string describe(const platform::TextureLayout& layout) {
  std::string text = fmt::format("{} bytes in modifier {}", layout.allocation_size_bytes, platform::modifier_name(layout.modifier));
  for (const auto& plane : std::span(layout.planes).first(layout.plane_count))
    text += fmt::format(", a plane at byte {} with row pitch {}", plane.offset_bytes, plane.row_pitch_bytes);
  return text;
}

/// Two slots in one buffer would be drawn over each other.
Result<void> check_not_among(const std::vector<UniqueFd>& others, const UniqueFd& fd) {
  const auto file = platform::identify_file(fd);
  if (!file) return file.error();
  for (std::size_t i = 0; i < others.size(); ++i)
    if (const auto other = platform::identify_file(others[i]); other && other->same_file(*file))
      return invalid(fmt::format("its dma-buf is slot {}'s", i));
  return {};
}

Result<void> check_import(const UniqueFd& fd, const platform::TextureDesc& desc, const platform::TextureLayout& layout,
                          DeviceBinding& device) {
  // First what was said, then whether it is true.
  if (auto fits = platform::check_planes(desc, layout, layout.allocation_size_bytes); !fits)
    return invalid(fits.error().message);
  UniqueFd copy = fd.duplicate();
  if (!copy) return Error{ErrorCode::kSystem, fmt::format("duplicate of a descriptor: {}", std::strerror(errno))};
  auto imported = device.vulkan().texture_importer().import(std::move(copy), desc, layout);
  return imported ? Result<void>() : std::move(imported).error();
}

}  // namespace

Result<OwnSlots> take_own_slots(const ferry_own_slots* asked, const wire::ImageT& image, DeviceBinding& device,
                                const Connection& connection) {
  const auto own = read_struct(asked, "ferry_own_slots");
  if (!own) return own.error();
  if (own->count < proto::kMinSlots || own->count > proto::kMaxSlots)
    return invalid(fmt::format("ferry_own_slots.count {} is outside {} to {}", own->count, proto::kMinSlots, proto::kMaxSlots));
  if (own->slots == nullptr) return invalid("ferry_own_slots.slots is NULL");
  if ((own->flags & ~kAllFlags) != 0)
    return invalid(fmt::format("ferry_own_slots.flags {:#x} have bits outside {:#x}", own->flags, kAllFlags));
  if (own->reserved != 0)
    return Error{ErrorCode::kUnsupported, "a reserved field of ferry_own_slots is set: this library does not know it"};
  if (const auto broker = connection.broker(); !broker->takes_own_slots)
    return Error{ErrorCode::kUnsupported,
                 fmt::format("broker {} takes no slots of a producer's own", proto::printable(broker->broker_version, 32))};
  const auto slots = read_slots(*own);
  if (!slots) return slots.error();

  wire::GenerationT as_image;
  as_image.id = as_image.slot_count = 1;
  as_image.image = std::make_unique<wire::ImageT>(image);
  const auto desc = texture_desc_of(as_image);
  if (!desc) return desc.error();
  OwnSlots out;
  std::optional<platform::TextureLayout> layout;
  for (std::size_t i = 0; i < slots->size(); ++i) {
    const ferry_dma_buf& slot = (*slots)[i];
    if (slot.fd < 0) return of_slot(i, invalid(fmt::format("fd {} is none", slot.fd)));
    UniqueFd fd = duplicate_of(slot.fd);
    if (!fd) return of_slot(i, invalid(fmt::format("fd {}: {}", slot.fd, std::strerror(errno))));
    const auto its = layout_of(slot, fd);
    if (!its) return of_slot(i, its.error());
    if (!layout) layout = *its;
    if (describe(*its) != describe(*layout))
      return of_slot(i, invalid(fmt::format("{}; slot 0 has {}", describe(*its), describe(*layout))));
    if (auto alone = check_not_among(out.fds, fd); !alone) return of_slot(i, std::move(alone).error());
    if (auto imported = check_import(fd, *desc, *its, device); !imported) return of_slot(i, std::move(imported).error());
    out.fds.push_back(std::move(fd));
  }
  out.implicit_fences = (own->flags & FERRY_OWN_IMPLICIT_FENCES) != 0;
  if (out.implicit_fences) {
    if (device.fences() == nullptr)
      return Error{ErrorCode::kUnsupported, "FERRY_OWN_IMPLICIT_FENCES without a lent queue (ferry_device_lend_queue)"};
    if (auto fence = platform::export_dma_buf_fence(out.fds.front(), platform::Access::kRead); !fence)
      return of_slot(0, std::move(fence).error());
  }
  out.described.slot_count = own->count;
  out.described.allocation_size = layout->allocation_size_bytes;
  out.described.modifier = layout->modifier;
  for (const auto& plane : std::span(layout->planes).first(layout->plane_count))
    out.described.planes.emplace_back(plane.offset_bytes, plane.row_pitch_bytes);
  return out;
}

}  // namespace ferry::client
