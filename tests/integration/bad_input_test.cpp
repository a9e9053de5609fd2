// Whatever a caller hands over: the right code, a text that names value, limit and object, and nobody else disturbed.

#include <thread>

#include "ferry/ferry_vulkan.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

/// Beside every wrong call runs a stream of another two processes; it must not lose a frame over it.
class BadInput : public StreamTest {
 protected:
  BadInput()
      : bystander_(
            start_producer({"--name", "bystander", "--size", "160x90:RGBA8", "--policy", "block", "--rate", "100"})),
        witness_(start_consumer({"--name", "bystander", "--mode", "every", "--report-frames"})) {}

  void TearDown() override {
    const auto status = session().status();
    const std::uint64_t now = stream_in(status, "bystander")["frames"];
    witness_.wait_report_if("the bystander's next frames",
                            [&](const auto& report) { return report.value("sequence", std::uint64_t{0}) > now; });
    EXPECT_EQ(stop_and_check(witness_)["missing"], 0);
    stop_and_check(bystander_);
    StreamTest::TearDown();
  }

  static void expect_error(std::int32_t seen, std::int32_t wanted, const std::vector<std::string>& words) {
    EXPECT_EQ(seen, wanted) << ferry_error_name(seen) << " instead of " << ferry_error_name(wanted) << ": "
                            << ferry_last_error();
    const std::string text = ferry_last_error();
    for (const auto& word : words)
      EXPECT_NE(text.find(word), std::string::npos) << "no \"" << word << "\" in: " << text;
  }

  ferry_stream_info stream_info() {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = "mine";
    info.image = image_desc({64, 64, FERRY_FORMAT_RGBA8_UNORM});
    return info;
  }
  void expect_refused(const ferry_stream_info& info, std::int32_t code, const std::vector<std::string>& words) {
    ferry_producer* producer = nullptr;
    expect_error(ferry_producer_create(session().connection(), session().device(), &info, &producer), code, words);
    EXPECT_EQ(producer, nullptr);
  }
  void expect_refused(const ferry_attach_info& info, std::int32_t code, const std::vector<std::string>& words) {
    ferry_consumer* consumer = nullptr;
    expect_error(ferry_consumer_attach(session().connection(), session().device(), &info, &consumer), code, words);
    EXPECT_EQ(consumer, nullptr);
  }
  PictureProducer make_producer(ProducerOptions options = {}) {
    options.name = "mine";
    options.shape = {64, 64, FERRY_FORMAT_RGBA8_UNORM};
    return PictureProducer(session().connection(), session().device(), session().gpu(), options);
  }
  PictureConsumer make_consumer(ConsumerOptions options = {}) {
    options.name = "mine";
    return PictureConsumer(session().connection(), session().device(), session().gpu(), options);
  }
  static ferry_target empty_target() {
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    return target;
  }
  static ferry_frame empty_frame() {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    return frame;
  }

 private:
  ChildProcess bystander_, witness_;
};

TEST_F(BadInput, Sizes) {
  auto info = stream_info();
  info.image.width_px = 0;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"width", "0", "'mine'"});
  info.image.width_px = 40000;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"width", "40000", "32768", "'mine'"});
  info = stream_info();
  info.image.height_px = 0;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"height", "0", "'mine'"});
  info.image.height_px = 0xFFFFFFFF;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"height", "4294967295", "32768", "'mine'"});
}

TEST_F(BadInput, ASizeWithinFerrysLimitAndBeyondTheBrokers) {
  auto info = stream_info();
  info.image.width_px = 20000;
  ferry_producer* producer = nullptr;
  const std::int32_t code = ferry_producer_create(session().connection(), session().device(), &info, &producer);
  // Either limit may be the smaller one: the broker's own, or the device's.
  EXPECT_TRUE(code == FERRY_ERROR_LIMIT_EXCEEDED || code == FERRY_ERROR_INVALID_ARGUMENT) << ferry_error_name(code);
  EXPECT_NE(std::string(ferry_last_error()).find("20000"), std::string::npos) << ferry_last_error();
  EXPECT_NE(std::string(ferry_last_error()).find("16384"), std::string::npos) << ferry_last_error();
}

TEST_F(BadInput, Formats) {
  auto info = stream_info();
  info.image.format = 99;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"format", "99", "'mine'"});
  info.image.format = 0;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"format", "0", "'mine'"});
}

TEST_F(BadInput, UsageAndFlags) {
  auto info = stream_info();
  info.image.usage = 0x8000;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"usage", "'mine'"});
  info = stream_info();
  info.image.flags = 0x10;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"flag", "'mine'"});
}

