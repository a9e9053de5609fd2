#pragma once
// How long the others may be without a frame when somebody dies.

#include <cstdint>
#include <optional>
#include <string>

#include "tests/torture/ledger.h"

namespace ferry::torture {

/// The producer of "cam" waits for whom @p fault stops: it is a `block` stream, which loses no frame instead.
bool may_stand_still(const Fault& fault);

class GapBound {
 public:
  /// $FERRY_TORTURE_GAP_MS says it strictly. Without it, what this machine does with nobody dying decides.
  GapBound();

  /// What was seen with nobody dying, in this run.
  void learn(std::uint64_t gap_ns);
  std::uint64_t bound_ns(const Fault& fault) const;
  /// What is wrong with @p outcome; empty: nothing.
  std::string judge(const Fault& fault, const Outcome& outcome) const;

 private:
  std::optional<std::uint64_t> strict_ns_;
  std::uint64_t seen_ns_ = 0;
};

}  // namespace ferry::torture
