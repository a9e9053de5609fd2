#pragma once
// The two ends of one try: processes of their own that `ferry doctor` starts and leads, line by line.
//
//   producer  open FORMAT | publish NUMBER | close
//   consumer  attach | read NUMBER | detach
//   either    lacks FORMAT
//
// Each answers with one line of JSON: {"ok": true, ...} or {"ok": false, "text": "..."}.

#include <string>

#include "client/cli/options.h"

namespace ferry::cli {

inline constexpr const char* kProbeStream = "ferry-doctor";

/// Until its standard input ends.
void run_probe(const ProbeOptions& options);

}  // namespace ferry::cli
