// `ferry doctor` on this machine's drivers: every cell of its table, and why the rest does not work.

#include <filesystem>
#include <regex>
#include <set>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

using Doctor = ProgramTest;

/// The drivers of the machines that run this everywhere, and what they lack. What others lack is theirs to say.
bool is_known(const nlohmann::json& device) {
  const std::string driver = device["driver"];
  return driver.starts_with("llvmpipe Mesa 22.3") || driver.starts_with("SwiftShader driver");
}

/// What is said of a way that does not work between two such devices; process numbers are N.
std::string sentence_for(const nlohmann::json& one, const nlohmann::json& from, const nlohmann::json& to) {
  const std::string producer = "producer 'producer' (pid N)", driver = from["driver"];
  if (one["sync_mode"] == "timeline")
    return producer + " asks for sync mode timeline, but " + driver +
           " cannot export timeline semaphores as opaque fds (vkGetPhysicalDeviceExternalSemaphoreProperties: "
           "no EXPORTABLE, no IMPORTABLE)";
  if (one["sync_mode"] == "sync-fd" && one["transport"] == "opaque-fd")
    return producer + " asks for sync mode sync-fd, but " + producer + " lists no sync_files: " + driver +
           " cannot export semaphores as sync_files (vkGetPhysicalDeviceExternalSemaphoreProperties: no EXPORTABLE, no "
           "IMPORTABLE)";
  if (one["transport"] == "dma-buf")
    return producer + " on device '" + std::string(from["name"]) + "' cannot import by dma-buf: " + driver +
           " has no VK_EXT_external_memory_dma_buf";
  return "stream 'ferry-doctor': opaque-fd needs equal UUIDs: consumer 'consumer' (pid N) is on '" +
         std::string(to["name"]) + "', the producer on '" + std::string(from["name"]) + "'";
}

/// How many formats both have: of the known drivers, all but YUV on the older lavapipe.
std::size_t formats_of(const nlohmann::json& from, const nlohmann::json& to) {
  std::set<std::string> lacks;
  for (const auto* device : {&from, &to}) {
    for (const auto& lack : (*device)["lacks"]) {
      lacks.insert(lack["format"]);
      EXPECT_NE(lack["reason"], "");
    }
    if (is_known(*device)) {
      const bool is_lavapipe = std::string((*device)["driver"]).starts_with("llvmpipe");
      EXPECT_EQ((*device)["lacks"].size(), is_lavapipe ? 2u : 0u) << *device;
    }
  }
  return 8 - lacks.size();
}

std::string without_pids(const std::string& text) {
  return std::regex_replace(text, std::regex(R"(\(pid \d+\))"), "(pid N)");
}

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
    // Whole, however long: every better transport is in it.
    const std::string reason = pair["transport_reason"];
    if (pair["transport"] == "host-memory") {
      for (const char* part : {"opaque-fd needs equal UUIDs: consumer 'consumer'", "dma-buf"})
        EXPECT_NE(reason.find(part), std::string::npos) << pair;
    }
    EXPECT_NE(reason, "") << pair;
  }
  ASSERT_EQ(report["tries"].size(), devices * devices * 6);
  for (const auto& one : report["tries"]) {
    const bool same_device = one["from"] == one["to"];
    const bool must_work = one["sync_mode"] == "host" && one["transport"] != "dma-buf" &&
                           (same_device || one["transport"] == "host-memory");
    const auto &from = report["devices"][one["from"].get<std::size_t>()], &to = report["devices"][one["to"].get<std::size_t>()];
    EXPECT_EQ(one["works"].size() + one["fails"].size(), formats_of(from, to)) << one;
    if (must_work) {
      EXPECT_TRUE(one["fails"].empty()) << one;
      EXPECT_GT(one["hand_over_ns"], 0) << one;
    }
    for (const auto& failure : one["fails"]) {
      const std::string reason = failure["reason"];
      if (is_known(from) && is_known(to)) {
        EXPECT_EQ(without_pids(reason), sentence_for(one, from, to)) << one;
      }
      const bool is_told = reason.find(same_device ? "timeline" : "UUID") != std::string::npos ||
                           reason.find("timeline") != std::string::npos ||
                           (one["sync_mode"] == "sync-fd" && reason.find("sync_file") != std::string::npos) ||
                           (one["transport"] == "dma-buf" && reason.find("dma-buf") != std::string::npos);
      EXPECT_TRUE(is_told) << one;
      EXPECT_NE(failure["advice"], "") << one;
    }
  }
}

}  // namespace
}  // namespace ferry::test
