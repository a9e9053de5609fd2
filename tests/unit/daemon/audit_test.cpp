#include "daemon/audit.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace ferry::daemon {
namespace {

/// What the log says meanwhile.
class Audit : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = spdlog::default_logger();
    auto logger = std::make_shared<spdlog::logger>("audit", std::make_shared<spdlog::sinks::ostream_sink_st>(log_));
    logger->set_pattern("%v");
    spdlog::set_default_logger(std::move(logger));
  }
  void TearDown() override { spdlog::set_default_logger(before_); }
  std::vector<std::string> lines() const {
    std::istringstream text(log_.str());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  void refuse() { audit(peer_, Action::kView, "cam", {false, "no rule"}, refusals_); }

  platform::PeerIdentity peer_;
  std::uint64_t refusals_ = 0;

 private:
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(Audit, NumbersSayHowManyRefusalsWereLeftOut) {
  for (int i = 0; i < 100; ++i) refuse();
  const auto before_end = lines();
  ASSERT_EQ(before_end.size(), 18u) << "16, the 32nd and the 64th";
  EXPECT_EQ(before_end[15].find("left out"), std::string::npos) << before_end[15];
  EXPECT_NE(before_end[16].find(", refusal 32 of this session, 15 left out before it"), std::string::npos) << before_end[16];
  EXPECT_NE(before_end[17].find(", refusal 64 of this session, 31 left out before it"), std::string::npos) << before_end[17];
  audit_unwritten(peer_, refusals_);
  ASSERT_EQ(lines().size(), 19u);
  EXPECT_NE(lines()[18].find(": 100 in all, 36 left out after the last line"), std::string::npos) << lines()[18];
}

TEST_F(Audit, SaysNothingWhereNothingWasLeftOut) {
  audit_unwritten(peer_, 0);
  audit_unwritten(peer_, 16);
  audit_unwritten(peer_, 64);
  EXPECT_TRUE(lines().empty());
}

}  // namespace
}  // namespace ferry::daemon
