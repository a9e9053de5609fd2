// Handing back is no way around what creating and attaching are held to.

#include <sys/mman.h>

#include "tests/unit/daemon/reclaim_fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using namespace std::chrono_literals;

class ReclaimTrust : public Reclaims {
 protected:
  void come_back_with(const std::string& rules, Limits limits = {}) {
    auto config = parse_config(rules, "test.toml");
    ASSERT_TRUE(config) << config.error().message;
    come_back(Policy(std::move(config->rules), geteuid()), limits);
  }
  void restore_stream() {
    send_stream_claim(*renderer, stream_claim());
    verdict = restored_stream();
  }
  /// A process of another trust domain, which has the lease page.
  std::unique_ptr<StandIn> stranger() {
    auto process = std::make_unique<StandIn>(broker->socket(), StandIn::Home::kUserNamespace);
    process->client().greet("stranger");
    sign(consumer->page.page().writer, process->pid());
    return process;
  }
  wire::ReclaimLeaseT strangers_claim() const {
    auto claim = lease_claim();
    claim.has_release_timeline = false;
    claim.completed_only = true;
    return claim;
  }
  /// Only the claim: a stranger was given no timeline, so it has none to hand back.
  void send_strangers_claim(RawClient& client, const wire::ReclaimLeaseT& claim) {
    client.send(claim, std::vector<int>{consumer->page.fd().get(), consumer->fds[1].get()});
  }
  void SetUp() override {
    if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
    Reclaims::SetUp();
  }
  platform::PeerPage<proto::VerdictPage> verdict;
};

constexpr const char* kStrangersMayView = "[[rule]]\nallow = ['view']\nsandbox = 'user-namespace'\n";
constexpr const char* kStrangersMayAll = "[[rule]]\nallow = ['view', 'produce']\nsandbox = 'user-namespace'\n";

TEST_F(ReclaimTrust, WhoMayNotProduceHandsNoStreamBack) {
  come_back_with("[[rule]]\ndeny = ['produce']\nstreams = 'cam'\n");
  send_stream_claim(*renderer, stream_claim());
  const std::string why = renderer->expect_refused(ErrorCode::kPermissionDenied);
  EXPECT_NE(why.find("test.toml"), std::string::npos) << why;
  send_lease_claim(*viewer, lease_claim());  // nor for its producer
  EXPECT_NE(viewer->expect_refused(ErrorCode::kNotFound).find("nobody has handed"), std::string::npos);
}

TEST_F(ReclaimTrust, WhoMayNotViewHandsNoLeaseBack) {
  come_back_with("[[rule]]\ndeny = ['view']\nstreams = 'cam'\n");
  restore_stream();
  send_lease_claim(*viewer, lease_claim());
  viewer->expect_refused(ErrorCode::kPermissionDenied);
}

TEST_F(ReclaimTrust, AStrangerWithoutARuleGetsNothingBack) {
  restore_stream();
  const auto process = stranger();
  send_strangers_claim(process->client(), strangers_claim());
  process->client().expect_refused(ErrorCode::kPermissionDenied);
}

TEST_F(ReclaimTrust, AStrangerWaitsForTheProducer) {
  come_back_with(kStrangersMayAll);
  const auto process = stranger();
  send_strangers_claim(process->client(), strangers_claim());
  EXPECT_TRUE(process->client().quiet_for(50ms));
  restore_stream();
  EXPECT_EQ(process->client().expect<wire::LeaseRestoredT>().first.lease, consumer->attached.lease);
  EXPECT_EQ(process->client().expect<wire::GenerationStartedT>().first.generation->id, 5u);
  EXPECT_EQ(process->client().expect<wire::ProducerChangedT>().first.generation->id, 5u);
  EXPECT_EQ(renderer->expect<wire::GenerationStartedT>().first.generation->id, 5u);
  const auto told = renderer->expect<wire::LeaseAddedT>().first;
  EXPECT_TRUE(told.completed_only);
  EXPECT_FALSE(told.has_release_timeline);
}

