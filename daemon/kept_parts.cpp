#include "daemon/kept_parts.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <type_traits>

#include "platform/parcel.h"
#include "platform/vulkan/driver_fd.h"
#include "proto/names.h"

namespace ferry::daemon {
namespace {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

/// @p pages come first: their seals are looked at when they are mapped.
Result<void> check_driver_fds(const std::vector<UniqueFd>& fds, std::size_t pages) {
  for (std::size_t i = pages; i < fds.size(); ++i)
    if (auto checked = platform::check_driver_fd(fds[i], 0, false); !checked) return checked;
  return {};
}

Result<void> take_entry(KeptParts& parts, proto::StreamId id, const platform::PassedFd& passed) {
  auto packet = platform::unpack_parcel(passed.fd);
  if (!packet) return std::move(packet).error();
  auto entry = decode_kept(packet->bytes, packet->fds.size());
  if (!entry) return std::move(entry).error();
  const auto add = [&](auto& to, auto& about, std::uint64_t stream, std::uint64_t part, std::size_t pages) -> Result<void> {
    if (stream != raw(id)) return Error{ErrorCode::kProtocolViolation, fmt::format("is about stream {}", stream)};
    if (auto checked = check_driver_fds(packet->fds, pages); !checked) return checked;
    using Part = typename std::remove_reference_t<decltype(to)>::mapped_type;
    to.try_emplace(part, Part{std::move(about), std::move(packet->fds)});
    return {};
  };
  kept::BodyUnion& body = (*entry)->body;
  if (auto* stream = body.AsStream())
    return add(parts.stream, *stream, stream->claim->stream, stream->claim->producers, 2);
  if (auto* generation = body.AsGeneration())
    return add(parts.generations, *generation, generation->part->stream, generation->part->generation->id, 0);
  auto* lease = body.AsLease();
  return add(parts.leases, *lease, lease->part->stream, lease->part->lease, 1);
}

}  // namespace

KeptParts take_apart(proto::StreamId id, std::vector<platform::PassedFd> entries) {
  KeptParts parts;
  for (const platform::PassedFd& passed : entries)
    if (auto taken = take_entry(parts, id, passed); !taken)
      spdlog::warn("'{}', which the service manager has kept, is not taken: {}", proto::printable(passed.name),
                   taken.error().message);
  return parts;
}

}  // namespace ferry::daemon
