// A consumer in somebody's event loop: readable while there is something, quiet while there is not.

#include <sys/epoll.h>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/deadline.h"
#include "tests/support/picture_consumer.h"

namespace ferry::test {
namespace {

using EventLoop = StreamTest;

/// An epoll instance that watches the descriptor of one consumer.
class Loop {
 public:
  explicit Loop(const PictureConsumer& consumer) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    int fd = -1;
    check(ferry_consumer_get_fd(consumer.handle(), &fd), "ferry_consumer_get_fd");
    epoll_event interest{};
    interest.events = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &interest) != 0) throw std::runtime_error("epoll_ctl");
  }
  bool wakes_within(int timeout_ms) const {
    epoll_event event{};
    return ::epoll_wait(epoll_.get(), &event, 1, timeout_ms) == 1;
  }

 private:
  platform::UniqueFd epoll_;
};

void take_all_events(PictureConsumer& consumer) {
  while (consumer.next_event()) {
  }
}

TEST_F(EventLoop, SleepsUntilThereIsAFrame) {
  auto producer = start_producer({"--name", "cam", "--paused", "--size", "320x180:RGBA8"});
  ConsumerOptions options;
  options.name = "cam";
  PictureConsumer consumer(session().connection(), session().device(), session().gpu(), options);
  Loop loop(consumer);
  const auto drain = [&] {
    int taken = 0;
    while (consumer.take(0) == FERRY_OK) {
      consumer.release_all();
      ++taken;
    }
    while (consumer.next_event()) {
    }
    return taken;
  };
  drain();

  for (int burst = 1; burst <= 10; ++burst) {
    producer.send_command("produce 1");
    int taken = 0;
    const Deadline deadline(10s);
    while (taken == 0 && !deadline.passed()) {
      ASSERT_TRUE(loop.wakes_within(deadline.left_ms())) << "frame " << burst << " woke nobody";
      taken += drain();
    }
    EXPECT_EQ(taken, 1);
  }
  EXPECT_FALSE(loop.wakes_within(300)) << "nothing new, and yet the descriptor is readable";
  EXPECT_TRUE(consumer.books().all_right()) << consumer.books().first_wrong;
  EXPECT_EQ(consumer.books().frames, 10u);
  stop_and_check(producer);
}

TEST_F(EventLoop, StaysReadableUntilTheEventIsTaken) {
  auto producer = start_producer({"--name", "cam", "--paused", "--size", "320x180:RGBA8"});
  ConsumerOptions options;
  options.name = "cam";
  PictureConsumer consumer(session().connection(), session().device(), session().gpu(), options);
  Loop loop(consumer);
  take_all_events(consumer);
  ASSERT_EQ(consumer.take(0), FERRY_ERROR_WOULD_BLOCK);
  ASSERT_FALSE(loop.wakes_within(200));

  producer.kill_now();
  ASSERT_TRUE(loop.wakes_within(20'000)) << "the end of the producer woke nobody";
  const Deadline deadline(20s);
  std::optional<ferry_event> event;
  // Frames first, as many loops have it: looking for them must not lose the event.
  while (!deadline.passed() && (!event || event->type != FERRY_EVENT_ORPHANED)) {
    EXPECT_EQ(consumer.take(0), FERRY_ERROR_WOULD_BLOCK);
    ASSERT_TRUE(loop.wakes_within(deadline.left_ms())) << "an event nobody has seen, and yet it is quiet";
    event = consumer.next_event();
  }
  EXPECT_TRUE(event && event->type == FERRY_EVENT_ORPHANED);
  // What else comes of a death (its sockets close one by one) may wake the loop a few times more.
  bool quiet = false;
  for (int wakes = 0; wakes < 10 && !quiet; ++wakes) {
    take_all_events(consumer);
    EXPECT_EQ(consumer.take(0), FERRY_ERROR_WOULD_BLOCK);
    quiet = !loop.wakes_within(200);
  }
  EXPECT_TRUE(quiet) << "everything was taken, and yet it is readable";
}

TEST_F(EventLoop, IsQuietWhileNothingMoreMayBeHeld) {
  auto producer = start_producer({"--name", "cam", "--paused", "--size", "320x180:RGBA8"});
  ConsumerOptions options;
  options.name = "cam";
  options.max_holds = 1;
  PictureConsumer consumer(session().connection(), session().device(), session().gpu(), options);
  Loop loop(consumer);
  producer.send_command("produce 1");
  const Deadline deadline(20s);
  while (consumer.held() == 0 && !deadline.passed()) {
    take_all_events(consumer);
    if (consumer.take(0) == FERRY_OK) break;
    ASSERT_TRUE(loop.wakes_within(deadline.left_ms()));
  }
  ASSERT_EQ(consumer.held(), 1u);

  producer.send_command("produce 3");
  producer.wait_report_if("four frames", [](const auto& report) { return report["frames"] == 4; });
  EXPECT_EQ(consumer.take(0), FERRY_ERROR_LIMIT_EXCEEDED);
  EXPECT_FALSE(loop.wakes_within(300)) << "nothing can be acquired, and yet it is readable";

  consumer.release_all();
  ASSERT_TRUE(loop.wakes_within(20'000)) << "a newer frame is there, and yet it is quiet";
  ASSERT_EQ(consumer.take(0), FERRY_OK);
  EXPECT_EQ(consumer.books().last, 4u);
  consumer.release_all();
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
