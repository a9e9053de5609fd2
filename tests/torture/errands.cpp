#include "tests/torture/errands.h"

#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;
using test::ChildProcess;

namespace {

/// False when @p person does not get so far: the broker is at its place already.
bool says(ChildProcess& person, const char* report) try {
  person.wait_report(report, 4s);
  return true;
} catch (const std::exception&) {
  return false;
}

}  // namespace

Errands::Errands(World& world, const Fault& fault) : world_(world) {
  if (is_about(fault, {"QueryStatus", "StatusReply"})) {
    send("test_consumer", {"--name", "cam", "--frames", "10", "--ask-status"});
  } else if (is_about(fault, {"CancelAttach", "Refused"})) {
    send("test_consumer", {"--name", "absent", "--attach-timeout-ms", "300"});
  } else if (is_about(fault, {"CreateStream", "StreamCreated"})) {
    producer({});
  } else if (is_about(fault, {"Reconfigure", "GenerationStarted", "GenerationsRetired"})) {
    producer({"--resize", "20=192x108"});
  } else if (is_about(fault, {"CloseStream"})) {
    ChildProcess& closer = producer({});
    if (says(closer, "created")) closer.send_command("stop");
  } else if (is_about(fault, {"ReportStarved"})) {
    if (says(producer({"--policy", "block"}), "created"))
      send("test_consumer", {"--name", "trio", "--mode", "every", "--queue-depth", "2", "--keep"});
  } else if (is_about(fault, {"StreamStateChanged", "ProducerChanged"})) {
    ChildProcess& first = producer({});
    ChildProcess& watcher = send("test_consumer", {"--name", "trio", "--attach-timeout-ms", "5000"});
    if (!says(first, "created") || !says(watcher, "attached")) return;
    first.kill_now();
    producer({});
  }
}

ChildProcess& Errands::send(const char* program, Arguments arguments) {
  people_.push_back(std::make_unique<ChildProcess>(world_.start(program, std::move(arguments))));
  return *people_.back();
}

ChildProcess& Errands::producer(Arguments more) {
  Arguments arguments{"--name", "trio", "--size", "160x90:RGBA8", "--rate", "120"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return send("test_producer", std::move(arguments));
}

}  // namespace ferry::torture
