#include "client/cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/cli/table.h"
#include "client/cli/text.h"

namespace ferry::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;  // docs/transports.md

struct Advice {
  const char* part;  ///< of the reason
  const char* text;
};
// The first that fits.
constexpr Advice kAdvice[] = {
    {"RLIMIT_MEMLOCK", "raise the limit of locked memory: `ulimit -l`, or LimitMEMLOCK= of the service"},
    {"equal UUIDs", "nothing to do: two devices or two drivers meet in host-memory"},
    {"no timelines in common", "nothing to do: sync mode host is the one of this transport"},
    {"timeline semaphores as opaque fds",
     "nothing to do with this driver; sync mode host is used. A GPU's own driver may have them"},
    {"semaphores as sync_files", "nothing to do with this driver; sync mode timeline or host is used"},
    {"imports no modifier of", "nothing to do: these two lay their images out differently, and meet in host-memory"},
    {"VK_EXT_image_drm_format_modifier", "a newer driver may have it; else only equal devices share without a copy"},
    {"VK_EXT_external_memory_dma_buf", "a newer driver may have it; else only equal devices share without a copy"},
    {"imports no dma-buf", "the kernel needs /dev/udmabuf that this user may open, if the driver is a software one"},
    {"VK_EXT_external_memory_host", "a newer driver may have it; else no other make of device can be reached"},
    {"exports no dma-buf of", "nothing to do with this driver: this format crosses by another transport"},
    {"VK_KHR_external_memory_fd", "a newer driver may have it; Ferry cannot use the device without"},
    {"images as opaque fds", "a newer driver may do it; Ferry cannot use the device without"},
    {"VK_ERROR_OUT_OF_DEVICE_MEMORY",
     "close what uses the GPU's memory; a software driver's dma-buf may have no more than the kernel's udmabuf.size_limit_mb"},
    {"the broker cannot allocate by", "a newer driver may keep what this one promises; the next best transport is used"},
    {"supports Vulkan", "a newer driver may have it"},
    {"none of the broker's devices", "start ferryd with the same VK_DRIVER_FILES and devices as the programs"},
};

std::string verdict(const DoctorTry& one) {
  if (one.fails.empty()) return fmt::format("works, {} formats", one.works.size());
  if (one.works.empty()) return "no";
  return fmt::format("{} of {} formats", one.works.size(), one.works.size() + one.fails.size());
}

bool is_chosen(const DoctorReport& report, const DoctorTry& one) {
  for (const DoctorChoice& choice : report.choices)
    if (choice.from == one.from && choice.to == one.to)
      return choice.works && choice.transport == one.transport && choice.sync_mode == one.sync_mode;
  return false;
}

void append_wrapped(std::string& out, std::string_view text, std::size_t columns) {
  for (const std::string& line : wrap(printable(text), columns > 30 ? columns - 8 : 22))
    out += fmt::format("        {}\n", line);
}

/// The reasons of a try, each once, with the formats that it is about.
void append_reasons(std::string& out, const DoctorTry& one, std::size_t columns) {
  std::vector<std::string> said;
  for (const auto& failure : one.fails) {
    if (std::find(said.begin(), said.end(), failure.reason) != said.end()) continue;
    said.push_back(failure.reason);
    const bool is_about_all = one.works.empty();
    append_wrapped(out, is_about_all ? failure.reason : failure.format + ": " + failure.reason, columns);
    if (const std::string advice = advice_for(failure.reason); !advice.empty())
      append_wrapped(out, "-> " + advice, columns);
  }
}

}  // namespace

std::string advice_for(const std::string& reason) {
  for (const Advice& advice : kAdvice)
    if (reason.find(advice.part) != std::string::npos) return advice.text;
  return {};
}

