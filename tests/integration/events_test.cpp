// What a consumer is told by ferry_consumer_next_event() when its lease or a new generation comes to nothing.

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include <vector>

#include "platform/unique_fd.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/deadline.h"
#include "tests/support/picture_consumer.h"

namespace ferry::test {
namespace {

class Events : public StreamTest {
 protected:
  Events() : StreamTest("[limits]\neviction_deadline_ms = 300\n") {}

  std::unique_ptr<PictureConsumer> attach(const ConsumerOptions& options) {
    return std::make_unique<PictureConsumer>(session().connection(), session().device(), session().gpu(), options);
  }

  /// Sleeps on the descriptor until @p type is there, as an event loop that looks at nothing else.
  static std::optional<ferry_event> wait_for(PictureConsumer& consumer, std::uint32_t type) {
    int fd = -1;
    check(ferry_consumer_get_fd(consumer.handle(), &fd), "ferry_consumer_get_fd");
    const Deadline deadline(30s);
    for (;;) {
      while (const auto event = consumer.next_event())
        if (event->type == type) return event;
      pollfd readable{fd, POLLIN, 0};
      if (deadline.passed() || ::poll(&readable, 1, std::min(deadline.left_ms(), 100)) < 0) return std::nullopt;
    }
  }
};

TEST_F(Events, SayThatALeaseWasEvictedAndWhy) {
  auto producer = start_producer({"--name", "rec", "--size", "64x64:RGBA8", "--policy", "block", "--rate", "100"});
  ConsumerOptions options;
  options.name = "rec";
  options.mode = FERRY_CONSUMER_EVERY;
  options.queue_depth = 2;
  const auto consumer = attach(options);
  ASSERT_EQ(consumer->take(20'000'000'000), FERRY_OK);
  consumer->release_all();

  // And nothing more: its queue fills, and the producer waits for it.
  const auto event = wait_for(*consumer, FERRY_EVENT_EVICTED);
  ASSERT_TRUE(event) << "nobody said that the lease has ended";
  EXPECT_NE(std::string(event->reason), "");
  EXPECT_EQ(consumer->take(0), FERRY_ERROR_EVICTED);
  EXPECT_NE(std::string(ferry_last_error()).find(event->reason), std::string::npos) << ferry_last_error();
  EXPECT_FALSE(consumer->next_event()) << "it is said once";
  stop_and_check(producer);
}

/// This process with so few descriptors free, whatever it has open.
class FewDescriptors {
 public:
  explicit FewDescriptors(std::size_t free) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 512;
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (;;) {
      platform::UniqueFd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
      if (!fd) break;
      used_.push_back(std::move(fd));
    }
    used_.resize(used_.size() - std::min(free, used_.size()));
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<platform::UniqueFd> used_;
};

TEST_F(Events, SayThatANewGenerationCannotBeImportedAndTheLastFrameStays) {
  auto producer = start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--paused", "--transport", "opaque-fd"});
  ConsumerOptions options;
  options.name = "cam";
  options.recheck = true;
  const auto consumer = attach(options);
  producer.send_command("produce 1");
  ASSERT_EQ(consumer->take(20'000'000'000), FERRY_OK);
  const ferry_stream_state before = consumer->state();

  std::optional<ferry_event> failed, evicted;
  {
    // Enough to be sent the slots, not enough to keep them.
    const FewDescriptors few(before.slot_count + 4);
    producer.send_command("resize 128x64");
    failed = wait_for(*consumer, FERRY_EVENT_GENERATION_FAILED);
    // The producer has allowed no other way, so the broker has to part with this consumer.
    evicted = wait_for(*consumer, FERRY_EVENT_EVICTED);
  }
  ASSERT_TRUE(failed) << "nobody said that the import failed";
  EXPECT_NE(std::string(failed->reason).find("128x64"), std::string::npos) << failed->reason;
  EXPECT_EQ(consumer->state().generation, before.generation);
  ASSERT_TRUE(evicted);
  EXPECT_NE(std::string(evicted->reason).find("opaque-fd"), std::string::npos) << evicted->reason;
  consumer->release_all();  // reads it again: nobody has drawn meanwhile
  EXPECT_TRUE(consumer->books().all_right()) << consumer->books().first_wrong;
  EXPECT_EQ(consumer->take(0), FERRY_ERROR_EVICTED);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
