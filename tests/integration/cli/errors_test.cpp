// The table of exit codes in docs/cli.md, and that every failure says in one line what is wrong.

#include <signal.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

class ExitCodes : public ProgramTest {
 protected:
  struct Case {
    std::string program;
    Arguments arguments;
    std::string says;
  };
  static void expect(const Outcome& outcome, int code, const Case& wanted) {
    std::string line = wanted.program;
    for (const auto& word : wanted.arguments) line += " '" + word + "'";
    EXPECT_EQ(outcome.status.code, code) << line << ": " << outcome;
    EXPECT_TRUE(outcome.errors.starts_with(wanted.program + ": ")) << line << ": " << outcome;
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << line << ": " << outcome;
    EXPECT_NE(outcome.errors.find(wanted.says), std::string::npos) << line << ": " << outcome;
  }
};

TEST_F(ExitCodes, BadUsage) {
  for (const Case& wanted : std::vector<Case>{
           {"ferry", {}, "no command given"},
           {"ferry", {"nonsense"}, "nonsense"},
           {"ferry", {"source"}, "NAME"},
           {"ferry", {"source", "x", "--rate", "-1"}, "-1"},
           {"ferry", {"source", "x", "--size", "0x9"}, "0x9"},
           {"ferry", {"source", "x", "--frames", "-3"}, "-3"},
           {"ferry", {"source", ""}, "name"},
           {"ferry", {"list", "--socket", ""}, "the path is empty"},
           {"ferry", {"snapshot", "x"}, "OUT.png"},
           {"ferry", {"status", "--watch=0"}, "0.05 s"},
           {"ferryd", {"--socket", ""}, "the path is empty"},
           {"ferry-viewer", {"--headless"}, "NAME"},
           {"ferry-viewer", {"x", "--frames", "1"}, "--headless"},
           {"ferry-viewer", {"x", "--headless", "--frames", "-3"}, "-3"},
           {"ferry-viewer", {"x", "--exit-after", "-1"}, "--exit-after"},
           {"ferry-viewer", {"x", "--headless", "--socket", ""}, "the path is empty"},
           {"ferry-renderer", {"x", "--frames", "-1"}, "-1"},
           {"ferry-renderer", {"x", "--resize-every", "1.5"}, "1.5"},
           {"ferry-renderer", {"x", "--size", "0x0"}, "0x0"},
           {"ferry-renderer", {"x", "--size", "40000x10"}, "32768"},
           {"ferry-renderer", {"x", "--samples", "3"}, "--samples"},
           {"ferry-renderer", {"x", "--stamp", "--size", "16x16"}, "--stamp"},
           {"ferry-renderer", {"x", "--socket", ""}, "the path is empty"},
       })
    expect(run(wanted.program, wanted.arguments), 2, wanted);
}

TEST_F(ExitCodes, NoBroker) {
  for (const Case& wanted : std::vector<Case>{
           {"ferry", {"status"}, "ferryd"},
           {"ferry", {"list"}, "ferryd"},
           {"ferry", {"source", "x"}, "ferryd"},
           {"ferry", {"snapshot", "x", "x.png"}, "ferryd"},
           {"ferry-viewer", {"x", "--headless"}, "ferryd"},
           {"ferry-renderer", {"x"}, "ferryd"},
       })
    expect(run_without_broker(wanted.program, wanted.arguments), 3, wanted);
}

TEST_F(ExitCodes, AViewWithoutDisplayAndBrokerTellsBoth) {
  const BrokerProcess::Environment blind{{"DISPLAY", ""}, {"WAYLAND_DISPLAY", ""}};
  const Outcome outcome = run_without_broker("ferry", {"view", "x"}, blind);
  expect(outcome, 3, {"ferry-viewer", {}, "no broker"});
  EXPECT_NE(outcome.errors.find("cannot open a display"), std::string::npos) << outcome;
  EXPECT_NE(outcome.errors.find("--headless"), std::string::npos) << outcome;
}

TEST_F(ExitCodes, NotFound) {
  for (const Case& wanted : std::vector<Case>{
           {"ferry", {"snapshot", "nosuch", "x.png"}, "nosuch"},
           {"ferry", {"source", "x", "--device", "no such device"}, "no such device"},
           {"ferry-renderer", {"x", "--device", "no such device"}, "no such device"},
           {"ferry-viewer", {"x", "--headless", "--device", "no such device"}, "no such device"},
       })
    expect(run(wanted.program, wanted.arguments), 4, wanted);
}

