#pragma once
// What FlatBuffers' verifier leaves out.

#include "ferry_generated.h"

namespace ferry::proto {

/// The verifier looks where a list's length lies, four bytes before its elements, and not where those do: a list of
/// 64-bit numbers in a hostile packet may lie where they must not be read from. False when one does. @p envelope has
/// been verified otherwise.
bool lists_are_aligned(const wire::Envelope& envelope);
/// The same of a part of something else; may be null.
bool lists_are_aligned(const wire::Device* device);
bool lists_are_aligned(const wire::Generation* generation);

}  // namespace ferry::proto
