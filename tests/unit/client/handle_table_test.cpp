#include "client/src/handle_table.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace ferry::client {
namespace {

struct Thing {
  explicit Thing(int its_number, int* destructions = nullptr) : number(its_number), destroyed(destructions) {}
  ~Thing() {
    if (destroyed != nullptr) ++*destroyed;
  }
  int number;
  int* destroyed;
};
using Table = HandleTable<Thing, HandleKind::kProducer>;
using OtherTable = HandleTable<Thing, HandleKind::kConsumer>;

const void* pointer(std::uintptr_t value) { return reinterpret_cast<const void*>(value); }

TEST(HandleTable, FindsWhatWasInserted) {
  auto table = std::make_unique<Table>();
  const auto one = table->insert(std::make_unique<Thing>(1));
  const auto two = table->insert(std::make_unique<Thing>(2));
  ASSERT_NE(one, 0u);
  ASSERT_NE(two, 0u);
  ASSERT_NE(table->find(pointer(one)), nullptr);
  EXPECT_EQ(table->find(pointer(one))->number, 1);
  EXPECT_EQ(table->find(pointer(two))->number, 2);
  table->remove(pointer(one));
  table->remove(pointer(two));
}

TEST(HandleTable, RemoveGivesTheObjectBackOnce) {
  auto table = std::make_unique<Table>();
  int destroyed = 0;
  const auto handle = table->insert(std::make_unique<Thing>(1, &destroyed));
  auto object = table->remove(pointer(handle));
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(destroyed, 0);
  EXPECT_EQ(table->remove(pointer(handle)), nullptr);
  object.reset();
  EXPECT_EQ(destroyed, 1);
}

TEST(HandleTable, KnowsAStaleHandleWhoseEntryIsUsedAgain) {
  auto table = std::make_unique<Table>();
  std::set<std::uintptr_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto handle = table->insert(std::make_unique<Thing>(i));
    EXPECT_TRUE(seen.insert(handle).second) << "a handle's value came back";
    table->remove(pointer(handle));
  }
  const auto living = table->insert(std::make_unique<Thing>(-1));
  for (const auto stale : seen) EXPECT_EQ(table->find(pointer(stale)), nullptr);
  EXPECT_EQ(table->remove(pointer(living))->number, -1);
}

TEST(HandleTable, RefusesWhatWasNeverAHandle) {
  auto table = std::make_unique<Table>();
  auto others = std::make_unique<OtherTable>();
  const auto handle = table->insert(std::make_unique<Thing>(1));
  const auto of_another_kind = others->insert(std::make_unique<Thing>(2));
  int on_the_stack = 0;
  EXPECT_EQ(table->find(nullptr), nullptr);
  EXPECT_EQ(table->find(&on_the_stack), nullptr);
  EXPECT_EQ(table->find(pointer(of_another_kind)), nullptr);
  EXPECT_EQ(others->find(pointer(handle)), nullptr);
  for (std::uintptr_t bit = 1; bit != 0; bit <<= 1) EXPECT_EQ(table->find(pointer(handle ^ bit)), nullptr) << bit;
  EXPECT_EQ(table->find(pointer(~std::uintptr_t{0})), nullptr);
  EXPECT_NE(table->remove(pointer(handle)), nullptr);
  EXPECT_NE(others->remove(pointer(of_another_kind)), nullptr);
}

TEST(HandleTable, IsFullAt65536AndThenTakesNoMore) {
  auto table = std::make_unique<Table>();
  std::vector<std::uintptr_t> handles;
  for (int i = 0; i < 65536; ++i) {
    handles.push_back(table->insert(std::make_unique<Thing>(i)));
    ASSERT_NE(handles.back(), 0u) << i;
  }
  int destroyed = 0;
  EXPECT_EQ(table->insert(std::make_unique<Thing>(0, &destroyed)), 0u);
  EXPECT_EQ(destroyed, 1) << "the object is the table's even when it is full";
  EXPECT_EQ(table->find(pointer(handles[40000]))->number, 40000);
  table->remove(pointer(handles[40000]));
  const auto again = table->insert(std::make_unique<Thing>(7));
  EXPECT_NE(again, 0u) << "a free entry is used again";
  handles[40000] = again;
  for (const auto handle : handles) EXPECT_NE(table->remove(pointer(handle)), nullptr);
}

TEST(HandleTable, IsReadWhileOthersInsertAndRemove) {
  auto table = std::make_unique<Table>();
  const auto steady = table->insert(std::make_unique<Thing>(42));
  std::atomic<bool> stop{false};
  std::thread changer([&] {
    for (int i = 0; i < 20'000; ++i) table->remove(pointer(table->insert(std::make_unique<Thing>(i))));
    stop = true;
  });
  int wrong = 0;
  while (!stop) wrong += table->find(pointer(steady))->number != 42;
  changer.join();
  EXPECT_EQ(wrong, 0);
  table->remove(pointer(steady));
}

}  // namespace
}  // namespace ferry::client
