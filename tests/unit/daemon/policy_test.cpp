#include "daemon/policy.h"

#include <gtest/gtest.h>

#include "daemon/config.h"

namespace ferry::daemon {
namespace {

constexpr uid_t kBroker = 900, kAlice = 1000, kBob = 1001;

platform::PeerIdentity peer(uid_t uid, platform::PeerOrigin origin = {}, std::vector<gid_t> groups = {}) {
  platform::PeerIdentity identity;
  identity.pid = 4211;
  identity.uid = uid;
  identity.gid = static_cast<gid_t>(uid);
  identity.groups = std::move(groups);
  identity.origin = std::move(origin);
  return identity;
}

Policy policy_of(const std::string& toml) {
  auto config = parse_config(toml, "/etc/ferry/ferryd.toml");
  if (!config) throw std::runtime_error(config.error().message);
  return Policy(std::move(config->rules), kBroker);
}

bool may(const Policy& policy, const platform::PeerIdentity& who, Action action, std::string_view stream = "cam") {
  return policy.decide(who, action, stream).allowed;
}

TEST(Policy, WithoutRulesOnlyTheBrokersUserMayDoAnything) {
  const Policy policy({}, kBroker);
  EXPECT_TRUE(may(policy, peer(kBroker), Action::kProduce));
  EXPECT_TRUE(may(policy, peer(kBroker), Action::kView));
  for (const auto action : {Action::kProduce, Action::kView}) {
    EXPECT_FALSE(may(policy, peer(kAlice), action));
    EXPECT_FALSE(may(policy, peer(0), action)) << "root is another user, too";
    EXPECT_FALSE(may(policy, peer(kBroker, {"/app/bin/x", "", "org.example.Game"}), action)) << "so is a sandbox";
  }
  EXPECT_EQ(policy.decide(peer(kAlice), Action::kView, "cam").why, "no rule for uid 1000");
}

TEST(Policy, WhoMayProduceMaySeeItsOwn) {
  const Policy policy = policy_of("[[rule]]\nallow = ['produce']\nuser = 1000\n");
  const TrustDomain alice = domain_of(peer(kAlice));
  EXPECT_TRUE(policy.decide(peer(kAlice), Action::kView, "cam", &alice).allowed);
  EXPECT_FALSE(policy.decide(peer(kBob), Action::kView, "cam", &alice).allowed);
  EXPECT_FALSE(policy.decide(peer(kAlice, {"", "", "org.example.Game"}), Action::kView, "cam", &alice).allowed);
}

TEST(Policy, TheFirstRuleThatMatchesDecides) {
  const Policy policy = policy_of(R"(
[[rule]]
deny = ["view"]
streams = "cam-private-*"
[[rule]]
allow = ["view"]
streams = "cam-*"
user = 1000
)");
  EXPECT_TRUE(may(policy, peer(kAlice), Action::kView, "cam-1"));
  EXPECT_FALSE(may(policy, peer(kAlice), Action::kView, "cam-private-1"));
  EXPECT_FALSE(may(policy, peer(kBroker), Action::kView, "cam-private-1")) << "a rule beats the default";
  EXPECT_FALSE(may(policy, peer(kAlice), Action::kProduce, "cam-1"));
  EXPECT_FALSE(may(policy, peer(kBob), Action::kView, "cam-1"));
  EXPECT_EQ(policy.decide(peer(kAlice), Action::kView, "cam-1").why, "rule ferryd.toml:5");
}

TEST(Policy, KnowsGroupsExecutablesAndUnits) {
  const Policy groups = policy_of("[[rule]]\nallow = ['view']\ngroup = 44\n");
  EXPECT_TRUE(may(groups, peer(kAlice, {}, {20, 44}), Action::kView)) << "a supplementary one";
  EXPECT_TRUE(may(groups, peer(44), Action::kView)) << "its own";
  EXPECT_FALSE(may(groups, peer(kAlice, {}, {20}), Action::kView));

  const Policy programs = policy_of("[[rule]]\nallow = ['view']\nexecutable = '/usr/bin/obs'\n");
  EXPECT_TRUE(may(programs, peer(kAlice, {"/usr/bin/obs", "", ""}), Action::kView));
  EXPECT_FALSE(may(programs, peer(kAlice, {"/home/alice/obs", "", ""}), Action::kView));
  EXPECT_FALSE(may(programs, peer(kAlice, {"", "", ""}), Action::kView)) << "unknown is not allowed";

  const Policy units = policy_of("[[rule]]\nallow = ['produce']\nunit = 'render-*.service'\n");
  EXPECT_TRUE(may(units, peer(kAlice, {"", "render-1.service", ""}), Action::kProduce));
  EXPECT_FALSE(may(units, peer(kAlice, {"", "session-2.scope", ""}), Action::kProduce));
}

TEST(Policy, ASandboxIsAllowedByNameOnlyAndDeniedWithItsUser) {
  const platform::PeerOrigin game{"/app/bin/game", "app-flatpak-org.example.Game-7.scope", "org.example.Game"};
  EXPECT_FALSE(may(policy_of("[[rule]]\nallow = ['view']\nuser = 1000\n"), peer(kAlice, game), Action::kView));
  const Policy named = policy_of("[[rule]]\nallow = ['view']\nsandbox = 'org.example.*'\n");
  EXPECT_TRUE(may(named, peer(kAlice, game), Action::kView));
  EXPECT_FALSE(may(named, peer(kAlice), Action::kView)) << "nobody outside of it";
  const Policy denied = policy_of("[[rule]]\ndeny = ['view']\nuser = 1000\n[[rule]]\nallow = ['view']\nsandbox = '*'\n");
  EXPECT_FALSE(may(denied, peer(kAlice, game), Action::kView));
}

TEST(Rules, MistakesNameFileAndLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"[[rule]]\nuser = 1\n", "f.toml:1: a rule needs allow = [...] or deny = [...]"},
      {"[[rule]]\nallow = ['view']\ndeny = ['view']\n", "f.toml:3: a rule either allows or denies"},
      {"[[rule]]\nallow = ['watch']\n", "neither \"produce\" nor \"view\""},
      {"[[rule]]\nallow = []\n", "f.toml:2: allow is not a list"},
      {"[[rule]]\nallow = ['view']\nuser = 'no-such-user-here'\n", "f.toml:3: user = 'no-such-user-here' does not exist"},
      {"[[rule]]\nallow = ['view']\nuser = -1\n", "user = -1 is outside"},
      {"[[rule]]\nallow = ['view']\ngroup = 1.5\n", "group is neither a name nor a number"},
      {"[[rule]]\nallow = ['view']\ncolour = 'red'\n", "f.toml:3: unknown key 'rule.colour'"},
      {"[[rule]]\nallow = ['view']\nunit = ''\n", "f.toml:3: unit is not a text"},
      {"[rule]\nallow = ['view']\n", "write [[rule]]"},
      {"socket_group = 'no-such-group-here'\n", "f.toml:1: socket_group = 'no-such-group-here' does not exist"},
  };
  for (const auto& [text, words] : cases) {
    const auto config = parse_config(text, "f.toml");
    ASSERT_FALSE(config) << text;
    EXPECT_NE(config.error().message.find(words), std::string::npos) << config.error().message;
  }
}

