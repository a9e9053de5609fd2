#pragma once
// The status as people read it.

#include <cstddef>
#include <string>

#include "client/cli/status_model.h"
#include "client/cli/terminal.h"

namespace ferry::cli {

/// All of it, at most @p columns wide as far as names and reasons allow; ends with a newline.
std::string render_status(const Status& status, const Style& style, std::size_t columns);

/// One line a stream, by name: name, size, format, rate, consumers. "" without streams.
std::string render_list(const Status& status, const Style& style);

}  // namespace ferry::cli
