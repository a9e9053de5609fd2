#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "ferry_generated.h"
#include "proto/test_point.h"

namespace ferry::proto {
namespace {

struct Wanted {
  Wanted() {
    const char* text = std::getenv("FERRY_TEST_POINT");
    if (text == nullptr) return;
    const std::string whole = text;
    const auto first = whole.find(':'), second = whole.find(':', first + 1);
    if (second == std::string::npos) return;
    name = whole.substr(0, first);
    nth = std::atoi(whole.c_str() + first + 1);
    number = whole.substr(second + 1) == "stop" ? SIGSTOP : SIGKILL;
  }
  std::string name;
  int nth = 1;
  int number = SIGKILL;
};

}  // namespace

void test_point(const char* name) {
  static const Wanted wanted;
  static std::atomic<int> met{0};
  if (wanted.name.empty() || wanted.name != name) return;
  if (met.fetch_add(1) + 1 == wanted.nth) ::raise(wanted.number);
}

void test_point_of_message(const char* what, std::span<const std::byte> packet, const char* when) {
  const auto* envelope = wire::GetEnvelope(packet.data());
  test_point((std::string(what) + "." + wire::EnumNameBody(envelope->body_type()) + "." + when).c_str());
}

}  // namespace ferry::proto
