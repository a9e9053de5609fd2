// The `ferry` command: reads the command line, runs one command, and turns what went wrong into a line and a number.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <exception>
#include <ferry/ferry.hpp>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/complaint.h"
#include "client/cli/doctor_probe.h"
#include "client/cli/exit_code.h"
#include "client/cli/socket_option.h"
#include "client/cli/text.h"
#include "client/cli/version_text.h"

namespace ferry::cli {
namespace {

constexpr const char* kProgram = "ferry";

constexpr const char* kExamples = R"(Examples:
  ferry source cam --size 1920x1080 --rate 60   a test picture under the name 'cam'
  ferry view cam                                look at it
  ferry status --watch                          who gives and takes what, and how fast
  ferry snapshot cam cam.png                    one frame as a picture
  ferry doctor                                  what works between this machine's GPUs, and why the rest does not

Exit codes: 0 ok, 1 failure, 2 usage, 3 no broker, 4 not found, 5 timed out, 6 refused, 7 the stream ended;
of the viewer also 8 wrong picture, 9 validation messages.)";

struct AllOptions {
  StatusOptions status;
  ListOptions list;
  SourceOptions source;
  SnapshotOptions snapshot;
  ViewOptions view;
  ServiceOptions service;
  DoctorOptions doctor;
  ProbeOptions probe;
};

/// An option whose word @p parse turns into a value; @p expected says what was wanted of one it cannot read.
template <class Parse, class Use>
CLI::Option* add_parsed(CLI::App& app, const std::string& name, Parse parse, Use use, const std::string& description,
                        const std::string& placeholder, const std::string& expected) {
  return app
      .add_option_function<std::string>(
          name,
          [=](const std::string& word) {
            const auto value = parse(word);
            if (!value) throw CLI::ValidationError(name, fmt::format("'{}' is not {}", printable(word), expected));
            use(*value);
          },
          description)
      ->type_name(placeholder);
}

void add_status(CLI::App& root, StatusOptions& options) {
  CLI::App* app = root.add_subcommand("status", "Show the broker, its streams, and who takes part");
  app->add_flag("--json", options.json, "As JSON (docs/status.md); with --watch, an object a line");
  add_parsed(
      *app, "--watch", parse_watch_period, [&options](double period_s) { options.watch_s = period_s; },
      "Again every so many seconds (default: 1) until interrupted", "SECONDS", "a time between 0.05 s and a day")
      ->expected(0, 1);
  add_socket_option(*app, options.socket);
  app->footer(R"(Examples:
  ferry status
  ferry status --watch=0.5
  ferry status --json | jq '.streams[] | {name, rate_hz}')");
}

void add_list(CLI::App& root, ListOptions& options) {
  CLI::App* app = root.add_subcommand("list", "One line a stream: name, size, format, rate, consumers");
  add_socket_option(*app, options.socket);
}

void add_transport(CLI::App& app, ferry_transport& transport) {
  add_parsed(
      app, "--transport", parse_transport, [&transport](ferry_transport chosen) { transport = chosen; },
      "auto, opaque-fd, dma-buf or host-memory (default: auto)", "TRANSPORT",
      "one of auto, opaque-fd, dma-buf, host-memory");
}

void add_source(CLI::App& root, SourceOptions& options) {
  CLI::App* app = root.add_subcommand("source", "Publish a test picture as a stream");
  app->add_option("NAME", options.name, "Name of the stream")->required()->type_name("");
  add_parsed(
      *app, "--size", parse_size, [&options](Size size) { options.size = size; },
      "Size of the picture (default: 1280x720)", "WxH", fmt::format("WIDTHxHEIGHT, each 1 to {}", kMaxSidePx));
  add_parsed(
      *app, "--format", parse_format, [&options](ferry_format format) { options.format = format; },
      "rgba8, rgba8_srgb, bgra8, bgra8_srgb, rgb10a2 or rgba16f (default: rgba8)", "FORMAT",
      "one of rgba8, rgba8_srgb, bgra8, bgra8_srgb, rgb10a2, rgba16f");
  add_parsed(
      *app, "--rate", parse_rate, [&options](double rate_hz) { options.rate_hz = rate_hz; },
      "Frames a second, or max: as fast as slots come free (default: 60)", "HZ",
      fmt::format("a rate above 0 and up to {} Hz, or max", kMaxRateHz));
  add_parsed(
      *app, "--frames", parse_count, [&options](std::uint64_t count) { options.frame_count = count; },
      "Stop after so many frames (default: when interrupted)", "N", "a number of frames from 1 up");
  add_parsed(
      *app, "--sync", parse_sync_mode, [&options](ferry_sync_mode mode) { options.sync = mode; },
      "auto, timeline, sync-fd or host (default: auto)", "MODE", "one of auto, timeline, sync-fd, host");
  add_transport(*app, options.transport);
  add_parsed(
      *app, "--policy", parse_queue_policy, [&options](ferry_queue_policy policy) { options.policy = policy; },
      "When a consumer that wants every frame has a full queue: drop or block (default: drop)", "POLICY",
      "one of drop, block");
  app->add_option("--device", options.device, "GPU: UUID, index or part of the name (default: the broker's first)")
      ->type_name("SEL");
  add_socket_option(*app, options.socket);
  app->footer(R"(Examples:
  ferry source cam
  ferry source hdr --size 3840x2160 --format rgba16f --rate 24
  ferry source soak --rate max --frames 100000)");
}

void add_snapshot(CLI::App& root, SnapshotOptions& options) {
  CLI::App* app = root.add_subcommand("snapshot", "Write one frame of a stream as a PNG file");
  app->add_option("STREAM", options.stream, "Name of the stream")->required()->type_name("");
  app->add_option("OUT.png", options.path, "File to write; - for standard output")->required()->type_name("");
  add_parsed(
      *app, "--timeout", parse_timeout, [&options](double timeout_s) { options.timeout_s = timeout_s; },
      "How long to wait for a frame, in seconds (default: 5)", "S", "a time from 0 s to a day");
  app->add_flag("--wait", options.wait, "Wait for the stream to appear, too");
  app->add_flag("--raw", options.raw, "The stored numbers as they are: no crop, orientation, colour or alpha applied");
  app->add_option("--device", options.device, "GPU: UUID, index or part of the name (default: the stream's)")
      ->type_name("SEL");
  add_socket_option(*app, options.socket);
  app->footer(R"(Examples:
  ferry snapshot cam cam.png
  ferry snapshot cam - --wait --timeout 30 | display)");
}

void add_view(CLI::App& root, ViewOptions& options) {
  CLI::App* app = root.add_subcommand("view", "Show a stream in a window (starts ferry-viewer)");
  app->add_option("STREAM", options.stream, "Name of the stream")->required()->type_name("");
  app->prefix_command();
  add_socket_option(*app, options.socket);
  app->callback([app, &options] {
    options.arguments = app->remaining();
    std::erase(options.arguments, "--");  // ours: what stood behind it is the stream's name
  });
  app->footer(R"(What follows STREAM and is none of these options goes to ferry-viewer as it is.

Examples:
  ferry view cam
  ferry view --socket /run/ferry/ferryd.sock cam)");
}

void add_service(CLI::App& root, ServiceOptions& options) {
  CLI::App* app = root.add_subcommand("service", "Run the broker as a service of yours (systemd)");
  app->require_subcommand(1);
  const auto add = [&](const char* name, const char* description) {
    CLI::App* part = app->add_subcommand(name, description);
    part->callback([&options, name] { options.what = name; });
    return part;
  };
  add("install", "Start the broker whenever a client needs it, from now on");
  add("status", "Whether it is installed, and whether it runs");
  add("logs", "What it has said")->add_flag("-f,--follow", options.follow, "And what it says from now on");
}

void add_doctor(CLI::App& root, DoctorOptions& options) {
  CLI::App* app = root.add_subcommand("doctor", "Try every way between all GPUs of this machine, and say why not");
  app->add_flag("--json", options.json, "As JSON (docs/transports.md)");
  add_parsed(
      *app, "--size", parse_size, [&options](Size size) { options.size = size; },
      "Size of the frames that are sent (default: 641x361)", "WxH",
      fmt::format("WIDTHxHEIGHT, each 1 to {}", kMaxSidePx));
  app->footer(R"(Starts a broker of its own; one that runs is not touched. Every try is made by two processes, and every
pixel is compared.

Examples:
  ferry doctor
  ferry doctor --json | jq '.pairs[] | {from, to, transport}')");
}

/// What the doctor starts; for nobody else.
void add_probe(CLI::App& root, ProbeOptions& options) {
  CLI::App* app = root.add_subcommand("doctor-probe", "One end of a try of `ferry doctor`")->group("");
  app->add_option("ROLE", options.role)->required()->check(CLI::IsMember({"producer", "consumer"}));
  app->add_option("--device", options.device);
  add_parsed(
      *app, "--size", parse_size, [&options](Size size) { options.size = size; }, "", "WxH", "WIDTHxHEIGHT");
  add_transport(*app, options.transport);
  add_parsed(
      *app, "--sync", parse_sync_mode, [&options](ferry_sync_mode mode) { options.sync = mode; }, "", "MODE",
      "one of auto, timeline, sync-fd, host");
  add_socket_option(*app, options.socket);
}

int complain_of_usage(std::string_view message, std::string_view hint) {
  return complain(kProgram, ExitCode::kUsage, message, hint);
}

/// Below the line that says it in words.
void show_conflict(const ferry_conflict& conflict) {
  const std::pair<const char*, const char*> lines[] = {{"party", conflict.party},
                                                       {"constraint", conflict.constraint},
                                                       {"it has", conflict.party_has},
                                                       {"others have", conflict.others_have}};
  for (const auto& [name, text] : lines) fmt::print(stderr, "  {:<11} {}\n", name, *text ? printable(text) : "nothing");
}

std::string help_command(const CLI::App& root) {
  const auto given = root.get_subcommands();
  return fmt::format("ferry {}{}--help", given.empty() ? "" : given.front()->get_name(), given.empty() ? "" : " ");
}

void run(const CLI::App& root, const AllOptions& options) {
  if (root.got_subcommand("status")) return run_status(options.status);
  if (root.got_subcommand("list")) return run_list(options.list);
  if (root.got_subcommand("source")) return run_source(options.source);
  if (root.got_subcommand("doctor")) return run_doctor(options.doctor);
  if (root.got_subcommand("doctor-probe")) return run_probe(options.probe);
  if (root.got_subcommand("snapshot")) return run_snapshot(options.snapshot);
  if (root.got_subcommand("service")) return run_service(options.service);
  run_view(options.view);
}

int main_of(int argc, char** argv) {
  CLI::App root("Ferry: GPU frames from one process to another, without a copy", kProgram);
  AllOptions options;
  root.require_subcommand(0, 1);
  root.set_version_flag("--version", version_text(kProgram));
  root.footer(kExamples);
  add_status(root, options.status);
  add_list(root, options.list);
  add_source(root, options.source);
  add_snapshot(root, options.snapshot);
  add_view(root, options.view);
  add_service(root, options.service);
  add_doctor(root, options.doctor);
  add_probe(root, options.probe);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return root.exit(error);  // --help, --version
    return complain_of_usage(error.what(), help_command(root));
  }
  if (root.get_subcommands().empty()) return complain_of_usage("no command given", help_command(root));
  run(root, options);
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace
}  // namespace ferry::cli

int main(int argc, char** argv) {
  using namespace ferry::cli;
  std::setlocale(LC_CTYPE, "");  // how wide characters are
  try {
    return main_of(argc, argv);
  } catch (const ferry::Error& error) {
    const int code = complain_of_exception(kProgram);
    if (error.conflict()) show_conflict(*error.conflict());
    return code;
  } catch (const std::exception&) {
    return complain_of_exception(kProgram);
  }
}
