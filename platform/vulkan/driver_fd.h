#pragma once
// Descriptors on their way into a driver. Drivers read, map and close what they get with little checking: a pipe makes
// one hang, a memfd that is too short kills the process later. So nothing gets there unlooked at.

#include <cstdint>

#include "platform/texture.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// kProtocolViolation unless a driver may be given @p fd: shared memory or a dma-buf of at least @p min_size_bytes, or
/// a handle of the driver's own kind (character device, anonymous inode), which has no size and which only drivers of
/// hardware can tell from any other. @p software: the driver would read from whatever it gets.
proto::Result<void> check_driver_fd(const UniqueFd& fd, std::uint64_t min_size_bytes, bool software);

/// kProtocolViolation unless @p fd is a memfd of exactly @p size_bytes that is sealed against shrinking and growing:
/// what a driver is given an address in, and would take a SIGBUS for if somebody truncated it.
proto::Result<void> check_sealed_memory(const UniqueFd& fd, std::uint64_t size_bytes);

/// kProtocolViolation unless @p fd is a dma-buf and check_planes() has nothing against it. A driver takes a plain memfd for
/// one without looking, and reads on past its end.
proto::Result<void> check_dma_buf(const UniqueFd& fd, const TextureDesc& desc, const TextureLayout& layout);
/// kProtocolViolation unless a dma-buf of @p size_bytes has the size that @p layout says, with its planes inside, and in
/// LINEAR every pixel where one may be: at a multiple of its size.
proto::Result<void> check_planes(const TextureDesc& desc, const TextureLayout& layout, std::uint64_t size_bytes);
proto::Result<std::uint64_t> dma_buf_size_bytes(const UniqueFd& fd);

/// A descriptor for the driver to swallow. Of shared memory it is a new open file description: Mesa's software
/// driver seeks and reads, and a mere duplicate shares its position with every process that imports the same slot.
proto::Result<UniqueFd> driver_copy(const UniqueFd& fd);

/// What to do with the number of a driver_copy() after a failed import. The specification leaves it to the caller, but
/// the software drivers (Mesa up to 25, SwiftShader) have closed it already, and by now it may be another thread's
/// file. A leaked number is the lesser evil, so those keep it.
void settle_failed_import(int driver_fd, bool software);

}  // namespace ferry::platform
