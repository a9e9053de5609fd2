// ferry-viewer's checks find what is wrong with a frame, and name it: between renderer and viewer a relay damages every
// third frame, and no other.

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <cstring>
#include <sstream>

#include "client/examples/common/frame_note.h"
#include "client/examples/common/stamp.h"
#include "tests/integration/cli/damaging_relay.h"
#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

constexpr ImageShape kShape{320, 180, FERRY_FORMAT_RGBA8_UNORM};
constexpr int kFrames = 9;

bool is_to_be_damaged(std::uint64_t sequence) { return sequence % 3 == 0; }

std::byte* pixel(PassingFrame& frame, std::uint32_t x, std::uint32_t y) {
  return &frame.pixels[(std::size_t{y} * kShape.width_px + x) * 4];
}

/// As the renderer numbers its frames (client/examples/common/stamp.h), in pixels and metadata. The relay takes what it
/// gets, and the renderer's own numbers would have gaps.
void number(PassingFrame& frame, std::uint32_t counter) {
  auto note = examples::get_note(frame.metadata).value();
  note.counter = counter;
  examples::put_note(note, frame.metadata);
  const std::uint64_t bits = counter | std::uint64_t{examples::stamp_check(counter)} << 32;
  const std::uint32_t right = kShape.width_px - examples::kStampWidthPx;
  const std::uint32_t bottom = kShape.height_px - examples::kStampHeightPx;
  for (std::uint32_t y = 0; y < examples::kStampHeightPx; ++y)
    for (std::uint32_t x = 0; x < examples::kStampWidthPx; ++x) {
      const std::uint32_t bit =
          y / examples::kStampBlockPx * examples::kStampColumns + x / examples::kStampBlockPx;
      const int value = (bits >> bit & 1) != 0 ? 0xff : 0;
      std::memset(pixel(frame, x, y), value, 3);
      std::memset(pixel(frame, x + right, y + bottom), value, 3);
    }
}

class DamagedFrames : public ProgramTest {
 protected:
  using Damage = std::function<void(PassingFrame&)>;

  /// What the viewer says of kFrames frames that follow each other, every third of them as @p damage leaves it.
  Outcome look_at(const Arguments& checks, const Damage& damage) {
    auto renderer =
        launch("ferry-renderer", {"scene", "--size", "320x180", "--rate", "30", "--samples", "1", "--stamp"});
    DamagingRelay relay(session(), "scene", "relayed", kShape);
    Arguments arguments{"relayed", "--headless", "--mode", "every", "--frames", std::to_string(kFrames)};
    arguments.insert(arguments.end(), checks.begin(), checks.end());
    auto viewer = launch("ferry-viewer", arguments);
    const Deadline deadline(90s);
    while (viewer.running() && !deadline.passed())
      relay.pass([&](PassingFrame& frame) {
        number(frame, static_cast<std::uint32_t>(frame.sequence));
        if (is_to_be_damaged(frame.sequence)) damage(frame);
      });
    const Outcome seen = finish(viewer);
    renderer.send_signal(SIGTERM);
    const Outcome drawn = finish(renderer);
    EXPECT_TRUE(drawn.status.clean()) << drawn;
    return seen;
  }

  /// Exit code 8, and a line with @p fault for each frame that was damaged, with its number.
  static void expect_named(const Outcome& seen, const std::string& fault) {
    EXPECT_EQ(seen.status.code, 8) << seen;
    EXPECT_NE(seen.output.find(fmt::format("{} of {} frames wrong", kFrames / 3, kFrames)), std::string::npos) << seen;
    int named = 0;
    std::istringstream lines(seen.errors);
    for (std::string line; std::getline(lines, line);) {
      unsigned long long sequence = 0;
      if (std::sscanf(line.c_str(), "ferry-viewer: frame %llu (", &sequence) != 1) continue;
      EXPECT_TRUE(is_to_be_damaged(sequence)) << line;
      EXPECT_NE(line.find(fault), std::string::npos) << line;
      ++named;
    }
    EXPECT_EQ(named, kFrames / 3) << seen;
  }
};

TEST_F(DamagedFrames, NothingIsFoundWhereNothingIsWrong) {
  const Outcome seen = look_at({"--verify-picture", "--verify-stamp"}, [](PassingFrame&) {});
  EXPECT_TRUE(seen.status.clean()) << seen;
  EXPECT_NE(seen.output.find(fmt::format("0 of {} frames wrong", kFrames)), std::string::npos) << seen;
}

TEST_F(DamagedFrames, OnePixelIsFound) {
  const Outcome seen =
      look_at({"--verify-picture"}, [](PassingFrame& frame) { pixel(frame, 211, 97)[1] ^= std::byte{0x10}; });
  expect_named(seen, fmt::format("1 of {} pixels are not what was drawn, the first at (211, 97)",
                                 kShape.width_px * kShape.height_px));
}

TEST_F(DamagedFrames, APictureOfAnotherTimeIsFound) {
  const Outcome seen = look_at({"--verify-picture"}, [](PassingFrame& frame) {
    auto note = examples::get_note(frame.metadata).value();
    note.scene_time_s += 0.5;
    examples::put_note(note, frame.metadata);
  });
  expect_named(seen, "pixels are not what was drawn");
}

TEST_F(DamagedFrames, AStampOfAnotherFrameIsFound) {
  const Outcome seen = look_at({"--verify-stamp"}, [](PassingFrame& frame) {
    auto note = examples::get_note(frame.metadata).value();
    number(frame, static_cast<std::uint32_t>(note.counter) + 1);
    examples::put_note(note, frame.metadata);
  });
  expect_named(seen, "the picture is of frame ");
}

TEST_F(DamagedFrames, OneWrongPixelInAStampIsFound) {
  const Outcome seen =
      look_at({"--verify-stamp"}, [](PassingFrame& frame) { pixel(frame, 3, 3)[1] ^= std::byte{0xff}; });
  expect_named(seen, "the stamps are damaged, or differ between the corners");
}

TEST_F(DamagedFrames, AFrameInAnothersPlaceIsFound) {
  const Outcome seen = look_at({"--verify-stamp"}, [](PassingFrame& frame) {
    number(frame, static_cast<std::uint32_t>(frame.sequence) + 1000);  // picture and metadata agree
  });
  EXPECT_EQ(seen.status.code, 8) << seen;
  EXPECT_NE(seen.errors.find(" was due"), std::string::npos) << seen;
}

}  // namespace
}  // namespace ferry::test
