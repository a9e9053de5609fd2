#include "client/cli/complaint.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <ferry/ferry.hpp>

#include "client/cli/text.h"

namespace ferry::cli {

int complain(std::string_view program, ExitCode code, std::string_view message, std::string_view hint) {
  fmt::print(stderr, "{}: {}{}\n", program, printable(message), hint.empty() ? "" : fmt::format(" ({})", hint));
  return static_cast<int>(code);
}

int complain_of_exception(std::string_view program) try { throw; } catch (const ferry::Error& error) {
  return complain(program, exit_code_for(error.code()), error.what(), hint_for(error.code()));
} catch (const CommandError& error) {
  return complain(program, error.code(), error.what());
} catch (const std::exception& error) {
  return complain(program, ExitCode::kFailure, error.what());
}

}  // namespace ferry::cli
