#pragma once
// The streams that there are, from ferry_query_status()'s JSON (docs/status.md).

#include <ferry/ferry.hpp>
#include <string>
#include <vector>

namespace viewer {

struct StreamEntry {
  std::string name;
  std::string summary;  ///< "1280x720 RGBA8, 60.0 Hz, live, from ferry-renderer"
};

struct StreamList {
  std::vector<StreamEntry> streams;
  std::string error;  ///< why there is no list; empty if there is
};

StreamList list_streams(const ferry::Connection& connection);

}  // namespace viewer
