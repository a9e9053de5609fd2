// ferry doctor

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ferry/ferry.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "client/cli/child_process.h"
#include "client/cli/commands.h"
#include "client/cli/doctor_probe.h"
#include "client/cli/doctor_remarks.h"
#include "client/cli/doctor_report.h"
#include "client/cli/pixels.h"
#include "client/cli/private_broker.h"
#include "client/cli/status_model.h"
#include "client/cli/terminal.h"

namespace ferry::cli {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kAnswerPatienceNs = 60'000'000'000;  // a driver's first pipeline on a busy machine
constexpr std::uint32_t kFramesEach = 5;
// Frames that a producer may publish before it has moved over to the way that was agreed.
constexpr std::uint32_t kMaxFramesBefore = 10'000;

struct Way {
  const char* transport;
  const char* sync_mode;
};
constexpr Way kWays[] = {{"opaque-fd", "timeline"}, {"opaque-fd", "sync-fd"}, {"opaque-fd", "host"},
                         {"dma-buf", "sync-fd"},    {"dma-buf", "host"},      {"host-memory", "host"}};
constexpr Way kAutomatic{"auto", "auto"};

constexpr ferry_format kFormats[] = {FERRY_FORMAT_RGBA8_UNORM, FERRY_FORMAT_RGBA8_SRGB,    FERRY_FORMAT_BGRA8_UNORM,
                                     FERRY_FORMAT_BGRA8_SRGB,  FERRY_FORMAT_RGB10A2_UNORM, FERRY_FORMAT_RGBA16_FLOAT,
                                     FERRY_FORMAT_NV12,        FERRY_FORMAT_P010};

/// A producer and a consumer in processes of their own, which do what they are told.
class Pair {
 public:
  Pair(const PrivateBroker& broker, const DoctorDevice& from, const DoctorDevice& to, const Way& way, Size size)
      : producer_("/proc/self/exe", arguments("producer", broker, from, way, size), broker.file("producer.log")),
        consumer_("/proc/self/exe", arguments("consumer", broker, to, way, size), broker.file("consumer.log")) {}

  /// Why the producer's device has no images of @p format; "" where it has.
  std::string lack_of(ferry_format format) {
    Outcome outcome;
    const auto answer = step(outcome, producer_, "producer", fmt::format("lacks {}", static_cast<int>(format)));
    return answer ? answer->value("reason", "") : outcome.reason;
  }

  struct Outcome {
    std::string reason;  ///< empty: it worked
    Json way;            ///< what the consumer was given
    std::vector<std::int64_t> hand_over_ns;
    bool alive = true;  ///< false: one of the two has died or hangs
  };
  Outcome try_format(ferry_format format) {
    Outcome outcome;
    if (!step(outcome, producer_, "producer", fmt::format("open {}", static_cast<int>(format)))) return outcome;
    if (step(outcome, consumer_, "consumer", "attach")) {
      const std::string agreed = outcome.way.value("transport", "");
      std::uint32_t number = 0;
      for (std::uint32_t seen_count = 0; seen_count < kFramesEach;) {
        auto drawn = step(outcome, producer_, "producer", fmt::format("publish {}", ++number));
        if (!drawn) break;
        // A producer that is still on its way over publishes what this consumer cannot see.
        if (drawn->value("transport", "") != agreed && number < kMaxFramesBefore) continue;
        auto seen = step(outcome, consumer_, "consumer", fmt::format("read {}", number));
        if (!seen) break;
        outcome.hand_over_ns.push_back(seen->value("hand_over_ns", std::int64_t{0}));
        ++seen_count;
      }
      Outcome ignored;
      if (outcome.alive) step(ignored, consumer_, "consumer", "detach");
    }
    Outcome ignored;
    if (outcome.alive) step(ignored, producer_, "producer", "close");
    return outcome;
  }

 private:
  static std::vector<std::string> arguments(const char* role, const PrivateBroker& broker, const DoctorDevice& device,
                                            const Way& way, Size size) {
    return {"doctor-probe", role, "--socket", broker.socket(), "--device", device.device_uuid,
            "--transport", way.transport, "--sync", way.sync_mode, "--size",
            fmt::format("{}x{}", size.width_px, size.height_px)};
  }

