#include "tests/integration/stream_test.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <thread>

#include "tests/support/check.h"
#include "tests/support/format_support.h"
#include "tests/support/layers/validation.h"

namespace ferry::test {

StreamTest::StreamTest(const std::string& broker_config, BrokerProcess::Environment environment, ServiceManager* manager)
    : broker_(broker_config, std::move(environment), manager) {}
StreamTest::~StreamTest() = default;

void StreamTest::TearDown() {
  if (session_) {
    EXPECT_EQ(session_->validation_errors(), 0u);
    session_.reset();
  }
  EXPECT_EQ(complaints_of_programs(), "");
  if (broker_.running()) {
    EXPECT_EQ(broker_.stop(), "");
  }
  if (HasFailure()) std::fprintf(stderr, "---- broker's log ----\n%s----------------------\n", broker_.log().c_str());
}

ChildProcess StreamTest::start(const std::string& program, Arguments arguments, SpawnOptions options) {
  arguments.insert(arguments.end(), {"--socket", broker_.socket()});
  const std::string name = program.substr(program.rfind('/') + 1);
  if (options.error_file.empty()) options.error_file = broker_.folder().file(name + std::to_string(next_log_++));
  return ChildProcess(program.starts_with('/') ? program : program_folder() + "/" + program, std::move(arguments),
                      std::move(options));
}

SpawnOptions StreamTest::validated(SpawnOptions options) {
  const std::string log = broker_.folder().file("validation" + std::to_string(validation_logs_.size()));
  validation_logs_.push_back(log);
  add_environment(options.environment, under_validation(log + ".settings", log));
  return options;
}

std::string StreamTest::complaints_of_programs() const {
  std::string all;
  for (const std::string& log : validation_logs_)
    if (::access(log.c_str(), F_OK) == 0) all += validation_complaint(log);
  return all;
}

ChildProcess StreamTest::start_producer(Arguments arguments) {
  ChildProcess process = start("test_producer", std::move(arguments));
  process.wait_report("created", 60s);  // a busy machine is no defect
  return process;
}

ChildProcess StreamTest::start_consumer(Arguments arguments) {
  ChildProcess process = start("test_consumer", std::move(arguments));
  process.wait_report("attached", 60s);
  return process;
}

Session& StreamTest::session() {
  if (!session_) session_ = std::make_unique<Session>(SessionOptions{.socket = broker_.socket()});
  return *session_;
}

std::string StreamTest::lack_of(const proto::FormatInfo& format, const std::string& selector, bool as_dma_buf) {
  std::unique_ptr<Session> other;
  if (!selector.empty())
    other = std::make_unique<Session>(SessionOptions{.socket = broker_.socket(), .device = selector});
  const ferry_device_info device = (other ? *other : session()).device_info();
  const auto query = reinterpret_cast<PFN_vkGetPhysicalDeviceImageFormatProperties2>(
      device.get_instance_proc_addr(device.instance, "vkGetPhysicalDeviceImageFormatProperties2"));
  return test::lack_of(query, device.physical_device, format,
                       as_dma_buf ? VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT
                                  : VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT);
}

nlohmann::json StreamTest::status_when(const std::function<bool(const nlohmann::json&)>& holds,
                                       std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  for (;;) {
    try {
      auto status = session().status();
      if (holds(status) || deadline.passed()) return status;
    } catch (const FerryFailure& failure) {
      if (failure.code() != FERRY_ERROR_DISCONNECTED || deadline.passed()) throw;
    }
    std::this_thread::sleep_for(20ms);  // the broker tells nobody but the parties that a lease has gone
  }
}

void expect_right(const nlohmann::json& done) {
  EXPECT_EQ(done.value("validation_errors", -1), 0) << done;
  if (!done.contains("all_right")) return;  // a producer's
  EXPECT_TRUE(done["all_right"]) << done;
  // The numbers do not tell which of the frames before the first one seen came after the attach.
  const std::int64_t skipped = done["skipped"], missing = done["missing"], first = done["first"];
  EXPECT_TRUE(skipped >= missing && skipped - missing < std::max<std::int64_t>(1, first))
      << "the library's count and the frames' numbers disagree: " << done;
}

nlohmann::json stop_and_check(ChildProcess& process) {
  process.send_command("stop");
  return finish_and_check(process, 30s);
}

nlohmann::json finish_and_check(ChildProcess& process, std::chrono::milliseconds timeout) {
  auto done = process.wait_report("done", timeout);
  const ExitStatus status = process.wait_exit(20s);
  EXPECT_TRUE(status.clean()) << "exit code " << status.code << ", signal " << status.signal << "\n"
                              << process.error_text();
  expect_right(done);
  return done;
}

void publish_first_frame(ChildProcess& producer, std::initializer_list<ChildProcess*> consumers) {
  producer.send_command("produce 1");
  for (ChildProcess* consumer : consumers) consumer->wait_report("frame", 60s);
}

nlohmann::json stream_in(const nlohmann::json& status, const std::string& name) {
  for (const auto& stream : status["streams"])
    if (stream["name"] == name) return stream;
  return nullptr;
}

}  // namespace ferry::test
