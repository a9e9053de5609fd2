#pragma once
// What went wrong, as one line for people and a number for scripts: the same of every program of ours.

#include <string_view>

#include "client/cli/exit_code.h"

namespace ferry::cli {

/// "PROGRAM: MESSAGE (HINT)" on standard error. Returns @p code for the exit status.
int complain(std::string_view program, ExitCode code, std::string_view message, std::string_view hint = {});

/// The same for the exception that is being handled.
int complain_of_exception(std::string_view program);

}  // namespace ferry::cli
