#pragma once
// How the two processes of a measurement find each other and pass descriptors: once, before anything is measured.

#include <span>
#include <string>
#include <vector>

#include "platform/listener.h"
#include "platform/unique_fd.h"

namespace ferry::bench {

/// The consumer's end.
class MeetingPoint {
 public:
  explicit MeetingPoint(const std::string& path);
  /// What the producer brings, in its order.
  std::vector<platform::UniqueFd> wait_for_descriptors();

 private:
  platform::Listener listener_;
};

/// The producer's end.
void bring_descriptors(const std::string& path, std::span<const int> fds);

}  // namespace ferry::bench
