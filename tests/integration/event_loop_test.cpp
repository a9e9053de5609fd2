// A consumer or a producer in somebody's event loop: readable while there is something, quiet while there is not.

#include <sys/epoll.h>

#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/deadline.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

using EventLoop = StreamTest;

int fd_of(const PictureConsumer& consumer) {
  int fd = -1;
  check(ferry_consumer_get_fd(consumer.handle(), &fd), "ferry_consumer_get_fd");
  return fd;
}

int fd_of(const PictureProducer& producer) {
  int fd = -1;
  check(ferry_producer_get_fd(producer.handle(), &fd), "ferry_producer_get_fd");
  return fd;
}

/// An epoll instance that watches the descriptor of one consumer or producer.
class Loop {
 public:
  template <class Watched>
  explicit Loop(const Watched& watched) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const int fd = fd_of(watched);
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

// ---- producers --------------------------------------------------------------------------------------

class ProducerLoop : public StreamTest {
 protected:
  /// Nobody is evicted, unless that is what a test is about.
  explicit ProducerLoop(const std::string& eviction_deadline_ms = "600000")
      : StreamTest("[limits]\neviction_deadline_ms = " + eviction_deadline_ms + "\n") {}

  /// A stream whose begin() an `every` consumer can block.
  std::unique_ptr<PictureProducer> create() {
    ProducerOptions options;
    options.name = "cam";
    options.shape = {64, 32, FERRY_FORMAT_RGBA8_UNORM};
    options.queue_policy = FERRY_QUEUE_BLOCK;
    return std::make_unique<PictureProducer>(session().connection(), session().device(), session().gpu(), options);
  }
  std::unique_ptr<PictureConsumer> attach() {
    ConsumerOptions options;
    options.name = "cam";
    options.mode = FERRY_CONSUMER_EVERY;
    options.queue_depth = 2;
    return std::make_unique<PictureConsumer>(session().connection(), session().device(), session().gpu(), options);
  }

