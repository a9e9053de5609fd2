#include "platform/sync_file.h"

#include <fmt/format.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "platform/linux/poll_until.h"
#include "platform/linux/system_error.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

/// As SYNC_IOC_FILE_INFO has it: 1 signalled, 0 pending, negative an errno.
Result<int> status_of(const UniqueFd& fd) {
  if (!fd) return Error{ErrorCode::kProtocolViolation, "the descriptor of a fence is missing"};
  struct stat file {};
  if (::fstat(fd.get(), &file) != 0) return system_error("fstat", errno);
  sync_file_info info{};  // without room for the fences it consists of: only how many, and the state of all
  // A sync_file has no inode of its own. What has one is not asked: the number may mean something else to a device.
  const bool may_be_one = (file.st_mode & S_IFMT) == 0;
  if (may_be_one && ::ioctl(fd.get(), SYNC_IOC_FILE_INFO, &info) == 0) return info.status;
  return Error{ErrorCode::kProtocolViolation,
               fmt::format("the descriptor of a fence is {}, not a sync_file", describe_descriptor(fd.get()))};
}

}  // namespace

Result<FenceState> fence_state(const UniqueFd& fd) {
  const auto status = status_of(fd);
  if (!status) return status.error();
  if (*status == 0) return FenceState::kPending;
  return *status > 0 ? FenceState::kSignalled : FenceState::kFailed;
}

Result<UniqueFd> merge_fences(const UniqueFd& one, const UniqueFd& other) {
  for (const UniqueFd* fd : {&one, &other})
    if (auto status = status_of(*fd); !status) return std::move(status).error();
  sync_merge_data merge{};
  std::strncpy(merge.name, "ferry", sizeof merge.name - 1);
  merge.fd2 = other.get();
  if (::ioctl(one.get(), SYNC_IOC_MERGE, &merge) != 0) return system_error("SYNC_IOC_MERGE", errno);
  return UniqueFd(merge.fence);
}

Result<void> wait_for_fence(const UniqueFd& fd, std::int64_t deadline_ns) {
  if (auto status = status_of(fd); !status) return std::move(status).error();
  pollfd watched{fd.get(), POLLIN, 0};
  auto signalled = poll_until({&watched, 1}, deadline_ns);
  if (!signalled) return std::move(signalled).error();
  if (!*signalled) return Error{ErrorCode::kTimeout, "a fence has not signalled in time"};
  const auto status = status_of(fd);
  if (!status) return status.error();
  if (*status < 0)
    return Error{ErrorCode::kDeviceLost, fmt::format("the work that a fence stands for has failed: {}", std::strerror(-*status))};
  return {};
}

}  // namespace ferry::platform
