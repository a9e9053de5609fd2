#include "client/cli/doctor_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ferry::cli {
namespace {

DoctorReport sample() {
  DoctorReport report;
  report.size = {641, 361};
  report.devices = {{"GPU A", "driver 1", "aa", "bb", false}, {"GPU B", "driver 2", "cc", "dd", true}};
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
                           "renderD128", "-> nothing to do: two devices"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  const auto first = text.rfind("opaque-fd needs equal UUIDs");
  EXPECT_EQ(text.find("opaque-fd needs equal UUIDs", text.find("Every way")), first) << text;
}

TEST(DoctorReport, TellsProgramsTheSame) {
  const auto json = nlohmann::json::parse(doctor_json(sample()));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["width_px"], 641);
  EXPECT_EQ(json["devices"].size(), 2u);
  EXPECT_EQ(json["pairs"][1]["reason"], "no transport at all");
  EXPECT_TRUE(json["tries"][0]["chosen"]);
  EXPECT_FALSE(json["tries"][1]["chosen"]);
  EXPECT_EQ(json["tries"][1]["fails"][0]["advice"], advice_for("opaque-fd needs equal UUIDs"));
  EXPECT_EQ(json["tries"][0]["hand_over_ns"], 1'500'000);
}

TEST(DoctorReport, GivesNoAdviceWhereItHasNone) { EXPECT_EQ(advice_for("something new"), ""); }

}  // namespace
}  // namespace ferry::cli
