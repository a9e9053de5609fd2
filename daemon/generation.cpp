#include "daemon/generation.h"

#include <fmt/format.h>

#include "daemon/wire_convert.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<std::unique_ptr<Generation>> Generation::create(GenerationSpec spec, platform::VulkanDevice& device,
                                                       std::shared_ptr<MemoryBudget> budget,
                                                       const std::string& stream) {
  const platform::TextureDesc& image = spec.image;
  const std::string what = fmt::format("a pool of {} slots of {}x{} {} for stream '{}'", spec.slot_count,
                                       image.width_px, image.height_px, proto::format_info(image.format).name, stream);
  // Before the driver is asked: it may take long over what cannot be, or make room for it by swapping.
  const std::uint64_t least_bytes = std::uint64_t{image.width_px} * image.height_px *
                                    proto::format_info(image.format).bytes_per_pixel * spec.slot_count;
  if (auto fits = budget->check(least_bytes, what); !fits) return std::move(fits).error();

  auto named = [&](Error error) {
    error.message = fmt::format("{}: {}", what, error.message);
    return error;
  };
  auto generation = std::make_unique<Generation>();
  auto slots = device.texture_exporter()->allocate(image, spec.slot_count);
  if (!slots) return named(std::move(slots).error());
  const std::uint64_t bytes = slots->front()->layout().allocation_size_bytes * spec.slot_count;
  auto memory = MemoryReservation::take(std::move(budget), bytes, what);
  if (!memory) return std::move(memory).error();
  if (spec.has_timeline) {
    auto timeline = device.timeline_exporter()->create();
    if (!timeline) return named(std::move(timeline).error());
    generation->acquire_timeline_ = std::move(*timeline);
  }
  generation->spec_ = std::move(spec);
  generation->memory_ = std::move(*memory);
  generation->slots_ = std::move(*slots);
  return generation;
}

std::unique_ptr<wire::GenerationT> Generation::describe() const {
  auto out = std::make_unique<wire::GenerationT>();
  const platform::TextureLayout& layout = slots_.front()->layout();  // one shape, one layout
  out->id = raw(spec_.id);
  out->image = std::make_unique<wire::ImageT>(to_wire(spec_.image));
  out->slot_count = spec_.slot_count;
  out->transport = static_cast<wire::Transport>(layout.transport);
  out->has_timeline = acquire_timeline_ != nullptr;
  out->allocation_size = layout.allocation_size_bytes;
  out->memory_type_index = layout.memory_type_index;
  out->dedicated = layout.dedicated;
  out->reason = spec_.reason;
  return out;
}

void Generation::append_fds(FdList& out) const {
  if (acquire_timeline_) out.push_back(&acquire_timeline_->fd());
  for (const auto& slot : slots_) out.push_back(&slot->fd());
}

}  // namespace ferry::daemon
