#include "daemon/fd_watch.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>

namespace ferry::daemon {
namespace {

using platform::UniqueFd;

UniqueFd event_fd(unsigned value) { return UniqueFd(::eventfd(value, EFD_CLOEXEC | EFD_NONBLOCK)); }

FdWatch watch(boost::asio::io_context& io, const UniqueFd& fd) {
  auto created = FdWatch::create(io, fd);
  if (!created) throw std::runtime_error(created.error().message);
  return std::move(*created);
}

TEST(FdWatches, CallBackEachTimeThatThereIsSomethingToRead) {
  boost::asio::io_context io;
  const UniqueFd fd = event_fd(0);
  FdWatch watched = watch(io, fd);
  int calls = 0;
  watched.on_readable([&] {
    ++calls;
    eventfd_t value;
    EXPECT_EQ(eventfd_read(fd.get(), &value), 0);
  });
  io.poll_one();
  EXPECT_EQ(calls, 0);
  for (int wanted = 1; wanted <= 3; ++wanted) {
    eventfd_write(fd.get(), 1);
    io.run_one_for(std::chrono::seconds(5));
    for (int i = 0; i < 10; ++i) io.poll_one();
    EXPECT_EQ(calls, wanted);
  }
}

// Two descriptors become readable at once; the first one's callback lets go of the second's watch, and watches a third.
// What the loop had already heard of the second must not be taken for the third's: a process that lives would be dead.
TEST(FdWatches, TakeNoEventOfOneThatIsGone) {
  boost::asio::io_context io;
  const std::array<UniqueFd, 2> ready{event_fd(1), event_fd(1)};
  std::array<std::optional<FdWatch>, 2> watches;
  const UniqueFd silent = event_fd(0);
  std::optional<FdWatch> third;
  int first_calls = 0, third_calls = 0;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    watches[i].emplace(watch(io, ready[i]));
    watches[i]->on_readable([&, i] {
      ++first_calls;
      eventfd_t value;
      EXPECT_EQ(eventfd_read(ready[i].get(), &value), 0);
      watches[1 - i].reset();
      third.emplace(watch(io, silent));
      third->on_readable([&] {
        ++third_calls;
        eventfd_t nothing;
        eventfd_read(silent.get(), &nothing);
      });
    });
  }
  for (int i = 0; i < 10; ++i) io.poll_one();
  EXPECT_EQ(first_calls, 1);
  EXPECT_EQ(third_calls, 0);

  eventfd_write(silent.get(), 1);
  io.run_one_for(std::chrono::seconds(5));
  EXPECT_EQ(third_calls, 1) << "what is its own it still hears";
}

}  // namespace
}  // namespace ferry::daemon
