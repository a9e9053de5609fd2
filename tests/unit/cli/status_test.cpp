#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/cli/exit_code.h"
#include "client/cli/status_model.h"
#include "client/cli/status_view.h"
#include "client/cli/text.h"

namespace ferry::cli {
namespace {

// Every member of docs/status.md.
constexpr const char* kStatus = R"({
  "schema": 1, "library_version": "0.1.0",
  "broker": {
    "pid": 4102, "version": "0.1.0", "socket": "/run/user/1000/ferry/ferryd.sock", "uptime_ns": 7325000000000,
    "sessions": 3, "streams": 2, "leases": 2, "memory_bytes": 33177600, "memory_limit_bytes": 4294967296,
    "devices": [{
      "name": "llvmpipe", "driver": "llvmpipe Mesa 22.3.6", "device_uuid": "6d657361-3232-2e33-2e36-000000000000",
      "driver_uuid": "6c6c766d-7069-7065-5555-494400000000", "is_software": true, "transports": ["opaque-fd"],
      "sync_modes": ["host"], "sync_reason": "the driver exports no timeline semaphores"
    }]
  },
  "streams": [{
    "id": 1, "name": "cam", "state": "live", "device": "llvmpipe",
    "generation": {
      "id": 3, "width_px": 1920, "height_px": 1080, "format": "RGBA8", "slot_count": 4, "reason": "pool of 4 for 2 consumers"
    },
    "transport": "opaque-fd", "transport_reason": "same device and driver", "sync_mode": "host",
    "sync_reason": "the driver exports no timeline semaphores", "queue_policy": "drop", "memory_bytes": 33177600,
    "producer": {"pid": 4211, "uid": 1000, "process": "ferry", "application": "ferry source"},
    "frames": 90412, "rate_hz": 59.98, "last_frame_age_ns": 4100000, "starved": 3,
    "consumers": [{
      "lease": 1, "pid": 4215, "uid": 1000, "process": "ferry-viewer", "application": "viewer", "mode": "latest",
      "max_holds": 2, "queue_depth": 0, "held": 1, "lag_frames": 0, "acquired": 90410, "skipped": 2,
      "latency_p50_ns": 85000, "latency_p99_ns": 240000, "last_seen_ns": 4000000, "admitted": true
    }, {
      "lease": 2, "pid": 12015, "uid": 1000, "process": "rec", "application": "", "mode": "every", "max_holds": 4,
      "queue_depth": 16, "sync_mode": "host", "sync_reason": "", "held": 0, "lag_frames": 4, "acquired": 0, "skipped": 0, "latency_p50_ns": 0,
      "latency_p99_ns": 0, "last_seen_ns": null, "admitted": false
    }]
  }, {
    "id": 4, "name": "evil\u001b[2J", "state": "orphaned", "device": "llvmpipe",
    "generation": {"id": 1, "width_px": 640, "height_px": 480, "format": "RGBA16F", "slot_count": 4, "reason": "created"},
    "transport": "opaque-fd", "transport_reason": "", "sync_mode": "host", "sync_reason": "", "queue_policy": "block",
    "memory_bytes": 9830400, "producer": null, "frames": 0, "rate_hz": 0, "last_frame_age_ns": null, "starved": 0,
    "consumers": []
  }]
})";

const Style kPlain(false);

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ParseStatus, ReadsWhatIsThere) {
  const Status status = parse_status(kStatus);
  EXPECT_EQ(status.broker.devices.at(0).transports, std::vector<std::string>{"opaque-fd"});
  ASSERT_EQ(status.streams.size(), 2u);
  EXPECT_EQ(status.streams[0].producer->pid, 4211u);
  EXPECT_DOUBLE_EQ(status.streams[0].rate_hz, 59.98);
  EXPECT_EQ(status.streams[0].consumers.at(1).queue_depth, 16u);
  EXPECT_FALSE(status.streams[0].consumers.at(1).last_seen_ns);
  EXPECT_FALSE(status.streams[1].producer);
  EXPECT_FALSE(status.streams[1].last_frame_age_ns);
}

TEST(ParseStatus, PassesOverMembersItDoesNotKnow) {
  EXPECT_EQ(parse_status(R"({"schema": 1, "broker": {"pid": 7, "mood": "good"}, "streams": [], "new": {}})").broker.pid,
            7u);
}

TEST(ParseStatus, RefusesWhatItCannotRead) {
  EXPECT_THROW(parse_status(""), CommandError);
  EXPECT_THROW(parse_status("[]"), CommandError);
  EXPECT_THROW(parse_status(R"({"schema": 2, "broker": {}, "streams": []})"), CommandError);
  EXPECT_THROW(parse_status(R"({"schema": 1, "broker": {"pid": "seven"}, "streams": []})"), CommandError);
}

