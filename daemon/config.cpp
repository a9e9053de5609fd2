#include "daemon/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/rule_reader.h"
#include "proto/names.h"

namespace ferry::daemon {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

struct LimitRule {
  std::string_view key;
  std::uint64_t Limits::*value;
  std::uint64_t min, max;
};

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;

constexpr std::array kLimitRules{
    LimitRule{"max_sessions", &Limits::max_sessions, 1, 65536},
    LimitRule{"max_sessions_per_uid", &Limits::max_sessions_per_uid, 1, 65536},
    LimitRule{"max_streams", &Limits::max_streams, 1, 65536},
    LimitRule{"max_streams_per_session", &Limits::max_streams_per_session, 1, 65536},
    LimitRule{"max_leases_per_session", &Limits::max_leases_per_session, 1, 65536},
    LimitRule{"max_leases_per_stream", &Limits::max_leases_per_stream, 1, proto::kMaxLeases},
    LimitRule{"max_slots", &Limits::max_slots, proto::kMinSlots, proto::kMaxSlots},
    LimitRule{"max_extent_px", &Limits::max_extent_px, 1, proto::kMaxExtentPx},
    LimitRule{"texture_memory_bytes", &Limits::texture_memory_bytes, kMiB, 16 * kTiB},
    LimitRule{"texture_memory_bytes_per_session", &Limits::texture_memory_bytes_per_session, kMiB, 16 * kTiB},
    LimitRule{"texture_memory_bytes_per_uid", &Limits::texture_memory_bytes_per_uid, kMiB, 16 * kTiB},
    LimitRule{"max_descriptors", &Limits::max_descriptors, 64, 1 << 20},
    LimitRule{"max_descriptors_per_uid", &Limits::max_descriptors_per_uid, 16, 1 << 20},
    LimitRule{"max_outbox_messages", &Limits::max_outbox_messages, 16, 4096},
    LimitRule{"message_memory_bytes", &Limits::message_memory_bytes, kMiB, kTiB},
    LimitRule{"message_memory_bytes_per_uid", &Limits::message_memory_bytes_per_uid, kMiB, kTiB},
    LimitRule{"greeting_timeout_ms", &Limits::greeting_timeout_ms, 100, 600'000},
    LimitRule{"reclaim_grace_ms", &Limits::reclaim_grace_ms, 100, 600'000},
    LimitRule{"eviction_deadline_ms", &Limits::eviction_deadline_ms, 100, 600'000},
};

constexpr std::array<std::string_view, 5> kLogLevels{"trace", "debug", "info", "warn", "error"};

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Result<Config> read(const toml::table& root) {
    Config config;
    for (const auto& [key, node] : root) {
      auto done = read_top(key.str(), node, config);
      if (!done) return std::move(done).error();
    }
    return config;
  }

 private:
  Result<void> read_top(std::string_view key, const toml::node& node, Config& config) {
    if (key == "socket") return read_text("socket", node, config.socket_path);
    if (key == "device") return read_text("device", node, config.device);
    if (key == "log_level") {
      auto done = read_text("log_level", node, config.log_level);
      if (done && !is_log_level(config.log_level))
        return error(node, fmt::format("log_level = '{}' is none of {}", proto::printable(config.log_level, 32),
                                       fmt::join(kLogLevels, ", ")));
      return done;
    }
    if (key == "limits") {
      const auto* table = node.as_table();
      if (table == nullptr) return error(node, "limits is not a table");
      for (const auto& [limit, value] : *table)
        if (auto done = read_limit(limit.str(), value, config.limits); !done) return done;
      return {};
    }
    if (key == "socket_group") {
      auto group = read_group(node, "socket_group", file_);
      if (!group) return std::move(group).error();
      config.socket_group = *group;
      return {};
    }
    if (key == "rule") return read_rules(node, config.rules);
    return error(node, fmt::format("unknown key '{}'", proto::printable(key, 64)));
  }

  Result<void> read_rules(const toml::node& node, std::vector<Rule>& out) {
    const auto* list = node.as_array();
    if (list == nullptr) return error(node, "rule is not a list of tables: write [[rule]]");
    for (const auto& entry : *list) {
      auto rule = read_rule(entry, file_);
      if (!rule) return std::move(rule).error();
      out.push_back(std::move(*rule));
    }
    return {};
  }

  Result<void> read_text(std::string_view key, const toml::node& node, std::string& out) {
    const auto text = node.value_exact<std::string>();
    if (!text) return error(node, fmt::format("{} is not a string", key));
    out = *text;
    return {};
  }

  Result<void> read_limit(std::string_view key, const toml::node& node, Limits& limits) {
    const auto* rule =
        std::find_if(kLimitRules.begin(), kLimitRules.end(), [&](const auto& r) { return r.key == key; });
    if (rule == kLimitRules.end())
      return error(node, fmt::format("unknown key 'limits.{}'", proto::printable(key, 64)));
    const auto value = node.value_exact<std::int64_t>();
    if (!value) return error(node, fmt::format("limits.{} is not an integer", key));
    if (*value < 0 || static_cast<std::uint64_t>(*value) < rule->min || static_cast<std::uint64_t>(*value) > rule->max)
      return error(node, fmt::format("limits.{} = {} is outside {} to {}", key, *value, rule->min, rule->max));
    limits.*rule->value = static_cast<std::uint64_t>(*value);
    return {};
  }

  Error error(const toml::node& node, std::string what) const {
    return {ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file_, node.source().begin.line, what)};
  }

  const std::string& file_;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

bool is_log_level(std::string_view name) {
  return std::find(kLogLevels.begin(), kLogLevels.end(), name) != kLogLevels.end();
}

Result<Config> parse_config(std::string_view text, const std::string& file) try {
  const toml::table root = toml::parse(text, file);
  return Reader(file).read(root);
} catch (const toml::parse_error& error) {
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}:{}: {}", file, error.source().begin.line, proto::printable(error.description()))};
}

Result<Config> load_config(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    const int code = errno;
    return Error{code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kSystem,
                 fmt::format("configuration file '{}': {}", file, std::strerror(code))};
  }
  std::ostringstream text;
  text << stream.rdbuf();
  if (stream.bad()) return Error{ErrorCode::kSystem, fmt::format("configuration file '{}' cannot be read", file)};
  return parse_config(text.str(), file);
}

std::string default_config_file() {
  const std::string config_home = environment("XDG_CONFIG_HOME");
  const std::string home = environment("HOME");
  std::string own;
  if (!config_home.empty())
    own = config_home + "/ferry/ferryd.toml";
  else if (!home.empty())
    own = home + "/.config/ferry/ferryd.toml";
  std::error_code ignored;
  for (const std::string& file : {own, std::string{"/etc/ferry/ferryd.toml"}})
    if (!file.empty() && std::filesystem::exists(file, ignored)) return file;
  return {};
}

}  // namespace ferry::daemon
