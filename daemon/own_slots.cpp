#include "daemon/own_slots.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/wire_convert.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<OwnSlots> take_own_slots(const wire::OwnSlotsT& said, std::vector<platform::UniqueFd> fds, const Limits& limits,
                                const std::string& object) {
  if (said.slot_count < proto::kMinSlots)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} slots are brought for {}, fewer than {}", said.slot_count, object, proto::kMinSlots)};
  if (said.slot_count > limits.max_slots)
    return Error{ErrorCode::kLimitExceeded, fmt::format("{} slots are brought for {}; the limit max_slots is {}",
                                                        said.slot_count, object, limits.max_slots)};
  wire::GenerationT described;
  described.transport = wire::Transport::DmaBuf;
  described.allocation_size = said.allocation_size;
  described.modifier = said.modifier;
  described.planes = said.planes;
  return OwnSlots{layout_of(described), std::move(fds)};
}

Result<void> tell_of_slots(const OwnSlots* brought, Session& session, std::uint64_t request, Result<void> ended) {
  if (ended || brought == nullptr) return ended;
  Error error = std::move(ended).error();
  if (error.code == ErrorCode::kProtocolViolation) {
    spdlog::warn("slots of {} refused: {}", session.name(), error.message);
    session.refuse(request, error);
    return {};
  }
  const bool is_ours = error.conflict && (error.conflict->party == "the broker" || error.conflict->constraint == "device");
  if (error.code == ErrorCode::kIncompatible && is_ours) error = {ErrorCode::kUnsupported, std::move(error.message)};
  return error;
}

}  // namespace ferry::daemon
