#include "daemon/generation.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/handed_back.h"
#include "daemon/wire_convert.h"
#include "proto/names.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

// The one that is sent, and the one that a software driver keeps behind it.
constexpr std::uint64_t kDescriptorsOfSlot = 2;
constexpr std::size_t kMaxReason = 200;
// Of a slot that is handed back: beyond what any device has, and small enough to be counted.
constexpr std::uint64_t kMaxAllocationBytes = std::uint64_t{1} << 40;

Result<std::vector<std::unique_ptr<platform::ExportedTexture>>> allocate(const GenerationSpec& spec,
                                                                         platform::VulkanDevice* device) {
  switch (spec.agreement.transport) {
    case platform::Transport::kHostMemory:
      return platform::make_host_memory_exporter()->allocate(spec.image, spec.slot_count);
    case platform::Transport::kDmaBuf:
      if (const auto exporter = device->dma_buf_exporter(
              spec.agreement.modifiers, spec.agreement.foreign ? VK_QUEUE_FAMILY_FOREIGN_EXT : VK_QUEUE_FAMILY_EXTERNAL))
        return exporter->allocate(spec.image, spec.slot_count);
      break;
    case platform::Transport::kOpaqueFd:
      return device->texture_exporter()->allocate(spec.image, spec.slot_count);
    case platform::Transport::kNone:
      break;
  }
  return Error{ErrorCode::kUnsupported, fmt::format("device '{}' exports nothing by {}", device->capabilities().name,
                                                    platform::transport_name(spec.agreement.transport))};
}

/// With its own descriptor paid for: a promise may keep a timeline for longer than the generation.
Result<std::shared_ptr<platform::ExportedTimeline>> paid(std::unique_ptr<platform::ExportedTimeline> timeline,
                                                         const Allowance& allowance, const std::string& what) {
  auto one = Reservation::take(allowance.descriptors, 1, what);
  if (!one) return std::move(one).error();
  return std::shared_ptr<platform::ExportedTimeline>(
      timeline.release(),
      [kept = std::make_shared<Reservation>(std::move(*one))](platform::ExportedTimeline* gone) { delete gone; });
}

}  // namespace

Result<std::unique_ptr<Generation>> Generation::create(GenerationSpec spec, platform::VulkanDevice* device,
                                                       const Allowance& allowance,
                                                       const std::string& stream) {
  const platform::TextureDesc& image = spec.image;
  const std::string what = fmt::format("a pool of {} slots of {}x{} {} for stream '{}'", spec.slot_count,
                                       image.width_px, image.height_px, proto::format_info(image.format).name, stream);
  // Before the driver is asked: it may take long over what cannot be, or make room for it by swapping.
  const std::uint64_t least_bytes =
      proto::format_info(image.format).image_bytes(image.width_px, image.height_px) * spec.slot_count;
  if (auto fits = allowance.memory->check(least_bytes, what); !fits) return std::move(fits).error();

  auto descriptors = Reservation::take(allowance.descriptors, kDescriptorsOfSlot * spec.slot_count, what);
  if (!descriptors) return std::move(descriptors).error();

  auto named = [&](Error error) {
    error.message = fmt::format("{}: {}", what, error.message);
    return error;
  };
  auto generation = std::make_unique<Generation>();
  auto slots = allocate(spec, device);
  if (!slots) return named(std::move(slots).error());
  const std::uint64_t bytes = slots->front()->layout().allocation_size_bytes * spec.slot_count;
  auto memory = Reservation::take(allowance.memory, bytes, what);
  if (!memory) return std::move(memory).error();
  if (spec.agreement.uses_timelines()) {
    auto timeline = device->timeline_exporter()->create();
    if (!timeline) return named(std::move(timeline).error());
    auto kept = paid(std::move(*timeline), allowance, what);
    if (!kept) return std::move(kept).error();
    generation->acquire_timeline_ = std::move(*kept);
  }
  generation->spec_ = std::move(spec);
  generation->memory_ = std::move(*memory);
  generation->descriptors_ = std::move(*descriptors);
  generation->slots_ = std::move(*slots);
  return generation;
}

Result<void> Generation::take_slots(std::span<platform::UniqueFd> fds, const platform::TextureDesc& image,
                                    const platform::TextureLayout& layout, platform::VulkanDevice* device,
                                    const Allowance& allowance, const std::string& what) {
  if (layout.allocation_size_bytes == 0 || layout.allocation_size_bytes > kMaxAllocationBytes)
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: slots of {} bytes", what, layout.allocation_size_bytes)};
  auto memory = Reservation::take(allowance.memory, layout.allocation_size_bytes * fds.size(), what);
  if (!memory) return std::move(memory).error();
  auto descriptors = Reservation::take(allowance.descriptors, kDescriptorsOfSlot * fds.size(), what);
  if (!descriptors) return std::move(descriptors).error();
  for (platform::UniqueFd& fd : fds) {
    auto texture = take_handed_back_texture(std::move(fd), image, layout, device);
    if (!texture) {
      Error error = std::move(texture).error();
      error.message = fmt::format("{}: slot {}: {}", what, slots_.size(), error.message);
      return error;
    }
    slots_.push_back(std::move(*texture));
  }
  memory_ = std::move(*memory);
  descriptors_ = std::move(*descriptors);
  return {};
}

