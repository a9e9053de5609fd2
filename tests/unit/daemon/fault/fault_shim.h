#pragma once
// System calls that fail when a test wants them to. The program that links fault_shim.cpp calls these instead of libc's.

#include <span>
#include <string_view>
#include <vector>

namespace ferry::daemon::test {

struct Fault {
  const char* function;  ///< "memfd_create"
  int error;             ///< errno
};

/// From now on the @p nth call (1: the next) of @p fault's function on this thread fails once.
void arm_fault(const Fault& fault, int nth);
/// The same on whatever thread, but only of calls that come from @p library ("libferry.so"): a driver in this process is
/// not what is being tested.
void arm_fault_in(const char* library, const Fault& fault, int nth);
/// Whether it has failed; nothing fails after this.
bool disarm_fault();

/// A call that a test knows to be made nowhere in what it tries. All others have to be made, or nothing was tried.
struct NotMade {
  const char* function;
  const char* why;
};
bool is_made(std::string_view function, std::span<const NotMade> exceptions);

/// What can fail, and how it does in real life.
const std::vector<Fault>& all_faults();
/// Those of them that libferry is tried with.
const std::vector<Fault>& common_faults();

}  // namespace ferry::daemon::test
