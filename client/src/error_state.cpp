#include "client/src/error_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace ferry::client {
namespace {

thread_local std::array<char, 1024> last_text{};

thread_local std::shared_ptr<const proto::Conflict> last_known_conflict;

void remember(std::string_view text) {
  const std::size_t length = std::min(text.size(), last_text.size() - 1);
  std::memcpy(last_text.data(), text.data(), length);
  last_text[length] = '\0';
}

}  // namespace

std::int32_t fail(const proto::Error& error) {
  remember(error.message);
  last_known_conflict = error.conflict;
  return static_cast<std::int32_t>(error.code);
}

std::int32_t fail(proto::ErrorCode code, const char* text) {
  remember(text);
  last_known_conflict.reset();
  return static_cast<std::int32_t>(code);
}

bool last_conflict(ferry_conflict& out) {
  if (!last_known_conflict) return false;
  const auto put = [](auto& field, std::string_view text) {
    const std::size_t length = std::min(text.size(), sizeof field - 1);
    std::memcpy(field, text.data(), length);
    field[length] = '\0';
  };
  const auto join = [](const std::vector<std::string>& list) { return fmt::format("{}", fmt::join(list, ", ")); };
  put(out.party, last_known_conflict->party);
  put(out.constraint, last_known_conflict->constraint);
  put(out.party_has, join(last_known_conflict->party_has));
  put(out.others_have, join(last_known_conflict->others_have));
  return true;
}

const char* last_error() { return last_text.data(); }

const char* error_name(std::int32_t code) {
  if (code == 0) return "FERRY_OK";
  switch (static_cast<proto::ErrorCode>(code)) {
    case proto::ErrorCode::kInvalidArgument: return "FERRY_ERROR_INVALID_ARGUMENT";
    case proto::ErrorCode::kInvalidState: return "FERRY_ERROR_INVALID_STATE";
    case proto::ErrorCode::kStaleHandle: return "FERRY_ERROR_STALE_HANDLE";
    case proto::ErrorCode::kTimeout: return "FERRY_ERROR_TIMEOUT";
    case proto::ErrorCode::kWouldBlock: return "FERRY_ERROR_WOULD_BLOCK";
    case proto::ErrorCode::kNoBroker: return "FERRY_ERROR_NO_BROKER";
    case proto::ErrorCode::kDisconnected: return "FERRY_ERROR_DISCONNECTED";
    case proto::ErrorCode::kVersionMismatch: return "FERRY_ERROR_VERSION_MISMATCH";
    case proto::ErrorCode::kPermissionDenied: return "FERRY_ERROR_PERMISSION_DENIED";
    case proto::ErrorCode::kNotFound: return "FERRY_ERROR_NOT_FOUND";
    case proto::ErrorCode::kNameTaken: return "FERRY_ERROR_NAME_TAKEN";
    case proto::ErrorCode::kLimitExceeded: return "FERRY_ERROR_LIMIT_EXCEEDED";
    case proto::ErrorCode::kIncompatible: return "FERRY_ERROR_INCOMPATIBLE";
    case proto::ErrorCode::kUnsupported: return "FERRY_ERROR_UNSUPPORTED";
    case proto::ErrorCode::kStreamClosed: return "FERRY_ERROR_STREAM_CLOSED";
    case proto::ErrorCode::kEvicted: return "FERRY_ERROR_EVICTED";
    case proto::ErrorCode::kDeviceLost: return "FERRY_ERROR_DEVICE_LOST";
    case proto::ErrorCode::kOutOfMemory: return "FERRY_ERROR_OUT_OF_MEMORY";
    case proto::ErrorCode::kProtocolViolation: return "FERRY_ERROR_PROTOCOL_VIOLATION";
    case proto::ErrorCode::kSystem: return "FERRY_ERROR_SYSTEM";
    case proto::ErrorCode::kInternal: return "FERRY_ERROR_INTERNAL";
  }
  return "FERRY_ERROR_UNKNOWN";
}

}  // namespace ferry::client
