#pragma once
// What a client may say when: the broker's half of a session as a total function.

#include <cstdint>
#include <optional>

#include "ferry_generated.h"

namespace ferry::proto {

enum class SessionState : std::uint8_t {
  kGreeting,  ///< connected, Hello outstanding
  kReady,     ///< may ask for anything
  kClosed,    ///< ended; whatever still arrives is ignored
};

/// The state after a client's message @p on, or nothing when it may not be sent in @p from: the session then ends.
constexpr std::optional<SessionState> next_state(SessionState from, wire::Body on) {
  switch (from) {
    case SessionState::kGreeting:
      return on == wire::Body::Hello ? std::optional{SessionState::kReady} : std::nullopt;
    case SessionState::kReady:
      switch (on) {
        case wire::Body::CreateStream:
        case wire::Body::Reconfigure:
        case wire::Body::GenerationsRetired:
        case wire::Body::ReportStarved:
        case wire::Body::CloseStream:
        case wire::Body::Attach:
        case wire::Body::CancelAttach:
        case wire::Body::Detach:
        case wire::Body::ImportFailed:
        case wire::Body::HandBackGeneration:
        case wire::Body::HandBackLease:
        case wire::Body::ReclaimStream:
        case wire::Body::ReclaimLease:
        case wire::Body::QueryStatus: return SessionState::kReady;
        default: return std::nullopt;
      }
    case SessionState::kClosed: return SessionState::kClosed;
  }
  return std::nullopt;
}

static_assert(!next_state(SessionState::kGreeting, wire::Body::Attach));
static_assert(!next_state(SessionState::kReady, wire::Body::Hello));
static_assert(!next_state(SessionState::kReady, wire::Body::StatusReply));

}  // namespace ferry::proto
