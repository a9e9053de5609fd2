#include "client/src/wire_convert.h"

#include <gtest/gtest.h>

#include <cstring>

#include "proto/limits.h"
#include "proto/usage.h"

namespace ferry::client {
namespace {

using proto::ErrorCode;

ferry_image_desc image(std::uint32_t width_px, std::uint32_t height_px, std::uint32_t format = FERRY_FORMAT_RGBA8_UNORM) {
  ferry_image_desc desc = FERRY_IMAGE_DESC_INIT;
  desc.width_px = width_px;
  desc.height_px = height_px;
  desc.format = format;
  return desc;
}

template <class T>
void expect_refused(const proto::Result<T>& result, ErrorCode code, const char* text) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_NE(result.error().message.find(text), std::string::npos) << result.error().message;
}

TEST(WireConvert, ImageKeepsEveryField) {
  ferry_image_desc in = image(67, 3, FERRY_FORMAT_BGRA8_SRGB);
  in.usage = FERRY_USAGE_STORAGE;
  in.flags = FERRY_IMAGE_SRGB_VIEWS;
  in.primaries = FERRY_PRIMARIES_BT2020;
  in.transfer = FERRY_TRANSFER_HLG;
  in.range = FERRY_RANGE_LIMITED;
  in.alpha = FERRY_ALPHA_STRAIGHT;
  const auto out = to_wire(in);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->width_px, 67u);
  EXPECT_EQ(out->height_px, 3u);
  EXPECT_EQ(out->format, FERRY_FORMAT_BGRA8_SRGB);
  EXPECT_EQ(out->flags, static_cast<std::uint32_t>(FERRY_IMAGE_SRGB_VIEWS));
  EXPECT_EQ(out->primaries, FERRY_PRIMARIES_BT2020);
  EXPECT_EQ(out->transfer, FERRY_TRANSFER_HLG);
  EXPECT_EQ(out->range, FERRY_RANGE_LIMITED);
  EXPECT_EQ(out->alpha, FERRY_ALPHA_STRAIGHT);
  EXPECT_TRUE(out->usage & FERRY_USAGE_STORAGE);
  EXPECT_TRUE(out->usage & FERRY_USAGE_SAMPLE) << "consumers can always sample";
  EXPECT_TRUE(to_wire(image(1, 1))->usage & FERRY_USAGE_RENDER) << "0 means RENDER";
  for (const std::uint32_t yuv : {FERRY_FORMAT_NV12, FERRY_FORMAT_P010})
    EXPECT_EQ(to_wire(image(2, 2, yuv))->usage, proto::kUsageAlways) << "and of YUV what is always granted";
}

TEST(WireConvert, ImageOutsideItsLimitsNamesValueAndLimit) {
  expect_refused(to_wire(image(0, 1)), ErrorCode::kInvalidArgument, "width_px 0 is outside 1 to 32768");
  expect_refused(to_wire(image(1, 32769)), ErrorCode::kInvalidArgument, "height_px 32769 is outside 1 to 32768");
  expect_refused(to_wire(image(1, 1, 0)), ErrorCode::kInvalidArgument, "format 0 is none of");
  expect_refused(to_wire(image(1, 1, 99)), ErrorCode::kInvalidArgument, "format 99 is none of");
  ferry_image_desc odd = image(1, 1);
  odd.usage = 1u << 31;
  expect_refused(to_wire(odd), ErrorCode::kInvalidArgument, "usage 0x80000000");
  odd = image(1, 1);
  odd.flags = 0x100;
  expect_refused(to_wire(odd), ErrorCode::kInvalidArgument, "flags 0x100");
  odd = image(1, 1);
  odd.reserved = 1;
  expect_refused(to_wire(odd), ErrorCode::kUnsupported, "reserved");
  odd = image(1, 1);
  odd.transfer = 5;
  expect_refused(to_wire(odd), ErrorCode::kInvalidArgument, "image transfer 5 exceeds the limit 4");
}

