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

std::string Ledger::Line::row(const std::string& name) const {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.0f} |\n", name, tried, reached, frames, wrong, lost, failed,
                     static_cast<double>(longest_gap_ns) / 1e6);
}

std::string Ledger::table() const {
  std::string text =
      "| who | what | where | tried | got there | frames compared | wrong | lost | failed | longest gap, ms |\n"
      "|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
  Line sum;
  for (const auto& [fault, line] : lines_) {
    text += line.row(fmt::format("{} | {} | {}", fault.party, fault.signal, fault.where));
    sum.tried += line.tried;
    sum.reached += line.reached;
    sum.frames += line.frames;
    sum.wrong += line.wrong;
    sum.lost += line.lost;
    sum.failed += line.failed;
    sum.longest_gap_ns = std::max(sum.longest_gap_ns, line.longest_gap_ns);
  }
  return text + sum.row("**all** | | ");
}

}  // namespace ferry::torture
