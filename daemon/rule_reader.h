#pragma once
// [[rule]] of the configuration as a Rule.

#include <toml++/toml.h>

#include <string>

#include "daemon/policy.h"
#include "proto/result.h"

namespace ferry::daemon {

/// kInvalidArgument names file and line: unknown keys, wrong types, users and groups that there are not, rules that
/// decide nothing.
proto::Result<Rule> read_rule(const toml::node& node, const std::string& file);

/// "render" or a number. kInvalidArgument when there is no such group.
proto::Result<gid_t> read_group(const toml::node& node, const std::string& key, const std::string& file);

}  // namespace ferry::daemon
