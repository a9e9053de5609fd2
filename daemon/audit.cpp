#include "daemon/audit.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <bit>

#include "proto/names.h"

namespace ferry::daemon {
namespace {

constexpr std::uint64_t kEveryOneUpTo = 16;  // a power of two

std::string described(const platform::PeerIdentity& peer) {
  return fmt::format("pid={} uid={} gid={} exe='{}' unit='{}' sandbox='{}'", peer.pid, peer.uid, peer.gid,
                     proto::printable(peer.origin.executable), proto::printable(peer.origin.unit),
                     proto::printable(peer.origin.sandbox));
}

}  // namespace

void audit(const platform::PeerIdentity& peer, Action action, const std::string& stream, const Decision& decision,
           std::uint64_t& refusals) {
  std::string count;
  if (!decision.allowed) {
    ++refusals;
    if (refusals > kEveryOneUpTo && !std::has_single_bit(refusals)) return;
    if (refusals > kEveryOneUpTo)
      count = fmt::format(", refusal {} of this session, {} left out before it", refusals, refusals / 2 - 1);
  }
  spdlog::log(decision.allowed ? spdlog::level::info : spdlog::level::warn, "audit: {} {} '{}' {} by {}{}",
              decision.allowed ? "granted" : "refused", action_name(action), proto::printable(stream), described(peer),
              decision.why, count);
}

void audit_unwritten(const platform::PeerIdentity& peer, std::uint64_t refusals) {
  const std::uint64_t written = refusals > kEveryOneUpTo ? std::bit_floor(refusals) : refusals;
  if (refusals == written) return;
  spdlog::warn("audit: refused {}: {} in all, {} left out after the last line", described(peer), refusals, refusals - written);
}

}  // namespace ferry::daemon
