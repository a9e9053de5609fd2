// Zero copy, proven at the C library: neither libferry nor ferryd ever copies more than 4 KiB at once, in their whole
// lives, while pictures of 900 KiB go from process to process.

#include <map>
#include <sstream>

#include "tests/integration/stream_test.h"

namespace ferry::test {
namespace {

struct Copies {
  std::uint64_t count = 0, bytes = 0;
};

/// By the file name of the object that copied.
std::map<std::string, Copies> read_log(const std::string& path) {
  std::map<std::string, Copies> result;
  std::istringstream lines(read_file(path));
  for (std::string object; lines >> object;) {
    Copies copies;
    lines >> copies.count >> copies.bytes;
    auto& sum = result[object.substr(object.rfind('/') + 1)];
    sum.count += copies.count;
    sum.bytes += copies.bytes;
  }
  return result;
}

TEST(LargeCopies, NoneByFerry) {
  const TempDir folder;
  const std::string log = folder.file("copies");
  const std::vector<std::pair<std::string, std::string>> preload{
      {"LD_PRELOAD", program_folder() + "/../lib/libferry_copy_counter.so"}, {"FERRY_COPY_LOG", log}};
  BrokerProcess broker({}, preload);
  const auto start = [&](const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--socket", broker.socket()});
    return ChildProcess(program_folder() + "/" + program, arguments, {preload, folder.file(program)});
  };
  {
    auto producer = start("test_producer", {"--name", "cam", "--rate", "100", "--resize", "300=320x180"});
    producer.wait_report("created");
    auto latest = start("test_consumer", {"--name", "cam", "--until-sequence", "1000"});
    auto every = start("test_consumer", {"--name", "cam", "--mode", "every", "--until-sequence", "1000"});
    finish_and_check(latest, 100s);
    finish_and_check(every, 100s);
    stop_and_check(producer);
  }
  EXPECT_EQ(broker.stop(), "");

  const auto copies = read_log(log);
  std::string all;
  std::uint64_t others = 0;
  for (const auto& [object, sum] : copies) {
    all += object + ": " + std::to_string(sum.count) + " of " + std::to_string(sum.bytes) + " bytes\n";
    const bool ours = object.starts_with("libferry.so") || object == "ferryd";
    EXPECT_FALSE(ours) << object << " copied " << sum.bytes << " bytes in " << sum.count << " large pieces";
    others += ours ? 0 : sum.count;
  }
  EXPECT_GT(others, 0u) << "the counter sees nothing, not even the driver's copies";
  RecordProperty("copies", all);
}

}  // namespace
}  // namespace ferry::test
