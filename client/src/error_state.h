#pragma once
// The C ABI's errors: a code to return, and a line of text that stays with the thread.

#include <cstdint>

#include "ferry/ferry.h"
#include "proto/result.h"

namespace ferry::client {

/// Remembers @p error's text for ferry_last_error() of this thread; returns its code. Allocates nothing: a call that
/// would block is an ordinary answer of the hot path.
std::int32_t fail(const proto::Error& error);
std::int32_t fail(proto::ErrorCode code, const char* text);

const char* last_error();
/// Of the last error; false if it had none.
bool last_conflict(ferry_conflict& out);
const char* error_name(std::int32_t code);

}  // namespace ferry::client
