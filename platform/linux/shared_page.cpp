#include "platform/shared_page.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/exceptions.hpp>
#include <cerrno>
#include <cstring>

#include "platform/linux/system_error.h"

namespace ferry::platform {
namespace {

namespace ipc = boost::interprocess;
using proto::Error;
using proto::ErrorCode;
using proto::PageHeader;
using proto::PageKind;
using proto::Result;

constexpr struct {
  int bit;
  const char* name;
} kSeals[] = {
    {F_SEAL_SHRINK, "SHRINK"}, {F_SEAL_GROW, "GROW"}, {F_SEAL_FUTURE_WRITE, "FUTURE_WRITE"}, {F_SEAL_SEAL, "SEAL"}};
constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

/// What Boost.Interprocess maps: anything that names a descriptor. It borrows; the mapping outlives the descriptor.
struct BorrowedFd {
  int fd;
  ipc::mapping_handle_t get_mapping_handle() const { return ipc::ipcdetail::mapping_handle_from_file_handle(fd); }
};

Result<PageMapping> map_descriptor(const UniqueFd& fd, ipc::mode_t mode, std::size_t size_bytes) try {
  return PageMapping{ipc::mapped_region{BorrowedFd{fd.get()}, mode, 0, size_bytes}};
} catch (const ipc::interprocess_exception& exception) {
  return system_error(fmt::format("mmap of a page of {} bytes", size_bytes), exception.get_native_error());
}

const char* page_name(PageKind kind) {
  switch (kind) {
    case PageKind::kStream:
      return "stream page";
    case PageKind::kLease:
      return "lease page";
    case PageKind::kVerdict:
      return "verdict page";
  }
  return "page";
}

std::string missing_seals(int seals) {
  std::string names;
  for (const auto& seal : kSeals)
    if ((seals & seal.bit) == 0) names += fmt::format("{}{}", names.empty() ? "" : ", ", seal.name);
  return names;
}

/// Only a memfd has seals, and only a sealed one can be trusted not to be truncated under a reader (SIGBUS).
Result<void> check_memfd(const UniqueFd& fd, std::size_t size_bytes, const char* name) {
  auto violation = [&](std::string why) {
    return Error{ErrorCode::kProtocolViolation, fmt::format("{} {}", name, why)};
  };
  const int seals = fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) return violation(fmt::format("is {}, not a memfd", describe_descriptor(fd.get())));
  if ((seals & kAllSeals) != kAllSeals) return violation(fmt::format("lacks the seals {}", missing_seals(seals)));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return system_error(fmt::format("fstat of a {}", name), errno);
  if (static_cast<std::size_t>(info.st_size) != size_bytes)
    return violation(
        fmt::format("has {} bytes; layout {} has {}", info.st_size, proto::kPageLayoutVersion, size_bytes));
  return {};
}

Result<void> check_header(const PageMapping& mapping, std::size_t size_bytes, PageKind kind) {
  PageHeader header;
  std::memcpy(&header, mapping.address(), sizeof header);  // the peer can still write it: look at one copy
  auto violation = [&](std::string why) {
    return Error{ErrorCode::kProtocolViolation, fmt::format("{} {}", page_name(kind), why)};
  };
  if (header.kind != kind)
    return violation(fmt::format("says it is of kind 0x{:08x}, not 0x{:08x}", static_cast<std::uint32_t>(header.kind),
                                 static_cast<std::uint32_t>(kind)));
  if (header.layout_version != proto::kPageLayoutVersion)
    return violation(
        fmt::format("has layout version {}; this build reads {}", header.layout_version, proto::kPageLayoutVersion));
  if (header.size_bytes != size_bytes)
    return violation(fmt::format("says it has {} bytes; it has {}", header.size_bytes, size_bytes));
  return {};
}

}  // namespace

Result<OwnedPageParts> create_page(std::size_t size_bytes, const char* debug_name) {
  UniqueFd fd{memfd_create(debug_name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) return system_error(fmt::format("memfd_create of '{}'", debug_name), errno);
  if (ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0)
    return system_error(fmt::format("ftruncate of '{}' to {} bytes", debug_name, size_bytes), errno);
  // Memory now, and an error if there is none: a hole would be filled at the first touch, by SIGBUS if it cannot be.
  if (fallocate(fd.get(), 0, 0, static_cast<off_t>(size_bytes)) != 0)
    return system_error(fmt::format("fallocate of '{}', {} bytes", debug_name, size_bytes), errno);
  auto mapping = map_descriptor(fd, ipc::read_write, size_bytes);
  if (!mapping) return std::move(mapping).error();
  // After mapping: FUTURE_WRITE spares the mappings that exist, so this one stays the only writable one.
  if (fcntl(fd.get(), F_ADD_SEALS, kAllSeals) != 0)
    return system_error(fmt::format("sealing of '{}' (Linux 5.1 or newer is needed)", debug_name), errno);
  return OwnedPageParts{std::move(*mapping), std::move(fd)};
}

Result<PageMapping> map_peer_page(const UniqueFd& fd, std::size_t size_bytes, PageKind kind) {
  if (auto checked = check_memfd(fd, size_bytes, page_name(kind)); !checked) return std::move(checked).error();
  auto mapping = map_descriptor(fd, ipc::read_only, size_bytes);
  if (!mapping) return std::move(mapping).error();
  if (auto checked = check_header(*mapping, size_bytes, kind); !checked) return std::move(checked).error();
  return mapping;
}

}  // namespace ferry::platform
