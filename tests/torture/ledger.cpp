#include "tests/torture/ledger.h"

#include <fmt/format.h>

#include <algorithm>

namespace ferry::torture {

void Ledger::enter(const Fault& fault, const Outcome& outcome) {
  Line& line = lines_[fault];
  const bool failed = !outcome.failure.empty() || outcome.wrong_frames != 0 || outcome.lost_frames != 0;
  ++line.tried;
  line.reached += outcome.reached ? 1 : 0;
  line.frames += outcome.frames;
  line.wrong += outcome.wrong_frames;
  line.lost += outcome.lost_frames;
  line.failed += failed ? 1 : 0;
  line.longest_gap_ns = std::max(line.longest_gap_ns, outcome.longest_gap_ns);
  ++tries_;
  failures_ += failed ? 1 : 0;
}

std::string Ledger::table() const {
  std::string text =
      "| who | what | where | tried | got there | frames compared | wrong | lost | failed |\n"
      "|---|---|---|--:|--:|--:|--:|--:|--:|\n";
  Line sum;
  for (const auto& [fault, line] : lines_) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", fault.party, fault.signal, fault.where,
                        line.tried, line.reached, line.frames, line.wrong, line.lost, line.failed);
    sum.tried += line.tried;
    sum.reached += line.reached;
    sum.frames += line.frames;
    sum.wrong += line.wrong;
    sum.lost += line.lost;
    sum.failed += line.failed;
  }
  return text + fmt::format("| **all** | | | {} | {} | {} | {} | {} | {} |\n", sum.tried, sum.reached, sum.frames, sum.wrong,
                            sum.lost, sum.failed);
}

}  // namespace ferry::torture
