#pragma once
// Limits wide enough that no measurement meets them.

namespace ferry::bench {

inline constexpr const char* kWideLimits =
    "[limits]\n"
    "max_sessions = 4096\nmax_sessions_per_uid = 4096\nmax_streams = 4096\nmax_streams_per_session = 4096\n"
    "max_leases_per_session = 4096\ntexture_memory_bytes = 34359738368\ntexture_memory_bytes_per_session = "
    "34359738368\n";

}  // namespace ferry::bench
