// `ferry doctor` on this machine's drivers: every cell of its table, and why the rest does not work.

#include <filesystem>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

using Doctor = ProgramTest;

TEST_F(Doctor, TriesEveryWayBetweenEveryTwoDevices) {
  const std::string folder = files_.file("tmp");
  std::filesystem::create_directory(folder);
  const Outcome outcome = run_without_broker("ferry", {"doctor", "--json"}, {{"TMPDIR", folder}});
  ASSERT_TRUE(outcome.status.clean()) << outcome;
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "it leaves nothing behind";
  const auto report = nlohmann::json::parse(outcome.output);
  const std::size_t devices = report["devices"].size();
  ASSERT_GE(devices, 1u);
  ASSERT_EQ(report["pairs"].size(), devices * devices);
  for (const auto& pair : report["pairs"]) {
    EXPECT_TRUE(pair["works"]) << pair;
    EXPECT_EQ(pair["transport"], pair["from"] == pair["to"] ? "opaque-fd" : "host-memory") << pair;
    EXPECT_NE(pair["transport_reason"], "") << pair;
  }
  ASSERT_EQ(report["tries"].size(), devices * devices * 4);
  for (const auto& one : report["tries"]) {
    const bool same_device = one["from"] == one["to"];
    const bool must_work = one["sync_mode"] == "host" && one["transport"] != "dma-buf" &&
                           (same_device || one["transport"] == "host-memory");
    if (must_work) {
      EXPECT_EQ(one["works"].size(), 6u) << one;
      EXPECT_GT(one["hand_over_ns"], 0) << one;
    }
    for (const auto& failure : one["fails"]) {
      const std::string reason = failure["reason"];
      const bool is_told = reason.find(same_device ? "timeline" : "UUID") != std::string::npos ||
                           reason.find("timeline") != std::string::npos ||
                           (one["transport"] == "dma-buf" && reason.find("dma-buf") != std::string::npos);
      EXPECT_TRUE(is_told) << one;
      EXPECT_NE(failure["advice"], "") << one;
    }
  }
}

}  // namespace
}  // namespace ferry::test
