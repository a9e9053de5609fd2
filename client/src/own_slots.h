#pragma once
// A producer's own slots (ferry_own_slots), looked at before anybody else sees them.

#include <vector>

#include "client/src/device_binding.h"
#include "ferry/ferry.h"
#include "ferry_generated.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::client {

class Connection;

struct OwnSlots {
  wire::OwnSlotsT described;
  std::vector<platform::UniqueFd> fds;  ///< duplicates, one a slot
  bool implicit_fences = false;
};

/// Each of them imported once on @p device as an image like @p image. kInvalidArgument, kProtocolViolation and kUnsupported as
/// ferry_producer_create_with_slots() has it; the text names the slot.
proto::Result<OwnSlots> take_own_slots(const ferry_own_slots* asked, const wire::ImageT& image, DeviceBinding& device,
                                       const Connection& connection);

}  // namespace ferry::client
