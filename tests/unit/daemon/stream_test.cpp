#include <fmt/format.h>
#include <unistd.h>

#include "proto/usage.h"
#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using proto::VerdictPageReader;
using namespace std::chrono_literals;

class Streams : public BrokerTest {
 protected:
  std::string refusal(RawClient& client, const wire::CreateStreamT& request, ErrorCode code) {
    auto page = platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kStream, "test");
    const int fd = page->fd().get();
    client.send(request, {&fd, 1});
    return client.expect_refused(code);
  }
  wire::StatusReplyT status(RawClient& client) {
    client.send(wire::QueryStatusT{});
    return client.expect<wire::StatusReplyT>().first;
  }
  static wire::ReconfigureT resize(const RawProducer& producer, std::uint32_t width_px) {
    wire::ReconfigureT out;
    out.stream = producer.created.stream;
    out.image = std::make_unique<wire::ImageT>(*producer.request.image);
    out.image->width_px = width_px;
    return out;
  }
};

TEST_F(Streams, AreCreatedWithEverythingTheirProducerNeeds) {
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  EXPECT_NE(producer.created.stream, 0u);
  EXPECT_EQ(producer.created.first_sequence, 1u);
  EXPECT_EQ(producer.created.sync_mode, wire::SyncMode::Host);
  EXPECT_TRUE(producer.created.sync_reason.starts_with("host: fake 1.0 cannot export timeline semaphores; producer 'tester'"))
      << producer.created.sync_reason;
  EXPECT_FALSE(producer.created.transport_reason.empty());
  const auto& generation = *producer.created.generation;
  EXPECT_EQ(generation.id, 1u);
  EXPECT_EQ(generation.slot_count, 8u);
  EXPECT_EQ(generation.image->width_px, 64u);
  EXPECT_EQ(generation.allocation_size, 64u * 32u * 4u);
  EXPECT_FALSE(generation.has_timeline);
  EXPECT_EQ(generation.reason, "created");
  EXPECT_EQ(producer.fds.size(), 1u + 8u);
  const VerdictPageReader verdict(producer.verdict.page());
  EXPECT_EQ(verdict.state(), proto::StreamState::kLive);
  EXPECT_EQ(verdict.generation(), proto::GenerationId{1});
  EXPECT_EQ(verdict.page().producers.load(), 1u);
}

TEST_F(Streams, ANameHasOneLivingProducer) {
  RawClient first = connect("renderer"), second = connect();
  RawProducer producer(first, device(), "cam");
  producer.create();
  RawProducer rival(second, device(), "cam");
  EXPECT_EQ(refusal(second, rival.request, ErrorCode::kNameTaken),
            fmt::format("stream 'cam' is produced by 'renderer' (pid {})", getpid()));
}

TEST_F(Streams, RequestsAreChecked) {
  Limits limits;
  limits.max_slots = 16;
  start(limits);
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  auto with = [&](auto change) {
    wire::CreateStreamT request = producer.request;
    change(request);
    return request;
  };
  refusal(client, with([](auto& r) { r.name = ""; }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.name = "a\nb"; }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.name = std::string(129, 'x'); }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.image.reset(); }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.device.reset(); }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.device->device_uuid.reset(); }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.frames_in_flight = 0; }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.frames_in_flight = 9; }), ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.queue_policy = static_cast<wire::QueuePolicy>(77); }),
          ErrorCode::kInvalidArgument);
  refusal(client, with([](auto& r) { r.sync_mode = wire::SyncMode::Timeline; }), ErrorCode::kIncompatible);
  EXPECT_EQ(refusal(client, with([](auto& r) { r.min_slots = 17; }), ErrorCode::kLimitExceeded),
            "slot count 17 exceeds the limit max_slots = 16 for stream 'cam'");
  const auto nv12 = [&](std::uint32_t width_px, std::uint32_t usage) {
    return with([&](auto& r) {
      r.image->format = static_cast<std::uint8_t>(proto::Format::kNv12);
      r.image->width_px = width_px;
      r.image->usage = usage;
    });
  };
  EXPECT_EQ(refusal(client, nv12(63, 0), ErrorCode::kInvalidArgument),
            "width 63 px is no multiple of 2, as format NV12 needs it for stream 'cam'");
  EXPECT_EQ(refusal(client, nv12(64, proto::kUsageRender), ErrorCode::kInvalidArgument),
            "format NV12 cannot have usage render for stream 'cam'");
  producer.create();  // the session goes on
}

