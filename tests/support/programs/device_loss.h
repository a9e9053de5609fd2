#pragma once
// What an application does whose device is lost: it destroys what used it, and begins anew with another one.

#include "tests/support/check.h"
#include "tests/support/programs/control.h"

namespace ferry::test {

/// Runs a Program of @p options, and, when it loses its device and @p start_anew, the next one, in this process.
template <class Program, class Options>
int run_through_losses(const Options& options, bool start_anew) {
  for (;;) {
    try {
      return Program(options).run();
    } catch (const FerryFailure& failure) {
      if (!start_anew || failure.code() != FERRY_ERROR_DEVICE_LOST) throw;
      report("device_lost", {{"text", failure.what()}});
    } catch (const VulkanFailure& failure) {
      if (!start_anew || failure.result() != VK_ERROR_DEVICE_LOST) throw;
      report("device_lost", {{"text", failure.what()}});
    }
  }
}

}  // namespace ferry::test
