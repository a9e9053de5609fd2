#pragma once
// Shared pages (proto/pages): anonymous memfds, made and written by one process, read by others.

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <new>
#include <utility>

#include "platform/unique_fd.h"
#include "proto/pages/page.h"
#include "proto/result.h"

namespace ferry::platform {

/// A mapping of a page; unmaps itself.
class PageMapping {
 public:
  PageMapping() = default;
  explicit PageMapping(boost::interprocess::mapped_region region) : region_(std::move(region)) {}

  void* address() const { return region_.get_address(); }
  explicit operator bool() const { return address() != nullptr; }

 private:
  boost::interprocess::mapped_region region_;
};

struct OwnedPageParts {
  PageMapping mapping;  ///< writable, here only
  UniqueFd fd;          ///< sealed SHRINK|GROW|FUTURE_WRITE|SEAL: whoever gets a duplicate can only read
};
/// A zeroed page of @p size_bytes, mapped writable, then sealed. @p debug_name shows in /proc/PID/maps.
proto::Result<OwnedPageParts> create_page(std::size_t size_bytes, const char* debug_name);

/// Maps a page that a peer made, read-only, after checking: a memfd, exactly @p size_bytes long, all four seals set,
/// header of @p kind, this layout version and size. kProtocolViolation names what is wrong. @p fd may be closed after.
proto::Result<PageMapping> map_peer_page(const UniqueFd& fd, std::size_t size_bytes, proto::PageKind kind);

/// A page this process writes.
template <class Page>
class OwnedPage {
 public:
  static proto::Result<OwnedPage> create(proto::PageKind kind, const char* debug_name) {
    auto parts = create_page(sizeof(Page), debug_name);
    if (!parts) return std::move(parts).error();
    OwnedPage page;
    page.parts_ = std::move(*parts);
    auto* typed = new (page.parts_.mapping.address()) Page{};
    typed->header = {kind, proto::kPageLayoutVersion, sizeof(Page)};
    return page;
  }
  Page& page() { return *static_cast<Page*>(parts_.mapping.address()); }
  const Page& page() const { return *static_cast<const Page*>(parts_.mapping.address()); }
  const UniqueFd& fd() const { return parts_.fd; }

 private:
  OwnedPageParts parts_;
};

/// A page a peer writes. Values mean nothing until copied and checked.
template <class Page>
class PeerPage {
 public:
  PeerPage() = default;
  static proto::Result<PeerPage> map(const UniqueFd& fd, proto::PageKind kind) {
    auto mapping = map_peer_page(fd, sizeof(Page), kind);
    if (!mapping) return std::move(mapping).error();
    PeerPage page;
    page.mapping_ = std::move(*mapping);
    return page;
  }
  const Page& page() const { return *static_cast<const Page*>(mapping_.address()); }
  explicit operator bool() const { return static_cast<bool>(mapping_); }

 private:
  PageMapping mapping_;
};

}  // namespace ferry::platform
