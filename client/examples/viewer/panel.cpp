#include "client/examples/viewer/panel.h"

#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>
#include <array>

#include "client/examples/common/frame_note.h"
#include "client/examples/common/image_format.h"
#include "client/examples/common/pacer.h"

namespace viewer {
namespace {

constexpr std::int64_t kRefreshIntervalNs = 1'000'000'000;
constexpr float kPanelWidth = 21;  // in units of the font's height

ImVec4 colour_of(Condition condition) {
  switch (condition) {
    case Condition::kLive:
      return {0.36F, 0.82F, 0.47F, 1};
    case Condition::kOrphaned:
      return {0.95F, 0.70F, 0.25F, 1};
    case Condition::kEvicted:
      return {0.95F, 0.38F, 0.34F, 1};
    default:
      return {0.60F, 0.64F, 0.70F, 1};
  }
}

void text(const std::string& line) { ImGui::TextUnformatted(line.data(), line.data() + line.size()); }

void wrapped_hint(const std::string& line) {
  ImGui::PushStyleColor(ImGuiCol_Text, ImGui::GetStyleColorVec4(ImGuiCol_TextDisabled));
  ImGui::PushTextWrapPos(0);
  text(line);
  ImGui::PopTextWrapPos();
  ImGui::PopStyleColor();
}

/// A row of the table: what, and how much.
void row(const char* label, const std::string& value) {
  ImGui::TableNextRow();
  ImGui::TableNextColumn();
  ImGui::TextDisabled("%s", label);
  ImGui::TableNextColumn();
  text(value);
}

void draw_latency(const FrameStats& stats) {
  const std::size_t filled = std::min<std::size_t>(stats.acquired, FrameStats::kHistory);
  const auto& ring = stats.latency_ms;
  const float newest = ring[(stats.next + FrameStats::kHistory - 1) % FrameStats::kHistory];
  const float highest = *std::max_element(ring.begin(), ring.end());
  const auto label = fmt::format("{:.2f} ms, peak {:.2f}", newest, highest);
  const float height = 4 * ImGui::GetTextLineHeight();
  ImGui::TextDisabled("Latency, publish to acquire");
  ImGui::PlotLines("##latency", ring.data(), static_cast<int>(filled),
                   filled == FrameStats::kHistory ? static_cast<int>(stats.next) : 0, label.c_str(), 0,
                   std::max(0.5F, highest * 1.2F), {ImGui::GetContentRegionAvail().x, height});
}

void draw_camera(const ferry::Frame& frame) {
  const auto note = examples::get_note(frame.metadata);
  if (!note) return;
  row("Camera", fmt::format("{:.2f}, {:.2f}, {:.2f}", note->eye[0], note->eye[1], note->eye[2]));
}

/// A line of text on a dark plate.
void plate(const char* id, const std::string& line, ImVec4 colour, ImVec2 at, ImVec2 pivot) {
  ImGui::SetNextWindowPos(at, ImGuiCond_Always, pivot);
  ImGui::SetNextWindowBgAlpha(0.8F);
  constexpr ImGuiWindowFlags kPlain = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_AlwaysAutoResize |
                                      ImGuiWindowFlags_NoInputs | ImGuiWindowFlags_NoMove |
                                      ImGuiWindowFlags_NoBringToFrontOnFocus;
  if (ImGui::Begin(id, nullptr, kPlain)) {
    ImGui::PushStyleColor(ImGuiCol_Text, colour);
    text(line);
    ImGui::PopStyleColor();
  }
  ImGui::End();
}

}  // namespace

std::optional<std::string> Panel::draw(const PanelInput& input) {
  const ImGuiViewport* window = ImGui::GetMainViewport();
  const float width = std::min(kPanelWidth * ImGui::GetFontSize(), window->WorkSize.x / 2);
  picture_area_ = {window->WorkPos.x, window->WorkPos.y, window->WorkSize.x - width, window->WorkSize.y};
  ImGui::SetNextWindowPos({picture_area_.x + picture_area_.width, picture_area_.y});
  ImGui::SetNextWindowSize({width, picture_area_.height});
  constexpr ImGuiWindowFlags kFixed =
      ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoCollapse;
  ImGui::Begin("Ferry", nullptr, kFixed);
  const std::string current = input.subscription != nullptr ? input.subscription->stream() : std::string();
  const auto chosen = draw_stream_picker(current);
  draw_zoom();
  ImGui::Separator();
  if (input.subscription != nullptr) draw_stream(*input.subscription);
  ImGui::Spacing();
  wrapped_hint(input.device);
  ImGui::End();
  return chosen;
}

std::optional<std::string> Panel::draw_stream_picker(const std::string& current) {
  std::optional<std::string> chosen;
  ImGui::TextDisabled("Stream");
  ImGui::SetNextItemWidth(-1);
  if (!ImGui::BeginCombo("##stream", current.empty() ? "choose" : current.c_str(), ImGuiComboFlags_HeightLarge))
    return chosen;
  if (const auto now_ns = examples::monotonic_ns(); now_ns >= next_refresh_ns_) {  // only while it is open
    streams_ = list_streams(connection_);
    next_refresh_ns_ = now_ns + kRefreshIntervalNs;
  }
  for (std::size_t i = 0; i < streams_.streams.size(); ++i) {
    const StreamEntry& entry = streams_.streams[i];
    ImGui::PushID(static_cast<int>(i));  // a name may hold what ImGui takes for an id
    const float left = ImGui::GetCursorPosX();
    if (ImGui::Selectable("##entry", entry.name == current, 0, {0, 2 * ImGui::GetTextLineHeight()}))
      chosen = entry.name;
    ImGui::SameLine(left);
    ImGui::BeginGroup();
    text(entry.name);
    ImGui::TextDisabled("%s", entry.summary.c_str());
    ImGui::EndGroup();
    ImGui::PopID();
  }
  if (!streams_.error.empty()) {
    wrapped_hint(streams_.error);
  } else if (streams_.streams.empty()) {
    wrapped_hint("There are no streams. Start one: ferry-renderer demo");
  }
  ImGui::EndCombo();
  return chosen;
}

void Panel::draw_zoom() {
  if (ImGui::RadioButton("Fit", zoom_ == Zoom::kFit)) zoom_ = Zoom::kFit;
  ImGui::SameLine();
  if (ImGui::RadioButton("1:1", zoom_ == Zoom::kActualSize)) zoom_ = Zoom::kActualSize;
}

void Panel::draw_stream(const Subscription& subscription) const {
  ImGui::TextColored(colour_of(subscription.condition()), "%s", to_string(subscription.condition()));
  if (!subscription.remark().empty()) wrapped_hint(subscription.remark());
  const auto state = subscription.state();
  if (!state) return;
  if (state->connected == 0) wrapped_hint("the broker is gone; frames go on");
  const FrameStats& stats = subscription.stats();
  if (ImGui::BeginTable("facts", 2, ImGuiTableFlags_SizingFixedFit)) {
    row("Rate", fmt::format("{:.1f} Hz", stats.rate.per_second()));
    row("Frames", fmt::format("{} shown, {} skipped", stats.acquired, stats.skipped));
    row("Mode", subscription.mode() == FERRY_CONSUMER_EVERY ? "every" : "latest");
    if (const ferry::Frame* frame = subscription.frame()) {
      row("Sequence", fmt::format("{}", frame->sequence));
      row("Size", fmt::format("{} x {}", frame->width_px, frame->height_px));
      row("Format", std::string(examples::format_name(frame->format)));
      row("Generation", fmt::format("{}, slot {} of {}", frame->generation, frame->slot, state->slot_count));
      draw_camera(*frame);
    }
    row("Transport", std::string(state->transport));
    row("Sync", state->sync_mode == FERRY_SYNC_TIMELINE ? "timeline" : state->sync_mode == FERRY_SYNC_FD ? "sync-fd" : "host");
    ImGui::EndTable();
  }
  if (state->sync_reason[0] != '\0') wrapped_hint(state->sync_reason);
  ImGui::Spacing();
  draw_latency(stats);
}

void Panel::draw_notices(const Subscription* subscription, const Area& picture_area) const {
  const ImVec2 middle{picture_area.x + picture_area.width / 2, picture_area.y + picture_area.height / 2};
  const ImVec2 corner{picture_area.x + 14, picture_area.y + 14};
  const ImVec4 grey{0.75F, 0.78F, 0.82F, 1};
  if (subscription == nullptr) {
    plate("placeholder", "Choose a stream on the right", grey, middle, {0.5F, 0.5F});
  } else if (subscription->frame() == nullptr) {
    plate("placeholder", fmt::format("Waiting for stream '{}'", subscription->stream()), grey, middle, {0.5F, 0.5F});
  } else if (subscription->condition() != Condition::kLive) {
    plate("badge", to_string(subscription->condition()), colour_of(subscription->condition()), corner, {0, 0});
  }
}

}  // namespace viewer
