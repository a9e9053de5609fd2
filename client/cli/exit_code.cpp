#include "client/cli/exit_code.h"

#include <ferry/ferry.h>

namespace ferry::cli {

ExitCode exit_code_for(std::int32_t ferry_error) {
  switch (ferry_error) {
    case FERRY_OK:
      return ExitCode::kOk;
    case FERRY_ERROR_INVALID_ARGUMENT:
      return ExitCode::kUsage;
    case FERRY_ERROR_NO_BROKER:
    case FERRY_ERROR_DISCONNECTED:
      return ExitCode::kNoBroker;
    case FERRY_ERROR_NOT_FOUND:
      return ExitCode::kNotFound;
    case FERRY_ERROR_TIMEOUT:
    case FERRY_ERROR_WOULD_BLOCK:
      return ExitCode::kTimedOut;
    case FERRY_ERROR_VERSION_MISMATCH:
    case FERRY_ERROR_PERMISSION_DENIED:
    case FERRY_ERROR_NAME_TAKEN:
    case FERRY_ERROR_LIMIT_EXCEEDED:
    case FERRY_ERROR_INCOMPATIBLE:
    case FERRY_ERROR_UNSUPPORTED:
      return ExitCode::kRefused;
    case FERRY_ERROR_STREAM_CLOSED:
    case FERRY_ERROR_EVICTED:
      return ExitCode::kEnded;
    default:
      return ExitCode::kFailure;
  }
}

std::string_view hint_for(std::int32_t ferry_error) {
  switch (ferry_error) {
    case FERRY_ERROR_DISCONNECTED:
      return "the broker went away: start ferryd again";
    case FERRY_ERROR_PERMISSION_DENIED:
      return "a system-wide broker serves the members of group 'ferry'";
    case FERRY_ERROR_VERSION_MISMATCH:
      return "`ferry --version` and `ferryd --version` should agree";
    case FERRY_ERROR_INCOMPATIBLE:
      return "`ferry status` shows what the broker's devices can do";
    default:
      return "";
  }
}

}  // namespace ferry::cli