TEST_F(BadInput, Names) {
  const std::string long_name(300, 'x');
  const struct {
    const char* name;
    std::vector<std::string> words;
  } cases[] = {
      {nullptr, {"name"}},
      {"", {"name"}},
      {long_name.c_str(), {"300", "128"}},
      {"tab\there", {"\\x09"}},
      {"bell\x07", {"\\x07"}},
      {"c1\xc2\x85", {"name"}},
      {"latin\xe9", {"UTF-8"}},
      {"overlong\xc0\xaf", {"UTF-8"}},
  };
  for (const auto& c : cases) {
    auto info = stream_info();
    info.name = c.name;
    expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, c.words);
    ferry_attach_info attach = FERRY_ATTACH_INFO_INIT;
    attach.name = c.name;
    expect_refused(attach, FERRY_ERROR_INVALID_ARGUMENT, c.words);
  }
}

TEST_F(BadInput, ANameOfExactly128BytesAndOneOfMany) {
  for (const std::string& name : {std::string(128, 'n'), std::string("Kamera \xc3\xbc \xf0\x9f\x8e\xa5")}) {
    auto info = stream_info();
    info.name = name.c_str();
    ferry_producer* producer = nullptr;
    ASSERT_EQ(ferry_producer_create(session().connection(), session().device(), &info, &producer), FERRY_OK)
        << ferry_last_error();
    EXPECT_FALSE(stream_in(session().status(), name).is_null());
    EXPECT_EQ(ferry_producer_destroy(producer), FERRY_OK);
  }
}

TEST_F(BadInput, SlotsFramesInFlightAndPolicies) {
  auto info = stream_info();
  info.min_slots = 2;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"2", "3", "'mine'"});
  info.min_slots = 65;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"65", "64", "'mine'"});
  info = stream_info();
  info.frames_in_flight = 9;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"9", "8", "'mine'"});
  info = stream_info();
  info.queue_policy = 3;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"policy", "3", "'mine'"});
  info = stream_info();
  info.sync_mode = 77;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"sync", "77", "'mine'"});
}

TEST_F(BadInput, AttachingWithNonsense) {
  auto producer = make_producer();
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "mine";
  info.mode = 9;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"mode", "9", "'mine'"});
  info.mode = 0;
  info.max_holds = 17;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"17", "16", "'mine'"});
  info.max_holds = 0;
  info.mode = FERRY_CONSUMER_EVERY;
  info.queue_depth = 33;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"33", "32", "'mine'"});
}

TEST_F(BadInput, NullHandlesAndPointers) {
  ferry_connection* const connection = session().connection();
  ferry_device* const device = session().device();
  const auto info = stream_info();
  ferry_attach_info attach = FERRY_ATTACH_INFO_INIT;
  attach.name = "mine";
  ferry_producer* producer = nullptr;
  ferry_consumer* consumer = nullptr;
  char* text = nullptr;
  ferry_target target = empty_target();
  ferry_frame frame = empty_frame();

  expect_error(ferry_producer_create(nullptr, device, &info, &producer), FERRY_ERROR_STALE_HANDLE, {"connection"});
  expect_error(ferry_producer_create(connection, nullptr, &info, &producer), FERRY_ERROR_STALE_HANDLE, {"device"});
  expect_error(ferry_consumer_attach(nullptr, device, &attach, &consumer), FERRY_ERROR_STALE_HANDLE, {"connection"});
  expect_error(ferry_consumer_attach(connection, nullptr, &attach, &consumer), FERRY_ERROR_STALE_HANDLE, {"device"});
  expect_error(ferry_query_status(nullptr, &text), FERRY_ERROR_STALE_HANDLE, {"connection"});
  expect_error(ferry_disconnect(nullptr), FERRY_ERROR_STALE_HANDLE, {"connection"});
  expect_error(ferry_device_destroy(nullptr), FERRY_ERROR_STALE_HANDLE, {"device"});
  expect_error(ferry_device_lend_queue(nullptr, VK_NULL_HANDLE, nullptr, nullptr, nullptr), FERRY_ERROR_STALE_HANDLE,
               {"device"});
  expect_error(ferry_producer_begin(nullptr, 0, &target), FERRY_ERROR_STALE_HANDLE, {"producer"});
  expect_error(ferry_producer_publish(nullptr, 1, nullptr), FERRY_ERROR_STALE_HANDLE, {"producer"});
  expect_error(ferry_producer_cancel(nullptr, 1), FERRY_ERROR_STALE_HANDLE, {"producer"});
  expect_error(ferry_producer_destroy(nullptr), FERRY_ERROR_STALE_HANDLE, {"producer"});
  expect_error(ferry_consumer_acquire(nullptr, 0, &frame), FERRY_ERROR_STALE_HANDLE, {"consumer"});
  expect_error(ferry_consumer_release(nullptr, 1, 0), FERRY_ERROR_STALE_HANDLE, {"consumer"});
  expect_error(ferry_consumer_destroy(nullptr), FERRY_ERROR_STALE_HANDLE, {"consumer"});

  expect_error(ferry_producer_create(connection, device, nullptr, &producer), FERRY_ERROR_INVALID_ARGUMENT, {"info"});
  expect_error(ferry_producer_create(connection, device, &info, nullptr), FERRY_ERROR_INVALID_ARGUMENT, {"out"});
  expect_error(ferry_consumer_attach(connection, device, nullptr, &consumer), FERRY_ERROR_INVALID_ARGUMENT, {"info"});
  expect_error(ferry_connect(nullptr, nullptr), FERRY_ERROR_INVALID_ARGUMENT, {"out"});
  expect_error(ferry_query_status(connection, nullptr), FERRY_ERROR_INVALID_ARGUMENT, {"out"});
  ferry_free(nullptr);
}

