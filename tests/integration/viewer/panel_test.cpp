// The windowed viewer's panel: picker, rate, drops and latency, by what changes in a photo of it and what does not.

#include <signal.h>

#include "tests/integration/viewer/panel_photo.h"
#include "tests/integration/viewer/viewer_fixture.h"

namespace ferry::test {
namespace {

class ViewerPanel : public Viewer {
 protected:
  using Row = PanelPhoto::Row;

  PanelPhoto photo() { return PanelPhoto(screen_->screenshot()); }

  /// The panel as soon as @p good says yes; the last one in any case.
  template <class Predicate>
  PanelPhoto panel_when(Predicate good, std::chrono::seconds patience = 30s) {
    const Deadline deadline(patience);
    for (;;) {
      PanelPhoto seen = photo();
      if (good(seen) || deadline.passed()) return seen;
      std::this_thread::sleep_for(200ms);
    }
  }
  static bool shows_a_stream(const PanelPhoto& panel) { return panel.row_count() >= PanelPhoto::kRowsWithAStream; }

  /// A line that is thin and smoothed shows its colour in some of its columns only.
  static bool has_a_graph(const PanelPhoto& panel) { return panel.graph_columns() > panel.width() / 4; }

  /// The panel when it has looked the same for a while: ages and rates are drawn anew four times a second.
  PanelPhoto panel_at_rest() {
    PanelPhoto last = panel_when(shows_a_stream);
    int same = 0;
    const Deadline deadline(30s);
    while (same < 8 && !deadline.passed()) {
      std::this_thread::sleep_for(200ms);
      PanelPhoto now = photo();
      bool is_same = now.row_count() == last.row_count();
      for (std::size_t i = 0; is_same && i < now.row_count(); ++i) is_same = now.same(i, last);
      same = is_same ? same + 1 : 0;
      last = std::move(now);
    }
    return last;
  }

  /// As many frames more, and all of them; how many there are then.
  static std::uint64_t produce_all(ChildProcess& producer, std::uint64_t so_far, int frames) {
    producer.send_command("produce " + std::to_string(frames));
    const std::uint64_t all = so_far + static_cast<std::uint64_t>(frames);
    producer.wait_report_if("idle", [&](const nlohmann::json& report) {
      return report["report"] == "idle" && report["frames"] == all;
    });
    return all;
  }

