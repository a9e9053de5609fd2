#pragma once
// Text for people: safe to print, aligned, with units.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::cli {

/// @p text with everything that could disturb a terminal shown as \xNN: control characters, broken UTF-8, and the
/// characters that turn the direction of writing.
std::string printable(std::string_view text);

/// Columns that @p text (well-formed UTF-8) takes up.
std::size_t display_width(std::string_view text);

/// @p text filled up with spaces to @p width columns; longer text stays as it is.
std::string pad_right(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);

/// @p text cut to @p width columns, with "…" where something was cut off.
std::string truncate(std::string_view text, std::size_t width);

/// @p text broken at spaces into lines of at most @p width columns; a longer word has a line of its own.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// "no driver can" for the reason "host: no driver can" of the subject "host", beside which it is going to stand.
std::string_view without_subject(std::string_view reason, std::string_view subject);

std::string human_bytes(std::uint64_t bytes);       ///< "31.6 MiB"
std::string human_duration(std::uint64_t time_ns);  ///< "85 us", "4.1 ms", "12.3 s", "3m 20s", "2h 05m", "3d 04h"
std::string human_rate(double rate_hz);             ///< "59.9 Hz"
std::string counted(std::uint64_t n, std::string_view noun);  ///< "1 stream", "2 streams"

}  // namespace ferry::cli
