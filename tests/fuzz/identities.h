#pragma once
// Who the fuzzed broker takes its peers for. All of them are this process; a target that is linked with
// ferry_fuzz_identities says what else they are, which also spares every connection a tour of /proc.

#include <sys/types.h>

#include <cstdint>
#include <deque>

namespace ferry::fuzz {

enum class Identity : std::uint8_t { kOwnUser, kInASandbox, kAnotherUser };
inline constexpr uid_t kAnotherUser = 4242;

/// Of the connections that the broker has not accepted yet, in their order.
std::deque<Identity>& connecting();

}  // namespace ferry::fuzz
