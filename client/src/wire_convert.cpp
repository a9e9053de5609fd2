#include "client/src/wire_convert.h"

#include <fmt/format.h>

#include <cstring>

#include "proto/limits.h"
#include "proto/usage.h"

namespace ferry::client {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

Error invalid(std::string text) { return {ErrorCode::kInvalidArgument, std::move(text)}; }

}  // namespace

wire::Uuid to_wire(const platform::Uuid& uuid) {
  std::uint64_t halves[2];
  std::memcpy(halves, uuid.data(), sizeof halves);
  return wire::Uuid(halves[0], halves[1]);
}

platform::Uuid from_wire(const wire::Uuid& uuid) {
  const std::uint64_t halves[2] = {uuid.low(), uuid.high()};
  platform::Uuid out;
  std::memcpy(out.data(), halves, sizeof halves);
  return out;
}

std::shared_ptr<const proto::Conflict> from_wire(const wire::ConflictT& conflict) {
  return std::make_shared<const proto::Conflict>(
      proto::Conflict{conflict.party, conflict.constraint, conflict.party_has, conflict.others_have});
}

Result<wire::ImageT> to_wire(const ferry_image_desc& image) {
  auto check_side = [](const char* name, std::uint32_t value) -> Result<void> {
    if (value >= 1 && value <= proto::kMaxExtentPx) return {};
    return invalid(fmt::format("image {} {} is outside 1 to {}", name, value, proto::kMaxExtentPx));
  };
  if (auto ok = check_side("width_px", image.width_px); !ok) return std::move(ok).error();
  if (auto ok = check_side("height_px", image.height_px); !ok) return std::move(ok).error();
  const proto::FormatInfo* format = proto::find_format(image.format);
  if (format == nullptr)
    return invalid(fmt::format("image format {} is none of ferry_format's (1 to {})", image.format, proto::kFormats.size()));
  if ((image.usage & ~proto::kUsageAll) != 0)
    return invalid(fmt::format("image usage {:#x} has bits outside {:#x}", image.usage, proto::kUsageAll + 0u));
  if ((image.flags & ~proto::kImageFlagsAll) != 0)
    return invalid(fmt::format("image flags {:#x} have bits outside {:#x}", image.flags, proto::kImageFlagsAll + 0u));
  const struct { const char* name; std::uint32_t value, most; } colours[] = {
      {"primaries", image.primaries, FERRY_PRIMARIES_BT2020}, {"transfer", image.transfer, FERRY_TRANSFER_GAMMA22},
      {"range", image.range, FERRY_RANGE_LIMITED}, {"alpha", image.alpha, FERRY_ALPHA_STRAIGHT}};
  for (const auto& c : colours)
    if (c.value > c.most) return invalid(fmt::format("image {} {} exceeds the limit {}", c.name, c.value, c.most));
  if (image.reserved != 0)
    return Error{ErrorCode::kUnsupported, "a reserved field of the image is set: this library does not know it"};
  wire::ImageT out;
  out.width_px = image.width_px;
  out.height_px = image.height_px;
  out.format = static_cast<std::uint8_t>(image.format);
  out.usage = image.usage | proto::kUsageAlways;
  if (image.usage == 0 && !format->is_yuv()) out.usage |= proto::kUsageRender;
  out.flags = image.flags;
  out.primaries = image.primaries;
  out.transfer = image.transfer;
  out.range = image.range;
  out.alpha = image.alpha;
  return out;
}

Result<platform::TextureDesc> texture_desc_of(const wire::GenerationT& generation) {
  auto violation = [&](std::string text) {
    return Error{ErrorCode::kProtocolViolation, fmt::format("generation {} from the broker: {}", generation.id, text)};
  };
  if (generation.id == 0) return violation("id 0 is not one");
  if (generation.slot_count == 0 || generation.slot_count > proto::kMaxSlots)
    return violation(fmt::format("{} slots, the limit is {}", generation.slot_count, proto::kMaxSlots));
  if (!generation.image) return violation("no image description");
  const wire::ImageT& image = *generation.image;
  if (proto::find_format(image.format) == nullptr)
    return violation(fmt::format("format {} is not known to this library", image.format));
  if (image.width_px == 0 || image.width_px > proto::kMaxExtentPx || image.height_px == 0 ||
      image.height_px > proto::kMaxExtentPx)
    return violation(fmt::format("size {}x{}, the limit is {}", image.width_px, image.height_px, proto::kMaxExtentPx));
  const proto::Colour colour{
      static_cast<proto::ColourPrimaries>(image.primaries), static_cast<proto::TransferFunction>(image.transfer),
      static_cast<proto::ColourRange>(image.range), static_cast<proto::AlphaMode>(image.alpha)};
  if (!proto::colour_valid(colour)) return violation("a colour that is not known to this library");
  return platform::TextureDesc{image.width_px, image.height_px, static_cast<proto::Format>(image.format), image.usage,
                               image.flags, colour};
}

