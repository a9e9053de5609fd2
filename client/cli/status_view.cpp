#include "client/cli/status_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "client/cli/table.h"
#include "client/cli/text.h"

namespace ferry::cli {
namespace {

constexpr std::size_t kLabelColumns = 11;    // "  consumers "
constexpr std::size_t kMinTextColumns = 40;  // of a wrapped reason, however narrow the terminal
constexpr std::size_t kMaxNameColumns = 24;

class StatusText {
 public:
  StatusText(const Style& style, std::size_t columns) : style_(style), columns_(columns) {}

  void broker(const BrokerStatus& broker) {
    title(fmt::format("ferryd {}", printable(broker.version)),
          fmt::format("pid {}   up {}   {}   {}   {}   {} of {}", broker.pid, human_duration(broker.uptime_ns),
                      counted(broker.sessions, "client"), counted(broker.streams, "stream"),
                      counted(broker.leases, "lease"), human_bytes(broker.memory_bytes),
                      human_bytes(broker.memory_limit_bytes)));
    field("socket", printable(broker.socket));
    for (const DeviceStatus& device : broker.devices) {
      field("device", fmt::format("{}{}", printable(device.name), device.is_software ? " [software]" : ""));
      field("", fmt::format("{}   {}", printable(device.driver), device.device_uuid));
      field("", fmt::format("{}   {}", fmt::join(device.transports, ", "), fmt::join(device.sync_modes, ", ")),
            device.sync_reason);
    }
    if (broker.devices.empty()) field("device", "none");
  }

  void stream(const StreamStatus& stream) {
    out_ += '\n';
    const GenerationStatus& generation = stream.generation;
    title(printable(stream.name),
          fmt::format("{}   {}x{} {}   {}   frame {}   {}", state(stream.state), generation.width_px,
                      generation.height_px, printable(generation.format), human_rate(stream.rate_hz), stream.frames,
                      counted(stream.consumers.size(), "consumer")));
    field("producer", stream.producer ? producer(stream) : "none: gone, the last frame stays");
    field("frames", fmt::format("last one {}   {} dropped for want of a slot   full queue: {}",
                                age(stream.last_frame_age_ns), stream.starved, printable(stream.queue_policy)));
    const std::string missing = stream.slots_required > generation.slot_count && stream.state == "live"
                                    ? fmt::format(" of {} that its consumers may need", stream.slots_required)
                                    : "";
    field("slots",
        fmt::format("{}{}   {}   generation {}", generation.slot_count, missing, human_bytes(stream.memory_bytes), generation.id),
        generation.reason);
    field("device", printable(stream.device));
    field("transport", printable(stream.transport), stream.transport_reason);
    field("sync", printable(stream.sync_mode), stream.sync_reason);
    consumers(stream.consumers);
    for (const ConsumerStatus& consumer : stream.consumers)
      if (!consumer.sync_mode.empty() && consumer.sync_mode != stream.sync_mode)
        field("sync", fmt::format("{}   for {}, pid {}", printable(consumer.sync_mode), client_name(consumer.client),
                                  consumer.client.pid), consumer.sync_reason);
  }

  std::string take() && { return std::move(out_); }

 private:
  void title(std::string_view name, std::string_view rest) {
    out_ += fmt::format("{}   {}\n", style_.bold(name), rest);
  }

  /// A labelled line; a @p reason that does not fit beside @p text gets lines of its own.
  void field(std::string_view label, const std::string& text, std::string_view reason = {}) {
    reason = without_subject(reason, text);
    if (reason.empty()) return labelled(label, text);
    const std::string explained = fmt::format("{}   ({})", text, printable(reason));
    if (display_width(explained) <= room()) return labelled(label, explained);
    labelled(label, text);
    for (const std::string& line : wrap(fmt::format("({})", printable(reason)), room())) labelled("", line);
  }

  void labelled(std::string_view label, const std::string& text) {
    out_ += fmt::format("  {}{}\n", style_.dim(pad_right(label, kLabelColumns)), text);
  }

  std::size_t room() const {
    const std::size_t indent = 2 + kLabelColumns;
    return std::max(columns_ > indent ? columns_ - indent : 0, kMinTextColumns);
  }

  static std::string age(const std::optional<std::uint64_t>& age_ns) {
    return age_ns ? human_duration(*age_ns) + " ago" : "never";
  }

  static std::string client_name(const ClientStatus& client) {
    return printable(client.application.empty() ? client.process : client.application);
  }

  static std::string producer(const StreamStatus& stream) {
    const ClientStatus& client = *stream.producer;
    const std::string name = client_name(client), process = printable(client.process);
    return fmt::format("{}{}   pid {}   uid {}", name, name == process ? "" : fmt::format(" ({})", process), client.pid,
                       client.uid);
  }

  std::string state(std::string_view state) const {
    if (state == "live") return style_.green(state);
    if (state == "orphaned") return style_.yellow(state);
    return style_.red(printable(state));
  }

  void consumers(const std::vector<ConsumerStatus>& consumers) {
    if (consumers.empty()) return;
    using enum Table::Align;
    Table table({kLeft, kRight, kLeft, kRight, kRight, kRight, kRight, kRight, kRight, kLeft});
    table.add_row({"consumer", "pid", "mode", "held", "lag", "acquired", "skipped", "p50", "p99", "seen"});
    for (const ConsumerStatus& c : consumers) {
      const bool measured = c.acquired > 0;
      table.add_row(
          {truncate(client_name(c.client), kMaxNameColumns), fmt::to_string(c.client.pid),
           c.mode == "every" ? fmt::format("every/{}", c.queue_depth) : printable(c.mode),
           fmt::format("{}/{}", c.held, c.max_holds), fmt::to_string(c.lag_frames), fmt::to_string(c.acquired),
           fmt::to_string(c.skipped), measured ? human_duration(c.latency_p50_ns) : "-",
           measured ? human_duration(c.latency_p99_ns) : "-", c.admitted ? age(c.last_seen_ns) : "not admitted yet"});
    }
    bool heading = true;
    for (const std::string& line : table.lines()) {
      out_ += fmt::format("  {}\n", heading ? style_.dim(line) : line);
      heading = false;
    }
  }

  const Style& style_;
  std::size_t columns_;
  std::string out_;
};

}  // namespace

std::string render_status(const Status& status, const Style& style, std::size_t columns) {
  StatusText text(style, columns);
  text.broker(status.broker);
  for (const StreamStatus& stream : status.streams) text.stream(stream);
  return std::move(text).take();
}

std::string render_list(const Status& status, const Style& style) {
  using enum Table::Align;
  Table table({kLeft, kRight, kLeft, kRight, kLeft});
  std::vector<StreamStatus> streams = status.streams;
  std::sort(streams.begin(), streams.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (const StreamStatus& s : streams) {
    const std::string consumers = counted(s.consumers.size(), "consumer");
    table.add_row({printable(s.name), fmt::format("{}x{}", s.generation.width_px, s.generation.height_px),
                   printable(s.generation.format), human_rate(s.rate_hz),
                   s.state == "live" ? consumers : fmt::format("{}  {}", consumers, style.yellow(printable(s.state)))});
  }
  std::string out;
  for (const std::string& line : table.lines()) out += line + '\n';
  return out;
}

}  // namespace ferry::cli
