// System calls of libferry's (fault_shim.cpp lists them, with the errors they can have) fail at every place where they are
// made, on whichever thread: the application hears why or goes on, nobody waits for ever, nothing is left behind, and the
// next try works.

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"
#include "tests/unit/daemon/fault/fault_shim.h"

namespace ferry::test {
namespace {

using daemon::test::Fault;
using daemon::test::NotMade;

constexpr NotMade kNotMade[] = {
    {"accept4", "the library listens nowhere"},
    {"getsockopt", "it asks nothing of its peers"},
    {"openat", "it looks at no other process"},
    {"timerfd_create", "a producer that waits on a descriptor has one, and here none does"},
    {"poll", "it waits with ppoll"},
};

constexpr auto kLongest = 30s;  // every wait in it has a deadline of less

class SystemFaults : public StreamTest {
 protected:
  SystemFaults() : StreamTest("[limits]\nreclaim_grace_ms = 100\n") {}

  /// All that an application asks of libferry. Throws what it hears.
  void scenario() const {
    Session own({.socket = broker_.socket(), .validation = false});
    ProducerOptions produce;
    produce.name = "cam";
    produce.shape = {64, 32, FERRY_FORMAT_RGBA8_UNORM};
    PictureProducer producer(own.connection(), own.device(), own.gpu(), produce);
    ConsumerOptions consume;
    consume.name = "cam";
    consume.max_holds = 2;
    PictureConsumer consumer(own.connection(), own.device(), own.gpu(), consume);
    int fd = -1;
    check(ferry_consumer_get_fd(consumer.handle(), &fd), "ferry_consumer_get_fd");
    for (int i = 0; i < 4; ++i) {
      if (i == 2) producer.reconfigure({96, 48, FERRY_FORMAT_RGBA8_UNORM});
      check(producer.produce(2'000'000'000), "begin");
      check(consumer.take(2'000'000'000), "acquire");
      consumer.release_oldest();
    }
    own.status();
    EXPECT_TRUE(consumer.books().all_right()) << consumer.books().first_wrong;
  }

  static std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  /// "" when it went through.
  std::string try_scenario() const try {
    scenario();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
};

TEST_F(SystemFaults, AreHeardOfAndLeaveNothing) {
  ASSERT_EQ(try_scenario(), "");
  const std::size_t before = open_descriptors();
  ASSERT_EQ(try_scenario(), "");
  ASSERT_EQ(open_descriptors(), before) << "even without a fault";
  for (const Fault& fault : daemon::test::common_faults()) {
    int places = 0;
    for (;; ++places) {
      ASSERT_LT(places, 500) << fault.function << " has no end";
      daemon::test::arm_fault_in("libferry.so", fault, places + 1);
      const auto started = std::chrono::steady_clock::now();
      const std::string said = try_scenario();
      const bool struck = daemon::test::disarm_fault();
      const std::string where = fmt::format("{}: {}, place {}: {}", fault.function, std::strerror(fault.error), places + 1,
                                            said.empty() ? "went through" : said);
      EXPECT_LT(std::chrono::steady_clock::now() - started, kLongest) << where;
      EXPECT_EQ(open_descriptors(), before) << where;
      if (!struck) {
        EXPECT_EQ(said, "") << where;
        break;
      }
      EXPECT_EQ(try_scenario(), "") << where << ": and then the next try";
      EXPECT_EQ(open_descriptors(), before) << where << ", and then the next try";
      if (HasFailure()) return;
    }
    std::printf("%-16s %-45s %d places\n", fault.function, std::strerror(fault.error), places);
    EXPECT_TRUE(places > 0 || !daemon::test::is_made(fault.function, kNotMade))
        << fault.function << ": " << std::strerror(fault.error) << ", " << places << " places";
  }
}

}  // namespace
}  // namespace ferry::test
