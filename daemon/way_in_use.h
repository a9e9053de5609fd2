#pragma once
// Whether a consumer that nothing is changed for, because it is of another trust domain, can go the way in which frames
// cross already. Pure: it is judged by what it says of itself, which hurts nobody but itself.

#include "daemon/generation.h"
#include "daemon/negotiation.h"
#include "proto/result.h"

namespace ferry::daemon {

/// kIncompatible names @p consumer and the constraint, with both lists. Queue families are no reason to refuse: who lacks the
/// foreign ones uses external ones (docs/decisions/0015).
proto::Result<void> can_import(const Party& consumer, const GenerationSpec& spec, const platform::TextureLayout& layout);

}  // namespace ferry::daemon
