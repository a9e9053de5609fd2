// Processes of other users, in units and sandboxes of their own, as the kernel tells the broker of them. Only root can
// become somebody else.

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;

constexpr uid_t kAlice = 47'110, kBob = 47'111;
constexpr gid_t kAlicesGroup = 47'120, kBobsGroup = 47'121, kFilms = 47'130;

/// A cgroup whose name is that of a unit of systemd's.
class UnitFolder {
 public:
  explicit UnitFolder(const std::string& unit) {
    for (const char* hierarchy : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd"}) {
      const std::string folder = fmt::format("{}/{}", hierarchy, unit);
      if (access(fmt::format("{}/cgroup.procs", hierarchy).c_str(), W_OK) != 0 || mkdir(folder.c_str(), 0755) != 0) continue;
      folder_ = folder;
      processes_ = folder + "/cgroup.procs";
      return;
    }
  }
  ~UnitFolder() {
    if (!folder_.empty()) rmdir(folder_.c_str());
  }
  UnitFolder(const UnitFolder&) = delete;
  UnitFolder& operator=(const UnitFolder&) = delete;

  bool exists() const { return !folder_.empty(); }
  /// Allocates nothing.
  bool enter() const {
    const int file = open(processes_.c_str(), O_WRONLY | O_CLOEXEC);
    return file >= 0 && write(file, "0", 1) == 1;
  }

 private:
  std::string folder_, processes_;
};

class Users : public BrokerTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become other users";
    logger_before_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("users", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
  }
  void TearDown() override {
    if (!logger_before_) return;
    broker.reset();  // its thread logs
    spdlog::set_default_logger(logger_before_);
  }
  void start_with(const std::string& rules) {
    auto config = parse_config(rules, "test.toml");
    ASSERT_TRUE(config) << config.error().message;
    start({}, true, Policy(std::move(config->rules), geteuid()));
    // Who may connect is not what is tested here.
    namespace fs = std::filesystem;
    const fs::path socket = broker->socket();
    fs::permissions(socket, fs::perms::all);
    fs::permissions(socket.parent_path(), fs::perms::owner_all | fs::perms::others_exec | fs::perms::group_exec);
  }
  static bool become(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
    return setgroups(groups.size(), groups.data()) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
  }
  std::unique_ptr<StandIn> user(uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
    auto process = std::make_unique<StandIn>(broker->socket(), [&] { return become(uid, gid, groups); });
    process->client().greet("stranger");
    return process;
  }
  std::unique_ptr<StandIn> alice(std::vector<gid_t> groups = {}) { return user(kAlice, kAlicesGroup, std::move(groups)); }
  std::unique_ptr<StandIn> bob() { return user(kBob, kBobsGroup); }

  void expect_refused(RawClient& client, Action action, const char* stream = "cam") {
    if (action == Action::kView) {
      RawConsumer consumer(client, device(), stream);
      consumer.send();
    } else {
      RawProducer another(client, device(), stream);
      const int page = another.page.fd().get();
      client.send(another.request, {&page, 1});
    }
    client.expect_refused(ErrorCode::kPermissionDenied);
  }
  void expect_sees(RawClient& client, const char* stream = "cam") {
    RawConsumer consumer(client, device(), stream);
    consumer.attach();
    EXPECT_TRUE(consumer.attached.completed_only) << "it is another trust domain's";
    consumer.detach();
  }
  void expect_logged(const std::string& line) {
    broker->on_loop([&] { EXPECT_NE(log_.str().find(line), std::string::npos) << line << "\nin:\n" << log_.str(); });
  }
  /// Root's, which the broker's is.
  void create_cam() {
    owner = std::make_unique<RawClient>(connect("owner"));
    producer = std::make_unique<RawProducer>(*owner, device(), "cam");
    producer->create();
  }
  std::vector<std::string> streams_seen_by(RawClient& client) {
    client.send(wire::QueryStatusT{});
    std::vector<std::string> names;
    for (const auto& stream : client.expect<wire::StatusReplyT>().first.streams) names.push_back(stream->name);
    return names;
  }

  std::unique_ptr<RawClient> owner;
  std::unique_ptr<RawProducer> producer;

 private:
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> logger_before_;
};

TEST_F(Users, AreRefusedWithoutARuleAndTheLogSaysWho) {
  start_with("");
  create_cam();
  const auto process = alice();
  expect_refused(process->client(), Action::kView);
  expect_refused(process->client(), Action::kProduce, "mine");
  EXPECT_TRUE(streams_seen_by(process->client()).empty());
  for (const char* what : {"view 'cam'", "produce 'mine'"})
    expect_logged(fmt::format("audit: refused {} pid={} uid={} gid={} exe='{}'", what, process->pid(), kAlice, kAlicesGroup,
                              std::filesystem::read_symlink("/proc/self/exe").string()));
  expect_logged(fmt::format("no rule for uid {}", kAlice));
}

