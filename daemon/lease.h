#pragma once
// One consumer's standing with one stream, as the broker keeps it.

#include <cstdint>
#include <memory>
#include <optional>

#include "daemon/negotiation.h"
#include "daemon/pool_size.h"
#include "daemon/session.h"
#include "platform/shared_page.h"
#include "platform/timeline.h"
#include "proto/ids.h"
#include "proto/pages/lease_page.h"

namespace ferry::daemon {

/// A page that a peer writes, with the descriptor for the others who read it.
template <class Page>
struct SharedPage {
  Reservation descriptors;  ///< the page's and of whatever goes with it
  platform::UniqueFd fd;
  platform::PeerPage<Page> mapping;
  const Page& page() const { return mapping.page(); }
};

/// Maps and checks what came beside a message. Shared, because promises are read from it after its stream has gone.
template <class Page>
proto::Result<std::shared_ptr<const SharedPage<Page>>> share_page(platform::UniqueFd fd, proto::PageKind kind,
                                                                  Reservation descriptors) {
  auto mapping = platform::PeerPage<Page>::map(fd, kind);
  if (!mapping) return std::move(mapping).error();
  return std::make_shared<const SharedPage<Page>>(
      SharedPage<Page>{std::move(descriptors), std::move(fd), std::move(*mapping)});
}

/// Beside the page: the stream's verdict page, the lease's timeline and its producer's ends of the channels.
constexpr std::uint64_t kDescriptorsOfStream = 2, kDescriptorsOfLease = 4;

using StreamPagePtr = std::shared_ptr<const SharedPage<proto::StreamPage>>;
using LeasePagePtr = std::shared_ptr<const SharedPage<proto::LeasePage>>;

struct Lease {
  Lease() = default;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { drop_producer_ends(); }
  /// The consumer can fill its own ends, and so has the last word on how long it takes to close these.
  void drop_producer_ends() {
    if (!bin) return;
    bin->take(std::move(producer_end));
    bin->take(std::move(fence_producer_end));
  }

  proto::LeaseId id{};
  std::uint32_t index = 0;     ///< in the verdict page
  Session* session = nullptr;  ///< the lease ends before its session does
  Party party;
  Reservation memory;          ///< for the party
  LeaseNeed need{};
  /// Its consumer is of another trust domain than the stream's producer: it is given no timeline of others', so it
  /// cannot fake their points, and none of its own points is waited for on anybody's GPU. It has no say in how frames cross
  /// nor in how many slots there are: it goes the way in use, or it goes.
  bool foreign = false;
  LeasePagePtr page;
  std::shared_ptr<platform::ExportedTimeline> release_timeline;  ///< nullptr if it joined in sync mode host or sync-fd, and for foreign leases
  /// Without a producer: kept open, or the consumer's end would look hung up.
  platform::UniqueFd producer_end, fence_producer_end;
  std::shared_ptr<FdBin> bin;  ///< its consumer's user's
  bool has_fence_channel = false;
  std::int64_t attached_ns = 0;
  bool known_to_producer = false;             ///< the producer that the stream has, or waits for, was told of it
  proto::GenerationId newest_known{};         ///< that its consumer was told of
};

/// A lease that its producer or the service manager handed back, and that its consumer has not claimed yet. It lives: its holds count.
struct AbsentLease {
  proto::LeaseId id{};
  std::uint32_t index = 0;
  LeaseNeed need{};
  LeasePagePtr page;
  std::shared_ptr<platform::ExportedTimeline> release_timeline;
  std::shared_ptr<Process> process;  ///< the page's writer
  std::int64_t since_ns = 0;
  std::optional<Party> party;      ///< known if it comes from the service manager
  bool has_fence_channel = false;
  bool known_to_producer = false;  ///< the producer that the stream has, or waits for, has told of it
  bool foreign = false;            ///< as Lease has it
};

}  // namespace ferry::daemon