platform::TextureLayout texture_layout_of(const wire::GenerationT& generation) {
  platform::TextureLayout layout;
  layout.transport = static_cast<platform::Transport>(generation.transport);
  layout.allocation_size_bytes = generation.allocation_size;
  layout.memory_type_index = generation.memory_type_index;
  layout.dedicated = generation.dedicated;
  layout.row_pitch_bytes = generation.row_pitch;
  if (layout.transport != platform::Transport::kDmaBuf) return layout;
  layout.modifier = generation.modifier;
  if (generation.planes.size() > platform::kMaxPlanes) return layout;  // none: refused by the importer
  for (const wire::Plane& plane : generation.planes)
    layout.planes[layout.plane_count++] = {plane.offset(), plane.row_pitch()};
  return layout;
}

Result<void> apply_metadata(const ferry_frame_metadata& m, std::uint32_t width_px, std::uint32_t height_px,
                            proto::FrameRecord& record) {
  auto limit = [](const char* name, std::uint32_t value, std::uint32_t most) -> Result<void> {
    if (value <= most) return {};
    return invalid(fmt::format("frame metadata {} {} exceeds the limit {}", name, value, most));
  };
  const struct { const char* name; std::uint32_t value, most; } limits[] = {
      {"orientation", m.orientation, FERRY_ORIENTATION_ROTATED_270}, {"alpha", m.alpha, FERRY_ALPHA_STRAIGHT},
      {"primaries", m.primaries, FERRY_PRIMARIES_BT2020},            {"transfer", m.transfer, FERRY_TRANSFER_GAMMA22},
      {"range", m.range, FERRY_RANGE_LIMITED},                       {"damage_count", m.damage_count, proto::kMaxDamageRects},
      {"user_size_bytes", m.user_size_bytes, proto::kMaxUserBytes}};
  for (const auto& l : limits)
    if (auto ok = limit(l.name, l.value, l.most); !ok) return ok;

  for (const std::uint64_t reserved : m.reserved)
    if (reserved != 0) return Error{ErrorCode::kUnsupported, "a reserved field of the frame metadata is set: this library does not know it"};

  record.orientation = static_cast<proto::Orientation>(m.orientation == 0 ? 1 : m.orientation);
  record.alpha = static_cast<proto::AlphaMode>(m.alpha);
  record.primaries = static_cast<proto::ColourPrimaries>(m.primaries);
  record.transfer = static_cast<proto::TransferFunction>(m.transfer);
  record.range = static_cast<proto::ColourRange>(m.range);
  record.present_ns = m.present_ns;
  record.damage_count = m.damage_count;
  record.user_size_bytes = m.user_size_bytes;
  record.crop = {m.crop.x_px, m.crop.y_px, m.crop.width_px, m.crop.height_px};
  for (std::uint32_t i = 0; i < m.damage_count; ++i)
    record.damage[i] = {m.damage[i].x_px, m.damage[i].y_px, m.damage[i].width_px, m.damage[i].height_px};
  static_assert(sizeof(proto::HdrMetadata) == 12 * sizeof(float));
  std::memcpy(&record.hdr, m.red_xy, sizeof record.hdr);
  std::memcpy(record.user, m.user, m.user_size_bytes);
  if (!frame_record_valid(record, width_px, height_px))
    return invalid(fmt::format("frame metadata: crop or a damage rectangle lies outside the {}x{} image", width_px, height_px));
  return {};
}

void fill_metadata(const proto::FrameRecord& r, ferry_frame_metadata& out) {
  out = {};
  out.struct_size = sizeof out;
  out.orientation = static_cast<std::uint32_t>(r.orientation);
  out.alpha = static_cast<std::uint32_t>(r.alpha);
  out.primaries = static_cast<std::uint32_t>(r.primaries);
  out.transfer = static_cast<std::uint32_t>(r.transfer);
  out.range = static_cast<std::uint32_t>(r.range);
  out.present_ns = r.present_ns;
  out.crop = {r.crop.x_px, r.crop.y_px, r.crop.width_px, r.crop.height_px};
  out.damage_count = r.damage_count;
  for (std::uint32_t i = 0; i < r.damage_count; ++i)
    out.damage[i] = {r.damage[i].x_px, r.damage[i].y_px, r.damage[i].width_px, r.damage[i].height_px};
  std::memcpy(out.red_xy, &r.hdr, sizeof r.hdr);
  out.user_size_bytes = r.user_size_bytes;
  std::memcpy(out.user, r.user, r.user_size_bytes);
}

void fill_colour(const proto::Colour& colour, ferry_stream_state& out) {
  out.primaries = static_cast<std::uint32_t>(colour.primaries);
  out.transfer = static_cast<std::uint32_t>(colour.transfer);
  out.range = static_cast<std::uint32_t>(colour.range);
  out.alpha = static_cast<std::uint32_t>(colour.alpha);
}

}  // namespace ferry::client