  static std::optional<std::uint32_t> next_event(const PictureProducer& producer) {
    ferry_event event{};
    event.struct_size = FERRY_EVENT_SIZE;
    const std::int32_t code = ferry_producer_next_event(producer.handle(), &event);
    if (code == FERRY_ERROR_WOULD_BLOCK) return std::nullopt;
    check(code, "ferry_producer_next_event");
    return event.type;
  }
  /// The next frame, as soon as the descriptor says that there is a slot.
  static bool produce_when_told(PictureProducer& producer, const Loop& loop) {
    const Deadline deadline(20s);
    for (;;) {
      while (next_event(producer)) {
      }
      if (producer.produce(0) == FERRY_OK) return true;
      if (!loop.wakes_within(deadline.left_ms())) return false;
    }
  }
  /// Until no slot comes free any more.
  static void fill(PictureProducer& producer, const Loop& loop) {
    do {
      while (producer.produce(0) == FERRY_OK) {
      }
    } while (loop.wakes_within(300));
  }
  /// Nothing but the second's look at who is in the way may wake it.
  static void expect_quiet(PictureProducer& producer, const Loop& loop) {
    for (int wakes = 0; wakes < 10; ++wakes) {
      ASSERT_EQ(producer.produce(0), FERRY_ERROR_WOULD_BLOCK);
      if (!loop.wakes_within(300)) return;
    }
    FAIL() << "no slot is free, and yet it is readable";
  }
  /// A frame that @p consumer has read: from here on it is waited for.
  static void begin_to_read(PictureProducer& producer, PictureConsumer& consumer) {
    ASSERT_EQ(producer.produce(), FERRY_OK);
    ASSERT_EQ(consumer.take(20'000'000'000), FERRY_OK);
    consumer.release_all();
  }
};

TEST_F(ProducerLoop, WakesWhenItsOwnFramesAreDone) {
  const auto producer = create();
  const Loop loop(*producer);
  // Nobody reads, so nothing but the GPU can free a slot, and nobody is waited for who could be told of it.
  for (int frame = 1; frame <= 300; ++frame) ASSERT_TRUE(produce_when_told(*producer, loop)) << "frame " << frame;
}

TEST_F(ProducerLoop, WakesWhenAConsumerFreesASlot) {
  const auto producer = create();
  const Loop loop(*producer);
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "2", "--until-sequence", "300"});
  for (int frame = 1; frame <= 300; ++frame) ASSERT_TRUE(produce_when_told(*producer, loop)) << "frame " << frame;
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
}

TEST_F(ProducerLoop, IsQuietUntilThen) {
  const auto producer = create();
  const auto consumer = attach();
  const Loop loop(*producer);
  begin_to_read(*producer, *consumer);
  fill(*producer, loop);
  expect_quiet(*producer, loop);
  // All of them: frames that were begun before the queue was full have made it longer.
  while (consumer->take(0) == FERRY_OK) consumer->release_all();
  ASSERT_TRUE(loop.wakes_within(20'000)) << "a slot is free, and yet it is quiet";
  EXPECT_FALSE(next_event(*producer));
  EXPECT_TRUE(loop.wakes_within(0)) << "who looked for events only is still to look for the slot";
  ASSERT_TRUE(produce_when_told(*producer, loop));

  // What comes free while nobody wants it wakes nobody, and what rang before is forgotten.
  fill(*producer, loop);
  while (consumer->take(0) == FERRY_OK) consumer->release_all();
  ASSERT_TRUE(produce_when_told(*producer, loop));
  EXPECT_FALSE(next_event(*producer));
  while (consumer->take(1'000'000'000) == FERRY_OK) consumer->release_all();
  EXPECT_FALSE(next_event(*producer));
  EXPECT_FALSE(loop.wakes_within(300)) << "begin() found a slot, and yet it is readable";
}

TEST_F(ProducerLoop, WakesWhenTheConsumerInItsWayDetaches) {
  const auto producer = create();
  auto consumer = attach();
  const Loop loop(*producer);
  begin_to_read(*producer, *consumer);
  fill(*producer, loop);
  ASSERT_EQ(producer->produce(0), FERRY_ERROR_WOULD_BLOCK);
  consumer.reset();
  EXPECT_TRUE(produce_when_told(*producer, loop));
}

class StarvedLoop : public ProducerLoop {
 protected:
  StarvedLoop() : ProducerLoop("300") {}
};

TEST_F(StarvedLoop, HasAConsumerThatStandsStillEvicted) {
  const auto producer = create();
  auto stopped =
      start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "2", "--report-frames", "--no-validation"});
  const Loop loop(*producer);
  ASSERT_TRUE(produce_when_told(*producer, loop));
  stopped.wait_report_if("a frame", frame_after(0));
  stopped.send_signal(SIGSTOP);
  // Nobody frees a slot: only begin() itself can tell the broker who is in the way.
  for (int frame = 0; frame < 10; ++frame) ASSERT_TRUE(produce_when_told(*producer, loop)) << "it sleeps for good";
  stopped.kill_now();
}

TEST_F(ProducerLoop, WakesAtItsOwnResize) {
  const auto producer = create();
  const auto consumer = attach();
  const Loop loop(*producer);
  begin_to_read(*producer, *consumer);
  fill(*producer, loop);
  expect_quiet(*producer, loop);
  producer->reconfigure({32, 64, FERRY_FORMAT_RGBA8_UNORM});
  EXPECT_TRUE(loop.wakes_within(20'000)) << "there is a new generation, and yet it is quiet";
}

TEST_F(ProducerLoop, StaysReadableUntilTheEventIsTaken) {
  const auto producer = create();
  const Loop loop(*producer);
  ASSERT_TRUE(produce_when_told(*producer, loop));
  for (const std::uint32_t expected : {FERRY_EVENT_BROKER_LOST, FERRY_EVENT_BROKER_BACK}) {
    while (next_event(*producer)) {
    }
    ASSERT_FALSE(loop.wakes_within(200));
    expected == FERRY_EVENT_BROKER_LOST ? broker_.kill() : broker_.start();
    ASSERT_TRUE(loop.wakes_within(20'000)) << "event " << expected << " woke nobody";
    for (int i = 0; i < 3; ++i) {  // slots first, as many loops have it
      ASSERT_EQ(producer->produce(1'000'000'000), FERRY_OK);
      EXPECT_TRUE(loop.wakes_within(0)) << "event " << expected << " is not taken, and yet it is quiet";
    }
    EXPECT_EQ(next_event(*producer), expected);
  }
  EXPECT_FALSE(next_event(*producer));
  EXPECT_FALSE(loop.wakes_within(200));
}

TEST_F(ProducerLoop, SaysWhatAnEventLoopMissedBeforeItBegan) {
  const auto producer = create();
  broker_.kill();
  const Deadline deadline(20s);
  while (producer->state().connected != 0 && !deadline.passed()) std::this_thread::sleep_for(5ms);
  const Loop loop(*producer);
  EXPECT_TRUE(loop.wakes_within(20'000));
  EXPECT_EQ(next_event(*producer), FERRY_EVENT_BROKER_LOST);
  broker_.start();
}

TEST_F(ProducerLoop, RefusesWhatIsNoProducer) {
  int fd = -1;
  EXPECT_EQ(ferry_producer_get_fd(nullptr, &fd), FERRY_ERROR_STALE_HANDLE);
  const auto producer = create();
  EXPECT_EQ(ferry_producer_get_fd(producer->handle(), nullptr), FERRY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(fd_of(*producer), fd_of(*producer)) << "it is one and the same";
}

}  // namespace
}  // namespace ferry::test
