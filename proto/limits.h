#pragma once
// Hard limits: they size the shared pages and the messages, so a change of any is a new layout or protocol
// version. The broker's *configurable* limits (daemon/config.h) lie within these.

#include <cstddef>
#include <cstdint>

namespace ferry::proto {

inline constexpr std::uint16_t kProtocolVersionMin = 1;
inline constexpr std::uint16_t kProtocolVersionMax = 1;

inline constexpr std::uint32_t kMaxSlots = 64;            ///< slots of a generation
inline constexpr std::uint32_t kMinSlots = 3;             ///< one on show, one complete, one being drawn
inline constexpr std::uint32_t kMaxLeases = 256;          ///< leases of a stream
inline constexpr std::uint32_t kRingFrames = 64;          ///< frame records a stream page remembers; a power of two
inline constexpr std::uint32_t kMaxDamageRects = 8;       ///< more damage than this is the whole frame
inline constexpr std::uint32_t kMaxUserBytes = 128;       ///< the application's own bytes in a frame
inline constexpr std::uint32_t kMaxHolds = 16;            ///< frames one consumer may hold at once
inline constexpr std::uint32_t kMaxFramesInFlight = 8;    ///< slots one producer may have begun at once
inline constexpr std::uint32_t kMaxQueueDepth = 32;       ///< frames an `every` consumer may leave unread
inline constexpr std::uint32_t kMaxExtentPx = 32768;      ///< either side of an image; the driver's limit may be lower
inline constexpr std::size_t kMaxNameBytes = 128;         ///< a stream's name, UTF-8, no control characters
inline constexpr std::size_t kMaxApplicationBytes = 64;   ///< what a client calls itself
inline constexpr std::size_t kMaxMessageBytes = 64 * 1024;
inline constexpr std::size_t kMaxMessageFds = kMaxSlots + 8;  ///< the kernel's own limit is 253 (SCM_MAX_FD)

}  // namespace ferry::proto
