#pragma once
// What a stream may be called.

#include <string>
#include <string_view>

#include "proto/result.h"

namespace ferry::proto {

/// 1 to kMaxNameBytes bytes of UTF-8 without control characters (C0, DEL, C1). The error names the first offence.
Result<void> check_stream_name(std::string_view name);

/// @p text with everything that could disturb a terminal or a log line shown as \xNN, cut to @p max_bytes.
std::string printable(std::string_view text, std::size_t max_bytes = 160);

/// Length of the well-formed UTF-8 sequence at the start of @p text (Unicode 15, table 3-7), 0 if there is none.
std::size_t utf8_sequence_length(std::string_view text);

}  // namespace ferry::proto
