#include "proto/session_state.h"

#include <gtest/gtest.h>

#include <set>

namespace ferry::proto {
namespace {

const std::set<wire::Body> kRequests{wire::Body::CreateStream,  wire::Body::Reconfigure, wire::Body::GenerationsRetired,
                                     wire::Body::ReportStarved, wire::Body::CloseStream, wire::Body::Attach,
                                     wire::Body::CancelAttach,  wire::Body::Detach,      wire::Body::QueryStatus,
                                     wire::Body::ImportFailed,  wire::Body::HandBackGeneration,
                                     wire::Body::HandBackLease, wire::Body::ReclaimStream,
                                     wire::Body::ReclaimLease};

TEST(SessionState, BeginsWithHelloAndNothingElse) {
  for (const wire::Body body : wire::EnumValuesBody()) {
    const auto next = next_state(SessionState::kGreeting, body);
    EXPECT_EQ(next.has_value(), body == wire::Body::Hello) << wire::EnumNameBody(body);
    if (next) {
      EXPECT_EQ(*next, SessionState::kReady);
    }
  }
}

TEST(SessionState, TakesEveryRequestWhenReady) {
  for (const wire::Body body : wire::EnumValuesBody()) {
    const auto next = next_state(SessionState::kReady, body);
    EXPECT_EQ(next.has_value(), kRequests.contains(body)) << wire::EnumNameBody(body);
    if (next) {
      EXPECT_EQ(*next, SessionState::kReady);
    }
  }
}

TEST(SessionState, StaysClosed) {
  for (const wire::Body body : wire::EnumValuesBody())
    EXPECT_EQ(next_state(SessionState::kClosed, body), SessionState::kClosed) << wire::EnumNameBody(body);
}

TEST(SessionState, KnowsNoOtherStateAndMessage) {
  EXPECT_FALSE(next_state(SessionState{77}, wire::Body::Hello));
  EXPECT_FALSE(next_state(SessionState::kReady, wire::Body{200}));
  EXPECT_FALSE(next_state(SessionState::kGreeting, wire::Body{200}));
}

}  // namespace
}  // namespace ferry::proto