TEST_F(BadInput, HandlesOfAnotherKindAndHandlesThatAreGone) {
  const auto info = stream_info();
  ferry_producer* producer = nullptr;
  ASSERT_EQ(ferry_producer_create(session().connection(), session().device(), &info, &producer), FERRY_OK);
  ferry_frame frame = empty_frame();
  expect_error(ferry_consumer_acquire(reinterpret_cast<ferry_consumer*>(producer), 0, &frame), FERRY_ERROR_STALE_HANDLE,
               {"consumer"});
  expect_error(ferry_disconnect(reinterpret_cast<ferry_connection*>(producer)), FERRY_ERROR_STALE_HANDLE,
               {"connection"});
  ASSERT_EQ(ferry_producer_destroy(producer), FERRY_OK);
  ferry_target target = empty_target();
  expect_error(ferry_producer_begin(producer, 0, &target), FERRY_ERROR_STALE_HANDLE, {"producer"});
  expect_error(ferry_producer_destroy(producer), FERRY_ERROR_STALE_HANDLE, {"producer"});
  int not_a_handle = 0;
  expect_error(ferry_producer_begin(reinterpret_cast<ferry_producer*>(&not_a_handle), 0, &target),
               FERRY_ERROR_STALE_HANDLE, {"producer"});
}

TEST_F(BadInput, StructsThatAreTooSmall) {
  ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
  connect.struct_size = 2;
  ferry_connection* connection = nullptr;
  expect_error(ferry_connect(&connect, &connection), FERRY_ERROR_INVALID_ARGUMENT, {"struct_size", "2"});
  auto info = stream_info();
  info.struct_size = 0;
  expect_refused(info, FERRY_ERROR_INVALID_ARGUMENT, {"struct_size", "0"});
  ferry_attach_info attach = FERRY_ATTACH_INFO_INIT;
  attach.name = "mine";
  attach.struct_size = 4;
  expect_refused(attach, FERRY_ERROR_INVALID_ARGUMENT, {"struct_size", "4"});

  auto producer = make_producer();
  ferry_target target{};
  expect_error(ferry_producer_begin(producer.handle(), 0, &target), FERRY_ERROR_INVALID_ARGUMENT, {"struct_size", "0"});
  auto consumer = make_consumer();
  ferry_frame frame{};
  frame.struct_size = 1;
  expect_error(ferry_consumer_acquire(consumer.handle(), 0, &frame), FERRY_ERROR_INVALID_ARGUMENT,
               {"struct_size", "1"});
  ferry_stream_state state{};
  expect_error(ferry_producer_get_state(producer.handle(), &state), FERRY_ERROR_INVALID_ARGUMENT, {"struct_size"});
}