TEST_F(Users, AreToldApartByUser) {
  start_with(fmt::format("[[rule]]\nallow = ['view']\nuser = {}\n", kAlice));
  create_cam();
  const auto one = alice(), other = bob();
  expect_sees(one->client());
  expect_refused(one->client(), Action::kProduce, "mine");
  expect_refused(other->client(), Action::kView);
  EXPECT_EQ(streams_seen_by(one->client()), std::vector<std::string>{"cam"});
  EXPECT_TRUE(streams_seen_by(other->client()).empty());
  expect_logged(fmt::format("audit: granted view 'cam' pid={} uid={} gid={}", one->pid(), kAlice, kAlicesGroup));
  expect_logged("by rule test.toml:1");
  expect_logged(fmt::format("audit: refused view 'cam' pid={} uid={} gid={}", other->pid(), kBob, kBobsGroup));
}

TEST_F(Users, AreToldApartByTheirGroups) {
  start_with(fmt::format("[[rule]]\nallow = ['view']\ngroup = {}\n[[rule]]\nallow = ['view']\ngroup = {}\nstreams = 'films'\n",
                         kBobsGroup, kFilms));
  create_cam();
  RawProducer films(*owner, device(), "films");
  films.create();
  const auto member = alice({kFilms}), stranger = alice(), of_group = bob();
  expect_sees(of_group->client());
  expect_sees(member->client(), "films");
  expect_refused(member->client(), Action::kView);
  expect_refused(stranger->client(), Action::kView, "films");
}

TEST_F(Users, AreToldApartByTheirProgram) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  start_with(fmt::format("[[rule]]\nallow = ['view']\nuser = {}\nexecutable = '{}'\n[[rule]]\nallow = ['view']\nuser = {}\n"
                         "executable = '/usr/bin/obs'\n",
                         kAlice, program, kBob));
  create_cam();
  expect_sees(alice()->client());
  expect_refused(bob()->client(), Action::kView);
}

TEST_F(Users, SeeTheirOwnStreamsAndNoOthers) {
  start_with("[[rule]]\nallow = ['produce']\n");
  const auto one = alice(), other = bob();
  RawProducer own(one->client(), device(), "of-alice");
  own.create();
  const auto again = alice();
  RawConsumer consumer(again->client(), device(), "of-alice");
  consumer.attach();
  EXPECT_FALSE(consumer.attached.completed_only) << "one trust domain";
  EXPECT_TRUE(consumer.attached.has_release_timeline);
  expect_refused(other->client(), Action::kView, "of-alice");
  RawProducer thief(other->client(), device(), "of-alice");
  const int page = thief.page.fd().get();
  other->client().send(thief.request, {&page, 1});
  other->client().expect_refused(ErrorCode::kPermissionDenied);
  EXPECT_TRUE(streams_seen_by(other->client()).empty());
}

TEST_F(Users, AreToldApartByTheirUnit) {
  const UnitFolder unit("ferry-test-recorder.service");
  if (!unit.exists()) GTEST_SKIP() << "no cgroup can be made here";
  start_with(fmt::format("[[rule]]\nallow = ['view']\nuser = {}\nunit = 'ferry-test-*.service'\n", kAlice));
  create_cam();
  StandIn inside(broker->socket(), [&] { return unit.enter() && become(kAlice, kAlicesGroup, {}); });
  inside.client().greet("recorder");
  expect_sees(inside.client());
  expect_logged("unit='ferry-test-recorder.service'");
  expect_refused(alice()->client(), Action::kView);
}

TEST_F(Users, InAUnitOfFlatpaksAreInASandbox) {
  const UnitFolder unit("app-flatpak-org.example.Game-1.scope");
  if (!unit.exists()) GTEST_SKIP() << "no cgroup can be made here";
  start_with(fmt::format("[[rule]]\nallow = ['view']\nsandbox = 'org.example.Game'\nstreams = 'cam'\n"
                         "[[rule]]\nallow = ['view', 'produce']\nuser = {}\n",
                         kAlice));
  create_cam();
  RawProducer films(*owner, device(), "films");
  films.create();
  StandIn inside(broker->socket(), [&] { return unit.enter() && become(kAlice, kAlicesGroup, {}); });
  inside.client().greet("game");
  expect_sees(inside.client());
  expect_refused(inside.client(), Action::kView, "films");  // what its user may does not reach in
  expect_refused(inside.client(), Action::kProduce, "mine");
  expect_logged("sandbox='org.example.Game'");
  expect_sees(alice()->client(), "films");
}

TEST_F(Users, WithFlatpaksFileAtTheirRootAreInASandbox) {
  start_with(fmt::format("[[rule]]\nallow = ['view']\nuser = {}\n", kAlice));
  create_cam();
  const std::string root = std::filesystem::path(broker->socket()).parent_path().string();
  ferry::test::write_file(root + "/.flatpak-info", "[Application]\nname=org.example.Game\n");
  StandIn inside("/ferryd.sock", [&] { return chroot(root.c_str()) == 0 && chdir("/") == 0 && become(kAlice, kAlicesGroup, {}); });
  inside.client().greet("game");
  expect_refused(inside.client(), Action::kView);
  expect_logged("sandbox='org.example.Game'");
  expect_sees(alice()->client());
}

}  // namespace
}  // namespace ferry::daemon::test
