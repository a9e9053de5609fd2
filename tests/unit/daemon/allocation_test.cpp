// What was agreed on cannot be allocated: a driver says that it can export, and then it cannot.

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;

constexpr std::uint64_t kTiled = 0x0300000000606010u;

class Allocation : public BrokerTest, public ::testing::WithParamInterface<ErrorCode> {
 protected:
  void SetUp() override {
    gpu = std::make_shared<FakeGpu>(std::uint8_t{1}, false);
    for (const proto::FormatInfo& format : proto::kRgbFormats) gpu->add_modifiers(format.format, {0, kTiled});
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), Limits{}, Policy({}, geteuid()));
  }
  static platform::DeviceCapabilities able(std::uint8_t number = 1) {
    FakeGpu device(number, false);
    device.add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
    auto capabilities = device.capabilities();
    capabilities.host_memory = true;
    return capabilities;
  }
  void fail_next_allocation() {
    broker->on_loop([&] { gpu->fail({GetParam(), "the driver says no"}, 1); });
  }
  static void expect_instead_of(const char* failed, wire::Transport instead, const wire::GenerationT& generation) {
    EXPECT_EQ(generation.transport, instead);
    EXPECT_NE(generation.transport_reason.find(std::string("the broker cannot allocate by ") + failed + ": a pool of "),
              std::string::npos)
        << generation.transport_reason;
    EXPECT_NE(generation.transport_reason.find("the driver says no"), std::string::npos) << generation.transport_reason;
  }
};

TEST_P(Allocation, OfANewStreamFallsBack) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(), "cam");
  fail_next_allocation();
  producer.create();
  expect_instead_of("opaque-fd", wire::Transport::DmaBuf, *producer.created.generation);
}

TEST_P(Allocation, OfANewSizeFallsBack) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(), "cam");
  producer.create();
  ASSERT_EQ(producer.created.generation->transport, wire::Transport::OpaqueFd);
  wire::ReconfigureT bigger;
  bigger.stream = producer.created.stream;
  bigger.image = std::make_unique<wire::ImageT>(*producer.created.generation->image);
  bigger.image->width_px *= 2;
  fail_next_allocation();
  client.send(std::move(bigger));
  expect_instead_of("opaque-fd", wire::Transport::DmaBuf, *client.expect<wire::GenerationStartedT>().first.generation);
}

TEST_P(Allocation, OfATakeOverFallsBack) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect("viewer"), next = connect("next");
  RawProducer old(renderer->client(), able(), "cam");
  old.create();
  RawConsumer consumer(viewer, able(), "cam");
  consumer.attach();
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  RawProducer producer(next, able(), "cam");
  fail_next_allocation();
  producer.create();
  expect_instead_of("opaque-fd", wire::Transport::DmaBuf, *producer.created.generation);
  EXPECT_EQ(viewer.expect<wire::ProducerChangedT>().first.generation->transport, wire::Transport::DmaBuf);
}

TEST_P(Allocation, ForSomebodyWhoJoinsFallsBack) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, able(), "cam");
  producer.create();
  RawConsumer consumer(viewer, able(2), "cam");
  fail_next_allocation();
  consumer.attach();
  expect_instead_of("dma-buf", wire::Transport::HostMemory, *consumer.attached.generation);
  EXPECT_EQ(client.expect<wire::GenerationStartedT>().first.generation->id, 2u);
}

TEST_P(Allocation, ForSomebodyWhoseImportFailedFallsBack) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, able(), "cam");
  producer.create();
  RawConsumer consumer(viewer, able(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  wire::ImportFailedT failed;
  failed.stream = producer.created.stream;
  failed.lease = consumer.attached.lease;
  failed.generation = 1;
  fail_next_allocation();
  viewer.tell(failed);
  expect_instead_of("dma-buf", wire::Transport::HostMemory, *viewer.expect<wire::GenerationStartedT>().first.generation);
}

TEST_P(Allocation, WithoutAnotherWayIsRefusedByWhatTheDriverSaid) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(), "cam");
  producer.request.transport = wire::Transport::OpaqueFd;
  const int fd = producer.page.fd().get();
  fail_next_allocation();
  client.send(producer.request, {&fd, 1});
  EXPECT_NE(client.expect_refused(GetParam()).find("the broker cannot allocate by opaque-fd: a pool of "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(ThatADriverCannotDo, Allocation,
                         ::testing::Values(ErrorCode::kUnsupported, ErrorCode::kInvalidArgument),
                         [](const auto& code) { return code.param == ErrorCode::kUnsupported ? "Unsupported" : "Invalid"; });

class Memory : public Allocation {};

TEST_P(Memory, ThatIsNotThereIsNotThereInAnotherWay) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(), "cam");
  const int fd = producer.page.fd().get();
  fail_next_allocation();
  client.send(producer.request, {&fd, 1});
  EXPECT_NE(client.expect_refused(GetParam()).find("the driver says no"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Exhausted, Memory, ::testing::Values(ErrorCode::kOutOfMemory, ErrorCode::kLimitExceeded),
                         [](const auto& code) { return code.param == ErrorCode::kOutOfMemory ? "Memory" : "Limit"; });

}  // namespace
}  // namespace ferry::daemon::test
