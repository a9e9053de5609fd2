// System calls of the broker's (fault_shim.cpp lists them, with the errors they can have) and every piece of its GPU work
// fail at every place where they are made while two clients are served: whoever asked hears why or is let go, others hear
// nothing of it, nothing is left behind, and the next one is served.

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/unit/daemon/fault/fault_shim.h"
#include "tests/unit/daemon/reclaim_fixture.h"

namespace ferry::daemon::test {
namespace {

using namespace std::chrono_literals;
using proto::ErrorCode;

constexpr NotMade kNotMade[] = {
    {"recvmmsg", "the broker reads one message at a time"},
    {"ppoll", "it waits in its loop only"},
    {"socket", "it listens before anybody comes, and connects to its service manager only"},
    {"connect", "as socket"},
    {"epoll_create1", "its loop has one, made before anybody comes"},
    {"inotify_init1", "it waits for no file"},
    {"inotify_add_watch", "as inotify_init1"},
};
// A loop that wakes up for nothing is the same at each of its hundred waits.
constexpr int kMostWaits = 25;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

class Faults : public BrokerTest {
 protected:
  void SetUp() override {
    start({}, true);
    Limits limits;
    limits.reclaim_grace_ms = 100;
    restart(limits);  // so that there were brokers before this one
    scenario();       // whatever is made once is made now
    std::this_thread::sleep_for(1s);  // what is awaited back has a timer
    bystanders_ = std::make_unique<Bystanders>(*this);
    books_ = books();
    RawClient(broker->socket()).greet("passer-by");  // as in expect_nothing_left()
    baseline_ = lasting_descriptors();
  }

  /// All that a producer and a consumer ask of a broker. Throws where the broker ends it, or where it is refused.
  void scenario() {
    RawClient owner(broker->socket());
    owner.greet("owner");
    RawProducer producer(owner, device(), "cam");
    producer.create();
    RawClient viewer(broker->socket());
    viewer.greet("viewer");
    RawConsumer consumer(viewer, device(), "cam");
    consumer.attach();
    owner.expect<wire::LeaseAddedT>();
    wire::ReconfigureT bigger;
    bigger.stream = producer.created.stream;
    bigger.image = std::make_unique<wire::ImageT>(*producer.request.image);
    bigger.image->width_px *= 2;
    owner.send(std::move(bigger));
    owner.expect<wire::GenerationStartedT>();
    viewer.expect<wire::GenerationStartedT>();
    viewer.send(wire::QueryStatusT{});
    viewer.expect<wire::StatusReplyT>();
    hand_back(producer, viewer);
    consumer.detach();
  }

  /// What clients of a broker before this one say: a stream in the slots of @p producer's, and a lease of @p viewer's.
  void hand_back(RawProducer& producer, RawClient& viewer) {
    constexpr std::uint64_t kStream = 7, kLease = 5;
    RawProducer old(producer.client, device(), "old");
    RawConsumer reader(viewer, device(), "old");
    sign(old.page.page().writer, getpid());
    sign(reader.page.page().writer, getpid());
    wire::HandBackGenerationT generation;
    generation.stream = kStream;
    generation.generation = std::make_unique<wire::GenerationT>(*producer.created.generation);
    producer.client.send(std::move(generation), numbers(std::span(producer.fds).subspan(1)));
    wire::HandBackLeaseT lease;
    lease.stream = kStream;
    lease.lease = kLease;
    lease.mode = wire::ConsumerMode::Latest;
    lease.max_holds = 1;
    lease.has_release_timeline = true;
    const int timeline = producer.fds[1].get();
    producer.client.send(lease, std::vector<int>{reader.page.fd().get(), timeline});
    wire::ReclaimStreamT claim;
    claim.stream = kStream;
    claim.name = "old";
    claim.device = std::make_unique<wire::DeviceT>(device_of(device()));
    claim.queue_policy = wire::QueuePolicy::Drop;
    claim.frames_in_flight = 2;
    claim.next_sequence = 1;
    const int page = old.page.fd().get();
    producer.client.send(std::move(claim), {&page, 1});
    producer.client.expect<wire::StreamRestoredT>();
    wire::ReclaimLeaseT reclaim;
    reclaim.stream = kStream;
    reclaim.name = "old";
    reclaim.lease = kLease;
    reclaim.mode = wire::ConsumerMode::Latest;
    reclaim.max_holds = 1;
    reclaim.has_release_timeline = true;
    reclaim.device = std::make_unique<wire::DeviceT>(device_of(device()));
    reclaim.next_sequence = 1;
    reclaim.newest_known = producer.created.generation->id;
    viewer.send(std::move(reclaim), std::vector<int>{reader.page.fd().get(), page, timeline});
    viewer.expect<wire::LeaseRestoredT>();
  }

  Books books() {
    Books books;
    broker->on_loop([&] { books = broker->broker().books(); });
    return books;
  }
  std::size_t settled_descriptors() {
    const ferry::test::Deadline deadline(20s);
    while (!is_settled() && !deadline.passed()) std::this_thread::sleep_for(1ms);
    return open_descriptors();
  }

  /// When no thread closes anything any more (daemon/fd_bin.h).
  std::size_t lasting_descriptors() {
    const ferry::test::Deadline deadline(20s);
    std::size_t last = settled_descriptors();
    for (int same = 0; same < 300 && !deadline.passed(); std::this_thread::sleep_for(1ms)) {
      const std::size_t now = settled_descriptors();
      same = now == last ? same + 1 : 0;
      last = now;
    }
    return last;
  }

