#pragma once
// One instance a path: an flock on a file beside it. The lock goes with the process, however that ends; the file's text
// is for people.

#include <string>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// Locks PATH.lock for @p path and writes our pid into it. kNameTaken with the holder's pid when somebody has it.
proto::Result<UniqueFd> acquire_instance_lock(const std::string& path);

/// Removes the file that @p lock holds for @p path and gives the lock up.
void release_instance_lock(UniqueFd lock, const std::string& path);

}  // namespace ferry::platform
