#include "daemon/fd_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "platform/parcel.h"
#include "tests/support/deadline.h"
#include "tests/support/service_manager.h"
#include "tests/support/temp_dir.h"

namespace ferry::daemon {
namespace {

using ferry::test::Deadline;
using ferry::test::ServiceManager;
using namespace std::chrono_literals;

struct FdStores : ::testing::Test {
  FdStores() {
    setenv("NOTIFY_SOCKET", manager.path().c_str(), 1);
    setenv("FDSTORE", "1000", 1);
    store = FdStore::open(io);
  }
  ~FdStores() override {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("FDSTORE");
  }
  void put(const std::string& name) {
    const std::byte byte{42};
    store->put(name, {&byte, 1}, {});
  }
  std::vector<std::string> names() {
    manager.catch_up();
    return manager.names();
  }
  ferry::test::TempDir folder;
  ServiceManager manager{folder.file("notify")};
  boost::asio::io_context io{1};
  std::unique_ptr<FdStore> store;
};

TEST_F(FdStores, KeepWhatTheyAreGivenUntilItIsTakenOut) {
  put("a");
  put("b");
  put("a");  // is there already
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b"}));
  const auto kept = manager.stored();
  EXPECT_EQ(platform::unpack_parcel(kept[0].second)->bytes, std::vector{std::byte{42}});
  store->remove("a");
  store->remove("never");
  EXPECT_EQ(names(), std::vector<std::string>{"b"});
  EXPECT_EQ(store->size(), 1u);
}

TEST_F(FdStores, OfABrokerThatGoesStayAsTheyWere) {
  put("a");
  store.reset();
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(FdStores, AreFullWhenTheManagerSaysSo) {
  setenv("FDSTORE", "2", 1);
  store = FdStore::open(io);
  put("a");
  put("b");
  put("c");
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b"}));
  store->remove("a");
  put("c");
  EXPECT_EQ(names(), (std::vector<std::string>{"b", "c"}));
}

TEST_F(FdStores, WithoutRoomTakeNothingAndCanBeEmptied) {
  manager.put("old", platform::UniqueFd(::dup(0)));
  unsetenv("FDSTORE");
  store = FdStore::open(io);
  put("a");
  EXPECT_EQ(names(), std::vector<std::string>{"old"});
  store->adopt("old");
  store->remove("old");
  EXPECT_TRUE(names().empty());
}

TEST_F(FdStores, DoNotExistWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(FdStore::open(io), nullptr);
  setenv("NOTIFY_SOCKET", folder.file("nobody").c_str(), 1);
  EXPECT_EQ(FdStore::open(io), nullptr);
}

TEST_F(FdStores, OfAManagerThatDoesNotReadWaitForItAndNobodyWaitsForThem) {
  manager.pause(true);
  constexpr int kMany = 700;  // more than any queue of datagrams
  for (int i = 0; i < kMany; ++i) put(fmt::format("n{}", i));
  for (int i = 0; i < kMany; ++i)
    if (i % 2 == 0) store->remove(fmt::format("n{}", i));
  io.poll();
  EXPECT_LT(manager.names().size(), static_cast<std::size_t>(kMany) / 2);
  manager.pause(false);
  // As many there are on the way there, too.
  const auto is_odd = [](const std::string& name) { return (name.back() - '0') % 2 == 1; };
  const auto is_all = [&](const auto& names) { return names.size() == kMany / 2 && std::ranges::all_of(names, is_odd); };
  const bool all = [&] {
    for (const Deadline deadline(20s); !deadline.passed();) {
      io.run_for(10ms);  // no longer than there is something to send
      io.restart();
      if (manager.wait_stored(is_all, 10ms)) return true;
    }
    return false;
  }();
  EXPECT_TRUE(all) << manager.names().size();
  for (const std::string& name : manager.names()) EXPECT_TRUE(is_odd(name)) << name;
}

TEST_F(FdStores, SurviveTheEndOfTheManager) {
  put("a");
  {
    ServiceManager other(folder.file("other"));
    setenv("NOTIFY_SOCKET", other.path().c_str(), 1);
    store = FdStore::open(io);
  }
  put("b");
  store->remove("b");
  EXPECT_EQ(store->size(), 0u);
}

}  // namespace
}  // namespace ferry::daemon