  /// The panel after two frames that a viewer was shown, the second one after @p dropped that it was not.
  PanelPhoto after_two_frames(int dropped) {
    auto producer = start_producer({"--name", "counted", "--size", "640x360:RGBA8", "--paused"});
    auto viewer = start_viewer("counted");
    std::uint64_t produced = 0;
    const auto produce = [&](int frames) { produced = produce_all(producer, produced, frames); };
    status_when([](const auto& s) { return stream_in(s, "counted")["consumers"].size() == 1; });
    produce(1);
    picture_when([](const Bitmap&) { return true; });
    const PanelPhoto first = panel_at_rest();
    viewer.send_signal(SIGSTOP);
    produce(1 + dropped);
    viewer.send_signal(SIGCONT);
    panel_when([&](const PanelPhoto& panel) {
      return shows_a_stream(panel) && !panel.same(Row::kSequence, first);
    });
    const PanelPhoto second = panel_at_rest();
    EXPECT_FALSE(second.same(Row::kSequence, first)) << "the second frame never came";
    stop(viewer);
    stop_and_check(producer);
    return second;
  }
};

TEST_F(ViewerPanel, SaysHowTheStreamGoesOn) {
  auto renderer = start_renderer("20");
  auto viewer = start_viewer();
  const auto has_come_to_the_end = [](const PanelPhoto& panel) {
    return panel.row_count() > Row::kSync && has_a_graph(panel);
  };
  const PanelPhoto first = panel_when(has_come_to_the_end);
  ASSERT_GT(first.row_count(), Row::kSync) << "the panel is empty";
  EXPECT_TRUE(has_a_graph(first)) << "there is no graph of the latency";

  const PanelPhoto later = panel_when([&](const PanelPhoto& panel) {
    return panel.row_count() == first.row_count() && !panel.same(Row::kSequence, first) &&
           !panel.same(Row::kCamera, first);
  });
  ASSERT_EQ(later.row_count(), first.row_count());
  for (const Row moving : {Row::kFrames, Row::kSequence, Row::kCamera})
    EXPECT_FALSE(later.same(moving, first)) << "row " << moving << " stands still";
  for (const Row still : {Row::kStreamLabel, Row::kPicker, Row::kZoom, Row::kCondition, Row::kMode, Row::kSize,
                          Row::kFormat, Row::kTransport, Row::kSync})
    EXPECT_TRUE(later.same(still, first)) << "row " << still << " changes";
  stop(viewer);
  stop(renderer);
}

TEST_F(ViewerPanel, ShowsTheRateAndDrawsTheLatency) {
  auto producer = start_producer({"--name", "bursts", "--size", "640x360:RGBA8", "--rate", "20", "--paused"});
  auto viewer = start_viewer("bursts");
  status_when([](const auto& s) { return stream_in(s, "bursts")["consumers"].size() == 1; });
  produce_all(producer, 0, 40);
  picture_when([](const Bitmap&) { return true; });
  const PanelPhoto before = panel_at_rest();
  ASSERT_TRUE(shows_a_stream(before) && has_a_graph(before));
  producer.send_command("produce 200");
  const PanelPhoto meanwhile = panel_when([&](const PanelPhoto& panel) {
    return panel.row_count() == before.row_count() && !panel.same(Row::kRate, before) &&
           !panel.same(before.tallest_row(), before);
  });
  ASSERT_EQ(meanwhile.row_count(), before.row_count());
  EXPECT_FALSE(meanwhile.same(Row::kRate, before)) << "20 Hz and none are the same rate";
  EXPECT_FALSE(meanwhile.same(before.tallest_row(), before)) << "the graph of the latency stands still";
  EXPECT_TRUE(has_a_graph(meanwhile));
  stop(viewer);
  stop_and_check(producer);
}

TEST_F(ViewerPanel, CountsWhatWasDropped) {
  const PanelPhoto all_seen = after_two_frames(0), again = after_two_frames(0), four_dropped = after_two_frames(4);
  ASSERT_TRUE(shows_a_stream(all_seen) && shows_a_stream(again) && shows_a_stream(four_dropped));
  EXPECT_TRUE(again.same(Row::kFrames, all_seen)) << "two shown and none skipped, twice";
  EXPECT_FALSE(four_dropped.same(Row::kFrames, all_seen)) << "two shown and four skipped";
  EXPECT_TRUE(four_dropped.same(Row::kSize, all_seen));
}

TEST_F(ViewerPanel, ThePickerShowsAnotherStream) {
  auto renderer = start_renderer("0.01");  // one frame, and no other while the test lasts
  auto other = start("ferry", {"source", "other", "--size", "640x360", "--rate", "1"}, validated({}));
  EXPECT_TRUE(other.read_line(60s)) << other.error_text();
  const Bitmap scene = snapshot("scene"), pattern = snapshot("other");
  ASSERT_GT(difference(scene, pattern), 2 * kSame) << "they look alike";
  auto viewer = start_viewer("scene");
  const Bitmap before = picture_when([&](const Bitmap& picture) { return difference(picture, scene) < kSame; });
  ASSERT_LT(difference(before, scene), kSame);
  const PanelPhoto of_scene = panel_at_rest();

  // The list opens below the picker, an entry two lines high; whichever of the two comes first.
  const auto shows_the_other = [&](const Bitmap& picture) { return difference(picture, pattern) < kSame; };
  Bitmap after = before;
  for (const int entry_y : {25, 60}) {
    screen_->click(of_scene.middle_x(), of_scene.middle_y(Row::kPicker));
    // It covers what stands below, the condition in any case.
    const PanelPhoto open = panel_when([&](const PanelPhoto& panel) {
      return panel.row_count() <= Row::kCondition || !panel.same(Row::kCondition, of_scene);
    });
    EXPECT_TRUE(open.row_count() <= Row::kCondition || !open.same(Row::kCondition, of_scene)) << "no list opens";
    screen_->click(of_scene.middle_x(), of_scene.bottom(Row::kPicker) + entry_y);
    const Deadline deadline(10s);
    while (!shows_the_other(after) && !deadline.passed()) {
      std::this_thread::sleep_for(200ms);
      if (const auto picture = picture_in(screen_->screenshot())) after = *picture;
    }
    if (shows_the_other(after)) break;
  }
  EXPECT_LT(difference(after, pattern), kSame) << "the stream that was chosen is not shown";
  const PanelPhoto of_other = panel_when([&](const PanelPhoto& panel) { return shows_a_stream(panel); });
  EXPECT_FALSE(of_other.same(Row::kPicker, of_scene)) << "the picker still says the old name";
  stop(viewer);
  stop(other);
  stop(renderer);
}

}  // namespace
}  // namespace ferry::test
