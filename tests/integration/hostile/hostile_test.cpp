// Clients that follow no rule, and a stream of two others that must not notice: no frame lost, none wrong. The broker
// stays within its limits meanwhile, and has nothing of them afterwards.

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>
#include <thread>

#include "platform/clock.h"
#include "proto/session_state.h"
#include "tests/integration/hostile/hostile_client.h"
#include "tests/integration/hostile/lingering_socket.h"
#include "tests/integration/stream_test.h"
#include "tests/support/broker_usage.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

constexpr const char* kVictim = "victim";
// Small, so that reaching them takes no time. The default ones are of the same kind.
constexpr const char* kLimits = R"(
[limits]
max_sessions = 80
max_leases_per_stream = 24
max_leases_per_session = 20
max_streams_per_session = 8
max_descriptors = 1200
max_slots = 12
texture_memory_bytes = 67108864
texture_memory_bytes_per_session = 16777216
max_outbox_messages = 32
greeting_timeout_ms = 1000
eviction_deadline_ms = 500
)";
/// max_descriptors, 3 for each session, and what a broker has of its own.
constexpr std::size_t kMostDescriptors = 1200 + 3 * 80 + 64;
/// 80 outboxes of 32 messages of 64 KiB would be 160 MiB; what is really sent is far smaller.
constexpr std::uint64_t kMostHeapGrowthBytes = 64 << 20;

class Hostile : public StreamTest {
 protected:
  Hostile()
      : StreamTest(kLimits),
        producer_(start_producer({"--name", kVictim, "--size", "160x90:RGBA8", "--policy", "block", "--rate", "100"})),
        witness_(start_consumer({"--name", kVictim, "--mode", "every"})) {
    wait_for_frame(1);
    before_ = usage_of(broker_.pid());
  }

  void TearDown() override {
    mourner_.reset();
    angler_.reset();
    const auto status = status_when([](const auto& s) {
      return s["broker"]["sessions"] == 3 && s["broker"]["leases"] == 1 && s["broker"]["streams"] == 1;
    });
    EXPECT_EQ(status["broker"]["sessions"], 3) << status["broker"];
    EXPECT_EQ(status["broker"]["leases"], 1) << status["broker"];
    EXPECT_EQ(status["broker"]["streams"], 1) << status["broker"];
    const std::uint64_t now = stream_in(status, kVictim)["frames"];
    wait_for_frame(now + 20);
    EXPECT_EQ(stop_and_check(witness_)["missing"], 0);
    stop_and_check(producer_);
    StreamTest::TearDown();
  }

