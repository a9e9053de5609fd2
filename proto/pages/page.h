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

inline constexpr std::uint32_t kPageLayoutVersion = 3;

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

/// Who writes a client's page: nobody else can write it (its seals), so nobody else can claim it from a new broker.
struct PageWriter {
  AtomicU32 pid;            ///< as the broker's kernel names the process (HelloReply.client_pid)
  AtomicU32 left;           ///< 1: the writer has ended the stream or the lease, broker or not
  AtomicU64 started_ticks;  ///< when it started (HelloReply.client_started); 0: not known
};
static_assert(sizeof(PageWriter) == 16);

}  // namespace ferry::proto
