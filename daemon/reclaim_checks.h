#pragma once
// What is said of the past when something is handed back: checked as far as anything shows it.

#include <string>

#include "daemon/lease.h"
#include "daemon/stream.h"
#include "platform/file_identity.h"
#include "proto/result.h"

namespace ferry::daemon {

/// Only who could write a page may claim what it stands for: the page names its writer, and nobody else can write it.
/// @p page: its descriptor; @p writer: what it says. kPermissionDenied names @p what.
proto::Result<void> check_writer(const platform::UniqueFd& page, const proto::PageWriter& writer, const Process& claimer,
                                 const std::string& what);

/// The writer has ended its stream or lease itself.
inline bool has_left(const proto::PageWriter& writer) { return writer.left.load(std::memory_order_seq_cst) != 0; }

/// Numbers that cannot have been reached are kInvalidArgument. @p newest_handed: the newest generation handed back.
proto::Result<Past> check_past(std::uint32_t newest_generation, std::uint32_t producers, std::uint64_t next_sequence,
                               std::uint32_t newest_handed, const std::string& what);

}  // namespace ferry::daemon
