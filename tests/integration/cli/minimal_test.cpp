// The programs that the README shows, run as they are.

#include <signal.h>

#include <cmath>
#include <cstdio>
#include <sstream>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

class MinimalExamples : public ProgramTest {
 protected:
  /// What @p consumer says of minimal_producer's stream. It is given all the time it needs to attach: the producer,
  /// which has an end of its own, stands still until then.
  Outcome follow_with(const std::string& consumer) {
    auto producer = launch("minimal_producer", {});
    const auto has_frames = [](const auto& status) {
      const auto demo = stream_in(status, "demo");
      return !demo.is_null() && demo["frames"] > 0;
    };
    EXPECT_TRUE(has_frames(status_when(has_frames, 60s)));
    producer.send_signal(SIGSTOP);
    auto process = launch(consumer, {});
    const auto has_consumer = [](const auto& status) { return stream_in(status, "demo")["consumers"].size() == 1; };
    EXPECT_TRUE(has_consumer(status_when(has_consumer, 60s)));
    producer.send_signal(SIGCONT);
    const Outcome produced = finish(producer), seen = finish(process);
    EXPECT_TRUE(produced.status.clean()) << produced;
    return seen;
  }
};

TEST_F(MinimalExamples, PassChangingPixelsOn) {
  const Outcome seen = follow_with("minimal_consumer");
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
}

TEST_F(MinimalExamples, FollowTheStreamInC) {
  const Outcome seen = follow_with("minimal_consumer_c");
  EXPECT_TRUE(seen.status.clean()) << seen;
  EXPECT_NE(seen.output.find(": 1280x720, complete after "), std::string::npos) << seen;
  EXPECT_NE(seen.output.find("frame 600: "), std::string::npos) << "it has not seen the last frame: " << seen;
}

}  // namespace
}  // namespace ferry::test
