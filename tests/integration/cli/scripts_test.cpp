// scripts/demo and scripts/gpu-check with what this build has made.

#include <filesystem>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

namespace fs = std::filesystem;

class Scripts : public ::testing::Test {
 protected:
  Outcome run(const std::string& script, const std::vector<std::string>& arguments,
              BrokerProcess::Environment environment = {}) {
    ChildProcess process(script, arguments, {std::move(environment), files_.file("log")});
    Outcome outcome;
    while (const auto line = process.read_line(300s)) outcome.output += *line + "\n";
    outcome.status = process.wait_exit(60s);
    outcome.errors = process.error_text();
    return outcome;
  }
  const std::string source_ = FERRY_SOURCE_DIR;
  const std::string build_ = fs::path(program_folder()).parent_path();
  TempDir files_;
};

TEST_F(Scripts, DemoShowsTheViewerInItsTableAndLeavesAPicture) {
  const std::string picture = files_.file("demo.png");
  const Outcome outcome =
      run(source_ + "/scripts/demo", {build_},
          {{"FERRY_DEMO_FRAMES", "20"}, {"FERRY_DEMO_SIZE", "320x180"}, {"FERRY_DEMO_PNG", picture}});
  EXPECT_TRUE(outcome.status.clean()) << outcome;
  for (const char* wanted :
       {"320x180 RGBA8", "1 consumer", "ferry-viewer", "\n0 of ", "every pixel compared", "every frame was right"})
    EXPECT_NE(outcome.output.find(wanted), std::string::npos) << wanted << " is missing: " << outcome;
  EXPECT_TRUE(read_file(picture).starts_with("\x89PNG"));
}

TEST_F(Scripts, DemoFailsWhenTheRendererDoes) {
  const Outcome outcome = run(source_ + "/scripts/demo", {build_},
                              {{"FERRY_DEMO_SIZE", "8x8"}, {"FERRY_DEMO_PNG", files_.file("demo.png")}});
  EXPECT_EQ(outcome.status.code, 5) << outcome;
  EXPECT_NE(outcome.output.find("--stamp needs pictures"), std::string::npos) << outcome;
  EXPECT_EQ(outcome.output.find("every frame was right"), std::string::npos) << outcome;
}

TEST_F(Scripts, GpuCheckFindsWhatIsBuiltOrSaysHow) {
  fs::create_directories(files_.file("scripts"));
  const std::string script = files_.file("scripts/gpu-check");
  fs::copy(source_ + "/scripts/gpu-check", script);
  const Outcome nothing = run(script, {"--quick"});
  EXPECT_EQ(nothing.status.code, 2) << nothing;
  EXPECT_NE(nothing.errors.find("cmake --build --preset release"), std::string::npos) << nothing;

  // Programs that do nothing, well: which of them are run is the question here.
  for (const char* preset : {"dev", "release"}) {
    const std::string bin = files_.file(std::string("build/") + preset + "/bin");
    fs::create_directories(bin);
    write_file(bin + "/gpu_check", std::string("#!/bin/sh\necho checked ") + preset + "\n");
    fs::permissions(bin + "/gpu_check", fs::perms::owner_all);
    for (const char* name : {"/ferryd", "/test_producer"}) fs::copy("/bin/true", bin + name);
    const Outcome found = run(script, {"--quick"});
    EXPECT_TRUE(found.status.clean()) << found;
    EXPECT_NE(found.output.find(std::string("checked ") + preset), std::string::npos) << found;
  }
}

}  // namespace
}  // namespace ferry::test
