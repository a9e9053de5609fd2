#pragma once
// The Khronos validation layer over a program that has no switch for it: through the loader, with synchronization
// validation, into a file.

#include <string>

#include "tests/support/layers/layers.h"

namespace ferry::test {

/// Not where $FERRY_TEST_NO_VALIDATION is set: the layer may be missing.
bool validation_wanted();

/// @p settings: a file that this writes; @p log: where the layer's messages go. Both are one process's: the layer begins
/// the log anew. Empty unless validation_wanted().
Environment under_validation(const std::string& settings, const std::string& log);

/// What the layer said of a process that was under_validation(), or that it never loaded: a layer that is not there is
/// silent, too. Empty if it was there and silent, or not wanted.
std::string validation_complaint(const std::string& log);

}  // namespace ferry::test
