#include "client/src/error_state.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "ferry/ferry.h"

namespace ferry::client {
namespace {

using proto::ErrorCode;

TEST(ErrorState, TextBelongsToItsThread) {
  EXPECT_EQ(fail(ErrorCode::kTimeout, "here"), FERRY_ERROR_TIMEOUT);
  std::thread([] {
    EXPECT_STREQ(last_error(), "");
    (void)fail(ErrorCode::kNotFound, "there");
    EXPECT_STREQ(last_error(), "there");
  }).join();
  EXPECT_STREQ(last_error(), "here");
}

TEST(ErrorState, CutsATextThatIsTooLong) {
  (void)fail(proto::Error{ErrorCode::kSystem, std::string(5000, 'x')});
  EXPECT_EQ(std::string(last_error()), std::string(1023, 'x'));
}

TEST(ErrorState, NamesEveryCodeOfTheHeader) {
  const struct {
    std::int32_t code;
    const char* name;
  } codes[] = {
      {FERRY_OK, "FERRY_OK"},
      {FERRY_ERROR_INVALID_ARGUMENT, "FERRY_ERROR_INVALID_ARGUMENT"},
      {FERRY_ERROR_INVALID_STATE, "FERRY_ERROR_INVALID_STATE"},
      {FERRY_ERROR_STALE_HANDLE, "FERRY_ERROR_STALE_HANDLE"},
      {FERRY_ERROR_TIMEOUT, "FERRY_ERROR_TIMEOUT"},
      {FERRY_ERROR_WOULD_BLOCK, "FERRY_ERROR_WOULD_BLOCK"},
      {FERRY_ERROR_NO_BROKER, "FERRY_ERROR_NO_BROKER"},
      {FERRY_ERROR_DISCONNECTED, "FERRY_ERROR_DISCONNECTED"},
      {FERRY_ERROR_VERSION_MISMATCH, "FERRY_ERROR_VERSION_MISMATCH"},
      {FERRY_ERROR_PERMISSION_DENIED, "FERRY_ERROR_PERMISSION_DENIED"},
      {FERRY_ERROR_NOT_FOUND, "FERRY_ERROR_NOT_FOUND"},
      {FERRY_ERROR_NAME_TAKEN, "FERRY_ERROR_NAME_TAKEN"},
      {FERRY_ERROR_LIMIT_EXCEEDED, "FERRY_ERROR_LIMIT_EXCEEDED"},
      {FERRY_ERROR_INCOMPATIBLE, "FERRY_ERROR_INCOMPATIBLE"},
      {FERRY_ERROR_UNSUPPORTED, "FERRY_ERROR_UNSUPPORTED"},
      {FERRY_ERROR_STREAM_CLOSED, "FERRY_ERROR_STREAM_CLOSED"},
      {FERRY_ERROR_EVICTED, "FERRY_ERROR_EVICTED"},
      {FERRY_ERROR_DEVICE_LOST, "FERRY_ERROR_DEVICE_LOST"},
      {FERRY_ERROR_OUT_OF_MEMORY, "FERRY_ERROR_OUT_OF_MEMORY"},
      {FERRY_ERROR_PROTOCOL_VIOLATION, "FERRY_ERROR_PROTOCOL_VIOLATION"},
      {FERRY_ERROR_SYSTEM, "FERRY_ERROR_SYSTEM"},
      {FERRY_ERROR_INTERNAL, "FERRY_ERROR_INTERNAL"},
  };
  for (const auto& [code, name] : codes) EXPECT_STREQ(error_name(code), name);
  for (const std::int32_t code : {1, -22, -1000}) EXPECT_STREQ(error_name(code), "FERRY_ERROR_UNKNOWN") << code;
}

}  // namespace
}  // namespace ferry::client