TEST_F(BadInput, PublishingInTheWrongState) {
  auto producer = make_producer();
  expect_error(ferry_producer_publish(producer.handle(), 12345, nullptr), FERRY_ERROR_INVALID_STATE,
               {"12345", "'mine'"});
  expect_error(ferry_producer_cancel(producer.handle(), 12345), FERRY_ERROR_INVALID_STATE, {"12345", "'mine'"});

  ferry_target target = empty_target();
  ASSERT_EQ(ferry_producer_begin(producer.handle(), 0, &target), FERRY_OK) << ferry_last_error();
  PictureWriter writer(session().gpu(), Engine::kCpu);
  writer.draw(target, {seed_of("mine"), 1});
  ASSERT_EQ(ferry_producer_publish(producer.handle(), target.id, nullptr), FERRY_OK) << ferry_last_error();
  expect_error(ferry_producer_publish(producer.handle(), target.id, nullptr), FERRY_ERROR_INVALID_STATE,
               {std::to_string(target.id), "'mine'"});
  expect_error(ferry_producer_cancel(producer.handle(), target.id), FERRY_ERROR_INVALID_STATE,
               {std::to_string(target.id), "'mine'"});
}

TEST_F(BadInput, BeginningMoreThanAreInFlight) {
  auto producer = make_producer({.frames_in_flight = 2});
  ferry_target first = empty_target(), second = empty_target(), third = empty_target();
  ASSERT_EQ(ferry_producer_begin(producer.handle(), 0, &first), FERRY_OK);
  ASSERT_EQ(ferry_producer_begin(producer.handle(), 0, &second), FERRY_OK);
  expect_error(ferry_producer_begin(producer.handle(), 0, &third), FERRY_ERROR_INVALID_STATE, {"2", "'mine'"});
  // Targets are published in the order in which they were begun.
  expect_error(ferry_producer_publish(producer.handle(), second.id, nullptr), FERRY_ERROR_INVALID_STATE, {"'mine'"});
  EXPECT_EQ(ferry_producer_cancel(producer.handle(), second.id), FERRY_OK) << ferry_last_error();
  EXPECT_EQ(ferry_producer_cancel(producer.handle(), first.id), FERRY_OK) << ferry_last_error();
  EXPECT_EQ(producer.produce(), FERRY_OK);
}

TEST_F(BadInput, MetadataOutsideItsLimits) {
  auto producer = make_producer();
  ferry_target target = empty_target();
  ASSERT_EQ(ferry_producer_begin(producer.handle(), 0, &target), FERRY_OK);
  PictureWriter writer(session().gpu(), Engine::kCpu);
  writer.draw(target, {seed_of("mine"), 1});
  const auto refuse = [&](auto spoil, const std::vector<std::string>& words) {
    ferry_frame_metadata metadata{};
    metadata.struct_size = sizeof metadata;
    spoil(metadata);
    expect_error(ferry_producer_publish(producer.handle(), target.id, &metadata), FERRY_ERROR_INVALID_ARGUMENT, words);
  };
  refuse([](auto& m) { m.damage_count = 9; }, {"9", "8"});
  refuse([](auto& m) { m.user_size_bytes = 129; }, {"129", "128"});
  refuse([](auto& m) { m.orientation = 9; }, {"orientation", "9"});
  refuse([](auto& m) { m.alpha = 3; }, {"alpha", "3"});
  refuse([](auto& m) { m.crop = {60, 0, 10, 10}; }, {"crop"});
  refuse([](auto& m) { m.crop = {0xFFFFFFFF, 0, 2, 2}; }, {"crop"});
  refuse([](auto& m) { m.damage_count = 1, m.damage[0] = {0, 0, 65, 1}; }, {"damage"});
  // The target is still begun: a right publish follows.
  EXPECT_EQ(ferry_producer_publish(producer.handle(), target.id, nullptr), FERRY_OK) << ferry_last_error();
}

