#pragma once
// The death or the standstill of a process, and its return.

#include <string>

#include "tests/support/child_process.h"
#include "tests/torture/ledger.h"

namespace ferry::torture {

/// For $FERRY_TEST_POINT; empty when nothing of the process's own is to happen.
std::string point_of(const Fault& fault, int nth);

/// Waits until @p victim has met @p fault: at a named place by itself, anywhere else by us. False when it did not get
/// there in time, and was killed or stopped wherever it was.
bool await_fate(test::ChildProcess& victim, const Fault& fault, int nth);

/// A process that was stopped: goes on, or says why not; and ends when it is asked to. What is wrong; empty: nothing.
std::string awaken(test::ChildProcess& victim);

}  // namespace ferry::torture