Result<std::unique_ptr<Generation>> Generation::adopt(GenerationSpec spec, const OwnSlots& own,
                                                      platform::VulkanDevice* device, const Allowance& allowance,
                                                      const std::string& stream) {
  const platform::TextureDesc& image = spec.image;
  const std::string what = fmt::format("{} slots of {}x{} {} that the producer of stream '{}' brings", own.fds.size(),
                                       image.width_px, image.height_px, proto::format_info(image.format).name, stream);
  std::vector<platform::UniqueFd> fds;
  for (const platform::UniqueFd& fd : own.fds) fds.push_back(fd.duplicate());  // to be had again, should the device be lost
  auto generation = std::make_unique<Generation>();
  if (auto taken = generation->take_slots(fds, image, own.layout, device, allowance, what); !taken)
    return std::move(taken).error();
  generation->spec_ = std::move(spec);
  return generation;
}

Result<std::unique_ptr<Generation>> Generation::restore(HandedBack parts, platform::VulkanDevice* device,
                                                        const Allowance& allowance, const std::string& stream) {
  const wire::GenerationT& info = parts.info;
  const std::string what = fmt::format("generation {} of stream '{}', handed back", info.id, stream);
  auto named = [&](Error error) {
    error.message = fmt::format("{}: {}", what, error.message);
    return error;
  };
  auto generation = std::make_unique<Generation>();
  generation->handed_back_ = parts.by_client;
  const std::size_t first_slot = info.has_timeline ? 1 : 0;
  if (auto taken = generation->take_slots(std::span(parts.fds).subspan(first_slot), parts.image, layout_of(info), device,
                                          allowance, what);
      !taken)
    return std::move(taken).error();
  if (info.has_timeline) {
    auto timeline = import_handed_back_timeline(std::move(parts.fds.front()), *device);
    if (!timeline) return named(std::move(timeline).error());
    auto kept = paid(std::move(*timeline), allowance, what);
    if (!kept) return std::move(kept).error();
    generation->acquire_timeline_ = std::move(*kept);
  }
  generation->spec_ = {proto::GenerationId{info.id}, parts.image, info.slot_count, std::move(parts.agreement),
                       proto::printable(info.reason, kMaxReason)};
  return generation;
}

Result<void> Generation::pay_from(const Allowance& allowance, const std::string& stream) {
  const std::string what = fmt::format("generation {} of stream '{}'", raw(id()), stream);
  auto memory = Reservation::take(allowance.memory, layout().allocation_size_bytes * spec_.slot_count, what);
  if (!memory) return std::move(memory).error();
  auto descriptors = Reservation::take(allowance.descriptors, kDescriptorsOfSlot * spec_.slot_count, what);
  if (!descriptors) return std::move(descriptors).error();
  memory_ = std::move(*memory);
  descriptors_ = std::move(*descriptors);
  return {};
}

Result<void> Generation::move_timeline_to(platform::VulkanDevice& device) {
  if (!acquire_timeline_) return {};
  auto moved = import_handed_back_timeline(acquire_timeline_->fd().duplicate(), device);
  if (!moved) return std::move(moved).error();
  // As long as it is there the one before it pays for the descriptor.
  acquire_timeline_ = {moved->release(), [before = acquire_timeline_](platform::ExportedTimeline* gone) { delete gone; }};
  return {};
}

bool Generation::lies_as(const Agreement& agreement) const {
  if (layout().transport != agreement.transport) return false;
  if (layout().transport != platform::Transport::kDmaBuf) return true;
  return spec_.agreement.foreign == agreement.foreign &&
         std::find(agreement.modifiers.begin(), agreement.modifiers.end(), layout().modifier) != agreement.modifiers.end();
}

std::unique_ptr<wire::GenerationT> Generation::describe(Audience audience) const {
  auto out = std::make_unique<wire::GenerationT>();
  out->id = raw(spec_.id);
  out->image = std::make_unique<wire::ImageT>(to_wire(spec_.image));
  out->slot_count = spec_.slot_count;
  describe_layout(layout(), *out);
  out->has_timeline = acquire_timeline_ != nullptr && audience == Audience::kDomain;
  out->foreign = spec_.agreement.foreign;
  out->reason = spec_.reason;
  out->transport_reason = spec_.agreement.transport_reason;
  out->sync_reason = spec_.agreement.sync_reason;
  out->own = spec_.agreement.own;
  out->sync_mode = audience == Audience::kDomain ? spec_.agreement.sync : wire::SyncMode::Host;
  return out;
}

void Generation::append_fds(FdList& out, Audience audience) const {
  if (acquire_timeline_ && audience == Audience::kDomain) out.push_back(&acquire_timeline_->fd());
  for (const auto& slot : slots_) out.push_back(&slot->fd());
}

}  // namespace ferry::daemon