TEST_F(Streams, AnotherDeviceIsNamed) {
  RawClient client = connect("renderer");
  RawProducer producer(client, FakeGpu(9).capabilities(), "cam");
  const std::string text = refusal(client, producer.request, ErrorCode::kIncompatible);
  EXPECT_NE(text.find("producer 'renderer'"), std::string::npos) << text;
  EXPECT_NE(text.find("09090909-"), std::string::npos) << text;
  EXPECT_NE(text.find("01010101-"), std::string::npos) << text;
}

TEST_F(Streams, AreLimitedInAllAndForEachSession) {
  Limits limits;
  limits.max_streams = 3;
  limits.max_streams_per_session = 2;
  start(limits);
  RawClient first = connect("one"), second = connect("two");
  RawProducer a(first, device(), "a"), b(first, device(), "b"), c(second, device(), "c"), d(second, device(), "d");
  a.create();
  b.create();
  RawProducer surplus(first, device(), "x");
  EXPECT_EQ(refusal(first, surplus.request, ErrorCode::kLimitExceeded),
            fmt::format("'one' (pid {}) produces 2 streams; the limit max_streams_per_session is 2", getpid()));
  c.create();
  EXPECT_EQ(refusal(second, d.request, ErrorCode::kLimitExceeded), "there are 3 streams; the limit max_streams is 3");
}

TEST_F(Streams, SixtyFourFitOneProcessAndAThousandTheBroker) {
  start();
  std::vector<RawClient> clients;
  std::vector<std::unique_ptr<RawProducer>> producers;
  clients.reserve(16);
  for (int c = 0; c < 16; ++c) {
    clients.push_back(connect());
    for (int s = 0; s < 64; ++s) {
      producers.push_back(std::make_unique<RawProducer>(clients.back(), device(), fmt::format("s{}-{}", c, s)));
      producers.back()->request.image->width_px = producers.back()->request.image->height_px = 4;
      producers.back()->create();
      producers.back()->fds.clear();
    }
  }
  EXPECT_EQ(status(clients.front()).broker->streams, 1024u);
}

TEST_F(Streams, MemoryIsLimitedAndGivenBack) {
  Limits limits;
  limits.texture_memory_bytes = std::uint64_t{1} << 20;
  start(limits);
  RawClient client = connect();
  RawProducer big(client, device(), "big");
  big.request.image->width_px = big.request.image->height_px = 180;  // 8 slots of 129,600 bytes
  big.create();
  RawProducer more(client, device(), "more");
  const std::string text = refusal(client, more.request, ErrorCode::kLimitExceeded);
  EXPECT_NE(text.find("65536 bytes"), std::string::npos) << text;
  EXPECT_NE(text.find("texture_memory_bytes = 1048576"), std::string::npos) << text;
  EXPECT_NE(text.find("stream 'more'"), std::string::npos) << text;

  wire::CloseStreamT close;
  close.stream = big.created.stream;
  client.send(close);
  client.expect<wire::DoneT>();
  EXPECT_EQ(status(client).broker->memory_bytes, 0u);
  more.create();
}

TEST_F(Streams, ASessionsMemoryIsLimitedToo) {
  Limits limits;
  limits.texture_memory_bytes_per_session = std::uint64_t{1} << 20;
  start(limits);
  RawClient client = connect(), other = connect();
  RawProducer big(client, device(), "big");
  big.request.image->width_px = big.request.image->height_px = 180;
  big.create();
  RawProducer more(client, device(), "more"), elsewhere(other, device(), "elsewhere");
  EXPECT_NE(refusal(client, more.request, ErrorCode::kLimitExceeded).find("texture_memory_bytes_per_session"),
            std::string::npos);
  elsewhere.create();
}

