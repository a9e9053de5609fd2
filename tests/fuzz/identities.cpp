#include "tests/fuzz/identities.h"

#include <utility>

#include "platform/listener.h"
#include "tests/fuzz/require.h"

// The linker gives platform::identify_peer() these names (--wrap, CMakeLists.txt).
#define FERRY_IDENTIFY_PEER "_ZN5ferry8platform13identify_peerERKNS0_8UniqueFdE"

namespace ferry::fuzz {

using platform::PeerIdentity;
using proto::Result;

Result<PeerIdentity> as_the_kernel_says(const platform::UniqueFd& connection) asm("__real_" FERRY_IDENTIFY_PEER);
Result<PeerIdentity> identify(const platform::UniqueFd& connection) asm("__wrap_" FERRY_IDENTIFY_PEER);

std::deque<Identity>& connecting() {
  static std::deque<Identity> all;
  return all;
}

Result<PeerIdentity> identify(const platform::UniqueFd& connection) {
  static const PeerIdentity own = [&] {
    auto identity = as_the_kernel_says(connection);
    FERRY_REQUIRE(identity);
    identity->origin = {};  // wherever the fuzzer itself is shut in
    return std::move(*identity);
  }();
  FERRY_REQUIRE(!connecting().empty());
  const Identity wanted = connecting().front();
  connecting().pop_front();
  PeerIdentity identity;
  identity.pid = own.pid;
  identity.uid = wanted == Identity::kAnotherUser ? kAnotherUser : own.uid;
  identity.gid = own.gid;
  identity.process = own.process;
  identity.pidfd = own.pidfd.duplicate();
  identity.groups = own.groups;
  identity.origin = own.origin;
  if (wanted == Identity::kInASandbox) identity.origin.sandbox = "org.fuzz.App";
  identity.started_ticks = own.started_ticks;
  return identity;
}

}  // namespace ferry::fuzz
