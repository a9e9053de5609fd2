#pragma once
// What the three kinds of shared page have in common: a header that says what they are, and words that two
// processes read and write without locks.
//
// RULE for kPageLayoutVersion: any change of size, offset or meaning of a field of any page raises it by one. A
// page of another version is refused when it is received, never reinterpreted.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ferry::proto {

inline constexpr std::uint32_t kPageLayoutVersion = 2;

enum class PageKind : std::uint32_t {
  kStream = 0x53595246,   // "FRYS"
  kLease = 0x4c595246,    // "FRYL"
  kVerdict = 0x56595246,  // "FRYV"
};

struct PageHeader {
  PageKind kind;
  std::uint32_t layout_version;
  std::uint64_t size_bytes;
};
static_assert(sizeof(PageHeader) == 16);

using AtomicU32 = std::atomic<std::uint32_t>;
using AtomicU64 = std::atomic<std::uint64_t>;
static_assert(AtomicU32::is_always_lock_free && AtomicU64::is_always_lock_free);
static_assert(sizeof(AtomicU32) == 4 && sizeof(AtomicU64) == 8);

inline constexpr std::size_t kCacheLine = 64;

}  // namespace ferry::proto