TEST(WireConvert, MetadataComesBackAsItWent) {
  ferry_frame_metadata in{};
  in.struct_size = sizeof in;
  in.orientation = FERRY_ORIENTATION_ROTATED_90;
  in.alpha = FERRY_ALPHA_STRAIGHT;
  in.primaries = FERRY_PRIMARIES_BT2020;
  in.transfer = FERRY_TRANSFER_PQ;
  in.range = FERRY_RANGE_LIMITED;
  in.present_ns = 0x0123456789abcdef;
  in.crop = {1, 2, 30, 40};
  in.damage_count = FERRY_MAX_DAMAGE_RECTS;
  for (std::uint32_t i = 0; i < FERRY_MAX_DAMAGE_RECTS; ++i) in.damage[i] = {i, i + 1, i + 2, i + 3};
  float next = 0.5F;
  for (float* xy : {in.red_xy, in.green_xy, in.blue_xy, in.white_xy}) xy[0] = next++, xy[1] = next++;
  in.max_luminance = next++;
  in.min_luminance = next++;
  in.max_content_light = next++;
  in.max_frame_average_light = next++;
  in.user_size_bytes = FERRY_MAX_USER_BYTES;
  for (std::uint32_t i = 0; i < FERRY_MAX_USER_BYTES; ++i) in.user[i] = static_cast<std::uint8_t>(i * 7);

  proto::FrameRecord record{};
  record.sequence = record.generation = 1;
  ASSERT_TRUE(apply_metadata(in, 64, 64, record));
  ferry_frame_metadata out;
  fill_metadata(record, out);
  EXPECT_EQ(std::memcmp(&in, &out, sizeof in), 0);
}

TEST(WireConvert, MetadataOutsideItsLimitsIsRefused) {
  proto::FrameRecord record{};
  record.sequence = record.generation = 1;
  auto with = [](auto change) {
    ferry_frame_metadata m{};
    m.struct_size = sizeof m;
    change(m);
    return m;
  };
  const struct {
    ferry_frame_metadata metadata;
    ErrorCode code;
    const char* text;
  } cases[] = {
      {with([](auto& m) { m.orientation = 9; }), ErrorCode::kInvalidArgument, "orientation 9 exceeds the limit 8"},
      {with([](auto& m) { m.alpha = 3; }), ErrorCode::kInvalidArgument, "alpha 3"},
      {with([](auto& m) { m.primaries = 3; }), ErrorCode::kInvalidArgument, "primaries 3"},
      {with([](auto& m) { m.transfer = 5; }), ErrorCode::kInvalidArgument, "transfer 5"},
      {with([](auto& m) { m.range = 2; }), ErrorCode::kInvalidArgument, "range 2"},
      {with([](auto& m) { m.damage_count = 9; }), ErrorCode::kInvalidArgument, "damage_count 9"},
      {with([](auto& m) { m.user_size_bytes = 129; }), ErrorCode::kInvalidArgument, "user_size_bytes 129"},
      {with([](auto& m) { m.crop = {0, 0, 65, 1}; }), ErrorCode::kInvalidArgument, "outside the 64x64"},
      {with([](auto& m) { m.crop = {0xffffffff, 0, 2, 1}; }), ErrorCode::kInvalidArgument, "outside the 64x64"},
      {with([](auto& m) { m.damage_count = 1, m.damage[0] = {60, 60, 4, 5}; }), ErrorCode::kInvalidArgument, "outside the 64x64"},
      {with([](auto& m) { m.reserved[3] = 1; }), ErrorCode::kUnsupported, "reserved"},
  };
  for (const auto& c : cases) expect_refused(apply_metadata(c.metadata, 64, 64, record), c.code, c.text);
}

TEST(WireConvert, AGenerationThatTheBrokerCannotMeanIsAViolation) {
  auto with = [](auto change) {
    wire::GenerationT g;
    g.id = 3;
    g.slot_count = 4;
    g.image = std::make_unique<wire::ImageT>();
    g.image->width_px = 64;
    g.image->height_px = 32;
    g.image->format = FERRY_FORMAT_RGBA8_UNORM;
    change(g);
    return texture_desc_of(g);
  };
  const auto good = with([](auto&) {});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->width_px, 64u);
  EXPECT_EQ(good->height_px, 32u);
  expect_refused(with([](auto& g) { g.id = 0; }), ErrorCode::kProtocolViolation, "id 0");
  expect_refused(with([](auto& g) { g.slot_count = 0; }), ErrorCode::kProtocolViolation, "0 slots");
  expect_refused(with([](auto& g) { g.slot_count = proto::kMaxSlots + 1; }), ErrorCode::kProtocolViolation, "65 slots");
  expect_refused(with([](auto& g) { g.image.reset(); }), ErrorCode::kProtocolViolation, "no image");
  expect_refused(with([](auto& g) { g.image->format = 200; }), ErrorCode::kProtocolViolation, "format 200");
  expect_refused(with([](auto& g) { g.image->width_px = 32769; }), ErrorCode::kProtocolViolation, "size 32769x32");
}

TEST(WireConvert, UuidsComeBackAsTheyWent) {
  platform::Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(i * 16 + 1);
  EXPECT_EQ(from_wire(to_wire(uuid)), uuid);
}

}  // namespace
}  // namespace ferry::client
