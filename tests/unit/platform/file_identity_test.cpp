#include "platform/file_identity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "platform/shared_page.h"
#include "proto/pages/lease_page.h"

namespace ferry::platform {
namespace {

OwnedPage<proto::LeasePage> make_page() {
  auto page = OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "ferry-test");
  EXPECT_TRUE(page.ok());
  return std::move(*page);
}

TEST(FileIdentity, IsTheSameForDescriptorsOfOnePageOnly) {
  const auto page = make_page(), other = make_page();
  const auto identity = identify_file(page.fd()), of_duplicate = identify_file(page.fd().duplicate()),
             of_other = identify_file(other.fd());
  ASSERT_TRUE(identity && of_duplicate && of_other);
  EXPECT_TRUE(identity->same_file(*of_duplicate));
  EXPECT_FALSE(identity->same_file(*of_other));
}

TEST(FileIdentity, NamesWhoMadeAMemfd) {
  const auto identity = identify_file(make_page().fd());
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->owner, geteuid());
}

TEST(FileIdentity, NeedsADescriptor) { EXPECT_FALSE(identify_file(UniqueFd{}).ok()); }

}  // namespace
}  // namespace ferry::platform
