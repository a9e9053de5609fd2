// One process of a pair that a measurement watches: draws frames and hands them over, or takes them and reads them.
// Does what it is told on its standard input:
//
//   make LAST lockstep|free|RATE   frames up to number LAST; lockstep: each when the one before was read; RATE: in Hz
//   take LAST DEPTH VERIFY         frames up to number LAST, DEPTH of them at once; VERIFY: compare every VERIFY-th
//   loop LAST DEPTH VERIFY         both, in this process
//
// --together N: N frames at a time, which are handed over and read at once; LAST is a multiple of N.

#include <CLI/CLI.hpp>
#include <deque>
#include <sstream>
#include <thread>

#include "tests/bench/peer/sides.h"
#include "tests/bench/peer/usage.h"
#include "tests/support/check.h"
#include "tests/support/programs/arguments.h"
#include "tests/support/programs/control.h"

namespace ferry::bench {
namespace {

using nlohmann::json;
using test::report;

const std::map<std::string, ReadOn> kReadOn{
    {"graphics", ReadOn::kGraphics}, {"second", ReadOn::kSecond}, {"ring", ReadOn::kRing}};
const std::map<std::string, ReadWhen> kReadWhen{{"published", ReadWhen::kPublished},
                                                {"ahead", ReadWhen::kAhead},
                                                {"complete", ReadWhen::kComplete},
                                                {"never", ReadWhen::kNever}};

/// Frames as they were read.
class Readings {
 public:
  Readings(ConsumerSide& side, Board* board, std::uint64_t verify) : side_(side), board_(board), verify_(verify) {}

  void add(const Taken& taken) { open_.push_back(taken); }
  std::size_t open() const { return open_.size(); }
  void finish_oldest() {
    const Taken taken = open_.front();
    open_.pop_front();
    const bool read = taken.reading != kNotRead;
    const Reader::Done done =
        read ? side_.reader().finish(taken.reading, taken.sequence) : Reader::Done{.completed_ns = platform::now_ns()};
    if (done.wrong_words != 0) ++wrong_;
    if (done.span) spans_.push_back({taken.sequence, done.span->begin_ns, done.span->end_ns});
    if (read && verify_ != 0 && taken.sequence % verify_ == 0) {
      ++compared_whole_;
      if (side_.reader().count_wrong(taken.reading, taken.sequence) != 0) ++wrong_whole_;
    }
    sequences_.push_back(taken.sequence);
    completed_ns_.push_back(done.completed_ns);
    if (board_ != nullptr) board_->done.reach(taken.sequence);
  }
  json books() const {
    return {{"sequences", sequences_},
            {"completed_ns", completed_ns_},
            {"read_spans", spans_},
            {"wrong", wrong_},
            {"compared_whole", compared_whole_},
            {"wrong_whole", wrong_whole_}};
  }

 private:
  ConsumerSide& side_;
  Board* board_;
  std::uint64_t verify_;
  std::deque<Taken> open_;
  std::vector<std::uint64_t> sequences_;
  std::vector<std::int64_t> completed_ns_;
  json spans_ = json::array();
  std::uint64_t wrong_ = 0, compared_whole_ = 0, wrong_whole_ = 0;
};

class Peer {
 public:
  Peer(const PairOptions& options, bool apart, const std::string& role, const std::string& meet)
      : together_(options.together), apart_(apart), device_(options.device) {
    if (role == "producer") sides_.producer = make_producer(device_, options, meet, board_);
    if (role == "consumer") sides_.consumer = make_consumer(device_, options, meet, board_);
    if (role == "both") sides_ = make_one_process(device_, options);
    report("ready", {{"device", device_.name()},
                     {"driver", device_.driver()},
                     {"software", device_.is_software()},
                     {"sync", device_.exports_timelines() ? "timeline" : "host"}});
  }

  void run() {
    while (!commands_.stopped()) {
      if (const auto line = commands_.next())
        obey(*line);
      else
        commands_.wait(std::chrono::milliseconds(1000));
    }
  }

 private:
  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string what, how;
    std::uint64_t last = 0, depth = 1, verify = 0;
    words >> what >> last;
    if (what == "make" && words >> how) return make(last, how);
    if (what == "take" && words >> depth >> verify) return take(last, depth, verify);
    if (what == "loop" && words >> depth >> verify) return loop(last, depth, verify);
    throw std::invalid_argument("unknown command: " + line);
  }

  void make(std::uint64_t last, const std::string& how) {
    const bool lockstep = how == "lockstep";
    const double rate_hz = lockstep || how == "free" ? 0 : std::stod(how);
    std::vector<std::int64_t> submitted;
    const std::uint64_t first = next_, allocations = sides_.producer->allocations();
    usage_.start();
    auto due = std::chrono::steady_clock::now();
    Board& board = board_of(board_);
    const auto period_ns = static_cast<std::int64_t>(rate_hz > 0 ? 1e9 / rate_hz : 0);
    const std::int64_t due_ns = due.time_since_epoch() / std::chrono::nanoseconds(1);
    board.period_ns = period_ns;
    board.frame_0_due_ns = rate_hz > 0 ? due_ns - period_ns * static_cast<std::int64_t>(first) : 0;
    for (; next_ <= last; next_ += together_) {
      if (lockstep && !board.done.wait(next_ - 1, platform::now_ns() + kPatienceNs))
        throw std::runtime_error("the consumer has stopped");
      if (rate_hz > 0) {
        std::this_thread::sleep_until(due);
        due += std::chrono::nanoseconds(period_ns);
      }
      submitted.insert(submitted.end(), together_, produce());
    }
    sides_.producer->flush(last);
    report("made", {{"first", first},
                    {"submitted_ns", submitted},
                    {"slots", sides_.producer->slots()},
                    {"drawn_spans", drawn_spans()},
                    {"allocations", sides_.producer->allocations() - allocations},
                    {"usage", usage_.so_far()}});
  }

