#pragma once
// What the service manager's store has of one stream, for the broker after this one (docs/decisions/0012).

#include <set>
#include <string>

#include "daemon/fd_store.h"
#include "daemon/generation.h"
#include "daemon/kept_entry.h"
#include "daemon/lease.h"
#include "daemon/policy.h"

namespace ferry::daemon {

struct Producer;

class KeptStream {
 public:
  /// @p store: may be null: nothing is kept.
  KeptStream(FdStore* store, proto::StreamId id) : store_(store), id_(id) {}

  /// The stream itself; what was kept of its producer before @p producers goes.
  void keep(const std::string& name, const TrustDomain& domain, const Producer& producer, std::uint32_t producers,
            const platform::UniqueFd& verdict_page);
  void keep(const Generation& generation);
  void keep(const Lease& lease);
  void keep(const AbsentLease& lease);
  void forget(proto::GenerationId id);
  void forget(proto::LeaseId id);
  /// The stream has ended. Not when this object goes: the broker may go before the stream.
  void forget_all();

 private:
  void put(KeptName::Kind kind, std::uint64_t part, const std::vector<std::byte>& bytes, const FdList& fds);
  void remove(KeptName::Kind kind, std::uint64_t part);
  /// @p party: may be null.
  void keep_lease(proto::LeaseId id, std::uint32_t index, const LeaseNeed& need, const LeasePagePtr& page,
                  const platform::ExportedTimeline* release_timeline, bool has_fence_channel, const Party* party);

  FdStore* store_;
  proto::StreamId id_;
  std::set<std::string> names_;
  std::uint32_t producers_ = 0;
};

}  // namespace ferry::daemon