TEST_F(Streams, AResizeIsTheNextGenerationForEverybody) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();

  const std::uint64_t request = client.send(resize(producer, 128));
  const auto [mine, my_message] = client.expect<wire::GenerationStartedT>();
  EXPECT_EQ(my_message.envelope->request, request);
  EXPECT_EQ(mine.lease, 0u);
  EXPECT_EQ(mine.generation->id, 2u);
  EXPECT_EQ(mine.generation->image->width_px, 128u);
  EXPECT_EQ(mine.generation->reason, "resize");
  EXPECT_EQ(my_message.fds.size(), 8u);
  const auto [theirs, their_message] = viewer.expect<wire::GenerationStartedT>();
  EXPECT_EQ(their_message.envelope->request, 0u);
  EXPECT_EQ(theirs.lease, consumer.attached.lease);
  EXPECT_EQ(theirs.generation->id, 2u);
  EXPECT_EQ(VerdictPageReader(producer.verdict.page()).generation(), proto::GenerationId{2});
}

TEST_F(Streams, AResizeThatFailsChangesNothing) {
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  client.send(resize(producer, 20000));
  client.expect_refused(ErrorCode::kLimitExceeded);
  EXPECT_EQ(VerdictPageReader(producer.verdict.page()).generation(), proto::GenerationId{1});
  EXPECT_EQ(status(client).streams.at(0)->generation->id, 1u);
}

TEST_F(Streams, RetiredGenerationsCostNothing) {
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  const auto before = status(client).broker->memory_bytes;
  client.send(resize(producer, 128));
  client.expect<wire::GenerationStartedT>();
  EXPECT_EQ(status(client).broker->memory_bytes, before * 3);
  wire::GenerationsRetiredT retired;
  retired.stream = producer.created.stream;
  retired.newest = 2;
  client.tell(retired);
  EXPECT_EQ(status(client).broker->memory_bytes, before * 2);
  retired.newest = 99;  // a lie: the newest one stays
  client.tell(retired);
  EXPECT_EQ(status(client).broker->memory_bytes, before * 2);
}

TEST_F(Streams, ManyResizesWithoutAFrameKeepOnlyWhatCanBeShown) {
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  producer.publish(1, 0);
  const auto one = status(client).broker->memory_bytes;
  for (int i = 0; i < 10; ++i) {
    client.send(resize(producer, i % 2 == 0 ? 128 : 64));
    client.expect<wire::GenerationStartedT>();
  }
  EXPECT_EQ(status(client).broker->memory_bytes, one * (2 + 1 + 2 + 1) + one) << "four newest, and the one on show";
}

TEST_F(Streams, ClosingTellsConsumersAndFreesTheName) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();

  wire::CloseStreamT close;
  close.stream = producer.created.stream;
  client.send(close);
  client.expect<wire::DoneT>();
  const auto changed = viewer.expect<wire::StreamStateChangedT>().first;
  EXPECT_EQ(changed.state, wire::StreamState::Closed);
  EXPECT_EQ(changed.lease, consumer.attached.lease);
  EXPECT_EQ(VerdictPageReader(consumer.verdict.page()).state(), proto::StreamState::kClosed);

  RawProducer next(client, device(), "cam");
  next.create();
  EXPECT_NE(next.created.stream, producer.created.stream);
  EXPECT_EQ(status(client).broker->streams, 2u) << "the old one lives as long as its lease";
  consumer.detach();
  EXPECT_EQ(status(client).broker->streams, 1u);
}

TEST_F(Streams, GoWithTheirProducerWhenNobodyWatches) {
  RawClient bystander = connect();
  {
    RawClient client = connect();
    RawProducer producer(client, device(), "cam");
    producer.create();
  }
  while (status(bystander).broker->sessions != 1) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(status(bystander).broker->streams, 0u);
  EXPECT_EQ(status(bystander).broker->memory_bytes, 0u);
}

}  // namespace
}  // namespace ferry::daemon::test
