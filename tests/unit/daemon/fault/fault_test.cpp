// Every system call and every piece of GPU work of the broker's that can fail does, at every place where it is made:
// whoever asked hears why or is let go, nothing is left behind, and the next one is served.

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/support/deadline.h"
#include "tests/unit/daemon/fault/fault_shim.h"
#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using namespace std::chrono_literals;
using proto::ErrorCode;

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
    scenario();  // whatever is made once is made now
    baseline_ = settled_descriptors();
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
    consumer.detach();
  }

  Books books() {
    Books books;
    broker->on_loop([&] { books = broker->broker().books(); });
    return books;
  }
  std::size_t settled_descriptors() {
    const ferry::test::Deadline deadline(20s);
    while (!books().empty() && !deadline.passed()) std::this_thread::sleep_for(1ms);
    return open_descriptors();
  }

  /// Runs the scenario with the fault at its nth place, for every n. Returns how often it struck.
  template <class Arm, class Disarm>
  int sweep(const std::string& what, Arm arm, Disarm disarm) {
    for (int nth = 1; nth < 1000; ++nth) {
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
      EXPECT_EQ(settled_descriptors(), baseline_) << where;
      EXPECT_TRUE(books().empty()) << where;
      try {
        scenario();
      } catch (const std::exception& error) {
        ADD_FAILURE() << where << ": the next one is not served: " << error.what();
      }
      EXPECT_EQ(settled_descriptors(), baseline_) << where << ", and then the next one";
      if (!struck || HasFailure()) return nth - 1;
    }
    ADD_FAILURE() << what << " has no end";
    return 0;
  }

  std::size_t baseline_ = 0;
};

TEST_F(Faults, SystemCalls) {
  int all = 0;
  for (const Fault& fault : all_faults()) {
    const std::string what = fmt::format("{}: {}", fault.function, std::strerror(fault.error));
    const int struck = sweep(what, [&](int nth) { arm_fault(fault, nth); }, [] { return disarm_fault(); });
    std::printf("%-45s %d places\n", what.c_str(), struck);
    all += struck;
    if (HasFailure()) return;
  }
  EXPECT_GT(all, 200) << "hardly anything was tried";
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
