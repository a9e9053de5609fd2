// Zero copy, proven at Vulkan: over a thousand frames neither libferry nor ferryd calls anything that copies, maps, submits
// or creates. Both are seen at work before, when a stream is made: ferryd clears its slots.

#include "tests/integration/stream_test.h"
#include "tests/support/app_device.h"
#include "tests/support/check.h"
#include "tests/support/counting_vulkan.h"
#include "tests/support/layers/call_counts.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

/// An application's device, wrapped with every call of Ferry's counted; the test's own calls are not.
class CountedDevice {
 public:
  explicit CountedDevice(ferry_connection* connection) : app_(connection) {
    ferry_vulkan_info info = app_.info();
    info.get_instance_proc_addr = count_vulkan_calls(info.get_instance_proc_addr);
    check(ferry_device_wrap(&info, &device_), "ferry_device_wrap");
  }
  ~CountedDevice() { EXPECT_EQ(ferry_device_destroy(device_), FERRY_OK) << ferry_last_error(); }
  CountedDevice(const CountedDevice&) = delete;
  CountedDevice& operator=(const CountedDevice&) = delete;

  ferry_device* handle() const { return device_; }
  const Gpu& gpu() const { return app_.gpu(); }

 private:
  AppDevice app_;
  ferry_device* device_ = nullptr;
};

std::string to_text(const std::map<std::string, std::uint64_t>& calls) {
  std::string text;
  for (const auto& [name, count] : calls) text += name + " x" + std::to_string(count) + " ";
  return text;
}

using ZeroCopy = StreamTest;

TEST_F(ZeroCopy, AThousandFramesCostNoVulkanWorkOfFerrys) {
  constexpr int kFrames = 1000;
  const std::string of_broker = broker_.folder().file("calls");
  EXPECT_EQ(broker_.stop(), "");
  broker_.start("ferryd", counting_layer(of_broker));
  const auto before_the_stream = read_call_counts(of_broker);
  EXPECT_EQ(before_the_stream.count("vkCmdClearColorImage"), 0u) << to_text(before_the_stream);
  CountedDevice device(session().connection());
  {
    ProducerOptions produce;
    produce.name = "counted";
    produce.shape = {160, 90, FERRY_FORMAT_RGBA8_UNORM};
    PictureProducer producer(session().connection(), device.handle(), device.gpu(), produce);
    std::vector<std::unique_ptr<PictureConsumer>> consumers;
    for (const std::uint32_t mode : {FERRY_CONSUMER_LATEST, FERRY_CONSUMER_EVERY}) {
      ConsumerOptions consume;
      consume.name = "counted";
      consume.mode = mode;
      consumers.push_back(
          std::make_unique<PictureConsumer>(session().connection(), device.handle(), device.gpu(), consume));
    }
    const auto one_round = [&] {
      ASSERT_EQ(producer.produce(), FERRY_OK);
      for (auto& consumer : consumers) {
        ASSERT_EQ(consumer->take(10'000'000'000), FERRY_OK) << ferry_last_error();
        consumer->release_all();
      }
    };
    // The pool grows for the second consumer, beside the frames: the count begins when everybody has moved over.
    const Deadline deadline(20s);
    const auto settled = [&] {
      const std::uint64_t newest = stream_in(session().status(), "counted")["generation"]["id"];
      return producer.state().generation == newest && consumers[0]->generation() == newest &&
             consumers[1]->generation() == newest;
    };
    std::uint64_t warm_up = 0;
    for (; (warm_up < 50 || !settled()) && !deadline.passed() && !HasFatalFailure(); ++warm_up) one_round();
    const auto setting_up = counted_vulkan_calls();
    EXPECT_GE(setting_up.count("vkCreateImage"), 1u) << "the counter sees nothing: " << to_text(setting_up);
    EXPECT_GE(setting_up.count("vkAllocateMemory"), 1u) << to_text(setting_up);

    const auto of_broker_until_now = read_call_counts(of_broker);
    for (const char* name : {"vkCreateImage", "vkCmdClearColorImage", "vkQueueSubmit"})
      EXPECT_GE(of_broker_until_now.count(name), 1u) << "the layer sees nothing: " << to_text(of_broker_until_now);

    reset_counted_vulkan_calls();
    for (int i = 0; i < kFrames && !HasFatalFailure(); ++i) one_round();
    const auto flowing = counted_vulkan_calls();
    EXPECT_TRUE(flowing.empty()) << to_text(flowing);
    EXPECT_EQ(read_call_counts(of_broker), of_broker_until_now) << "ferryd, in " << kFrames << " frames";
    for (auto& consumer : consumers) {
      EXPECT_TRUE(consumer->books().all_right()) << consumer->books().first_wrong;
      EXPECT_EQ(consumer->books().frames, warm_up + kFrames);
    }
  }
}

}  // namespace
}  // namespace ferry::test
