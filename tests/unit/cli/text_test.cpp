#include "client/cli/text.h"

#include <gtest/gtest.h>

#include <clocale>

namespace ferry::cli {
namespace {

TEST(Printable, LeavesOrdinaryTextAlone) { EXPECT_EQ(printable("cam / Übersicht 左 🎥"), "cam / Übersicht 左 🎥"); }

TEST(Printable, ShowsWhatCouldDisturbATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");           // U+009B, CSI in one character
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // U+202E, right to left from here
}

TEST(Printable, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");                    // cut off
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
}

class Width : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::setlocale(LC_CTYPE, "C.UTF-8")) GTEST_SKIP() << "no locale C.UTF-8 here";
  }
  void TearDown() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST_F(Width, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("über"), 4u);
  EXPECT_EQ(display_width("左"), 2u);
  EXPECT_EQ(pad_right("ü", 3), "ü  ");
  EXPECT_EQ(pad_left("左", 4), "  左");
  EXPECT_EQ(pad_left("longer", 4), "longer");
}

TEST_F(Width, TruncatesToColumns) {
  EXPECT_EQ(truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(truncate("abcdefg", 6), "abcde…");
  EXPECT_EQ(truncate("左右左", 4), "左…");
  EXPECT_EQ(truncate("abc", 0), "");
}

TEST(Wrap, BreaksAtSpacesOnly) {
  EXPECT_EQ(wrap("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("a verylongword b", 4), (std::vector<std::string>{"a", "verylongword", "b"}));
  EXPECT_TRUE(wrap("", 10).empty());
}

TEST(WithoutSubject, DropsOnlyTheSubjectItself) {
  EXPECT_EQ(without_subject("host: no driver can", "host"), "no driver can");
  EXPECT_EQ(without_subject("hosts: none", "host"), "hosts: none");
  EXPECT_EQ(without_subject("", "host"), "");
}

TEST(Human, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(33'177'600), "31.6 MiB");
  EXPECT_EQ(human_bytes((1ull << 30) - 1), "1.0 GiB");
}

TEST(Human, DurationsKeepTwoOrThreeDigits) {
  EXPECT_EQ(human_duration(0), "0.0 us");
  EXPECT_EQ(human_duration(85'400), "85 us");
  EXPECT_EQ(human_duration(999'400), "999 us");
  EXPECT_EQ(human_duration(999'600), "1.0 ms");
  EXPECT_EQ(human_duration(4'100'000), "4.1 ms");
  EXPECT_EQ(human_duration(240'000'000), "240 ms");
  EXPECT_EQ(human_duration(12'300'000'000), "12.3 s");
  EXPECT_EQ(human_duration(200'000'000'000), "3m 20s");
  EXPECT_EQ(human_duration(7'500'000'000'000), "2h 05m");
  EXPECT_EQ(human_duration(273'600'000'000'000), "3d 04h");
}

TEST(Human, Counts) {
  EXPECT_EQ(counted(0, "stream"), "0 streams");
  EXPECT_EQ(counted(1, "stream"), "1 stream");
}

}  // namespace
}  // namespace ferry::cli
