#pragma once
// One message of every type, with every field set to something.

#include <vector>

#include "ferry_generated.h"

namespace ferry::proto::testing {

/// A body whose fields all differ from their defaults.
wire::BodyUnion sample_body(wire::Body type);

constexpr std::uint32_t kSampleSlots = 5;  ///< of every Generation in them; each has an acquire timeline

/// Every message type there is.
std::vector<wire::Body> all_bodies();

}  // namespace ferry::proto::testing
