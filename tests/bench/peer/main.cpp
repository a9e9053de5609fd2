// One process of a pair that a measurement watches: draws frames and hands them over, or takes them and reads them.
// Does what it is told on its standard input:
//
//   make LAST lockstep|free|RATE   frames up to number LAST; lockstep: each when the one before was read; RATE: in Hz
//   take LAST DEPTH VERIFY         frames up to number LAST, DEPTH of them at once; VERIFY: compare every VERIFY-th
//   loop LAST DEPTH VERIFY         both, in this process

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

/// Frames as they were read.
class Readings {
 public:
  Readings(ConsumerSide& side, Board* board, std::uint64_t verify) : side_(side), board_(board), verify_(verify) {}

  void add(const Taken& taken) { open_.push_back(taken); }
  std::size_t open() const { return open_.size(); }
  void finish_oldest() {
    const Taken taken = open_.front();
    open_.pop_front();
    const Reader::Done done = side_.reader().finish(taken.reading, taken.sequence);
    if (done.wrong_words != 0) ++wrong_;
    if (verify_ != 0 && taken.sequence % verify_ == 0) {
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
  std::uint64_t wrong_ = 0, compared_whole_ = 0, wrong_whole_ = 0;
};

class Peer {
 public:
  Peer(const PairOptions& options, const std::string& role, const std::string& meet) : device_(options.device) {
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
    for (; next_ <= last; ++next_) {
      if (lockstep && !board_of(board_).done.wait(next_ - 1, platform::now_ns() + kPatienceNs))
        throw std::runtime_error("the consumer has stopped");
      if (rate_hz > 0) {
        std::this_thread::sleep_until(due);
        due += std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / rate_hz));
      }
      submitted.push_back(sides_.producer->produce(next_));
    }
    sides_.producer->flush(last);
    report("made", {{"first", first},
                    {"submitted_ns", submitted},
                    {"slots", sides_.producer->slots()},
                    {"allocations", sides_.producer->allocations() - allocations},
                    {"usage", usage_.so_far()}});
  }

  void take(std::uint64_t last, std::uint64_t depth, std::uint64_t verify) {
    Readings readings(*sides_.consumer, &board_of(board_), verify);
    const std::uint64_t allocations = sides_.consumer->allocations();
    usage_.start();
    while (taken_ < last) {
      const auto taken = sides_.consumer->take(kPatienceNs);
      if (!taken) throw std::runtime_error("no frame came");
      taken_ = taken->sequence;
      readings.add(*taken);
      if (readings.open() >= depth) readings.finish_oldest();
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
    report("looped", std::move(books));
  }

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
  CLI::App app("One process of a pair that ferry_bench measures");
  app.add_option("--role", role)->required()->check(CLI::IsMember({"producer", "consumer", "both"}));
  app.add_option("--meet", meet, "socket at which the pair meets");
  app.add_option("--rival", options.rival);
  app.add_option("--size", size, "WxH");
  app.add_option("--depth", options.depth);
  app.add_option("--read-on", options.read_on)->transform(CLI::CheckedTransformer(kReadOn));
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
  Peer(options, role, meet).run();
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
