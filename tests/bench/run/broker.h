#pragma once
// Limits wide enough that no measurement meets them.

namespace ferry::bench {

inline constexpr const char* kWideLimits = R"([limits]
max_sessions = 512
max_sessions_per_uid = 512
max_streams = 4096
max_streams_per_session = 4096
max_leases_per_session = 4096
max_descriptors = 1048576
max_descriptors_per_uid = 1048576
texture_memory_bytes = 34359738368
texture_memory_bytes_per_session = 34359738368
texture_memory_bytes_per_uid = 34359738368
)";

}  // namespace ferry::bench
