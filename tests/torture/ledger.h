#pragma once
// What was tried, how often, and what was lost by it: the table of docs/reliability.md.

#include <cstdint>
#include <map>
#include <string>

namespace ferry::torture {

struct Fault {
  std::string party;   ///< "consumer, latest"
  std::string signal;  ///< "SIGKILL" or "SIGSTOP"
  std::string where;   ///< "send.Attach.after", "at any time"
  auto operator<=>(const Fault&) const = default;
};

/// What one try came to.
struct Outcome {
  bool reached = false;            ///< the process got to the place
  std::uint64_t frames = 0;        ///< that the others compared
  std::uint64_t wrong_frames = 0;  ///< of those
  std::uint64_t lost_frames = 0;   ///< gaps in the numbers that an `every` consumer saw
  std::uint64_t longest_gap_ns = 0;  ///< between two frames, as they came to the others
  std::string failure;             ///< what went wrong; empty: nothing
  bool may_stand_still = false;    ///< it is a `block` stream's promise to wait for such a process
};

/// What is promised of gaps. What a test run asserts on a machine with other work is more (gap_bound.h).
inline constexpr std::uint64_t kPromisedGapNs = 100'000'000;

class Ledger {
 public:
  void enter(const Fault& fault, const Outcome& outcome);
  bool all_well() const { return failures_ == 0; }
  /// So often a place is tried before it counts as one that is not there.
  static constexpr std::uint64_t kTriesOfAPlace = 3;
  bool is_to_be_tried_again(const Fault& fault) const;
  /// Places that nobody got to, in so many tries: their names, one a line.
  std::string never_reached() const;
  std::uint64_t tries() const { return tries_; }
  /// As Markdown: what all of it came to, and the table.
  std::string summary() const;
  std::string table() const;

 private:
  struct Line {
    std::uint64_t tried = 0, reached = 0, frames = 0, wrong = 0, lost = 0, failed = 0, longest_gap_ns = 0, over_promise = 0;
    bool may_stand_still = false;
    void add(const Line& other);
    std::string row(const std::string& name) const;
  };
  std::map<Fault, Line> lines_;
  std::uint64_t tries_ = 0, failures_ = 0;
};

}  // namespace ferry::torture
