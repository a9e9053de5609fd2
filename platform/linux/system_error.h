#pragma once
// What a failed system call becomes, and words for descriptors in messages.

#include <string>
#include <string_view>

#include "proto/result.h"

namespace ferry::platform {

/// "<what>: No such file or directory (errno 2)". Out of memory, out of descriptors and lack of permission get the code
/// that says so, everything else is kSystem.
proto::Error system_error(std::string_view what, int error_number);

/// What @p fd refers to, for a message: "a pipe", "a socket".
std::string describe_descriptor(int fd);

/// The same of a file's mode (stat(2)).
const char* describe_file_type(unsigned mode);

}  // namespace ferry::platform
