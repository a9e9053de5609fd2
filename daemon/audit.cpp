#include "daemon/audit.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <bit>

#include "proto/names.h"

namespace ferry::daemon {
namespace {

constexpr std::uint64_t kEveryOneUpTo = 16;

}  // namespace

void audit(const platform::PeerIdentity& peer, Action action, const std::string& stream, const Decision& decision,
           std::uint64_t& refusals) {
  std::string count;
  if (!decision.allowed) {
    ++refusals;
    if (refusals > kEveryOneUpTo && !std::has_single_bit(refusals)) return;
    if (refusals > kEveryOneUpTo) count = fmt::format(", refusal {} of this session", refusals);
  }
  spdlog::log(decision.allowed ? spdlog::level::info : spdlog::level::warn,
              "audit: {} {} '{}' pid={} uid={} gid={} exe='{}' unit='{}' sandbox='{}' by {}{}",
              decision.allowed ? "granted" : "refused", action_name(action), proto::printable(stream), peer.pid,
              peer.uid, peer.gid, proto::printable(peer.origin.executable), proto::printable(peer.origin.unit),
              proto::printable(peer.origin.sandbox), decision.why, count);
}

}  // namespace ferry::daemon