std::string render_doctor(const DoctorReport& report, const Style& style, std::size_t columns) {
  std::string out = style.bold("Devices") + "\n";
  for (std::size_t i = 0; i < report.devices.size(); ++i) {
    const DoctorDevice& device = report.devices[i];
    out += fmt::format("  {}  {}  ({}{})\n", i, printable(device.name), printable(device.driver),
                       device.is_software ? ", software" : "");
    for (const auto& lack : device.lacks)
      append_wrapped(out, fmt::format("has no {}: {}", lack.format, lack.reason), columns);
  }
  for (const DoctorRemark& remark : report.remarks) {
    out += fmt::format("  {} {}\n", style.yellow("!"), printable(remark.what));
    append_wrapped(out, "-> " + remark.advice, columns);
  }
  out += "\n" + style.bold("What Ferry chooses") + "\n";
  for (const DoctorChoice& choice : report.choices) {
    if (choice.works) {
      out += fmt::format("  {} to {}  {}, sync {}\n", choice.from, choice.to, choice.transport, choice.sync_mode);
      append_wrapped(out, choice.transport_reason, columns);
      append_wrapped(out, choice.sync_reason, columns);
    } else {
      out += fmt::format("  {} to {}  {}\n", choice.from, choice.to, style.red("nothing works"));
      append_wrapped(out, choice.reason, columns);
    }
  }
  out += "\n" + style.bold(fmt::format("Every way, tried with frames of {}x{}", report.size.width_px, report.size.height_px)) + "\n";
  using Align = Table::Align;
  Table table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kLeft});
  table.add_row({"  from to", "transport", "sync", "", "hand-over", ""});
  for (const DoctorTry& one : report.tries)
    table.add_row({fmt::format("  {} to {}", one.from, one.to), one.transport, one.sync_mode, verdict(one),
                   one.hand_over_ns > 0 ? human_duration(static_cast<std::uint64_t>(one.hand_over_ns)) : "-",
                   is_chosen(report, one) ? "<- chosen" : ""});
  const auto lines = table.lines();
  out += style.dim(lines.front()) + "\n";
  for (std::size_t i = 0; i < report.tries.size(); ++i) {
    out += lines[i + 1] + "\n";
    append_reasons(out, report.tries[i], columns);
  }
  return out;
}

std::string doctor_json(const DoctorReport& report) {
  Json devices = Json::array(), pairs = Json::array(), tries = Json::array(), remarks = Json::array();
  for (const DoctorDevice& device : report.devices) {
    Json lacks = Json::array();
    for (const auto& lack : device.lacks) lacks.push_back({{"format", lack.format}, {"reason", lack.reason}});
    devices.push_back({{"name", device.name},
                       {"driver", device.driver},
                       {"device_uuid", device.device_uuid},
                       {"driver_uuid", device.driver_uuid},
                       {"is_software", device.is_software},
                       {"lacks", lacks}});
  }
  for (const DoctorChoice& choice : report.choices)
    pairs.push_back({{"from", choice.from},
                     {"to", choice.to},
                     {"works", choice.works},
                     {"transport", choice.transport},
                     {"transport_reason", choice.transport_reason},
                     {"sync_mode", choice.sync_mode},
                     {"sync_reason", choice.sync_reason},
                     {"reason", choice.reason}});
  for (const DoctorTry& one : report.tries) {
    Json fails = Json::array();
    for (const auto& failure : one.fails)
      fails.push_back({{"format", failure.format}, {"reason", failure.reason}, {"advice", advice_for(failure.reason)}});
    tries.push_back({{"from", one.from},
                     {"to", one.to},
                     {"transport", one.transport},
                     {"sync_mode", one.sync_mode},
                     {"chosen", is_chosen(report, one)},
                     {"works", one.works},
                     {"fails", fails},
                     {"hand_over_ns", one.hand_over_ns}});
  }
  for (const DoctorRemark& remark : report.remarks)
    remarks.push_back({{"what", remark.what}, {"advice", remark.advice}});
  const Json all{{"schema", kSchema}, {"width_px", report.size.width_px}, {"height_px", report.size.height_px}, {"devices", devices}, {"pairs", pairs}, {"tries", tries}, {"remarks", remarks}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ferry::cli
