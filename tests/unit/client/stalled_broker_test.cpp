// A broker that stands still and a socket that is full: who draws goes on, and what was to be said is said later.

#include <gtest/gtest.h>

#include <chrono>
#include <semaphore>
#include <string>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/unit/client/library_test.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::client {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The broker's loop does nothing while this lives.
class Stall {
 public:
  explicit Stall(daemon::test::TestBroker& broker)
      : loop_([&] {
          broker.on_loop([&] {
            begun_.release();
            end_.acquire();
          });
        }) {
    begun_.acquire();
  }
  ~Stall() {
    end_.release();
    loop_.join();
  }
  Stall(const Stall&) = delete;
  Stall& operator=(const Stall&) = delete;

 private:
  std::binary_semaphore begun_{0}, end_{0};
  std::thread loop_;
};

class StalledBroker : public LibraryTest {
 protected:
  void SetUp() override {
    auto gpu = std::make_shared<daemon::test::FakeGpu>();
    capabilities_ = gpu->capabilities();
    connect(std::move(gpu), "renderer");
    use(std::make_unique<StandInDevice>(capabilities_));
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = "cam";
    info.image = image(64);
    ASSERT_EQ(ferry_producer_create(connection_, device_, &info, &producer_), FERRY_OK) << ferry_last_error();
    draw_a_frame();
  }
  static ferry_image_desc image(std::uint32_t width_px) {
    ferry_image_desc desc = FERRY_IMAGE_DESC_INIT;
    desc.width_px = width_px;
    desc.height_px = 64;
    desc.format = FERRY_FORMAT_RGBA8_UNORM;
    return desc;
  }
  void draw_a_frame() {
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    ASSERT_EQ(ferry_producer_begin(producer_, 0, &target), FERRY_OK) << ferry_last_error();
    ASSERT_EQ(ferry_producer_publish(producer_, target.id, nullptr), FERRY_OK) << ferry_last_error();
  }
  ferry_stream_state state() const {
    ferry_stream_state state{};
    state.struct_size = FERRY_STREAM_STATE_SIZE;
    EXPECT_EQ(ferry_producer_get_state(producer_, &state), FERRY_OK) << ferry_last_error();
    return state;
  }
  std::shared_ptr<Connection> connection() const { return handles().connections.find(connection_)->object; }
  /// Questions that nobody reads, until there is no room for another.
  void fill_socket() {
    const ferry::test::Deadline deadline(60s);
    for (std::string said; said.find("has not read") == std::string::npos;) {
      ASSERT_FALSE(deadline.passed()) << said;
      wire::BodyUnion question;
      question.Set(wire::QueryStatusT{});
      const auto answer = connection()->ask(std::move(question), {}, wire::Body::StatusReply, 1'000'000);
      ASSERT_FALSE(answer.ok());
      said = answer.error().message;
    }
  }
  std::uint64_t brokers_memory_bytes() const {
    std::uint64_t bytes = 0;
    broker_->on_loop([&] { bytes = broker_->broker().books().memory_bytes; });
    return bytes;
  }
  template <class Holds>
  static bool becomes_true(Holds holds) {
    for (const ferry::test::Deadline deadline(20s); !deadline.passed(); std::this_thread::sleep_for(1ms))
      if (holds()) return true;
    return false;
  }

  platform::DeviceCapabilities capabilities_;
};

TEST_F(StalledBroker, DoesNotHoldUpTheFirstFrameOfAGenerationAndHearsOfItLater) {
  const std::uint64_t before_bytes = brokers_memory_bytes();
  const ferry_image_desc bigger = image(128);
  ASSERT_EQ(ferry_producer_reconfigure(producer_, &bigger), FERRY_OK) << ferry_last_error();
  ASSERT_EQ(brokers_memory_bytes(), 3 * before_bytes);
  {
    const Stall stall(*broker_);
    fill_socket();
    const auto begun = Clock::now();
    draw_a_frame();
    EXPECT_LT(Clock::now() - begun, 1s);
    EXPECT_EQ(state().width_px, 128u);
  }
  // Nobody says anything any more.
  EXPECT_TRUE(becomes_true([&] { return brokers_memory_bytes() == 2 * before_bytes; })) << brokers_memory_bytes();
}

TEST_F(StalledBroker, DoesNotHoldUpABeginThatFindsNoSlot) {
  daemon::test::RawClient client(broker_->socket());
  client.greet("viewer");
  daemon::test::RawConsumer viewer(client, capabilities_, "cam");
  viewer.attach();
  ASSERT_TRUE(becomes_true([&] { return state().consumer_count == 1; }));
  draw_a_frame();
  proto::LeasePageWriter page(viewer.page.page());
  for (std::uint32_t slot = 0; slot < state().slot_count; ++slot)
    page.hold(proto::GenerationId{static_cast<std::uint32_t>(state().generation)}, slot);

  const Stall stall(*broker_);
  fill_socket();
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  const auto begun = Clock::now();
  // Longer than its patience: it tells the broker who is in its way, again and again.
  EXPECT_EQ(ferry_producer_begin(producer_, 2'500'000'000, &target), FERRY_ERROR_TIMEOUT);
  EXPECT_LT(Clock::now() - begun, 4s);
  EXPECT_GE(Clock::now() - begun, 2s);
}

TEST_F(StalledBroker, IsAskedNoLongerThanAQuestionMayTake) {
  const Stall stall(*broker_);
  fill_socket();
  wire::BodyUnion question;
  question.Set(wire::QueryStatusT{});
  const auto begun = Clock::now();
  const auto answer = connection()->ask(std::move(question), {}, wire::Body::StatusReply, 50'000'000);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, proto::ErrorCode::kTimeout);
  EXPECT_LT(Clock::now() - begun, 1s);
}

}  // namespace
}  // namespace ferry::client
