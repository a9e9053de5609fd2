#pragma once
// The one way our code reports failure: a value or an Error that says who is at fault and what to do.

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ferry::proto {

/// What went wrong. The values are the C ABI's (ferry/ferry.h) and the wire's: append, never renumber.
enum class ErrorCode : std::int32_t {
  kInvalidArgument = -1,    ///< a value outside its limits; the message names value, limit and object
  kInvalidState = -2,       ///< a call the object cannot take now (publish without begin, double release)
  kStaleHandle = -3,        ///< a handle that was destroyed, or never was one
  kTimeout = -4,            ///< the deadline passed
  kWouldBlock = -5,         ///< nothing now, and the caller asked not to wait
  kNoBroker = -6,           ///< no broker listens at the socket
  kDisconnected = -7,       ///< the broker went away while we talked to it
  kVersionMismatch = -8,    ///< no protocol version in common; the message has both ranges
  kPermissionDenied = -9,   ///< policy or the kernel says no
  kNotFound = -10,          ///< no stream of that name
  kNameTaken = -11,         ///< the name has a living producer
  kLimitExceeded = -12,     ///< one of the broker's limits; the message names it
  kIncompatible = -13,      ///< no transport, sync mode or device in common; the message names party and constraint
  kUnsupported = -14,       ///< the driver or this build cannot do that
  kStreamClosed = -15,      ///< the stream has ended
  kEvicted = -16,           ///< the broker retired the lease; the message has its reason
  kDeviceLost = -17,        ///< VK_ERROR_DEVICE_LOST
  kOutOfMemory = -18,       ///< host or device memory
  kProtocolViolation = -19, ///< a peer broke the protocol
  kSystem = -20,            ///< a system call failed; the message has call and errno
  kInternal = -21,          ///< our own defect
};

/// Who has to act on an error.
enum class ErrorKind : std::uint8_t { kCaller, kPeer, kExhausted, kDeviceLost, kInternal };

constexpr ErrorKind kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kVersionMismatch:
    case ErrorCode::kProtocolViolation:
    case ErrorCode::kDisconnected:
    case ErrorCode::kStreamClosed: return ErrorKind::kPeer;
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kOutOfMemory: return ErrorKind::kExhausted;
    case ErrorCode::kDeviceLost: return ErrorKind::kDeviceLost;
    case ErrorCode::kSystem:
    case ErrorCode::kInternal: return ErrorKind::kInternal;
    default: return ErrorKind::kCaller;
  }
}

/// Who does not fit, by what, and the two lists that do not meet.
struct Conflict {
  std::string party;       ///< "consumer 'viewer' (pid 4211)"
  std::string constraint;  ///< "transport"
  std::vector<std::string> party_has, others_have;
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  ///< one line, no full stop; names the value, the limit and the object

  std::shared_ptr<const Conflict> conflict{};  ///< of kIncompatible, where there are two lists to compare

  ErrorKind kind() const { return kind_of(code); }
};

/// A T or an Error. Never empty. `Result<void>` has no value.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { assert(ok()); return std::get<0>(state_); }
  const T& value() const& { assert(ok()); return std::get<0>(state_); }
  T&& value() && { assert(ok()); return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { assert(!ok()); return std::get<1>(state_); }
  Error&& error() && { assert(!ok()); return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { assert(failed_); return error_; }
  Error&& error() && { assert(failed_); return std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace ferry::proto