TEST_F(ExitCodes, TimedOut) {
  for (const Case& wanted : std::vector<Case>{
           {"ferry", {"snapshot", "nosuch", "x.png", "--wait", "--timeout", "0.2"}, "nosuch"},
           {"ferry-viewer", {"nosuch", "--headless"}, "nosuch"},
       })
    expect(run(wanted.program, wanted.arguments), 5, wanted);
}

TEST_F(ExitCodes, Refused) {
  auto source = start_source("taken");
  for (const Case& wanted : std::vector<Case>{
           {"ferry", {"source", "taken"}, "taken"},
           {"ferry-renderer", {"taken"}, "taken"},
       })
    expect(run(wanted.program, wanted.arguments), 6, wanted);
  const Case unwritable{"ferry", {"snapshot", "taken", files_.file("no/such/folder.png")}, "no/such/folder.png"};
  expect(run(unwritable.program, unwritable.arguments), 1, unwritable);
}

TEST_F(ExitCodes, AnIncompatibilityShowsPartyConstraintAndBothLists) {
  const auto device = session().status()["broker"]["devices"][0];
  const auto lists = [&](const char* what, const char* value) {
    return std::find(device[what].begin(), device[what].end(), value) != device[what].end();
  };
  struct Refusal {
    Arguments arguments;
    bool possible;
    std::string says;  ///< a regular expression, of the first line
    std::vector<std::string> lines;
  };
  const std::string who = R"(producer 'ferry source' \(pid \d+\))";
  for (const Refusal& wanted : std::vector<Refusal>{
           {{"source", "x", "--sync", "timeline", "--transport", "opaque-fd"},
            lists("sync_modes", "timeline"),
            who + " asks for sync mode timeline, but .+ timeline semaphores as opaque fds .+",
            {"  party       the broker", "  constraint  sync mode", "  it has      host", "  others have timeline"}},
           {{"source", "x", "--transport", "dma-buf"},
            lists("transports", "dma-buf"),
            who + " on device '.+' cannot import by dma-buf: .+",
            {"  party       " + who, "  constraint  transport", "  it has      opaque-fd, host-memory",
             "  others have dma-buf"}}}) {
    if (wanted.possible) continue;
    const Outcome outcome = run("ferry", wanted.arguments);
    EXPECT_EQ(outcome.status.code, 6) << outcome;
    std::vector<std::string> lines;
    std::istringstream text(outcome.errors);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    ASSERT_EQ(lines.size(), 1 + wanted.lines.size()) << outcome;
    EXPECT_TRUE(std::regex_match(lines[0], std::regex("ferry: " + wanted.says))) << outcome;
    for (std::size_t i = 0; i < wanted.lines.size(); ++i)
      EXPECT_TRUE(std::regex_match(lines[i + 1], std::regex(wanted.lines[i]))) << lines[i + 1];
  }
}

TEST_F(ExitCodes, StreamEnded) {
  auto source = start_source("brief", {"--rate", "20"});
  const Case wanted{"ferry-viewer", {"brief", "--headless", "--frames", "1000000"}, "brief"};
  auto some = launch("ferry-viewer", wanted.arguments);
  auto all = launch("ferry-viewer", {"brief", "--headless", "--frames", "0"});
  status_when([](const auto& status) { return stream_in(status, "brief")["consumers"].size() == 2; }, 60s);
  source.send_signal(SIGTERM);
  EXPECT_TRUE(finish(source).status.clean());
  expect(finish(some), 7, wanted);
  const Outcome to_the_end = finish(all);
  EXPECT_TRUE(to_the_end.status.clean()) << to_the_end;
}

TEST_F(ExitCodes, VersionAndHelpAreNoErrors) {
  for (const char* program : {"ferry", "ferry-viewer", "ferry-renderer"}) {
    const Outcome version = run_without_broker(program, {"--version"});
    EXPECT_TRUE(version.status.clean()) << version;
    EXPECT_TRUE(version.output.starts_with(std::string(program) + " 0.")) << version;
    EXPECT_TRUE(run_without_broker(program, {"--help"}).status.clean());
  }
}

}  // namespace
}  // namespace ferry::test
