// What grows with the number of consumers, streams and attachments, and what does not.

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "platform/clock.h"
#include "tests/bench/peer/client.h"
#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"
#include "tests/bench/run/process_stat.h"

namespace ferry::bench {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// Threads that sleep in acquire(), each with a lease of its own, and give every frame back unread.
class Crowd {
 public:
  Crowd(const Client& client, const std::string& stream, int size) : stamps_(static_cast<std::size_t>(size)) {
    for (int i = 0; i < size; ++i) {
      ferry_consumer* consumer = client.attach(stream);
      consumers_.push_back(consumer);
      threads_.emplace_back([this, consumer, i] { follow(consumer, stamps_[static_cast<std::size_t>(i)]); });
    }
  }
  ~Crowd() {
    stopping_ = true;
    for (auto& thread : threads_) thread.join();
    for (ferry_consumer* consumer : consumers_) ferry_consumer_destroy(consumer);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Waits until everybody has seen frame @p sequence; when the last one had it.
  std::int64_t last_woken_ns(std::uint64_t sequence) const {
    std::int64_t last = 0;
    for (const Stamp& stamp : stamps_) {
      while (stamp.sequence.load(std::memory_order_acquire) < sequence) std::this_thread::sleep_for(100us);
      last = std::max(last, stamp.woken_ns.load(std::memory_order_relaxed));
    }
    return last;
  }

 private:
  struct Stamp {
    std::atomic<std::uint64_t> sequence{0};
    std::atomic<std::int64_t> woken_ns{0};
  };
  void follow(ferry_consumer* consumer, Stamp& stamp) {
    while (!stopping_) {
      ferry_frame frame{};
      frame.struct_size = FERRY_FRAME_SIZE;
      if (ferry_consumer_acquire(consumer, 200'000'000, &frame) != FERRY_OK) continue;
      stamp.woken_ns.store(platform::now_ns(), std::memory_order_relaxed);
      stamp.sequence.store(frame.sequence, std::memory_order_release);
      if (ferry_consumer_release(consumer, frame.sequence, FERRY_RELEASE_UNUSED) != FERRY_OK) return;
    }
  }

  std::vector<Stamp> stamps_;
  std::atomic<bool> stopping_{false};
  std::vector<ferry_consumer*> consumers_;
  std::vector<std::thread> threads_;
};

json measure_consumers(const Device& device) {
  constexpr std::uint64_t kFrames = 100;
  test::BrokerProcess broker(kWideLimits);
  const Client client(device, broker.socket());
  json rows = json::array();
  for (const int count : {1, 2, 4, 8, 16, 32, 64}) {
    const std::string name = "crowd " + std::to_string(count);
    ferry_producer* producer = client.create(name, 64, 64);
    std::vector<double> all_awake_us;
    {
      const Crowd crowd(client, name, count);
      for (std::uint64_t sequence = 1; sequence <= kFrames; ++sequence) {
        std::this_thread::sleep_for(2ms);  // everybody sleeps again
        const std::int64_t start_ns = platform::now_ns();
        publish_empty_frame(device, producer);
        const std::int64_t woken_ns = crowd.last_woken_ns(sequence);
        if (sequence > 10) all_awake_us.push_back(static_cast<double>(woken_ns - start_ns) / 1000);
      }
    }
    ferry_producer_destroy(producer);
    rows.push_back({{"consumers", count}, {"all_awake_us", summary(all_awake_us)}});
    fmt::print(stderr, "growth {:>3} consumers: all awake after p50 {:.0f} us\n", count, percentile(all_awake_us, 0.5));
  }
  return rows;
}

json measure_streams(const Device& device, int most) {
  test::BrokerProcess broker(kWideLimits);
  const Client client(device, broker.socket());
  std::vector<ferry_producer*> producers;
  json rows = json::array();
  const ProcessStat empty = stat_of(broker.pid());
  for (const int count : {1, 10, 100, 1000}) {
    if (count > most) break;
    std::vector<double> create_us;
    try {
      while (producers.size() < static_cast<std::size_t>(count)) {
        const std::int64_t start_ns = platform::now_ns();
        producers.push_back(client.create("stream " + std::to_string(producers.size()), 16, 16));
        create_us.push_back(us_since(start_ns));
      }
    } catch (const std::exception& e) {  // this process has a limit of descriptors, too
      rows.push_back({{"streams", count}, {"created", producers.size()}, {"refused", e.what()}});
      fmt::print(stderr, "growth {:>4} streams: {}\n", count, rows.back().dump());
      break;
    }
    const ProcessStat full = stat_of(broker.pid());
    std::vector<double> attach_us, status_us;
    for (int i = 0; i < 20; ++i) {
      const std::int64_t start_ns = platform::now_ns();
      ferry_consumer* consumer = client.attach("stream " + std::to_string(i * (count - 1) / 20));
      attach_us.push_back(us_since(start_ns));
      ferry_consumer_destroy(consumer);
      const std::int64_t asked_ns = platform::now_ns();
      char* text = nullptr;
      test::check(ferry_query_status(client.connection(), &text), "ferry_query_status");
      status_us.push_back(us_since(asked_ns));
      ferry_free(text);
    }
    // Frames of one stream flow while all the others are there.
    for (int i = 0; i < 20; ++i) publish_empty_frame(device, producers.front());
    rows.push_back({{"streams", count},
                    {"create_us", summary(create_us)},
                    {"attach_us", summary(attach_us)},
                    {"status_us", summary(status_us)},
                    {"broker_bytes_a_stream", (full.resident_bytes - empty.resident_bytes) / count},
                    {"broker_descriptors_a_stream",
                     static_cast<double>(full.descriptors - empty.descriptors) / static_cast<double>(count)}});
    fmt::print(stderr, "growth {:>4} streams: {}\n", count, rows.back().dump());
  }
  for (ferry_producer* producer : producers) ferry_producer_destroy(producer);
  return rows;
}

/// One after the other on one session, as fast as answers come.
json measure_attach_rate(const Device& device) {
  constexpr int kAttachments = 1000;
  test::BrokerProcess broker(kWideLimits);
  const Client client(device, broker.socket());
  ferry_producer* producer = client.create("cam", 64, 64);
  publish_empty_frame(device, producer);
  const ProcessStat before = stat_of(broker.pid());
  const std::int64_t start_ns = platform::now_ns();
  for (int i = 0; i < kAttachments; ++i) ferry_consumer_destroy(client.attach("cam"));
  const double seconds = us_since(start_ns) / 1e6;
  const ProcessStat after = stat_of(broker.pid());
  ferry_producer_destroy(producer);
  json row{{"attach_detach_per_second", kAttachments / seconds},
           {"broker_cpu_us_each", static_cast<double>(after.cpu_ns - before.cpu_ns) / 1000 / kAttachments},
           {"descriptors_left", after.descriptors - before.descriptors}};
  fmt::print(stderr, "growth attach: {}\n", row.dump());
  return row;
}

json measure_memory(const Device& device) {
  constexpr int kLeases = 32, kSessions = 200;  // a lease takes descriptors for each slot of this process, too
  test::BrokerProcess broker(kWideLimits);
  const Client client(device, broker.socket());
  ferry_producer* producer = client.create("cam", 64, 64);
  publish_empty_frame(device, producer);
  ferry_consumer_destroy(client.attach("cam"));
  const ProcessStat before = stat_of(broker.pid());
  std::vector<ferry_consumer*> consumers;
  // Each with one hold: the pool has a limit, and consumers beyond it share what there is.
  for (int i = 0; i < kLeases; ++i) consumers.push_back(client.attach("cam"));
  const ProcessStat leased = stat_of(broker.pid());
  for (ferry_consumer* consumer : consumers) ferry_consumer_destroy(consumer);
  const ProcessStat detached = stat_of(broker.pid());
  std::vector<ferry_connection*> sessions;
  for (int i = 0; i < kSessions; ++i) {
    ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
    connect.socket_path = broker.socket().c_str();
    sessions.push_back(nullptr);
    test::check(ferry_connect(&connect, &sessions.back()), "ferry_connect");
  }
  const ProcessStat connected = stat_of(broker.pid());
  for (ferry_connection* session : sessions) ferry_disconnect(session);
  ferry_producer_destroy(producer);
  json row{
      {"broker_bytes", before.resident_bytes},
      {"broker_bytes_a_lease", (leased.resident_bytes - before.resident_bytes) / kLeases},
      {"broker_bytes_a_session", (connected.resident_bytes - detached.resident_bytes) / kSessions},
      {"broker_descriptors_a_lease", static_cast<double>(leased.descriptors - before.descriptors) / kLeases},
      {"broker_descriptors_a_session", static_cast<double>(connected.descriptors - detached.descriptors) / kSessions}};
  fmt::print(stderr, "growth memory: {}\n", row.dump());
  return row;
}

json broker_between(const test::BrokerProcess& broker, std::chrono::milliseconds time) {
  const ProcessStat before = stat_of(broker.pid());
  std::this_thread::sleep_for(time);
  const ProcessStat after = stat_of(broker.pid());
  return {{"wake_ups", after.main_thread_switches - before.main_thread_switches},
          {"wake_ups_of_all_threads", after.voluntary_switches - before.voluntary_switches},
          {"cpu_ns", after.cpu_ns - before.cpu_ns},
          {"seconds", static_cast<double>(time.count()) / 1000}};
}

json measure_broker_rest() {
  test::BrokerProcess broker(kWideLimits);
  std::this_thread::sleep_for(500ms);
  json row{{"idle", broker_between(broker, 3000ms)}};
  Pair pair({"ferry", "ferry"}, "640x360", 1, broker);
  pair.run(60, "120", 1);
  pair.begin(480, "120", 1);
  std::this_thread::sleep_for(500ms);
  row["busy"] = broker_between(broker, 3000ms);
  row["busy"]["frames"] = 360;
  pair.finish();
  fmt::print(stderr, "growth broker: {}\n", row.dump());
  return row;
}

}  // namespace

json measure_growth(const RunOptions& options) {
  const Device device({});
  return {{"broker", measure_broker_rest()},
          {"memory", measure_memory(device)},
          {"attach_rate", measure_attach_rate(device)},
          {"consumers", measure_consumers(device)},
          {"streams", measure_streams(device, options.rounds < 3 ? 100 : 1000)}};
}

}  // namespace ferry::bench
