#pragma once
// What `ferry`, ferry-viewer and ferry-renderer tell scripts. The numbers are documented in docs/cli.md: append, never
// renumber.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ferry::cli {

enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,   ///< anything that has no number of its own
  kUsage = 2,     ///< the command line makes no sense
  kNoBroker = 3,  ///< nobody listens at the socket, or the broker went away
  kNotFound = 4,  ///< no stream (or device) of that name
  kTimedOut = 5,
  kRefused = 6,       ///< the broker or the driver says no: incompatible, limits, permission, name taken
  kEnded = 7,         ///< the stream ended, or the broker retired the lease
  kWrongPicture = 8,  ///< a frame was not what it should be (ferry-viewer --verify-stamp)
  kValidation = 9,    ///< the Vulkan validation layer had something to say (--validate)
};

/// The exit code for a FERRY_ERROR_*.
ExitCode exit_code_for(std::int32_t ferry_error);

/// What a user can do about a FERRY_ERROR_*; "" where the library's own text says it, or nobody can.
std::string_view hint_for(std::int32_t ferry_error);

/// A failure that is not the library's. what() is one line without the program's name.
class CommandError : public std::runtime_error {
 public:
  CommandError(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

}  // namespace ferry::cli
