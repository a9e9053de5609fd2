#pragma once
// The commands. They throw ferry::Error and CommandError for failures, which main() turns into a line and an exit code.

#include "client/cli/options.h"

namespace ferry::cli {

void run_status(const StatusOptions& options);
void run_list(const ListOptions& options);
void run_source(const SourceOptions& options);
void run_snapshot(const SnapshotOptions& options);
void run_service(const ServiceOptions& options);
void run_doctor(const DoctorOptions& options);
[[noreturn]] void run_view(const ViewOptions& options);

}  // namespace ferry::cli
