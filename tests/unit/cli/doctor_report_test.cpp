#include "client/cli/doctor_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ferry::cli {
namespace {

DoctorReport sample() {
  DoctorReport report;
  report.size = {641, 361};
  report.devices = {{"GPU A", "driver 1", "aa", "bb", false}, {"GPU B", "driver 2", "cc", "dd", true}};
  report.devices[1].lacks = {{"NV12", "VK_ERROR_FORMAT_NOT_SUPPORTED"}};
  report.choices = {{0, 1, true, "host-memory", "opaque-fd needs equal UUIDs", "host", "no timelines", ""},
                    {1, 0, false, "", "", "", "", "no transport at all"}};
  DoctorTry works;
  works.to = 1;
  works.transport = "host-memory";
  works.sync_mode = "host";
  works.works = {"RGBA8", "BGRA8"};
  works.hand_over_ns = 1'500'000;
  DoctorTry fails = works;
  fails.transport = "opaque-fd";
  fails.works = {};
  fails.fails = {{"RGBA8", "opaque-fd needs equal UUIDs"}, {"BGRA8", "opaque-fd needs equal UUIDs"}};
  fails.hand_over_ns = 0;
  report.tries = {works, fails};
  report.remarks = {{"/dev/dri/renderD128 may not be opened by this user", "join the group"}};
  return report;
}

TEST(DoctorReport, SaysEachThingOnceAndWhatToDo) {
  const std::string text = render_doctor(sample(), Style(false), 100);
  for (const char* part : {"0  GPU A  (driver 1)", "1  GPU B  (driver 2, software)", "0 to 1  host-memory, sync host",
                           "1 to 0  nothing works", "no transport at all", "works, 2 formats", "1.5 ms", "<- chosen",
                           "has no NV12: VK_ERROR_FORMAT_NOT_SUPPORTED", "renderD128", "-> nothing to do: two devices"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const auto first = text.rfind("opaque-fd needs equal UUIDs");
  EXPECT_EQ(text.find("opaque-fd needs equal UUIDs", text.find("Every way")), first) << text;
}

TEST(DoctorReport, TellsProgramsTheSame) {
  const auto json = nlohmann::json::parse(doctor_json(sample()));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["width_px"], 641);
  EXPECT_EQ(json["devices"].size(), 2u);
  EXPECT_TRUE(json["devices"][0]["lacks"].empty());
  EXPECT_EQ(json["devices"][1]["lacks"][0]["format"], "NV12");
  EXPECT_EQ(json["devices"][1]["lacks"][0]["reason"], "VK_ERROR_FORMAT_NOT_SUPPORTED");
  EXPECT_EQ(json["pairs"][1]["reason"], "no transport at all");
  EXPECT_TRUE(json["tries"][0]["chosen"]);
  EXPECT_FALSE(json["tries"][1]["chosen"]);
  EXPECT_EQ(json["tries"][1]["fails"][0]["advice"], advice_for("opaque-fd needs equal UUIDs"));
  EXPECT_EQ(json["tries"][0]["hand_over_ns"], 1'500'000);
}

/// Sentences as negotiation and drivers' reasons have them, and what is said of each.
TEST(DoctorReport, AdvisesOnEveryKnownReason) {
  constexpr const char* kEqualOnly = "a newer driver may have it; else only equal devices share without a copy";
  constexpr const char* kNoTimelines =
      "nothing to do with this driver; sync mode host is used. A GPU's own driver may have them";
  const struct {
    const char *reason, *advice;
  } cases[] = {
      {"slot 0: vkAllocateMemory: VK_ERROR_OUT_OF_HOST_MEMORY (import of 65536 bytes of host memory on device 'GPU'; a driver "
       "that pins them needs as much RLIMIT_MEMLOCK)",
       "raise the limit of locked memory: `ulimit -l`, or LimitMEMLOCK= of the service"},
      {"stream 'cam': opaque-fd needs equal UUIDs: consumer 'c' (pid 2) is on 'A', the producer on 'B'",
       "nothing to do: two devices or two drivers meet in host-memory"},
      {"producer 'p' (pid 1) asks for sync mode timeline, but transport host-memory has no timelines in common",
       "nothing to do: sync mode host is the one of this transport"},
      {"producer 'p' (pid 1) asks for sync mode timeline, but driver 1 cannot export timeline semaphores as opaque fds "
       "(vkGetPhysicalDeviceExternalSemaphoreProperties: no EXPORTABLE)",
       kNoTimelines},
      {"driver 1 cannot import timeline semaphores as opaque fds "
       "(vkGetPhysicalDeviceExternalSemaphoreProperties: no IMPORTABLE)",
       kNoTimelines},
      {"producer 'p' (pid 1) asks for sync mode sync-fd, but producer 'p' (pid 1) lists no sync_files: driver 1 cannot export "
       "semaphores as sync_files (vkGetPhysicalDeviceExternalSemaphoreProperties: no EXPORTABLE)",
       "nothing to do with this driver; sync mode timeline or host is used"},
      {"stream 'cam': consumer 'c' (pid 2) on device 'A' imports no modifier of RGBA8 that device 'B' exports for all; its "
       "list: LINEAR; the others': 0x0300000000606010",
       "nothing to do: these two lay their images out differently, and meet in host-memory"},
      {"producer 'p' (pid 1) on device 'A' cannot import by dma-buf: driver 1 has no VK_EXT_image_drm_format_modifier",
       kEqualOnly},
      {"producer 'p' (pid 1) on device 'A' cannot import by dma-buf: driver 1 has no VK_EXT_external_memory_dma_buf",
       kEqualOnly},
      {"driver 1 imports no dma-buf in any format (vkGetPhysicalDeviceImageFormatProperties2: no IMPORTABLE modifier)",
       "the kernel needs /dev/udmabuf that this user may open, if the driver is a software one"},
      {"the broker's device 'A' exports no dma-buf of RGB10A2 that can be used so",
       "nothing to do with this driver: this format crosses by another transport"},
      {"producer 'p' (pid 1) on device 'A' cannot import by host-memory: driver 1 has no VK_EXT_external_memory_host",
       "a newer driver may have it; else no other make of device can be reached"},
      {"no transport works on device 'A': driver 1 has no VK_KHR_external_memory_fd",
       "a newer driver may have it; Ferry cannot use the device without"},
      {"no transport works on device 'A': driver 1 cannot export images as opaque fds "
       "(vkGetPhysicalDeviceImageFormatProperties2: no EXPORTABLE)",
       "a newer driver may do it; Ferry cannot use the device without"},
      {"no transport works on device 'A': A supports Vulkan 1.0, Ferry needs 1.2", "a newer driver may have it"},
      {"producer 'p' (pid 1) is on 'A' (device aa driver bb), which is none of the broker's devices",
       "start ferryd with the same VK_DRIVER_FILES and devices as the programs"},
      {"a pool of 4 slots of 4097x2160 RGBA16F for stream 'cam': vkAllocateMemory: VK_ERROR_OUT_OF_DEVICE_MEMORY (70917120 "
       "bytes for 4097x2160 RGBA16F on device 'A')",
       "close what uses the GPU's memory; a software driver's dma-buf may have no more than the kernel's "
       "udmabuf.size_limit_mb"},
      {"the broker cannot allocate by dma-buf: a pool of 4 slots of 641x361 RGBA8 for stream 'cam': vkAllocateMemory",
       "a newer driver may keep what this one promises; the next best transport is used"},
  };
  for (const auto& c : cases) EXPECT_EQ(advice_for(c.reason), c.advice) << c.reason;
}

TEST(DoctorReport, GivesNoAdviceWhereItHasNone) { EXPECT_EQ(advice_for("something new"), ""); }

}  // namespace
}  // namespace ferry::cli
