#include "tests/torture/places.h"

#include <algorithm>

namespace ferry::torture {
namespace {

using Places = std::vector<const char*>;

const Places kConsumerPlaces{kAnyTime,
                             kWorkQueued,
                             "send.Hello.before",
                             "send.Hello.after",
                             "receive.HelloReply.after",
                             "send.Attach.before",
                             "send.Attach.after",
                             "send.CancelAttach.before",
                             "send.CancelAttach.after",
                             "receive.Attached.after",
                             "import.slot",
                             "receive.GenerationStarted.after",
                             "acquire.taken",
                             "release.before",
                             "release.on_page",
                             "send.QueryStatus.before",
                             "send.QueryStatus.after",
                             "receive.StatusReply.after",
                             "send.HandBackGeneration.before",
                             "send.HandBackGeneration.after",
                             "send.ReclaimLease.before",
                             "send.ReclaimLease.after",
                             "receive.LeaseRestored.after",
                             "send.Detach.before",
                             "send.Detach.after",
                             "receive.Done.after",
                             "receive.Refused.after",
                             "receive.StreamStateChanged.after",
                             "receive.ProducerChanged.after",
                             "receive.Goodbye.after"};
const Places kEveryConsumersPlaces{"receive.LeaseEnded.after"};  // the others starve nobody
const Places kProducerPlaces{kAnyTime,
                             kWorkQueued,
                             "send.Hello.before",
                             "send.Hello.after",
                             "receive.HelloReply.after",
                             "receive.Refused.after",
                             "receive.Goodbye.after",
                             "send.CreateStream.before",
                             "send.CreateStream.after",
                             "receive.StreamCreated.after",
                             "import.slot",
                             "receive.LeaseAdded.after",
                             "lease.before_admission",
                             "begin.chosen",
                             "publish.before",
                             "publish.complete",
                             "publish.on_page",
                             "send.Reconfigure.before",
                             "send.Reconfigure.after",
                             "receive.GenerationStarted.after",
                             "begin.new_generation",
                             "send.GenerationsRetired.before",
                             "send.GenerationsRetired.after",
                             "send.ReportStarved.before",
                             "send.ReportStarved.after",
                             "receive.LeaseEnded.after",
                             "send.HandBackGeneration.before",
                             "send.HandBackGeneration.after",
                             "send.HandBackLease.before",
                             "send.HandBackLease.after",
                             "send.ReclaimStream.before",
                             "send.ReclaimStream.after",
                             "receive.StreamRestored.after",
                             "send.CloseStream.before",
                             "send.CloseStream.after",
                             "receive.Done.after"};
const Places kBrokerPlaces{kAnyTime,
                           "handle.Hello.before",
                           "send.HelloReply.before",
                           "handle.Hello.after",
                           "handle.HandBackGeneration.before",
                           "handle.HandBackGeneration.after",
                           "handle.HandBackLease.before",
                           "handle.HandBackLease.after",
                           "handle.ReclaimStream.before",
                           "handle.ReclaimStream.after",
                           "send.StreamRestored.before",
                           "handle.ReclaimLease.before",
                           "handle.ReclaimLease.after",
                           "send.LeaseRestored.before",
                           "handle.CreateStream.before",
                           "send.StreamCreated.before",
                           "handle.CreateStream.after",
                           "handle.Attach.before",
                           "send.Attached.before",
                           "send.LeaseAdded.before",
                           "handle.Attach.after",
                           "handle.CancelAttach.before",
                           "send.Refused.before",
                           "handle.CancelAttach.after",
                           "handle.Reconfigure.before",
                           "send.GenerationStarted.before",
                           "handle.Reconfigure.after",
                           "handle.GenerationsRetired.before",
                           "handle.GenerationsRetired.after",
                           "handle.QueryStatus.before",
                           "send.StatusReply.before",
                           "handle.QueryStatus.after",
                           "handle.ReportStarved.before",
                           "handle.ReportStarved.after",
                           "send.StreamStateChanged.before",
                           "send.ProducerChanged.before",
                           "handle.CloseStream.before",
                           "send.Done.before",
                           "handle.CloseStream.after",
                           "handle.Detach.before",
                           "send.LeaseEnded.before",
                           "handle.Detach.after"};

}  // namespace

bool is_about(const Fault& fault, std::initializer_list<const char*> words) {
  return std::ranges::any_of(words, [&](const char* word) { return fault.where.find(word) != std::string::npos; });
}

std::vector<Fault> all_faults() {
  std::vector<Fault> faults;
  const auto add = [&](const char* party, const Places& places) {
    for (const char* place : places)
      for (const char* signal : {"SIGKILL", "SIGSTOP"}) faults.push_back({party, signal, place});
  };
  add(kConsumerLatest, kConsumerPlaces);
  add(kConsumerEvery, kConsumerPlaces);
  add(kConsumerEvery, kEveryConsumersPlaces);
  add(kProducer, kProducerPlaces);
  add(kBroker, kBrokerPlaces);
  return faults;
}

int passes_of(const Fault& fault) {
  constexpr int kMany = 3;
  // What is said once in the life of a producer or consumer, and by this broker to the few who are there.
  if (is_about(fault, {"CreateStream",    "StreamCreated",      "Attach",           "Detach",            "Done",
                       "LeaseAdded",      "before_admission",   "Reconfigure",      "GenerationsRetired", "GenerationStarted",
                       "new_generation",  "ReclaimStream",      "StreamRestored",   "LeaseEnded",        "HandBackGeneration",
                       "Refused",         "ReportStarved",      "CloseStream",      "ProducerChanged",   "StreamStateChanged",
                       "Goodbye",         kWorkQueued}))
    return 1;
  const bool once_each = is_about(fault, {"Hello", "Lease"}) && fault.party != kBroker;
  return once_each ? 1 : is_about(fault, {"Lease"}) ? 2 : kMany;
}

}  // namespace ferry::torture