  /// The next frames together; the moment before the first one's submission.
  std::int64_t produce() {
    if (!apart_) return sides_.producer->produce_together(next_, together_);
    const std::int64_t submitted_ns = sides_.producer->produce(next_);
    for (std::uint32_t i = 1; i < together_; ++i) sides_.producer->produce(next_ + i);
    return submitted_ns;
  }

  json drawn_spans() {
    json spans = json::array();
    for (const Drawn& drawn : sides_.producer->drawn())
      spans.push_back({drawn.sequence, drawn.span.begin_ns, drawn.span.end_ns});
    return spans;
  }

  void take(std::uint64_t last, std::uint64_t depth, std::uint64_t verify) {
    Readings readings(*sides_.consumer, &board_of(board_), verify);
    const std::uint64_t allocations = sides_.consumer->allocations();
    usage_.start();
    while (taken_ < last) {
      for (std::uint32_t i = 0; i < (apart_ ? together_ : 1); ++i) {
        const auto taken = sides_.consumer->take_together(apart_ ? 1 : together_, kPatienceNs);
        if (taken.empty()) throw std::runtime_error("no frame came");
        taken_ = taken.back().sequence;
        for (const Taken& frame : taken) readings.add(frame);
      }
      while (readings.open() >= depth) readings.finish_oldest();
    }
    while (readings.open() > 0) readings.finish_oldest();
    json books = readings.books();
    books["usage"] = usage_.so_far();
    books["allocations"] = sides_.consumer->allocations() - allocations;
    report("took", std::move(books));
  }

  void loop(std::uint64_t last, std::uint64_t depth, std::uint64_t verify) {
    Readings readings(*sides_.consumer, nullptr, verify);
    std::vector<std::int64_t> submitted;
    const std::uint64_t first = next_;
    usage_.start();
    for (; next_ <= last; ++next_) {
      submitted.push_back(sides_.producer->produce(next_));
      readings.add(*sides_.consumer->take(kPatienceNs));
      if (readings.open() >= depth) readings.finish_oldest();
    }
    while (readings.open() > 0) readings.finish_oldest();
    json books = readings.books();
    books["usage"] = usage_.so_far();
    books["first"] = first;
    books["submitted_ns"] = submitted;
    books["drawn_spans"] = drawn_spans();
    report("looped", std::move(books));
  }

  const std::uint32_t together_;  // frames handed over at once
  const bool apart_;              // each by a submission of its own nevertheless
  Usage usage_;  // first: it counts for threads made after it
  Device device_;
  SharedMemory board_;
  Sides sides_;
  std::uint64_t next_ = 1, taken_ = 0;
  test::Commands commands_;
};

int run(int argc, char** argv) {
  PairOptions options;
  std::string role, meet, size = "1920x1080";
  bool apart = false;
  CLI::App app("One process of a pair that ferry_bench measures");
  app.add_option("--role", role)->required()->check(CLI::IsMember({"producer", "consumer", "both"}));
  app.add_option("--meet", meet, "socket at which the pair meets");
  app.add_option("--rival", options.rival);
  app.add_option("--size", size, "WxH");
  app.add_option("--depth", options.depth);
  app.add_option("--read-on", options.read_on)->transform(CLI::CheckedTransformer(kReadOn));
  app.add_option("--read-when", options.read_when)->transform(CLI::CheckedTransformer(kReadWhen));
  app.add_option("--together", options.together, "frames at once; --depth is as many")->check(CLI::Range(1, 8));
  app.add_flag("--apart", apart, "those frames in a submission each");
  app.add_option("--slots", options.slots);
  app.add_option("--fills", options.drawing.fills, "times that each picture is computed");
  app.add_flag("--timed", options.drawing.timed, "by the GPU's clock");
  app.add_option("--second-queue", options.device.second_queue)->check(CLI::IsMember({"transfer", "compute"}));
  app.add_option("--priority", options.device.priority);
  app.add_option("--socket", options.socket);
  app.add_option("--stream", options.stream);
  app.add_option("--mode", options.mode);
  app.add_option("--policy", options.policy);
  app.add_option("--sync", options.sync);
  app.add_option("--queue-depth", options.queue_depth);
  CLI11_PARSE(app, argc, argv);
  options.shape = test::parse_shape(size, options.shape);
  Peer(options, apart, role, meet).run();
  return 0;
}

}  // namespace
}  // namespace ferry::bench

int main(int argc, char** argv) {
  try {
    return ferry::bench::run(argc, argv);
  } catch (const std::exception& e) {
    ferry::test::report("failed", {{"text", e.what()}});
    std::fprintf(stderr, "bench_peer: %s\n", e.what());
  }
  return 1;
}
