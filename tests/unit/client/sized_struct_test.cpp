#include "client/src/sized_struct.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

/// A struct of the ABI that has grown: 16 bytes in its first version, 24 in this library's.
struct grown {
  std::uint32_t struct_size;
  std::uint32_t first;
  std::uint64_t second;
  std::uint64_t added_later;
};
template <>
inline constexpr std::size_t ferry::client::kFirstSizeBytes<grown> = 16;

namespace ferry::client {
namespace {

using proto::ErrorCode;

TEST(SizedStruct, ReadsAnOlderCallersStructAndNothingBehindIt) {
  std::array<unsigned char, sizeof(grown)> memory;
  memory.fill(0xee);  // what lies behind the caller's 16 bytes is not ours
  const std::uint32_t head[] = {16, 7};
  const std::uint64_t second = 9;
  std::memcpy(memory.data(), head, sizeof head);
  std::memcpy(memory.data() + 8, &second, sizeof second);
  const auto in = read_struct(reinterpret_cast<const grown*>(memory.data()), "grown");
  ASSERT_TRUE(in);
  EXPECT_EQ(in->first, 7u);
  EXPECT_EQ(in->second, 9u);
  EXPECT_EQ(in->added_later, 0u);
}

TEST(SizedStruct, WritesOnlyWhatAnOlderCallerHasRoomFor) {
  std::array<unsigned char, sizeof(grown)> memory;
  memory.fill(0xee);
  auto* out = reinterpret_cast<grown*>(memory.data());
  out->struct_size = 16;
  ASSERT_TRUE(check_out(out, "grown"));
  grown answer{0, 1, 2, 3};
  write_struct(out, answer);
  EXPECT_EQ(out->struct_size, 16u);
  EXPECT_EQ(out->first, 1u);
  EXPECT_EQ(out->second, 2u);
  for (std::size_t i = 16; i < memory.size(); ++i) EXPECT_EQ(memory[i], 0xee) << i;
}

TEST(SizedStruct, TakesANewerCallersStructAsLongAsNothingUnknownIsSet) {
  std::vector<unsigned char> memory(64, 0);
  const std::uint32_t head[] = {64, 7};
  std::memcpy(memory.data(), head, sizeof head);
  const auto* in = reinterpret_cast<const grown*>(memory.data());
  EXPECT_TRUE(read_struct(in, "grown"));
  memory[40] = 1;
  const auto refused = read_struct(in, "grown");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message.find("grown has a field set at byte 40"), std::string::npos) << refused.error().message;
}

TEST(SizedStruct, RefusesSizesThatNoVersionHad) {
  grown value{};
  for (const std::uint32_t size : {0u, 4u, 15u}) {
    value.struct_size = size;
    const auto in = read_struct(&value, "grown");
    ASSERT_FALSE(in) << size;
    EXPECT_EQ(in.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(in.error().message.find("is below 16"), std::string::npos) << in.error().message;
    EXPECT_FALSE(check_out(&value, "grown")) << size;
  }
  value.struct_size = 0xffffffff;  // not a struct at all: not a byte behind it is read
  EXPECT_FALSE(read_struct(&value, "grown"));
  EXPECT_FALSE(read_struct<grown>(nullptr, "grown"));
  EXPECT_FALSE(check_out<grown>(nullptr, "grown"));
}

}  // namespace
}  // namespace ferry::client
