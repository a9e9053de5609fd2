#include "proto/names.h"

#include <gtest/gtest.h>

#include "proto/limits.h"

namespace ferry::proto {
namespace {

std::string refusal(std::string_view name) {
  const auto checked = check_stream_name(name);
  if (checked) return {};
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
  return checked.error().message;
}

testing::AssertionResult refused_for(std::string_view name, std::string_view why) {
  const std::string message = refusal(name);
  if (message.find(why) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "refusal of '" << name << "' is '" << message << "', which lacks '" << why
                                     << "'";
}

TEST(StreamName, TakesOneToTheGreatestNumberOfBytes) {
  EXPECT_EQ(refusal("c"), "");
  EXPECT_EQ(refusal(std::string(kMaxNameBytes, 'x')), "");
  EXPECT_EQ(refusal("Kamera 1/links: \u00fcber \u65e5\u672c \U0001f3a5"), "");
}

TEST(StreamName, RefusesAnEmptyOne) { EXPECT_TRUE(refused_for("", "is empty")); }

TEST(StreamName, RefusalOfALongOneHasLengthAndLimit) {
  EXPECT_TRUE(refused_for(std::string(129, 'x'), "has 129 bytes; the limit is 128"));
  EXPECT_TRUE(refused_for(std::string(300, 'x'), "has 300 bytes; the limit is 128"));
}

TEST(StreamName, CountsBytesNotCharacters) {
  std::string name;
  for (int i = 0; i < 65; ++i) name += "\u00fc";
  EXPECT_TRUE(refused_for(name, "has 130 bytes"));
}

TEST(StreamName, RefusesControlCharacters) {
  for (int c = 1; c < 0x20; ++c)
    EXPECT_TRUE(refused_for(std::string("a") + static_cast<char>(c), "control character at offset 1"));
  EXPECT_TRUE(refused_for(std::string_view("a\0b", 3), "control character at offset 1"));
  EXPECT_TRUE(refused_for("ab\x7f", "control character at offset 2"));
  EXPECT_TRUE(refused_for("\xc2\x80", "control character at offset 0"));  // the first and the last of C1
  EXPECT_TRUE(refused_for("\xc2\x9f", "control character at offset 0"));
  EXPECT_EQ(refusal("\xc2\xa0"), "");  // NO-BREAK SPACE is none
}

TEST(StreamName, RefusesWhatIsNotUtf8) {
  EXPECT_TRUE(refused_for("a\x80", "byte 0x80 at offset 1"));  // continuation without a start
  EXPECT_TRUE(refused_for("\xc3", "byte 0xc3 at offset 0"));   // cut off
  EXPECT_TRUE(refused_for("\xe2\x82", "byte 0xe2 at offset 0"));
  EXPECT_TRUE(refused_for("\xf0\x9f\x8e", "byte 0xf0 at offset 0"));
  EXPECT_TRUE(refused_for("\xc0\xaf", "byte 0xc0 at offset 0"));  // overlong '/'
  EXPECT_TRUE(refused_for("\xe0\x80\xaf", "byte 0xe0 at offset 0"));
  EXPECT_TRUE(refused_for("\xf0\x80\x80\xaf", "byte 0xf0 at offset 0"));
  EXPECT_TRUE(refused_for("\xed\xa0\x80", "byte 0xed at offset 0"));  // surrogates D800 and DFFF
  EXPECT_TRUE(refused_for("\xed\xbf\xbf", "byte 0xed at offset 0"));
  EXPECT_TRUE(refused_for("\xf4\x90\x80\x80", "byte 0xf4 at offset 0"));  // beyond U+10FFFF
  EXPECT_TRUE(refused_for("\xff", "byte 0xff at offset 0"));
  EXPECT_EQ(refusal("\xed\x9f\xbf"), "");      // U+D7FF, just below the surrogates
  EXPECT_EQ(refusal("\xf4\x8f\xbf\xbf"), "");  // U+10FFFF
}

TEST(StreamName, RefusalIsPrintable) {
  const std::string message = refusal("evil\x1b[2J\xff");
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_NE(message.find("evil\\x1b[2J\\xff"), std::string::npos) << message;
}

TEST(Printable, LeavesTextAlone) { EXPECT_EQ(printable("Kamera \u00fc \U0001f3a5"), "Kamera \u00fc \U0001f3a5"); }

TEST(Printable, EscapesControlsAndBrokenUtf8) {
  EXPECT_EQ(printable("a\nb"), "a\\x0ab");
  EXPECT_EQ(printable("\xc2\x85"), "\\xc2\\x85");
  EXPECT_EQ(printable("\xe2\x82z"), "\\xe2\\x82z");
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("\u00fc\u00fc\u00fc", 3), "\u00fc\u00fc...");
}

}  // namespace
}  // namespace ferry::proto
