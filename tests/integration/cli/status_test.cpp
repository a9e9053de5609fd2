// `ferry status`, `ferry list`, and the status JSON against the tables of docs/status.md.

#include <set>
#include <sstream>

#include "tests/integration/cli/program_test.h"
#include "tests/support/pseudo_terminal.h"

namespace ferry::test {
namespace {

/// Members by path ("streams[].generation.id") and their types in words.
using Schema = std::map<std::string, std::string>;

/// The words between backticks.
std::vector<std::string> quoted_words(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t from = text.find('`'); from != std::string::npos;) {
    const std::size_t to = text.find('`', from + 1);
    if (to == std::string::npos) break;
    words.push_back(text.substr(from + 1, to - from - 1));
    from = text.find('`', to + 1);
  }
  return words;
}

std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  std::istringstream line(row.substr(1));
  for (std::string cell; std::getline(line, cell, '|');) {
    const auto first = cell.find_first_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
  }
  return cells;
}

/// A section's title names the object, its table the members. The members of `producer` stand in its own row.
Schema documented_schema() {
  Schema schema;
  std::string object;
  std::istringstream page(read_file(FERRY_SOURCE_DIR "/docs/status.md"));
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("##")) {
      const auto words = quoted_words(line);
      object = words.empty() ? "" : words.front() + ".";
    }
    if (!line.starts_with("| `")) continue;
    const auto cells = cells_of(line);
    for (const auto& member : quoted_words(cells.at(0))) {
      schema[object + member] = cells.at(1);
      if (member != "producer") continue;
      for (const auto& part : quoted_words(cells.at(2).substr(0, cells.at(2).find(';'))))
        schema[object + "producer." + part] = part == "pid" || part == "uid" ? "integer" : "string";
    }
  }
  return schema;
}

std::string type_of(const nlohmann::json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "boolean";
  if (value.is_string()) return "string";
  if (value.is_number_unsigned()) return "integer";
  if (value.is_number()) return "number";
  return value.is_array() ? "array" : "object";
}

void collect(const nlohmann::json& object, const std::string& prefix, Schema& out) {
  for (const auto& [name, value] : object.items()) {
    out[prefix + name] = type_of(value);
    if (value.is_object()) collect(value, prefix + name + ".", out);
    if (!value.is_array()) continue;
    for (const auto& element : value)
      if (element.is_object()) collect(element, prefix + name + "[].", out);
  }
}

bool is_allowed(const std::string& type, const std::string& documented) {
  if (documented.starts_with(type)) return true;                       // "array of string", "integer or null"
  if (documented.ends_with("or null") && type == "null") return true;  // "object or null"
  return documented == "number" && (type == "integer" || type == "number");
}

/// The first block of JSON on the page.
nlohmann::json documented_example() {
  const std::string page = read_file(FERRY_SOURCE_DIR "/docs/status.md"), fence = "```json\n";
  const std::size_t from = page.find(fence) + fence.size();
  return nlohmann::json::parse(page.substr(from, page.find("```", from) - from));
}

/// Whether @p seen has the members of docs/status.md, of the documented types, and no others.
void expect_documented(const nlohmann::json& seen_json) {
  Schema seen;
  collect(seen_json, "", seen);
  const Schema documented = documented_schema();
  ASSERT_GT(documented.size(), 50u) << "the page is not read as it was meant";
  for (const auto& [member, type] : documented) EXPECT_TRUE(seen.contains(member)) << member << " is documented only";
  for (const auto& [member, type] : seen) {
    const auto known = documented.find(member);
    if (known == documented.end()) {
      ADD_FAILURE() << member << " is not documented";
    } else {
      EXPECT_TRUE(is_allowed(type, known->second)) << member << " is " << type << ", documented " << known->second;
    }
  }
}

TEST(StatusPage, HasAnExampleWithEveryMember) { expect_documented(documented_example()); }