TEST(DeviceOfStream, IsTheOneItsSlotsAreOn) {
  const auto find = [](const char* stream_members) {
    const std::string text = fmt::format(
        R"({{"schema": 1, "broker": {{"devices": [{{"name": "H100", "device_uuid": "first"}},
            {{"name": "H100", "device_uuid": "second"}}]}}, "streams": [{{"name": "cam", "device": "H100"{}}}]}})",
        stream_members);
    return device_of_stream(parse_status(text), "cam");
  };
  EXPECT_EQ(find(R"(, "device_uuid": "second")"), "second") << "two devices of one name";
  EXPECT_EQ(find(""), "first") << "a library that says no more than the name";
  EXPECT_EQ(device_of_stream(parse_status(kStatus), "no such stream"), "");
}

TEST(ReformatStatus, KeepsOrderAndContent) {
  const std::string line = reformat_status(kStatus, true);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 0);
  EXPECT_EQ(line.rfind(R"({"schema":1,"library_version":"0.1.0","broker":{"pid":4102)", 0), 0u);
  EXPECT_EQ(nlohmann::json::parse(reformat_status(kStatus, false)), nlohmann::json::parse(kStatus));
}

TEST(RenderStatus, FitsAHundredColumns) {
  for (const std::string& line : lines_of(render_status(parse_status(kStatus), kPlain, 100))) {
    EXPECT_LE(display_width(line), 100u) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << line;
  }
}

TEST(RenderStatus, TellsWhatMatters) {
  const std::string text = render_status(parse_status(kStatus), kPlain, 100);
  for (const char* part : {"ferryd 0.1.0   pid 4102   up 2h 02m   3 clients", "31.6 MiB of 4.0 GiB",
                           "llvmpipe [software]", "cam   live   1920x1080 RGBA8   60.0 Hz   frame 90412   2 consumers",
                           "ferry source (ferry)   pid 4211", "3 dropped", "host   (the driver exports no timeline",
                           "85 us", "240 us", "every/16", "not admitted yet", "none: gone, the last frame stays"}) {
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
  }
}

TEST(RenderStatus, AlignsTheConsumersColumns) {
  const auto lines = lines_of(render_status(parse_status(kStatus), kPlain, 100));
  const auto heading = std::find_if(lines.begin(), lines.end(), [](auto& l) { return l.rfind("  consumer ", 0) == 0; });
  ASSERT_NE(heading, lines.end());
  const std::size_t pid_end = heading->find("pid") + 3, seen = heading->find("seen");
  EXPECT_EQ((heading + 1)->substr(pid_end - 4, 4), "4215");
  EXPECT_EQ((heading + 2)->substr(pid_end - 5, 5), "12015");
  EXPECT_EQ((heading + 1)->substr(seen), "4.0 ms ago");
  EXPECT_EQ((heading + 2)->substr(seen), "not admitted yet");
}

TEST(RenderStatus, SaysWhyAConsumersPointsCrossOtherwise) {
  const auto json = [](const char* mode) {
    return fmt::format(R"({{"schema": 1, "broker": {{}}, "streams": [{{"name": "cam", "sync_mode": "timeline", "consumers": [
        {{"application": "viewer", "pid": 4215, "sync_mode": "{}", "sync_reason": "it is of user 7"}}]}}]}})", mode);
  };
  EXPECT_TRUE(contains(render_status(parse_status(json("host")), kPlain, 100),
                       "\n  sync       host   for viewer, pid 4215   (it is of user 7)\n"))
      << render_status(parse_status(json("host")), kPlain, 100);
  EXPECT_FALSE(contains(render_status(parse_status(json("timeline")), kPlain, 100), "for viewer")) << "as the stream's";
  EXPECT_FALSE(contains(render_status(parse_status(json("")), kPlain, 100), "for viewer")) << "an older library says nothing";
}

TEST(RenderStatus, LetsNoNameControlTheTerminal) {
  EXPECT_FALSE(contains(render_status(parse_status(kStatus), kPlain, 100), "\x1b"));
  EXPECT_FALSE(contains(render_list(parse_status(kStatus), kPlain), "\x1b"));
}

TEST(RenderStatus, PaintsOnlyWhenAsked) {
  EXPECT_TRUE(contains(render_status(parse_status(kStatus), Style(true), 100), "\x1b[32mlive\x1b[0m"));
}

TEST(RenderList, HasALineAStream) {
  EXPECT_EQ(render_list(parse_status(kStatus), kPlain),
            "cam          1920x1080  RGBA8    60.0 Hz  2 consumers\n"
            "evil\\x1b[2J    640x480  RGBA16F   0.0 Hz  0 consumers  orphaned\n");
  EXPECT_EQ(render_list(parse_status(R"({"schema": 1, "broker": {}, "streams": []})"), kPlain), "");
}

}  // namespace
}  // namespace ferry::cli
