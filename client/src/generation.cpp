#include "client/src/generation.h"

#include <fmt/format.h>

#include "client/src/wire_convert.h"

namespace ferry::client {

using platform::UniqueFd;
using proto::Error;
using proto::Result;

Result<std::unique_ptr<Generation>> Generation::import(DevicePtr device, const wire::GenerationT& info,
                                                       std::vector<UniqueFd>& fds, std::size_t first_fd) {
  auto desc = texture_desc_of(info);
  if (!desc) return std::move(desc).error();
  const platform::TextureLayout layout = texture_layout_of(info);
  auto named = [&](Error error, const char* what) {
    error.message = fmt::format("generation {} ({}x{} {}): {}: {}", info.id, desc->width_px, desc->height_px,
                                proto::format_info(desc->format).name, what, error.message);
    return error;
  };

  std::unique_ptr<Generation> generation(new Generation);
  generation->device_ = device;
  generation->id_ = proto::GenerationId{info.id};
  generation->desc_ = *desc;
  generation->host_sync_ = !info.has_timeline;
  generation->transport_ = layout.transport;
  generation->transport_reason_ = info.transport_reason;
  generation->sync_reason_ = info.sync_reason;

  platform::TimelineImporter& timelines = device->vulkan().timeline_importer();
  std::size_t next = first_fd;
  auto timeline = info.has_timeline ? timelines.import(std::move(fds[next++])) : timelines.create_local();
  if (!timeline) return named(std::move(timeline).error(), "acquire timeline");
  generation->timeline_ = std::move(*timeline);

  for (std::uint32_t i = 0; i < info.slot_count; ++i) {
    auto texture = device->vulkan().texture_importer().import(std::move(fds[next++]), *desc, layout);
    if (!texture) return named(std::move(texture).error(), fmt::format("slot {}", i).c_str());
    generation->slots_.push_back(std::move(*texture));
  }
  return generation;
}

}  // namespace ferry::client