class Status : public ProgramTest {
 protected:
  void SetUp() override {
    source_ = std::make_unique<ChildProcess>(start_source("cam", {"--size", "320x180", "--rate", "30"}));
    viewer_ = std::make_unique<ChildProcess>(launch("ferry-viewer", {"cam", "--headless", "--frames", "0"}));
    status_when(
        [](const auto& status) {
          const auto cam = stream_in(status, "cam");
          return cam["consumers"].size() == 1 && cam["consumers"][0]["acquired"] > 3;
        },
        60s);
  }
  std::unique_ptr<ChildProcess> source_, viewer_;
};

TEST_F(Status, JsonHasTheMembersThatAreDocumentedAndNoOthers) {
  const Outcome outcome = run("ferry", {"status", "--json"});
  ASSERT_TRUE(outcome.status.clean()) << outcome;
  expect_documented(nlohmann::json::parse(outcome.output));
}

TEST_F(Status, IsATableForPeople) {
  const Outcome outcome = run("ferry", {"status"});
  ASSERT_TRUE(outcome.status.clean()) << outcome;
  const auto& status = session().status();
  const auto pid = std::to_string(viewer_->pid());
  for (const std::string& wanted :
       {std::string("cam"), std::string("live"), std::string("320x180 RGBA8"), std::string("1 consumer"),
        std::string("ferry source"), "pid " + std::to_string(source_->pid()), std::string("ferry-viewer"), pid,
        status["broker"]["devices"][0]["name"].get<std::string>(), status["streams"][0]["transport"].get<std::string>(),
        status["streams"][0]["sync_mode"].get<std::string>(), std::string("p99")})
    EXPECT_NE(outcome.output.find(wanted), std::string::npos) << wanted << " is missing: " << outcome;
  EXPECT_EQ(outcome.output.find('\x1b'), std::string::npos) << "colours in a pipe";
}

TEST_F(Status, IsColouredOnATerminalAlone) {
  const auto shown = [&](const char* type, std::vector<std::pair<std::string, std::string>> more = {}) {
    more.insert(more.end(), {{"FERRY_SOCKET", broker_.socket()}, {"TERM", type}});
    return PseudoTerminal().show(program_folder() + "/ferry", {"status"}, more, 60s);
  };
  const std::string coloured = shown("xterm");
  EXPECT_NE(coloured.find("\x1b["), std::string::npos) << coloured;
  EXPECT_NE(coloured.find("cam"), std::string::npos) << coloured;
  for (const std::string& plain : {shown("xterm", {{"NO_COLOR", "1"}}), shown("dumb")}) {
    EXPECT_EQ(plain.find('\x1b'), std::string::npos) << plain;
    EXPECT_NE(plain.find("cam"), std::string::npos) << plain;
  }
}

TEST_F(Status, ListHasALineAStream) {
  auto other = start_source("-x", {"--size", "64x32"});
  const Outcome outcome = run("ferry", {"list"});
  ASSERT_TRUE(outcome.status.clean()) << outcome;
  std::istringstream lines(outcome.output);
  std::string first, second, third;
  std::getline(lines, first);
  std::getline(lines, second);
  EXPECT_FALSE(std::getline(lines, third)) << outcome;
  EXPECT_TRUE(first.starts_with("-x ") && first.find("64x32") != std::string::npos) << outcome;
  EXPECT_TRUE(second.starts_with("cam ") && second.find("1 consumer") != std::string::npos) << outcome;
}

TEST_F(Status, BashCompletesTheNamesOfStreams) {
  auto other = start_source("second", {"--size", "64x32"});
  ChildProcess bash(
      "/bin/bash",
      {"-c", ". " FERRY_SOURCE_DIR "/client/cli/completions/ferry.bash; COMP_WORDS=(ferry snapshot ''); "
             "COMP_CWORD=2; _ferry; printf '%s\n' \"${COMPREPLY[@]}\" | sort"},
      {{{"FERRY_SOCKET", broker_.socket()}, {"PATH", program_folder() + ":/usr/bin:/bin"}}, files_.file("bash.log")});
  const Outcome outcome = finish(bash);
  EXPECT_EQ(outcome.output, "cam\nsecond\n") << outcome;
}

}  // namespace
}  // namespace ferry::test