TEST(Rules, UsersAndGroupsMayBeNames) {
  const auto config = parse_config("[[rule]]\nallow = ['view']\nuser = 'root'\ngroup = 'root'\n", "f.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->rules[0].user, 0u);
  EXPECT_EQ(config->rules[0].group, 0u);
}

TEST(Policy, WhoseOriginIsNotKnownIsTrustedWithNoMoreThanASandbox) {
  const auto hidden = [](uid_t uid) { return peer(uid, {"", "", platform::kUnknownSandbox}); };
  EXPECT_FALSE(may(Policy({}, kBroker), hidden(kBroker), Action::kView)) << "the broker's own user, perhaps in a sandbox";
  const Policy by_user = policy_of("[[rule]]\nallow = ['view']\nuser = 1000\n");
  EXPECT_TRUE(may(by_user, peer(kAlice), Action::kView));
  EXPECT_FALSE(may(by_user, hidden(kAlice), Action::kView));
  const Policy by_origin = policy_of(
      "[[rule]]\nallow = ['view']\nunit = '*'\n[[rule]]\nallow = ['view']\nsandbox = 'org.*'\n");
  EXPECT_FALSE(may(by_origin, hidden(kAlice), Action::kView));
  const Policy named = policy_of("[[rule]]\nallow = ['view']\nuser = 1000\nsandbox = 'unknown'\n");
  EXPECT_TRUE(may(named, hidden(kAlice), Action::kView));
  EXPECT_FALSE(may(named, hidden(kBob), Action::kView));
  const TrustDomain domain = domain_of(hidden(kAlice));
  EXPECT_FALSE(domain == domain_of(hidden(kAlice))) << "they may be in two sandboxes";
  EXPECT_FALSE(Policy({}, kBroker).decide(hidden(kAlice), Action::kView, "cam", &domain).allowed);
}

}  // namespace
}  // namespace ferry::daemon