  static std::optional<Json> step(Outcome& outcome, ChildProcess& who, const char* name, const std::string& what) {
    const auto line = who.ask(what, kAnswerPatienceNs);
    const Json answer = line ? Json::parse(*line, nullptr, false) : Json();
    if (!answer.is_object()) {
      outcome.reason = fmt::format("the {} {}", name, who.obituary());
      outcome.alive = false;
      return std::nullopt;
    }
    if (!answer.value("ok", false)) {
      outcome.reason = answer.value("text", "?");
      return std::nullopt;
    }
    if (answer.contains("transport_reason")) outcome.way = answer;
    return answer;
  }

  ChildProcess producer_, consumer_;
};

std::int64_t median(std::vector<std::int64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Doctor {
 public:
  explicit Doctor(Size size) : size_(size) { report_.size = size; }

  DoctorReport examine() {
    report_.remarks = remarks_on(this_machine());
    find_devices();
    for (DoctorDevice& device : report_.devices) find_lacks(device);
    for (std::size_t from = 0; from < report_.devices.size(); ++from)
      for (std::size_t to = 0; to < report_.devices.size(); ++to) {
        report_.choices.push_back(choose(from, to));
        for (const Way& way : kWays) report_.tries.push_back(try_way(from, to, way));
      }
    return std::move(report_);
  }

 private:
  void find_devices() {
    Connection connection({.socket_path = broker_.socket(), .application = "ferry doctor"});
    for (const DeviceStatus& device : parse_status(connection.status_json()).broker.devices)
      report_.devices.push_back(
          {device.name, device.driver, device.device_uuid, device.driver_uuid, device.is_software});
  }

  void find_lacks(DoctorDevice& device) {
    Pair pair(broker_, device, device, kAutomatic, size_);
    for (const ferry_format format : kFormats)
      if (std::string reason = pair.lack_of(format); !reason.empty())
        device.lacks.push_back({std::string(format_name(format)), std::move(reason)});
  }
  bool has(std::size_t device, std::string_view format) const {
    const auto& lacks = report_.devices[device].lacks;
    return std::none_of(lacks.begin(), lacks.end(), [&](const auto& lack) { return lack.format == format; });
  }

  DoctorTry try_way(std::size_t from, std::size_t to, const Way& way) {
    DoctorTry result;
    result.from = from;
    result.to = to;
    result.transport = way.transport;
    result.sync_mode = way.sync_mode;
    std::vector<std::int64_t> hand_overs;
    std::optional<Pair> pair;
    for (const ferry_format format : kFormats) {
      const std::string name(format_name(format));
      if (!has(from, name) || !has(to, name)) continue;
      if (!pair) pair.emplace(broker_, report_.devices[from], report_.devices[to], way, size_);
      const Pair::Outcome outcome = pair->try_format(format);
      if (!outcome.alive) pair.reset();
      if (outcome.reason.empty()) {
        result.works.push_back(name);
        hand_overs.insert(hand_overs.end(), outcome.hand_over_ns.begin(), outcome.hand_over_ns.end());
      } else {
        result.fails.push_back({name, outcome.reason});
      }
    }
    result.hand_over_ns = median(std::move(hand_overs));
    return result;
  }

  DoctorChoice choose(std::size_t from, std::size_t to) {
    DoctorChoice choice;
    choice.from = from;
    choice.to = to;
    Pair pair(broker_, report_.devices[from], report_.devices[to], kAutomatic, size_);
    const Pair::Outcome outcome = pair.try_format(FERRY_FORMAT_RGBA8_UNORM);
    choice.works = outcome.reason.empty();
    choice.reason = outcome.reason;
    if (!outcome.way.is_object()) return choice;
    choice.transport = outcome.way.value("transport", "");
    choice.transport_reason = outcome.way.value("transport_reason", "");
    choice.sync_mode = outcome.way.value("sync_mode", "");
    choice.sync_reason = outcome.way.value("sync_reason", "");
    return choice;
  }

  Size size_;
  PrivateBroker broker_;
  DoctorReport report_;
};

}  // namespace

void run_doctor(const DoctorOptions& options) {
  const DoctorReport report = Doctor(options.size).examine();
  const Terminal terminal = terminal_of(STDOUT_FILENO);
  write_all(STDOUT_FILENO, options.json ? doctor_json(report) + '\n'
                                        : render_doctor(report, Style(terminal.coloured), terminal.columns));
}

}  // namespace ferry::cli
