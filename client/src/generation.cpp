#include "client/src/generation.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "client/src/connection.h"
#include "client/src/wire_convert.h"
#include "proto/generation_sync.h"
#include "proto/test_point.h"

namespace ferry::client {
namespace {

proto::Result<std::shared_ptr<const KeptGeneration>> keep(const wire::GenerationT& info,
                                                          std::span<const platform::UniqueFd> fds) {
  auto kept = std::make_shared<KeptGeneration>();
  kept->info = info;
  for (const platform::UniqueFd& fd : fds) {
    kept->fds.push_back(fd.duplicate());
    if (!kept->fds.back())
      return proto::Error{proto::ErrorCode::kSystem, fmt::format("duplicate of a descriptor: {}", std::strerror(errno))};
  }
  return std::shared_ptr<const KeptGeneration>(std::move(kept));
}

}  // namespace

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
  generation->sync_ = proto::sync_of(info);
  generation->transport_ = layout.transport;
  if (info.foreign && device->vulkan().capabilities().foreign_queues)
    generation->peer_queue_family_ = VK_QUEUE_FAMILY_FOREIGN_EXT;
  generation->transport_reason_ = info.transport_reason;
  generation->sync_reason_ = info.sync_reason;
  if (generation->sync_ == wire::SyncMode::SyncFd && device->fences() == nullptr)
    return named({proto::ErrorCode::kUnsupported, "no queue is lent"}, "sync mode sync-fd");
  const std::size_t count = info.slot_count + (info.has_timeline ? 1u : 0u);
  auto kept = keep(info, std::span(fds).subspan(first_fd, count));
  if (!kept) return named(std::move(kept).error(), "descriptors");
  generation->kept_ = std::move(*kept);

  platform::TimelineImporter& timelines = device->vulkan().timeline_importer();
  std::size_t next = first_fd;
  auto timeline = info.has_timeline ? timelines.import(std::move(fds[next++])) : timelines.create_local();
  if (!timeline) return named(std::move(timeline).error(), "acquire timeline");
  generation->timeline_ = std::move(*timeline);

  for (std::uint32_t i = 0; i < info.slot_count; ++i) {
    auto texture = device->vulkan().texture_importer().import(std::move(fds[next++]), *desc, layout);
    if (!texture) return named(std::move(texture).error(), fmt::format("slot {}", i).c_str());
    generation->slots_.push_back(std::move(*texture));
    FERRY_TEST_POINT("import.slot");
  }
  return generation;
}

std::vector<int> numbers_of(std::span<const UniqueFd> fds) {
  std::vector<int> numbers;
  for (const UniqueFd& fd : fds) numbers.push_back(fd.get());
  return numbers;
}

void hand_back_generations(Connection& connection, proto::StreamId stream,
                           std::span<const std::shared_ptr<const KeptGeneration>> generations) {
  for (const auto& kept : generations) {
    wire::HandBackGenerationT part;
    part.stream = raw(stream);
    part.generation = std::make_unique<wire::GenerationT>(kept->info);
    connection.hand_back(std::move(part), numbers_of(kept->fds));
  }
}

}  // namespace ferry::client
