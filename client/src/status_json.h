#pragma once
// StatusReply as the JSON that docs/status.md describes.

#include <string>
#include <vector>

#include "ferry_generated.h"

namespace ferry::client {

/// @p replies: all pages of one answer, in order; at least one.
std::string status_json(const std::vector<wire::StatusReplyT>& replies);

}  // namespace ferry::client
