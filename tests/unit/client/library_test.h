#pragma once
// libferry whole, over a device that is none, and a broker in this process.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "client/src/api_handles.h"
#include "tests/unit/client/stand_in_device.h"
#include "tests/unit/daemon/fake_gpu.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::client {

class LibraryTest : public ::testing::Test {
 protected:
  void connect(std::shared_ptr<daemon::test::FakeGpu> brokers, const char* application) {
    broker_ = std::make_unique<daemon::test::TestBroker>(daemon::GpuPool::of({std::move(brokers)}));
    ferry_connect_info info = FERRY_CONNECT_INFO_INIT;
    info.socket_path = broker_->socket().c_str();
    info.application = application;
    ASSERT_EQ(ferry_connect(&info, &connection_), FERRY_OK) << ferry_last_error();
  }
  void use(std::unique_ptr<platform::VulkanDevice> device) {
    auto binding = std::make_shared<DeviceBinding>(std::move(device));
    ASSERT_EQ(give_out(handles().devices, std::make_unique<DeviceHandle>(std::move(binding)), &device_), FERRY_OK);
  }
  void TearDown() override {
    if (consumer_ != nullptr) {
      EXPECT_EQ(ferry_consumer_destroy(consumer_), FERRY_OK) << ferry_last_error();
    }
    if (producer_ != nullptr) {
      EXPECT_EQ(ferry_producer_destroy(producer_), FERRY_OK) << ferry_last_error();
    }
    if (device_ != nullptr) {
      EXPECT_EQ(ferry_device_destroy(device_), FERRY_OK) << ferry_last_error();
    }
    EXPECT_EQ(ferry_disconnect(connection_), FERRY_OK) << ferry_last_error();
  }

  std::unique_ptr<daemon::test::TestBroker> broker_;
  ferry_connection* connection_ = nullptr;
  ferry_device* device_ = nullptr;
  ferry_consumer* consumer_ = nullptr;
  ferry_producer* producer_ = nullptr;
};

}  // namespace ferry::client