  bool is_settled() {
    const Books now = books();
    return now.sessions == books_.sessions && now.streams == books_.streams && now.leases == books_.leases &&
           now.waiting_attachments == books_.waiting_attachments && now.memory_bytes == books_.memory_bytes;
  }

  /// A stream and its consumer, which go on whatever happens to the others.
  struct Bystanders {
    explicit Bystanders(Faults& test)
        : owner(test.broker->socket()), producer(owner, test.device(), "calm"), viewer(test.broker->socket()),
          consumer(viewer, test.device(), "calm") {
      owner.greet("calm owner");
      producer.create();
      viewer.greet("calm viewer");
      consumer.attach();
      owner.expect<wire::LeaseAddedT>();
    }
    /// Throws what one of them was told.
    void are_undisturbed() {
      for (RawClient* client : {&owner, &viewer}) {
        client->send(wire::QueryStatusT{});
        const auto streams = client->expect<wire::StatusReplyT>().first.streams;
        if (streams.size() != 1 || streams[0]->leases.size() != 1) throw std::runtime_error("not one stream with one lease");
      }
    }
    RawClient owner;
    RawProducer producer;
    RawClient viewer;
    RawConsumer consumer;
  };

  void expect_nothing_left(const std::string& where) {
    const ferry::test::Deadline deadline(10s);
    while (settled_descriptors() != baseline_ && !deadline.passed()) {
      // The broker looks after processes that owed something when the next session ends.
      RawClient(broker->socket()).greet("passer-by");
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_EQ(settled_descriptors(), baseline_) << where;
    EXPECT_TRUE(is_settled()) << where;
    try {
      bystanders_->are_undisturbed();
    } catch (const std::exception& error) {
      ADD_FAILURE() << where << ": one that has nothing to do with it: " << error.what();
    }
  }

  /// Runs the scenario with the fault at its nth place, for every n. Returns how often it struck.
  template <class Arm, class Disarm>
  int sweep(const std::string& what, Arm arm, Disarm disarm, int most = 1000) {
    for (int nth = 1; nth <= most; ++nth) {
      broker->on_loop([&] { arm(nth); });
      std::string ended = "went through";
      try {
        scenario();
      } catch (const std::exception& error) {
        ended = error.what();
      }
      bool struck = false;
      broker->on_loop([&] { struck = disarm(); });
      const std::string where = fmt::format("{} at place {}: {}", what, nth, ended);
      EXPECT_EQ(ended.find("says nothing"), std::string::npos) << where << ": somebody was left to wait";
      EXPECT_FALSE(ended.ends_with(": ")) << where << ": somebody was refused and not told why";
      expect_nothing_left(where);
      try {
        scenario();
      } catch (const std::exception& error) {
        ADD_FAILURE() << where << ": the next one is not served: " << error.what();
      }
      expect_nothing_left(where + ", and then the next one");
      if (!struck || HasFailure()) return nth - 1;
    }
    EXPECT_LT(most, 1000) << what << " has no end";
    return most;
  }

  std::size_t baseline_ = 0;
  Books books_;
  std::unique_ptr<Bystanders> bystanders_;
};

TEST_F(Faults, SystemCalls) {
  for (const Fault& fault : all_faults()) {
    const std::string what = fmt::format("{}: {}", fault.function, std::strerror(fault.error));
    const int most = std::string_view(fault.function) == "epoll_wait" ? kMostWaits : 1000;
    const int struck = sweep(what, [&](int nth) { arm_fault(fault, nth); }, [] { return disarm_fault(); }, most);
    std::printf("%-45s %d places\n", what.c_str(), struck);
    EXPECT_EQ(struck > 0, is_made(fault.function, kNotMade)) << what << ": " << struck << " places";
    if (HasFailure()) return;
  }
}

/// A failing look at who connects never makes a friend of a stranger.
TEST_F(Faults, WhoIsNotRecognisedIsNotTrusted) {
  if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  RawClient owner(broker->socket());
  owner.greet("owner");
  RawProducer producer(owner, device(), "cam");
  producer.create();
  for (const Fault& fault : {Fault{"open", EMFILE}, Fault{"openat", ENFILE}, Fault{"openat", ENOMEM}, Fault{"fstat", ENOMEM},
                             Fault{"getsockopt", ENOMEM}, Fault{"poll", EINTR}}) {
    bool struck = true;
    for (int nth = 1; struck && nth < 20; ++nth) {
      broker->on_loop([&] { arm_fault(fault, nth); });
      std::string answer = "let go";
      try {
        StandIn stranger(broker->socket(), StandIn::Home::kUserNamespace);
        stranger.client().greet("stranger");
        RawConsumer consumer(stranger.client(), device(), "cam");
        consumer.send();
        answer = stranger.client().receive().type() == wire::Body::Refused ? "refused" : "served";
      } catch (const std::exception&) {
      }
      broker->on_loop([&] { struck = disarm_fault(); });
      EXPECT_NE(answer, "served") << fmt::format("{}: {} at place {}", fault.function, std::strerror(fault.error), nth);
    }
  }
}

TEST_F(Faults, TheGpu) {
  for (const auto code : {ErrorCode::kOutOfMemory, ErrorCode::kSystem}) {
    const int struck = sweep(
        fmt::format("GPU: code {}", static_cast<int>(code)),
        [&](int nth) { gpu->fail({code, "injected"}, nth); }, [&] { return gpu->stop_failing(); });
    EXPECT_GE(struck, 4) << "two generations, two timelines of theirs, and a lease's";
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ferry::daemon::test