TEST_F(BadInput, ReleasingInTheWrongState) {
  auto producer = make_producer();
  auto consumer = make_consumer();
  expect_error(ferry_consumer_release(consumer.handle(), 1, FERRY_RELEASE_UNUSED), FERRY_ERROR_INVALID_STATE,
               {"1", "'mine'"});
  ASSERT_EQ(producer.produce(), FERRY_OK);
  ferry_frame frame = empty_frame();
  ASSERT_EQ(ferry_consumer_acquire(consumer.handle(), 10'000'000'000, &frame), FERRY_OK) << ferry_last_error();
  expect_error(ferry_consumer_release(consumer.handle(), frame.sequence, 7), FERRY_ERROR_INVALID_ARGUMENT, {"7"});
  EXPECT_EQ(ferry_consumer_release(consumer.handle(), frame.sequence, FERRY_RELEASE_UNUSED), FERRY_OK);
  expect_error(ferry_consumer_release(consumer.handle(), frame.sequence, FERRY_RELEASE_UNUSED),
               FERRY_ERROR_INVALID_STATE, {std::to_string(frame.sequence), "'mine'"});
}

TEST_F(BadInput, HoldingMoreThanWasDeclared) {
  auto producer = make_producer();
  auto consumer = make_consumer({.max_holds = 1});
  ASSERT_EQ(producer.produce(), FERRY_OK);
  ASSERT_EQ(consumer.take(10'000'000'000), FERRY_OK);
  ASSERT_EQ(producer.produce(), FERRY_OK);
  EXPECT_EQ(consumer.take(0), FERRY_ERROR_LIMIT_EXCEEDED);
  EXPECT_NE(std::string(ferry_last_error()).find("'mine'"), std::string::npos) << ferry_last_error();
  EXPECT_NE(std::string(ferry_last_error()).find("1"), std::string::npos) << ferry_last_error();
  consumer.release_all();
  EXPECT_EQ(consumer.take(10'000'000'000), FERRY_OK) << ferry_last_error();
  consumer.release_all();
}

TEST_F(BadInput, WaitingForWhatDoesNotCome) {
  auto producer = make_producer();
  auto consumer = make_consumer();
  EXPECT_EQ(consumer.take(0), FERRY_ERROR_WOULD_BLOCK);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(consumer.take(100'000'000), FERRY_ERROR_TIMEOUT);
  const auto waited = std::chrono::steady_clock::now() - before;
  EXPECT_GE(waited, 95ms);
  EXPECT_LT(waited, 5s);
}

TEST_F(BadInput, LeavingInTheWrongOrder) {
  auto producer = make_producer();
  expect_error(ferry_disconnect(session().connection()), FERRY_ERROR_INVALID_STATE, {"1"});
  expect_error(ferry_device_destroy(session().device()), FERRY_ERROR_INVALID_STATE, {"1"});
  EXPECT_EQ(producer.produce(), FERRY_OK) << "nothing has happened";
}

TEST_F(BadInput, ReconfiguringToNonsenseKeepsTheStreamAsItWas) {
  auto producer = make_producer();
  auto consumer = make_consumer();
  ferry_image_desc desc = image_desc({0, 64, FERRY_FORMAT_RGBA8_UNORM});
  expect_error(ferry_producer_reconfigure(producer.handle(), &desc), FERRY_ERROR_INVALID_ARGUMENT,
               {"width", "0", "'mine'"});
  desc = image_desc({64, 64, 42});
  expect_error(ferry_producer_reconfigure(producer.handle(), &desc), FERRY_ERROR_INVALID_ARGUMENT,
               {"format", "42", "'mine'"});
  ASSERT_EQ(producer.produce(), FERRY_OK);
  ASSERT_EQ(consumer.take(10'000'000'000), FERRY_OK) << ferry_last_error();
  EXPECT_TRUE(consumer.books().all_right()) << consumer.books().first_wrong;
  EXPECT_EQ(consumer.books().shape.width_px, 64u);
  consumer.release_all();
}

TEST_F(BadInput, LendingAQueue) {
  const auto lock = [](void*) {};
  const VkQueue queue = session().gpu().queue();
  ferry_device* device = session().device();
  expect_error(ferry_device_lend_queue(device, VK_NULL_HANDLE, nullptr, nullptr, nullptr), FERRY_ERROR_INVALID_ARGUMENT,
               {"queue"});
  expect_error(ferry_device_lend_queue(device, queue, lock, nullptr, nullptr), FERRY_ERROR_INVALID_ARGUMENT, {"unlock"});
  expect_error(ferry_device_lend_queue(device, queue, nullptr, lock, nullptr), FERRY_ERROR_INVALID_ARGUMENT, {"lock"});
  const std::int32_t lent = ferry_device_lend_queue(device, queue, lock, lock, nullptr);
  if (lent == FERRY_OK || lent == FERRY_ERROR_INVALID_STATE)  // it has a second one, which is lent
    expect_error(ferry_device_lend_queue(device, queue, lock, lock, nullptr), FERRY_ERROR_INVALID_STATE, {"already"});
  else
    expect_error(lent, FERRY_ERROR_UNSUPPORTED, {"sync_files"});
}

TEST_F(BadInput, ADeviceThatIsNotThere) {
  ferry_device_create_info info = FERRY_DEVICE_CREATE_INFO_INIT;
  info.selector = "no such device";
  ferry_device* device = nullptr;
  expect_error(ferry_device_create(&info, &device), FERRY_ERROR_NOT_FOUND,
               {"no such device", session().device_info().name});
}

}  // namespace
}  // namespace ferry::test
