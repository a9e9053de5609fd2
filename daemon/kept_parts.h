#pragma once
// What the service manager has kept of one stream, taken apart.

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/kept_entry.h"
#include "platform/service.h"
#include "platform/unique_fd.h"

namespace ferry::daemon {

struct KeptParts {
  template <class Table>
  struct Part {
    Table about;
    std::vector<platform::UniqueFd> fds;  ///< as many as belong to it
  };
  std::map<std::uint64_t, Part<kept::StreamT>> stream;  ///< by its producers so far: the last one counts
  std::map<std::uint64_t, Part<kept::GenerationT>> generations;
  std::map<std::uint64_t, Part<kept::LeaseT>> leases;
};

/// @p entries: of stream @p id. What is no entry of it is left out, and the log says so by its name.
KeptParts take_apart(proto::StreamId id, std::vector<platform::PassedFd> entries);

}  // namespace ferry::daemon
