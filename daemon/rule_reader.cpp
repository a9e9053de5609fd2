#include "daemon/rule_reader.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <filesystem>
#include <limits>

#include "proto/names.h"

namespace ferry::daemon {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

Error error_at(const toml::node& node, const std::string& file, std::string what) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", file, node.source().begin.line, what)};
}

/// A number as it is, a name by @p find.
template <class Find>
Result<std::uint32_t> read_id(const toml::node& node, const std::string& key, const std::string& file, Find find) {
  if (const auto number = node.value_exact<std::int64_t>()) {
    // The highest one is the kernel's word for "nobody".
    if (*number < 0 || *number >= std::numeric_limits<std::uint32_t>::max())
      return error_at(node, file, fmt::format("{} = {} is outside 0 to 4294967294", key, *number));
    return static_cast<std::uint32_t>(*number);
  }
  const auto name = node.value_exact<std::string>();
  if (!name) return error_at(node, file, fmt::format("{} is neither a name nor a number", key));
  if (const auto id = find(name->c_str())) return *id;
  return error_at(node, file, fmt::format("{} = '{}' does not exist here", key, proto::printable(*name, 64)));
}

std::optional<std::uint32_t> find_user(const char* name) {
  const passwd* entry = getpwnam(name);
  return entry != nullptr ? std::optional<std::uint32_t>{entry->pw_uid} : std::nullopt;
}

std::optional<std::uint32_t> find_group(const char* name) {
  const group* entry = getgrnam(name);
  return entry != nullptr ? std::optional<std::uint32_t>{entry->gr_gid} : std::nullopt;
}

Result<std::string> read_text(const toml::node& node, std::string_view key, const std::string& file) {
  const auto text = node.value_exact<std::string>();
  if (!text || text->empty()) return error_at(node, file, fmt::format("{} is not a text", key));
  return *text;
}

Result<void> read_actions(const toml::node& node, std::string_view key, const std::string& file, Rule& rule) {
  const auto* list = node.as_array();
  if (list == nullptr || list->empty())
    return error_at(node, file, fmt::format("{} is not a list of \"produce\" and \"view\"", key));
  if (rule.produce || rule.view) return error_at(node, file, "a rule either allows or denies");
  rule.allow = key == "allow";
  for (const auto& entry : *list) {
    const auto action = entry.value_exact<std::string>();
    if (action == "produce")
      rule.produce = true;
    else if (action == "view")
      rule.view = true;
    else
      return error_at(entry, file, fmt::format("{} has something that is neither \"produce\" nor \"view\"", key));
  }
  return {};
}

Result<void> read_key(std::string_view key, const toml::node& node, const std::string& file, Rule& rule) {
  if (key == "allow" || key == "deny") return read_actions(node, key, file, rule);
  if (key == "user") {
    auto user = read_id(node, "user", file, find_user);
    if (!user) return std::move(user).error();
    rule.user = *user;
    return {};
  }
  if (key == "group") {
    auto group = read_group(node, "group", file);
    if (!group) return std::move(group).error();
    rule.group = *group;
    return {};
  }
  for (auto [name, member] : {std::pair{"executable", &Rule::executable}, {"unit", &Rule::unit}, {"sandbox", &Rule::sandbox}})
    if (key == name) {
      auto text = read_text(node, key, file);
      if (!text) return std::move(text).error();
      rule.*member = std::move(*text);
      return {};
    }
  if (key == "streams") {
    auto text = read_text(node, key, file);
    if (!text) return std::move(text).error();
    rule.streams = std::move(*text);
    return {};
  }
  return error_at(node, file, fmt::format("unknown key 'rule.{}'", proto::printable(key, 64)));
}

}  // namespace

Result<gid_t> read_group(const toml::node& node, const std::string& key, const std::string& file) {
  return read_id(node, key, file, find_group);
}

Result<Rule> read_rule(const toml::node& node, const std::string& file) {
  const auto* table = node.as_table();
  if (table == nullptr) return error_at(node, file, "rule is not a table: write [[rule]]");
  Rule rule;
  for (const auto& [key, value] : *table)
    if (auto done = read_key(key.str(), value, file, rule); !done) return std::move(done).error();
  if (!rule.produce && !rule.view) return error_at(node, file, "a rule needs allow = [...] or deny = [...]");
  rule.where = fmt::format("{}:{}", std::filesystem::path(file).filename().string(), node.source().begin.line);
  return rule;
}

}  // namespace ferry::daemon
