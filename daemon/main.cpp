#include "daemon/options.h"
#include "daemon/run.h"

int main(int argc, char** argv) {
  const auto parsed = ferry::daemon::parse_options(argc, argv);
  const auto exit = parsed.exit ? *parsed.exit : ferry::daemon::run(parsed.options);
  return static_cast<int>(exit);
}
