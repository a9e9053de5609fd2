#pragma once
// What an administrator can set: one TOML file, every value checked against its range.
//
//   socket = "/run/ferry/ferryd.sock"   # the command line's --socket beats it
//   device = "0"                        # device UUID, index or part of the name
//   log_level = "info"                  # trace, debug, info, warn, error
//   socket_group = "ferry"              # its members may connect, too; what they may do is for the rules to say
//   [limits]                            # the members of Limits, by the same names
//   max_streams = 1024
//   [[rule]]                            # daemon/policy.h; the first that matches decides
//   allow = ["view"]
//   streams = "cam-*"
//   user = "alice"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/policy.h"
#include "proto/limits.h"
#include "proto/result.h"

namespace ferry::daemon {

/// Every refusal with kLimitExceeded names one of these. Ranges: kLimitRules in config.cpp.
struct Limits {
  std::uint64_t max_sessions = 1024;         ///< connections at once
  std::uint64_t max_sessions_per_uid = 256;  ///< of one user: matters to a system-wide broker
  std::uint64_t max_streams = 1024;          ///< streams at once, all producers together
  std::uint64_t max_streams_per_session = 128;
  std::uint64_t max_leases_per_session = 256;  ///< attachments of one session that wait for a stream count, too
  std::uint64_t max_leases_per_stream = proto::kMaxLeases;
  std::uint64_t max_slots = proto::kMaxSlots;  ///< slots of a generation, however many consumers there are
  std::uint64_t max_extent_px = 16384;  ///< either side of an image
  std::uint64_t texture_memory_bytes = std::uint64_t{4} << 30;              ///< all generations of all streams
  std::uint64_t texture_memory_bytes_per_session = std::uint64_t{2} << 30;  ///< what one session's streams were given
  /// Of all sessions of one user. 0: the whole for the broker's own user, half of it for every other.
  std::uint64_t texture_memory_bytes_per_uid = 0;
  std::uint64_t max_descriptors = 65536;          ///< of pages, slots, timelines; less where RLIMIT_NOFILE is
  std::uint64_t max_descriptors_per_uid = 0;      ///< as texture_memory_bytes_per_uid
  std::uint64_t max_outbox_messages = 256;    ///< unread by a peer: it is dropped beyond them
  /// What the broker keeps in its own memory for peers: messages that they have not read, requests that wait, and what leases
  /// were asked for with. All together, and for one user.
  std::uint64_t message_memory_bytes = std::uint64_t{256} << 20;
  std::uint64_t message_memory_bytes_per_uid = std::uint64_t{64} << 20;
  std::uint64_t greeting_timeout_ms = 5000;   ///< from connect to Hello
  std::uint64_t reclaim_grace_ms = 3000;      ///< how long a new broker waits for what nobody has claimed back
  std::uint64_t eviction_deadline_ms = 2000;  ///< a consumer in a starved producer's way may stand still so long
};

struct Config {
  std::string socket_path;  ///< empty: platform::default_socket_path()
  std::string device;       ///< empty: the first real GPU
  std::string log_level = "info";
  std::optional<gid_t> socket_group;
  Limits limits;
  std::vector<Rule> rules;
};

/// kInvalidArgument "FILE:LINE: limits.max_slots = 99 is outside 3 to 64", and the like for unknown keys, wrong types
/// and bad syntax. @p file is for messages only.
proto::Result<Config> parse_config(std::string_view text, const std::string& file);

/// kNotFound when there is no such file.
proto::Result<Config> load_config(const std::string& file);

/// The first of $XDG_CONFIG_HOME/ferry/ferryd.toml (or ~/.config/...) and /etc/ferry/ferryd.toml that exists, or "".
std::string default_config_file();

bool is_log_level(std::string_view name);

}  // namespace ferry::daemon
