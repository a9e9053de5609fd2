// What a client that floods the broker with requests takes from others: their hand-over in calm, in the flood, and beside
// a process that is as busy with the same messages and asks nobody. The last one is the machine's part of it: where there
// are few processors, whoever works at all is felt.

#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "platform/message_socket.h"
#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"
#include "tests/integration/hostile/hostile_client.h"

namespace ferry::bench {

using nlohmann::json;

namespace {

constexpr const char* kSize = "320x180";  // small, so that what the broker does is not lost in what drawing takes
constexpr int kFlooders = 2;
constexpr int kFramesOverOthers = 5;  // of options.frames: a p99 takes many

/// Two threads that ask without pause and read no answer, until it is destroyed: for the status, for a lease of a stream that
/// is not there, and for another size of one that is not theirs.
class Flood {
 public:
  explicit Flood(std::string socket) {
    for (int i = 0; i < kFlooders; ++i)
      threads_.emplace_back([this, socket] {
        while (!stop_) {  // the broker sends away who does not read
          test::HostileClient client(socket, test::Stage::kGreeted, {});
          const platform::UniqueFd page = client.descriptor(test::FdKind::kLeasePage);
          const int fd = page.get();
          const auto attach = proto::encode(2, client.attach_request("nobody-makes-this"));
          ask([&](std::uint64_t turn) {
            if (turn % 3 == 0) return client.say(question_);
            return turn % 3 == 1 ? client.say(attach, {&fd, 1}) : client.say(reconfigure_);
          });
        }
      });
  }
  /// As busy, with nobody at the other end but a thread that takes what comes.
  Flood() {
    for (int i = 0; i < kFlooders; ++i)
      threads_.emplace_back([this] {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
        const platform::UniqueFd mine(ends[0]);
        std::thread sink([theirs = platform::UniqueFd(ends[1])] {
          char packet[256];
          while (::recv(theirs.get(), packet, sizeof packet, 0) > 0) {
          }
        });
        ask([&](std::uint64_t) { return ::send(mine.get(), question_.data(), question_.size(), MSG_NOSIGNAL) > 0; });
        ::shutdown(mine.get(), SHUT_RDWR);
        sink.join();
      });
  }
  ~Flood() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  std::uint64_t asked() const { return asked_; }

 private:
  template <class Say>
  void ask(const Say& say) {
    for (std::uint64_t turn = 0; !stop_ && say(turn); ++turn) ++asked_;
  }

  const std::vector<std::byte> question_ = proto::encode(1, wire::QueryStatusT{});
  const std::vector<std::byte> reconfigure_ = proto::encode(3, wire::ReconfigureT{});
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> asked_{0};
  std::vector<std::thread> threads_;
};

struct Weather {
  const char* name;
  std::unique_ptr<Flood> (*flood)(const std::string& socket);
  std::vector<double> all_us{}, round_p99{};
  std::uint64_t asked = 0, wrong = 0;
};

}  // namespace

json measure_flood(const RunOptions& options) {
  test::BrokerProcess broker(kWideLimits);
  Pair pair({"ferry", "ferry"}, kSize, 1, broker);
  pair.run(8, "lockstep", 1);
  Weather weathers[] = {
      {"calm", [](const std::string&) { return std::unique_ptr<Flood>(); }},
      {"busy elsewhere", [](const std::string&) { return std::make_unique<Flood>(); }},
      {"flood", [](const std::string& socket) { return std::make_unique<Flood>(socket); }},
  };
  const auto frames = static_cast<std::uint64_t>(options.frames * kFramesOverOthers);
  for (int round = 0; round < options.rounds; ++round)
    for (std::size_t i = 0; i < std::size(weathers); ++i) {
      Weather& weather = weathers[(i + static_cast<std::size_t>(round)) % std::size(weathers)];
      const std::unique_ptr<Flood> flood = weather.flood(broker.socket());
      const Stretch stretch = pair.run(frames, "lockstep", 1);
      weather.asked += flood ? flood->asked() : 0;
      weather.wrong += stretch.wrong;
      weather.all_us.insert(weather.all_us.end(), stretch.latency_us.begin(), stretch.latency_us.end());
      weather.round_p99.push_back(percentile(stretch.latency_us, 0.99));
    }
  json result = json::array();
  for (const Weather& weather : weathers) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < weather.round_p99.size(); ++i)
      ratios.push_back(weather.round_p99[i] / std::max(1.0, weathers[0].round_p99[i]));
    json row = summary(weather.all_us);
    row["weather"] = weather.name;
    row["size"] = kSize;
    row["questions"] = weather.asked;
    row["wrong_frames"] = weather.wrong;
    row["p99_ratio_to_calm"] = percentile(ratios, 0.5);
    fmt::print(stderr, "flood {:<14} p50 {:>9.1f} p99 {:>9.1f} us, p99 x{:.3f}, {} questions, {} of {} wrong\n", weather.name,
               row["p50"].get<double>(), row["p99"].get<double>(), row["p99_ratio_to_calm"].get<double>(), weather.asked,
               weather.wrong, weather.all_us.size());
    result.push_back(row);
  }
  if (weathers[1].asked == 0 || weathers[2].asked == 0) throw std::runtime_error("there was no flood");
  return result;
}

}  // namespace ferry::bench
