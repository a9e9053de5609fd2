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
  line.over_promise += outcome.longest_gap_ns > kPromisedGapNs ? 1 : 0;
  line.may_stand_still |= outcome.may_stand_still;
  ++tries_;
  failures_ += failed ? 1 : 0;
}

bool Ledger::is_to_be_tried_again(const Fault& fault) const {
  const auto found = lines_.find(fault);
  return found != lines_.end() && found->second.reached == 0 && found->second.tried < kTriesOfAPlace;
}

std::string Ledger::never_reached() const {
  std::string text;
  for (const auto& [fault, line] : lines_)
    if (line.reached == 0 && line.tried >= kTriesOfAPlace)
      text += fmt::format("{}, {}, {}: never reached in {} tries\n", fault.party, fault.signal, fault.where, line.tried);
  return text;
}

void Ledger::Line::add(const Line& other) {
  tried += other.tried;
  reached += other.reached;
  frames += other.frames;
  wrong += other.wrong;
  lost += other.lost;
  failed += other.failed;
  longest_gap_ns = std::max(longest_gap_ns, other.longest_gap_ns);
  over_promise += other.over_promise;
}

std::string Ledger::Line::row(const std::string& name) const {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.0f} | {} |\n", name, tried, reached, frames, wrong, lost, failed,
                     static_cast<double>(longest_gap_ns) / 1e6, over_promise);
}

std::string Ledger::summary() const {
  Line all, killed, stopped, calm, excluded;
  std::size_t excluded_rows = 0;
  for (const auto& [fault, line] : lines_) {
    all.add(line);
    if (line.may_stand_still) {
      excluded.add(line);
      ++excluded_rows;
    } else if (line.longest_gap_ns != 0) {  // else nobody looked at gaps
      (fault.signal == "SIGKILL" ? killed : fault.signal == "SIGSTOP" ? stopped : calm).add(line);
    }
  }
  const auto gap = [](const Line& line) {
    return fmt::format("{:.0f} ms, {} of {} over {} ms", static_cast<double>(line.longest_gap_ns) / 1e6, line.over_promise,
                       line.tried, kPromisedGapNs / 1'000'000);
  };
  return fmt::format(
      "{} faults, {} frames compared: {} wrong, {} lost, {} failed. Longest gap when somebody was killed: {}; stopped: {}; with "
      "nobody: {}. Left out of these: the {} rows in which a `block` stream waits for an `every` consumer, as said above ({}).\n\n",
      all.tried, all.frames, all.wrong, all.lost, all.failed, gap(killed), gap(stopped), gap(calm), excluded_rows, gap(excluded));
}

std::string Ledger::table() const {
  std::string text =
      "| who | what | where | tried | got there | frames compared | wrong | lost | failed | longest gap, ms | over 100 ms |\n"
      "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  Line sum;
  for (const auto& [fault, line] : lines_) {
    text += line.row(fmt::format("{} | {} | {}", fault.party, fault.signal, fault.where));
    sum.add(line);
  }
  return text + sum.row("**all** | | ");
}

}  // namespace ferry::torture
