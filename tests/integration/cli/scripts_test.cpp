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

TEST_F(Scripts, GpuCheckNamesWhatIsSkippedAndCountsItApart) {
  fs::create_directories(files_.file("scripts"));
  const std::string script = files_.file("scripts/gpu-check"), bin = files_.file("build/dev/bin");
  fs::copy(source_ + "/scripts/gpu-check", script);
  fs::create_directories(bin);
  const auto write_program = [&](const std::string& name, const std::string& text, int status) {
    write_file(bin + "/" + name, "#!/bin/sh\ncat <<'END'\n" + text + "END\nexit " + std::to_string(status) + "\n");
    fs::permissions(bin + "/" + name, fs::perms::owner_all);
  };
  for (const char* name : {"ferryd", "test_producer", "gpu_check"}) write_program(name, "", 0);
  write_program("connect_test",
                "[ RUN      ] Connect.Works\nthis and that\n[       OK ] Connect.Works (1 ms)\n"
                "[ RUN      ] Connect.Cannot\n/a/file.cpp:11: Skipped\nno such thing here\n\n"
                "[  SKIPPED ] Connect.Cannot (0 ms)\n[  PASSED  ] 1 test.\n"
                "[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] Connect.Cannot\n",
                0);
  const Outcome fine = run(script, {});
  EXPECT_TRUE(fine.status.clean()) << fine;
  for (const char* wanted : {"not run: connect_test Connect.Cannot: no such thing here\n",
                             "not run: attach_test: not built\n", "1 tests passed, 1 skipped\n"})
    EXPECT_NE(fine.output.find(wanted), std::string::npos) << wanted << fine;

  write_program("attach_test", "[  FAILED  ] 1 test, listed below:\n", 1);
  const Outcome failed = run(script, {});
  EXPECT_EQ(failed.status.code, 1) << failed;
  EXPECT_NE(failed.output.find("FAILED attach_test"), std::string::npos) << failed;
}

}  // namespace
}  // namespace ferry::test
