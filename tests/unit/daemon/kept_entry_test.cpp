#include "daemon/kept_entry.h"

#include <gtest/gtest.h>

namespace ferry::daemon {
namespace {

using proto::ErrorCode;
using proto::StreamId;

TEST(KeptName, IsReadAsItIsWritten) {
  for (const auto kind : {KeptName::Kind::kStream, KeptName::Kind::kGeneration, KeptName::Kind::kLease}) {
    const std::string text = to_string({kind, StreamId{7}, 18446744073709551615u});
    EXPECT_TRUE(is_kept_name(text));
    EXPECT_EQ(text.find(':'), std::string::npos) << "no service manager takes that";
    const auto name = parse_kept_name(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->kind, kind);
    EXPECT_EQ(name->stream, StreamId{7});
    EXPECT_EQ(name->part, 18446744073709551615u);
  }
}

TEST(KeptName, OfAnythingElseIsNone) {
  for (const char* text : {"", "ferry-", "ferry-stream-", "ferry-stream-7", "ferry-stream-7.", "ferry-stream-7.1x",
                           "ferry-stream--7.1", "ferry-lease-7.99999999999999999999", "ferry-texture-7.1", "stored"})
    EXPECT_FALSE(parse_kept_name(text)) << text;
}

std::vector<std::byte> some_generation(std::uint32_t slots) {
  kept::GenerationT about;
  about.part = std::make_unique<wire::HandBackGenerationT>();
  about.part->generation = std::make_unique<wire::GenerationT>();
  about.part->generation->slot_count = slots;
  about.part->generation->has_timeline = true;
  return encode_kept(std::move(about));
}

TEST(KeptEntry, HasTheDescriptorsThatItSpeaksOf) {
  const auto bytes = some_generation(3);
  EXPECT_TRUE(decode_kept(bytes, 4));
  for (const std::size_t fds : {0u, 3u, 5u}) {
    const auto wrong = decode_kept(bytes, fds);
    ASSERT_FALSE(wrong) << fds;
    EXPECT_EQ(wrong.error().code, ErrorCode::kProtocolViolation);
  }
}

TEST(KeptEntry, ThatSaysNothingIsRefused) {
  EXPECT_FALSE(decode_kept(encode_kept(kept::StreamT()), 2));
  EXPECT_FALSE(decode_kept(encode_kept(kept::GenerationT()), 0));
  EXPECT_FALSE(decode_kept(encode_kept(kept::LeaseT()), 1));
  EXPECT_FALSE(decode_kept(encode_kept(kept::BodyUnion()), 0));
  EXPECT_FALSE(decode_kept({}, 0));
}

TEST(KeptEntry, ThatIsCutOrChangedNeverReachesPastItsEnd) {
  const auto bytes = some_generation(3);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    (void)decode_kept(std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)), 4);
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (const int flip : {1, 0x80, 0xff}) {
      auto changed = bytes;
      changed[at] ^= static_cast<std::byte>(flip);
      (void)decode_kept(changed, 4);
    }
}

}  // namespace
}  // namespace ferry::daemon