  /// Until the witness has read it.
  void wait_for_frame(std::uint64_t sequence) {
    const Deadline deadline(std::chrono::seconds(20));
    for (;;) {
      witness_.send_command("books");
      const auto books = witness_.wait_report("books");
      if (books["last"] >= sequence) return;
      if (deadline.passed())
        throw std::runtime_error(fmt::format("frame {} does not come: {}; {}", sequence, books.dump(),
                                             session().status().dump()));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// Called while things are at their worst.
  void expect_within_limits() {
    const Usage now = usage_of(broker_.pid());
    EXPECT_LT(now.descriptors, kMostDescriptors);
    EXPECT_LT(now.heap_bytes, before_.heap_bytes + kMostHeapGrowthBytes);
  }
  HostileClient hostile(Stage stage) {
    if (stage == Stage::kOrphaned) return HostileClient(broker_.socket(), stage, orphan());
    if (stage != Stage::kEvicted) return HostileClient(broker_.socket(), stage, kVictim);
    HostileClient evicted(broker_.socket(), stage, bait());
    evict(evicted);
    return evicted;
  }

  /// A stream without a producer, which its one consumer keeps.
  const char* orphan() {
    constexpr const char* kName = "orphan";
    if (mourner_) return kName;
    HostileClient mother(broker_.socket(), Stage::kGreeted, kVictim);
    create(mother, kName);
    mourner_ = std::make_unique<HostileClient>(broker_.socket(), Stage::kAttached, kName);
    return kName;
  }
  const char* bait() {
    constexpr const char* kName = "bait";
    if (angler_) return kName;
    angler_ = std::make_unique<HostileClient>(broker_.socket(), Stage::kGreeted, kVictim);
    create(*angler_, kName);
    return kName;
  }
  void create(HostileClient& client, const char* name) {
    wire::BodyUnion body;
    body.Set(client.create_request(name));
    client.say(std::move(body), 1, FdKind::kStreamPage);
    ASSERT_EQ(client.hear(), wire::Body::StreamCreated);
  }
  /// It holds more than it may, and the producer of "bait" says that this starves it.
  void evict(HostileClient& client) {
    // Who joins may bring a bigger pool: of whichever generation is the newest.
    std::uint32_t i = 0;
    for (auto& slot : client.lease_page().slots) slot.held = client.generation() + i++ % 2;
    ASSERT_TRUE(angler_->hears(wire::Body::LeaseAdded));
    wire::BodyUnion body;
    wire::ReportStarvedT starved;
    starved.stream = angler_->stream();
    starved.leases = {raw(angler_->last_lease())};
    starved.starved_ms = 5000;
    body.Set(std::move(starved));
    angler_->say(std::move(body), 0, FdKind::kDevNull);
    ASSERT_TRUE(client.hears(wire::Body::LeaseEnded));
  }

  /// However many they are.
  static void send_beside(HostileClient& client, const std::vector<std::byte>& bytes, const std::vector<int>& fds) {
    std::vector<std::byte> control(CMSG_SPACE(fds.size() * sizeof(int)));
    iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    ASSERT_EQ(sendmsg(client.socket().get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())) << std::strerror(errno);
  }

  ChildProcess producer_, witness_;
  std::unique_ptr<HostileClient> mourner_, angler_;
  Usage before_;
};

/// Whether a message that is well-formed and allowed has an answer, be it a refusal.
bool wants_answer(wire::Body type) {
  switch (type) {
    case wire::Body::Hello:
    case wire::Body::CreateStream:
    case wire::Body::Reconfigure:
    case wire::Body::CloseStream:
    case wire::Body::Attach:
    case wire::Body::CancelAttach:
    case wire::Body::Detach:
    case wire::Body::QueryStatus:
    case wire::Body::ReclaimStream:
    case wire::Body::ReclaimLease:
      return true;
    default:
      return false;
  }
}

/// By the protocol, whatever its fields say: @p fd_count is what goes with it.
bool is_violation(Stage stage, const proto::Envelope& message, std::size_t fd_count) {
  const auto state = stage == Stage::kSilent ? proto::SessionState::kGreeting : proto::SessionState::kReady;
  return !proto::next_state(state, message.body.type) || proto::descriptor_count(message) != fd_count;
}

TEST_F(Hostile, EveryMessageInEveryStateWithEveryKindOfDescriptor) {
  int said = 0, ended = 0, answered = 0;
  for (const Stage stage : kStages) {
    const HostileClient sample = hostile(stage);
    const std::size_t count = every_message(sample, kVictim).size();
    for (std::size_t i = 0; i < count; ++i) {
      // As many descriptors as belong there, of every kind, and then every wrong number.
      std::vector<std::pair<std::size_t, FdKind>> beside{{0, FdKind::kDevNull}, {2, FdKind::kLeasePage}, {72, FdKind::kDevNull}};
      // What is wrong with a descriptor is seen without a look at the peer's streams and leases.
      const bool rarer = stage == Stage::kWaiting || stage == Stage::kOrphaned || stage == Stage::kEvicted;
      for (const FdKind kind : kFdKinds)
        if (!rarer) beside.emplace_back(1, kind);
      // And what the message itself says belongs there, as far as a message can carry it.
      beside.emplace_back(kAsManyAsBelong, FdKind::kStreamPage);
      beside.emplace_back(kAsManyAsBelong, FdKind::kLeasePage);
      for (const auto& [fd_count, kind] : beside) {
        HostileClient client = hostile(stage);
        auto messages = every_message(client, kVictim);
        const std::vector<std::byte> bytes = proto::encode(1, wire::BodyUnion(messages[i]));
        const auto message = proto::decode(bytes);
        ASSERT_TRUE(message) << message.error().message;
        const std::size_t sends =
            fd_count == kAsManyAsBelong ? std::min(proto::descriptor_count(**message), proto::kMaxMessageFds) : fd_count;
        const bool must_end = is_violation(stage, **message, sends);
        const auto type = (*message)->body.type;
        ASSERT_TRUE(client.say(std::move(messages[i]), fd_count, kind));
        ++said;
        // Who hangs up behind its message may be gone for the broker before it has looked at it: then that is the end.
        if (!must_end && !wants_answer(type)) continue;
        const Outcome outcome = client.outcome(must_end);
        ASSERT_NE(outcome, Outcome::kNothing)
            << proto::name_of(type) << " with " << sends << " descriptors of kind " << static_cast<int>(kind) << " in stage "
            << static_cast<int>(stage);
        ++(outcome == Outcome::kEnded ? ended : answered);
      }
    }
    expect_within_limits();
  }
  std::printf("%d messages, each by a client of its own: %d ended its session, %d were answered\n", said, ended, answered);
  EXPECT_GT(said, 1000);
  EXPECT_GT(answered, 100);
}

/// An Attach that waits, of @p lacks transports that the device lacks, all for one reason, which is there once.
std::vector<std::byte> bomb(std::uint64_t request, std::size_t lacks, std::size_t reason_bytes) {
  flatbuffers::FlatBufferBuilder builder;
  const auto lack =
      wire::CreateTransportLack(builder, wire::Transport::DmaBuf, builder.CreateString(std::string(reason_bytes, 'x')));
  const auto list = builder.CreateVector(std::vector<flatbuffers::Offset<wire::TransportLack>>(lacks, lack));
  const wire::Uuid uuid(1, 2);
  wire::DeviceBuilder device(builder);
  device.add_device_uuid(&uuid);
  device.add_driver_uuid(&uuid);
  device.add_lacks(list);
  const auto whole = device.Finish();
  const auto name = builder.CreateString("nobody-makes-this");
  const auto attach = wire::CreateAttach(builder, name, whole, wire::ConsumerMode::Latest, 1, 0, true);
  wire::FinishEnvelopeBuffer(builder, wire::CreateEnvelope(builder, request, wire::Body::Attach, attach.Union()));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {bytes, bytes + builder.GetSize()};
}

TEST_F(Hostile, BombsAreNotUnpacked) {
  for (int i = 0; i < 6; ++i) {
    HostileClient bomber = hostile(Stage::kGreeted);
    const auto page = bomber.descriptor(FdKind::kLeasePage);
    const int fd = page.get();
    ASSERT_TRUE(bomber.say(bomb(10, 4000, 47'000), {&fd, 1}));
    EXPECT_EQ(bomber.hear(), wire::Body::Goodbye);
    expect_within_limits();
  }
}

/// Without anything said twice: as long as a message may be.
TEST_F(Hostile, WhatWaitsIsSmall) {
  constexpr std::uint64_t kMostOfARequest = 16 << 10;
  std::vector<HostileClient> crowd;
  int waiting = 0;
  const std::uint64_t before = usage_of(broker_.pid()).heap_bytes;
  for (int i = 0; i < 12; ++i) {
    HostileClient& client = crowd.emplace_back(hostile(Stage::kGreeted));
    const auto page = client.descriptor(FdKind::kLeasePage);
    const int fd = page.get();
    for (std::uint64_t n = 0; n < 20; ++n, ++waiting) ASSERT_TRUE(client.say(bomb(10 + n, 1, 60'000), {&fd, 1}));
    hostile(Stage::kGreeted);  // it is answered, and the broker has seen what was said before
  }
  const std::uint64_t now = usage_of(broker_.pid()).heap_bytes;
  std::printf("%d requests of 60 kB wait in %lld kB\n", waiting, static_cast<long long>(now - before) / 1024);
  EXPECT_LT(now, before + static_cast<std::uint64_t>(waiting) * kMostOfARequest);
}

/// While it is the broker's to close them, and they linger.
TEST_F(Hostile, NobodyWaitsForAPeersDescriptorsToClose) {
  constexpr int kLinger_s = 30;
  constexpr std::int64_t kMostToWait_ns = 5'000'000'000;
  struct Case {
    const char* name;
    Stage stage;
    std::size_t copies;
    bool attaches;
    bool unread;  ///< behind what ends the session
  };
  for (const Case& c : {Case{"before Hello", Stage::kSilent, 1, false, false},
                        Case{"for a lease page", Stage::kGreeted, 1, true, false},
                        Case{"too many", Stage::kGreeted, 1, false, false},
                        Case{"more than any message has", Stage::kGreeted, 200, false, false},
                        Case{"left unread", Stage::kGreeted, 1, false, true}}) {
    SCOPED_TRACE(c.name);
    const std::size_t descriptors = usage_of(broker_.pid()).descriptors;
    HostileClient bystander = hostile(Stage::kGreeted);
    LingeringSocket socket(kLinger_s);
    {
      HostileClient client = hostile(c.stage);
      // Stopped, so that all is said before any of it is read.
      ASSERT_EQ(kill(broker_.pid(), SIGSTOP), 0);
      if (c.unread) {
        ASSERT_TRUE(client.say(std::vector<std::byte>(100)));
      }
      send_beside(client, c.attaches ? proto::encode(7, client.attach_request(kVictim)) : proto::encode(7, wire::QueryStatusT{}),
                  std::vector<int>(c.copies, socket.get()));
      socket.leave_it_to_others();
    }
    ASSERT_EQ(kill(broker_.pid(), SIGCONT), 0);
    const std::int64_t begin = platform::now_ns();
    for (int i = 0; i < 20; ++i) {
      wire::BodyUnion question;
      question.Set(wire::QueryStatusT{});
      ASSERT_TRUE(bystander.say(std::move(question), 0, FdKind::kDevNull));
      ASSERT_EQ(bystander.hear(kLinger_s * 2000), wire::Body::StatusReply);
      hostile(Stage::kGreeted);
    }
    const std::int64_t took_ns = platform::now_ns() - begin;
    std::printf("%s: 20 answers and 20 newcomers in %lld ms\n", c.name, static_cast<long long>(took_ns / 1'000'000));
    EXPECT_LT(took_ns, kMostToWait_ns);
    EXPECT_LE(usage_of(broker_.pid()).descriptors, descriptors + 50);
  }
  // Their other ends are gone by now, and so nothing is left to linger for.
  const Deadline deadline(20s);
  while (usage_of(broker_.pid()).descriptors > before_.descriptors && !deadline.passed()) std::this_thread::sleep_for(10ms);
  EXPECT_LE(usage_of(broker_.pid()).descriptors, before_.descriptors);
}

TEST_F(Hostile, FloodsByClientsThatDoNotRead) {
  std::vector<std::thread> floods;
  std::atomic<std::uint64_t> sent{0};
  for (int i = 0; i < 4; ++i)
    floods.emplace_back([&] {
      for (int round = 0; round < 6; ++round) {
        HostileClient client = hostile(Stage::kGreeted);
        const auto question = proto::encode(1, wire::QueryStatusT{});
        while (client.say(question)) ++sent;  // until it is dropped
      }
    });
  for (int i = 0; i < 10; ++i) {
    expect_within_limits();
    std::this_thread::sleep_for(50ms);
  }
  for (auto& flood : floods) flood.join();
  expect_within_limits();
  std::printf("%llu questions that nobody read the answers to\n", static_cast<unsigned long long>(sent.load()));
}

TEST_F(Hostile, GarbageOfEverySize) {
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    HostileClient client = hostile(i % 2 == 0 ? Stage::kSilent : Stage::kGreeted);
    std::vector<std::byte> garbage(1 + random() % 70'000);
    for (auto& byte : garbage) byte = static_cast<std::byte>(random());
    send(client.socket().get(), garbage.data(), garbage.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  expect_within_limits();
}

TEST_F(Hostile, HoldsAllThatItCanGet) {
  std::vector<std::unique_ptr<HostileClient>> crowd;
  std::size_t refused = 0;
  for (int i = 0; i < 70; ++i) {
    try {
      crowd.push_back(std::make_unique<HostileClient>(broker_.socket(), i % 3 == 0 ? Stage::kSilent : Stage::kGreeted, kVictim));
    } catch (const std::exception&) {
      ++refused;
    }
  }
  const auto ask = [&](HostileClient& client, auto request, FdKind kind) {
    wire::BodyUnion body;
    body.Set(std::move(request));
    if (!client.say(std::move(body), 1, kind)) return;
    while (const auto answer = client.hear())
      if (*answer == wire::Body::Refused) {
        ++refused;
        return;
      } else if (*answer == wire::Body::StreamCreated || *answer == wire::Body::Attached) {
        return;
      }
  };
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    if (i % 3 == 0) continue;
    for (int n = 0; n < 10; ++n)
      ask(*crowd[i], crowd[i]->create_request("hoard-" + std::to_string(i) + "-" + std::to_string(n)), FdKind::kStreamPage);
    for (int n = 0; n < 4; ++n) ask(*crowd[i], crowd[i]->attach_request(kVictim), FdKind::kLeasePage);
    // It says that it holds everything, for ever, and has released it at a point that will never come.
    for (auto& slot : crowd[i]->lease_page().slots) {
      slot.release_point = ~std::uint64_t{0} - 1;
      slot.held = 1 + i % 3;
    }
    crowd[i]->lease_page().cursor = 0;
    expect_within_limits();
  }
  EXPECT_GT(refused, 0u) << "no limit was reached";
  const auto status = session().status();
  EXPECT_LE(status["broker"]["memory_bytes"], 67108864);
  const std::uint64_t now = stream_in(status, kVictim)["frames"];
  // They are evicted, or skipped over; either way the frames go on.
  wait_for_frame(now + 100);
  expect_within_limits();
}

TEST_F(Hostile, LiesInItsPages) {
  HostileClient liar = hostile(Stage::kAttached);
  HostileClient forger = hostile(Stage::kProducing);
  std::mt19937_64 random(11);
  // In sync mode timeline a point that a driver can wait for stops the producer's queue as long as the liar's process, which
  // is this one, lives (docs/security.md): there none is that low.
  const bool waits_on_gpu = stream_in(session().status(), kVictim)["sync_mode"] == "timeline";
  const std::uint64_t least = waits_on_gpu ? std::uint64_t{1} << 63 : 0;
  const auto scribble = [&](auto& page) {
    for (std::size_t at = sizeof(proto::PageHeader); at + 8 <= sizeof page; at += 8) {
      const std::uint64_t lie = least | (random() % 4 == 0 ? random() % 8 : random());
      std::memcpy(reinterpret_cast<char*>(&page) + at, &lie, 8);
    }
  };
  for (int round = 0; round < 50; ++round) {
    scribble(liar.lease_page());
    scribble(forger.stream_page());
    // The broker reads both for this, and the producer looks at the liar's before every frame.
    EXPECT_FALSE(stream_in(session().status(), kVictim).is_null());
    std::this_thread::sleep_for(10ms);
  }
  expect_within_limits();
}

/// What a stream's own consumer makes of a producer that lies.
TEST_F(Hostile, AConsumerOfAForgedStreamIsToldAndGoesOnLiving) {
  HostileClient forger = hostile(Stage::kGreeted);
  wire::BodyUnion body;
  body.Set(forger.create_request("forged"));
  forger.say(std::move(body), 1, FdKind::kStreamPage);
  ASSERT_EQ(forger.hear(), wire::Body::StreamCreated);
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "forged";
  ferry_consumer* consumer = nullptr;
  ASSERT_EQ(ferry_consumer_attach(session().connection(), session().device(), &info, &consumer), FERRY_OK)
      << ferry_last_error();
  ASSERT_EQ(forger.hear(), wire::Body::LeaseAdded);
  proto::StreamPageWriter page(forger.stream_page());
  for (std::uint32_t i = 0; i < proto::kMaxLeases; ++i) page.admit(i, forger.last_lease());

  ferry_frame frame{};
  frame.struct_size = FERRY_FRAME_SIZE;
  bool taken = false, rubbish = false, waits_on_gpu = false;
  for (std::uint64_t sequence = 1; sequence < 10 && !(taken && rubbish); ++sequence) {
    proto::FrameRecord record{};
    record.sequence = sequence;
    record.generation = 1;
    record.slot = 0;
    record.orientation = proto::Orientation::kNormal;
    // In sync mode host nothing may be waited for, in timeline nothing that cannot come: this would stop the consumer's
    // GPU for ever.
    record.acquire_point = waits_on_gpu ? sequence : ~std::uint64_t{0} >> 1;
    if (taken) record.crop = {1, 1, 4'000'000'000, 4'000'000'000};
    page.publish(record);
    const std::int32_t got = ferry_consumer_acquire(consumer, 0, &frame);
    if (got == FERRY_ERROR_PROTOCOL_VIOLATION && !taken) {
      EXPECT_FALSE(waits_on_gpu) << ferry_last_error();
      EXPECT_NE(std::string(ferry_last_error()).find("no timeline can reach"), std::string::npos) << ferry_last_error();
      waits_on_gpu = true;
    } else if (got == FERRY_OK) {
      taken = true;
      ferry_stream_state state{};
      state.struct_size = FERRY_STREAM_STATE_SIZE;
      ASSERT_EQ(ferry_consumer_get_state(consumer, &state), FERRY_OK);
      EXPECT_EQ(state.sync_mode == FERRY_SYNC_TIMELINE, waits_on_gpu);
      EXPECT_EQ(frame.wait_value, waits_on_gpu ? sequence : 0u) << "a wait for what nobody signals";
      EXPECT_EQ(ferry_consumer_release(consumer, frame.sequence, FERRY_RELEASE_UNUSED), FERRY_OK);
    } else if (got == FERRY_ERROR_PROTOCOL_VIOLATION) {
      rubbish = true;
    }
  }
  EXPECT_TRUE(taken) << "the forged frame was never seen: the test proves nothing";
  EXPECT_TRUE(rubbish) << "a crop beyond the image was believed";
  EXPECT_EQ(ferry_consumer_destroy(consumer), FERRY_OK) << ferry_last_error();
}

/// Everybody on a processor of his own, so that what moves is the hand-over and not the scheduler's choice.
void pin(pid_t pid, const std::vector<unsigned>& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const unsigned processor : processors) CPU_SET(processor, &set);
  for (const auto& thread : TempDir::list("/proc/" + std::to_string(pid) + "/task"))
    ASSERT_EQ(sched_setaffinity(std::stoi(thread), sizeof set, &set), 0) << std::strerror(errno);
}

/// Recorded in docs/security.md: how far the hand-over of others moves. The one time that a test asserts, and only where
/// there are processors enough for those who flood, the broker, and the pair that must not notice.
TEST_F(Hostile, TheHandOverOfOthersDoesNotMove) {
  constexpr int kRounds = 5, kFlooders = 2;
  // From round to round it moves by a factor of two by itself (docs/security.md); behind the flood's queue it would be hundreds.
  constexpr double kMostRatio = 4;
  const bool enough = std::thread::hardware_concurrency() >= 4;
  const auto pin_if_enough = [&](pid_t pid, const std::vector<unsigned>& processors) {
    if (enough) pin(pid, processors);
  };
  pin_if_enough(broker_.pid(), {2});
  pin_if_enough(producer_.pid(), {0});
  pin_if_enough(witness_.pid(), {0, 1});
  const auto p99_ns_of_a_new_viewer = [&] {
    auto viewer = start_consumer({"--name", kVictim, "--frames", "200"});
    pin_if_enough(viewer.pid(), {1});
    return finish_and_check(viewer)["latency_p99_ns"].get<std::uint64_t>();
  };
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t calm_ns = p99_ns_of_a_new_viewer();
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> asked{0};
    std::vector<std::thread> crowd;
    for (int i = 0; i < kFlooders; ++i)
      crowd.emplace_back([&] {
        if (enough) {
          cpu_set_t set;
          CPU_ZERO(&set);
          CPU_SET(3, &set);
          sched_setaffinity(0, sizeof set, &set);
        }
        const auto question = proto::encode(1, wire::QueryStatusT{});
        while (!stop) {
          HostileClient client = hostile(Stage::kGreeted);
          for (int n = 0; n < 2000 && !stop && client.say(question); ++n, ++asked) std::this_thread::sleep_for(200us);
        }
      });
    const std::uint64_t flooded_ns = p99_ns_of_a_new_viewer();
    stop = true;
    for (auto& thread : crowd) thread.join();
    ASSERT_GT(calm_ns, 0u);
    ASSERT_GT(asked.load(), 100u) << "that was no flood";
    ratios.push_back(static_cast<double>(flooded_ns) / static_cast<double>(calm_ns));
    std::printf("p99 of the hand-over: %.3f ms calm, %.3f ms flooded with %llu questions, ratio %.2f\n",
                static_cast<double>(calm_ns) / 1e6, static_cast<double>(flooded_ns) / 1e6,
                static_cast<unsigned long long>(asked.load()), ratios.back());
  }
  std::ranges::nth_element(ratios, ratios.begin() + kRounds / 2);
  std::printf("median ratio %.2f\n", ratios[kRounds / 2]);
  if (!enough) GTEST_SKIP() << "a ratio says nothing on " << std::thread::hardware_concurrency() << " processors: it takes 4";
  EXPECT_LE(ratios[kRounds / 2], kMostRatio);
}

}  // namespace
}  // namespace ferry::test
