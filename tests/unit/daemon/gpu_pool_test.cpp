#include "daemon/gpu_pool.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/fake_gpu.h"

namespace ferry::daemon::test {
namespace {

TEST(GpuPool, SaysWhoseDeviceIsNoneOfItsOwn) {
  GpuPool pool = GpuPool::of({std::make_shared<FakeGpu>(std::uint8_t{1}), std::make_shared<FakeGpu>(std::uint8_t{2})});
  const auto key = [](std::uint8_t number) { return key_of(FakeGpu(number).capabilities()); };
  const auto refused = pool.find(key(9), "producer 'renderer' (pid 42)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, proto::ErrorCode::kIncompatible);
  ASSERT_TRUE(refused.error().conflict);
  EXPECT_EQ(refused.error().conflict->party, "producer 'renderer' (pid 42)");
  EXPECT_EQ(refused.error().conflict->constraint, "device");
  EXPECT_EQ(refused.error().conflict->party_has, std::vector<std::string>{to_string(key(9))});
  EXPECT_EQ(refused.error().conflict->others_have, (std::vector<std::string>{to_string(key(1)), to_string(key(2))}));
}

}  // namespace
}  // namespace ferry::daemon::test
