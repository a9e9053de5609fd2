#pragma once
// Where a process may die or stop, and what each of those places asks for.

#include <string>
#include <vector>

#include "tests/torture/ledger.h"

namespace ferry::torture {

inline constexpr const char* kAnyTime = "at any time";
inline constexpr const char* kWorkQueued = "GPU work queued";  ///< that never ends
inline constexpr const char* kConsumerLatest = "consumer, latest";
inline constexpr const char* kConsumerEvery = "consumer, every";
inline constexpr const char* kProducer = "producer";
inline constexpr const char* kBroker = "broker";

/// Every fault there is: each party, each signal, each of its places.
std::vector<Fault> all_faults();

/// How often a process comes by the place of @p fault: at which pass of them it may be.
int passes_of(const Fault& fault);

inline bool stops(const Fault& fault) { return fault.signal == "SIGSTOP"; }
/// The name of its place has one of @p words in it.
bool is_about(const Fault& fault, std::initializer_list<const char*> words);
/// A client's place that it comes to under the next broker.
inline bool needs_restart(const Fault& fault) { return is_about(fault, {"HandBack", "Reclaim", "Restored", "Goodbye"}); }

}  // namespace ferry::torture
