#include "platform/parcel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/file_identity.h"
#include "platform/shared_page.h"
#include "proto/limits.h"
#include "proto/pages/lease_page.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;

std::vector<std::byte> bytes_of(std::size_t count) { return std::vector<std::byte>(count, std::byte{7}); }

TEST(Parcel, HoldsAMessageAndItsDescriptorsInTheirOrder) {
  std::vector<OwnedPage<proto::LeasePage>> pages;
  std::vector<int> fds;
  for (std::size_t i = 0; i < proto::kMaxMessageFds; ++i) {
    pages.push_back(std::move(*OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "test")));
    fds.push_back(pages.back().fd().get());
  }
  auto parcel = pack_parcel(bytes_of(proto::kMaxMessageBytes), fds);
  ASSERT_TRUE(parcel) << parcel.error().message;
  std::vector<FileIdentity> packed;
  for (const auto& page : pages) packed.push_back(*identify_file(page.fd()));
  pages.clear();  // the parcel is what keeps them
  const auto taken = unpack_parcel(*parcel);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->bytes, bytes_of(proto::kMaxMessageBytes));
  ASSERT_EQ(taken->fds.size(), packed.size());
  for (std::size_t i = 0; i < packed.size(); ++i) EXPECT_TRUE(identify_file(taken->fds[i])->same_file(packed[i])) << i;
}

TEST(Parcel, ThatIsNoneIsSaidToBeNone) {
  auto refused = [](const UniqueFd& fd) { return unpack_parcel(fd).error().code; };
  auto empty = pack_parcel(bytes_of(1), {});
  ASSERT_TRUE(unpack_parcel(*empty));
  EXPECT_EQ(refused(*empty), ErrorCode::kProtocolViolation) << "taken out already";
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd read_end{ends[0]}, write_end{ends[1]};
  EXPECT_EQ(refused(read_end), ErrorCode::kProtocolViolation);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const UniqueFd one{ends[0]}, other{ends[1]};
  EXPECT_EQ(refused(one), ErrorCode::kProtocolViolation) << "of another kind";
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const UniqueFd open_end{ends[0]}, reader{ends[1]};
  EXPECT_EQ(refused(reader), ErrorCode::kProtocolViolation) << "nothing in it: and it does not wait";
  ASSERT_TRUE(send_packet(open_end, bytes_of(1), {}));
  EXPECT_EQ(refused(reader), ErrorCode::kProtocolViolation) << "somebody could still add to it";
}

}  // namespace
}  // namespace ferry::platform
