#pragma once
// The death or the standstill of a process, and its return.

#include <cstdint>
#include <string>

#include "tests/support/child_process.h"
#include "tests/torture/ledger.h"

namespace ferry::torture {

/// For $FERRY_TEST_POINT; empty when nothing of the process's own is to happen.
std::string point_of(const Fault& fault, int nth);

/// Waits until @p victim has met @p fault: at a named place by itself, anywhere else by us. False when it did not get
/// there in time, and was killed or stopped wherever it was.
bool await_fate(test::ChildProcess& victim, const Fault& fault, int nth);

/// How a process may end that nobody killed.
enum class End : std::uint8_t {
  kDone,            ///< by its own will; all frames were right
  kGivenUp,         ///< its wait for a stream that does not come was given up
  kRefused,         ///< there is no such stream, or it has a producer
  kDoneOrNoBroker,  ///< as kDone, or it found no broker that answered
  kDoneOrEvicted    ///< as kDone, or evicted and told so
};
/// Waits for the end of @p process, and judges what it says last and its exit status. What is wrong; empty: nothing.
std::string judge_end(test::ChildProcess& process, End allowed = End::kDone);

/// A process that was stopped: goes on, or says why not; and ends when it is asked to. What is wrong; empty: nothing.
std::string awaken(test::ChildProcess& victim, End allowed = End::kDone);

}  // namespace ferry::torture
