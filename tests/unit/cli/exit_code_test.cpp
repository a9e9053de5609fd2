#include "client/cli/exit_code.h"

#include <ferry/ferry.h>
#include <gtest/gtest.h>

namespace ferry::cli {
namespace {

// Scripts depend on these numbers: docs/cli.md.
TEST(ExitCode, IsWhatTheDocumentationSays) {
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_OK)), 0);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_INTERNAL)), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_INVALID_ARGUMENT)), 2);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_NO_BROKER)), 3);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_DISCONNECTED)), 3);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_NOT_FOUND)), 4);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_TIMEOUT)), 5);
  for (const int refusal : {FERRY_ERROR_VERSION_MISMATCH, FERRY_ERROR_PERMISSION_DENIED, FERRY_ERROR_NAME_TAKEN,
                            FERRY_ERROR_LIMIT_EXCEEDED, FERRY_ERROR_INCOMPATIBLE, FERRY_ERROR_UNSUPPORTED}) {
    EXPECT_EQ(static_cast<int>(exit_code_for(refusal)), 6) << refusal;
  }
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_STREAM_CLOSED)), 7);
  EXPECT_EQ(static_cast<int>(exit_code_for(FERRY_ERROR_EVICTED)), 7);
  EXPECT_EQ(static_cast<int>(ExitCode::kWrongPicture), 8);
  EXPECT_EQ(static_cast<int>(ExitCode::kValidation), 9);
}

}  // namespace
}  // namespace ferry::cli
