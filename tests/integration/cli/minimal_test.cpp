// The programs that the README shows, run as they are.

#include <cmath>
#include <cstdio>
#include <sstream>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

TEST_F(ProgramTest, MinimalExamplesPassChangingPixelsOn) {
  auto in_c = launch("minimal_consumer_c", {});
  auto consumer = launch("minimal_consumer", {});
  auto producer = launch("minimal_producer", {});
  const Outcome produced = finish(producer), seen = finish(consumer), seen_in_c = finish(in_c);
  EXPECT_TRUE(produced.status.clean()) << produced;

  unsigned long long last = 0;
  int frames = 0;
  std::istringstream lines(seen.output);
  for (std::string line; std::getline(lines, line); ++frames) {
    unsigned long long sequence = 0;
    int red = 0, green = 0, blue = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "frame %llu: %d %d %d", &sequence, &red, &green, &blue), 4) << line;
    EXPECT_GT(sequence, last);
    last = sequence;
    const double hue = static_cast<double>(sequence - 1) / 60;  // as minimal_producer.cpp draws it
    EXPECT_NEAR(red, 255 * (std::sin(hue) / 2 + 0.5), 1) << line;
    EXPECT_NEAR(green, 255 * (std::cos(hue) / 2 + 0.5), 1) << line;
    EXPECT_NEAR(blue, 255 * 0.4, 1) << line;
  }
  EXPECT_GT(frames, 20) << seen;
  EXPECT_EQ(last, 600u) << "it has not seen the last frame: " << seen.errors;
  EXPECT_NE(seen.errors.find("demo"), std::string::npos) << "it does not say that the stream has ended: " << seen;

  EXPECT_TRUE(seen_in_c.status.clean()) << seen_in_c;
  EXPECT_NE(seen_in_c.output.find(": 1280x720, complete after "), std::string::npos) << seen_in_c;
}

}  // namespace
}  // namespace ferry::test