TEST_F(ReclaimTrust, AStrangerThatClaimsWhatOnlyFriendsHaveIsRefused) {
  come_back_with(kStrangersMayView);
  restore_stream();
  const auto process = stranger();
  auto claim = strangers_claim();
  claim.completed_only = false;
  send_strangers_claim(process->client(), claim);
  process->client().expect_refused(ErrorCode::kPermissionDenied);
  send_lease_claim(process->client(), lease_claim());  // with a release timeline that others would wait on
  process->client().expect_refused(ErrorCode::kPermissionDenied);
}

TEST_F(ReclaimTrust, AStrangerIsGivenNoTextureThatAClientHandedBack) {
  come_back_with(kStrangersMayView);
  restore_stream();
  const auto process = stranger();
  auto claim = strangers_claim();
  claim.newest_known = 0;  // it missed the newest generation
  send_strangers_claim(process->client(), claim);
  process->client().expect<wire::LeaseRestoredT>();
  const auto told = process->client().expect<wire::GenerationStartedT>().first;
  EXPECT_EQ(told.generation->id, 5u) << "allocated by the broker";
  EXPECT_FALSE(told.generation->has_timeline);
  EXPECT_EQ(process->client().expect<wire::ProducerChangedT>().first.generation->id, 5u) << "the producer was not told of it";
}

TEST_F(ReclaimTrust, AStrangerThatAttachesMovesTheStreamToSlotsOfTheBrokers) {
  come_back_with(kStrangersMayView);
  restore_stream();
  const auto process = stranger();
  RawConsumer late(process->client(), device(), "cam");
  late.attach();
  EXPECT_EQ(late.attached.generation->id, 5u);
  EXPECT_EQ(renderer->expect<wire::GenerationStartedT>().first.generation->id, 5u);
  RawConsumer friendly(*viewer, device(), "cam");
  friendly.attach();
  EXPECT_EQ(friendly.attached.generation->id, 1u) << "whoever may trust the producer sees its last frame";
}

TEST_F(ReclaimTrust, HandedBackDescriptorsCount) {
  Limits limits;
  limits.max_descriptors_per_uid = 16;
  come_back_with("", limits);
  send_stream_claim(*renderer, stream_claim());
  renderer->expect_refused(ErrorCode::kLimitExceeded);
  const auto hoarded = [&] {
    for (int i = 0; i < 4; ++i)
      hand_back_generation(*viewer, *producer->created.generation, std::span(producer->fds).subspan(1));
  };
  hoarded();
  RawClient other = connect("other");
  RawConsumer consumer_of_none(other, device(), "none");
  consumer_of_none.request.wait = true;
  for (int i = 0; i < 5; ++i) consumer_of_none.send();
  other.expect_refused(ErrorCode::kLimitExceeded);
}

TEST_F(ReclaimTrust, AProducerThatComesAfterItsConsumerPaysOnce) {
  Limits limits;
  const auto& made = *producer->created.generation;
  limits.texture_memory_bytes = made.allocation_size * made.slot_count;
  come_back_with("", limits);
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  hand_back_lease();
  restore_stream();
  EXPECT_EQ(status(*viewer).broker->memory_bytes, limits.texture_memory_bytes);
}

TEST_F(ReclaimTrust, AGenerationInHostMemoryMustBeSealed) {
  auto info = *producer->created.generation;
  info.transport = wire::Transport::HostMemory;
  info.has_timeline = false;
  info.row_pitch = info.image->width_px * 4;
  info.allocation_size = std::uint64_t{info.row_pitch} * info.image->height_px;
  std::vector<platform::UniqueFd> slots;
  for (std::uint32_t i = 0; i < info.slot_count; ++i) {
    slots.emplace_back(memfd_create("slot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(ftruncate(slots.back().get(), static_cast<off_t>(info.allocation_size)), 0);
  }
  auto claim = stream_claim();
  claim.device->transports = {wire::Transport::HostMemory};
  hand_back_generation(*renderer, info, slots);
  const int fd = producer->page.fd().get();
  renderer->send(claim, {&fd, 1});
  const std::string why = renderer->expect_goodbye(ErrorCode::kProtocolViolation);
  EXPECT_NE(why.find("not sealed"), std::string::npos) << why;
}

}  // namespace
}  // namespace ferry::daemon::test
