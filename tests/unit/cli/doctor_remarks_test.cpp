#include "client/cli/doctor_remarks.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace ferry::cli {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

class DoctorRemarks : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"renderD129", "card0", "renderD128", "by-path"}) std::ofstream(folder_.file(name)).put('\n');
  }
  /// Of a machine with those, on which nothing whose name is in @p shut may be opened.
  std::vector<DoctorRemark> remarks(const std::vector<std::string>& shut, std::uint64_t memlock_bytes = UINT64_MAX) const {
    return remarks_on({folder_.path(), memlock_bytes, [&](const std::string& path) {
                         for (const std::string& name : shut)
                           if (path == folder_.file(name)) return false;
                         return true;
                       }});
  }
  ferry::test::TempDir folder_;
};

TEST_F(DoctorRemarks, AreNoneWhereAllIsWell) { EXPECT_TRUE(remarks({}).empty()); }

TEST_F(DoctorRemarks, NameEveryRenderNodeThatIsShut) {
  const auto all = remarks({"renderD128", "renderD129"});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].what, folder_.file("renderD128") + " may not be opened by this user");
  EXPECT_EQ(all[0].advice, "join the group that owns it (usually `render` or `video`): its GPU is missing here");
  EXPECT_EQ(all[1].what, folder_.file("renderD129") + " may not be opened by this user");
  EXPECT_EQ(remarks({"renderD129"}).size(), 1u);
}

TEST_F(DoctorRemarks, AreNotAboutNodesThatNobodyRendersWith) { EXPECT_TRUE(remarks({"card0", "by-path"}).empty()); }

TEST_F(DoctorRemarks, AreNoneWithoutAGpu) {
  EXPECT_TRUE(remarks_on({folder_.file("none"), UINT64_MAX, [](const std::string&) { return false; }}).empty());
}

TEST_F(DoctorRemarks, TellOfALimitThatIsLessThanAFrame) {
  const struct {
    std::uint64_t bytes;
    const char* what;  ///< nullptr: no remark
  } cases[] = {{0, "RLIMIT_MEMLOCK is 0 KiB"},         {65536, "RLIMIT_MEMLOCK is 64 KiB"},
               {8 * kMiB, "RLIMIT_MEMLOCK is 8192 KiB"}, {64 * kMiB - 1, "RLIMIT_MEMLOCK is 65535 KiB"},
               {64 * kMiB, nullptr},                     {UINT64_MAX, nullptr}};
  for (const auto& c : cases) {
    const auto all = remarks({}, c.bytes);
    ASSERT_EQ(all.size(), c.what != nullptr ? 1u : 0u) << c.bytes;
    if (c.what == nullptr) continue;
    EXPECT_EQ(all[0].what, c.what);
    EXPECT_EQ(all[0].advice, "only matters if host-memory fails below: drivers of GPUs may count what they pin");
  }
}

TEST(ThisMachine, HasItsLimitAndItsNodes) {
  const Machine machine = this_machine();
  EXPECT_EQ(machine.drm_folder, "/dev/dri");
  EXPECT_TRUE(machine.may_open("/dev/null"));
  EXPECT_FALSE(machine.may_open("/dev/none"));
}

}  // namespace
}  // namespace ferry::cli
