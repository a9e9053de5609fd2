// Lets processes die and stop at every place, at random, and says what was lost by it: scripts/torture.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <random>

#include "tests/torture/cycles.h"
#include "tests/torture/faults.h"
#include "tests/torture/places.h"

namespace ferry::torture {
namespace {

constexpr int kFaultsAWorld = 24;

struct Options {
  double minutes = 3;
  unsigned seed = std::random_device{}();
  int cycles = 300;
  std::string only, table_file;
};

void report(const Fault& fault, int nth, const Outcome& outcome) {
  const bool well = outcome.failure.empty() && outcome.wrong_frames + outcome.lost_frames == 0;
  std::printf("%s, %s, %s, pass %d: %s%s, longest gap %.0f ms\n", fault.party.c_str(), fault.signal.c_str(),
              fault.where.c_str(), nth, outcome.reached ? "" : "not reached; ", well ? "all well" : "FAILED",
              static_cast<double>(outcome.longest_gap_ns) / 1e6);
}

int run(const Options& options) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.minutes * 60);
  const auto is_over = [&] { return std::chrono::steady_clock::now() >= end; };
  std::printf("seed %u\n", options.seed);
  std::mt19937 random(options.seed);
  std::vector<Fault> faults;
  for (const Fault& fault : all_faults())
    if (options.only.empty() || (fault.party + " " + fault.signal + " " + fault.where).find(options.only) != std::string::npos)
      faults.push_back(fault);
  if (faults.empty()) throw std::invalid_argument("no fault is called " + options.only);
  std::shuffle(faults.begin(), faults.end(), random);

  Ledger ledger;
  GapBound bound;
  UsualFootprints usual;
  std::size_t next = 0;
  std::deque<Fault> again;  // whose places nobody got to
  const auto next_fault = [&] {
    if (again.empty()) return faults[next++ % faults.size()];
    const Fault fault = again.front();
    again.pop_front();
    return fault;
  };
  do {
    World world(usual);
    if (next == 0 && options.cycles > 0) run_cycles(world, options.cycles, random, ledger);
    const Outcome calm = inflict_nothing(world);
    bound.learn(calm.longest_gap_ns);
    report(kNothing, 1, calm);
    ledger.enter(kNothing, calm);
    if (!calm.failure.empty()) std::printf("  %s\n", calm.failure.c_str());
    for (int i = 0; calm.failure.empty() && i < kFaultsAWorld && !is_over(); ++i) {
      const Fault fault = next_fault();
      const int nth = static_cast<int>(random() % static_cast<unsigned>(passes_of(fault))) + 1;
      const Outcome outcome = inflict(world, fault, nth, bound);
      ledger.enter(fault, outcome);
      if (ledger.is_to_be_tried_again(fault)) again.push_back(fault);
      report(fault, nth, outcome);
      if (!outcome.failure.empty()) std::printf("  %s\n  the broker's log:\n%s\n", outcome.failure.c_str(), world.broker().log().c_str());
      std::fflush(stdout);
      if (!outcome.failure.empty()) break;  // a world of its own for the next one
    }
    Outcome left;
    left.reached = true;
    try {
      left.failure = world.end();
    } catch (const std::exception& error) {
      left.failure = error.what();
    }
    if (!left.failure.empty()) std::printf("  at the end: %s\n", left.failure.c_str());
    ledger.enter({"everybody", "", "after the last one has left"}, left);
  } while (!is_over());

  const std::string table = ledger.summary() + ledger.table(), missed = ledger.never_reached();
  std::printf("\n%s\n%llu faults; %s\n%s", table.c_str(), static_cast<unsigned long long>(ledger.tries()),
              ledger.all_well() ? "nothing was lost" : "SOMETHING WAS LOST", missed.c_str());
  if (!options.table_file.empty()) std::ofstream(options.table_file) << table;
  return ledger.all_well() && missed.empty() ? 0 : 1;
}

}  // namespace
}  // namespace ferry::torture

int main(int argc, char** argv) {
  ferry::torture::Options options;
  CLI::App app("Kills and stops everybody everywhere");
  app.add_option("--minutes", options.minutes);
  app.add_option("--seed", options.seed);
  app.add_option("--cycles", options.cycles, "processes that attach and are killed, before all else");
  app.add_option("--only", options.only, "faults whose name contains this");
  app.add_option("--table", options.table_file, "where the table goes, too");
  CLI11_PARSE(app, argc, argv);
  try {
    return ferry::torture::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
