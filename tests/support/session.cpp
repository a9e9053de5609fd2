#include "tests/support/session.h"

#include "tests/support/check.h"
#include "tests/support/layers/validation.h"

namespace ferry::test {

Session::Session(const SessionOptions& options) {
  ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
  connect.socket_path = options.socket.empty() ? nullptr : options.socket.c_str();
  connect.application = options.application.empty() ? nullptr : options.application.c_str();
  connect.timeout_ns = 20'000'000'000;  // a busy machine is no defect
  check(ferry_connect(&connect, &connection_), "ferry_connect");
  ferry_device_create_info create = FERRY_DEVICE_CREATE_INFO_INIT;
  create.enable_validation = options.validation && validation_wanted() ? 1 : 0;
  create.connection = connection_;
  create.selector = options.device.empty() ? nullptr : options.device.c_str();
  const std::int32_t made = ferry_device_create(&create, &device_);
  if (made != FERRY_OK) {
    const FerryFailure failure("ferry_device_create", made);
    ferry_disconnect(connection_);
    throw failure;
  }
  gpu_ = std::make_unique<Gpu>(device_);
  if (!options.lend_queue) return;
  const auto lock = [](void* mutex) { static_cast<std::mutex*>(mutex)->lock(); };
  const auto unlock = [](void* mutex) { static_cast<std::mutex*>(mutex)->unlock(); };
  const std::int32_t lent = ferry_device_lend_queue(device_, gpu_->queue(), lock, unlock, &queue_mutex_);
  if (lent == FERRY_ERROR_INVALID_STATE) return;  // it has a second one, which is lent
  if (lent == FERRY_OK) return;
  const FerryFailure failure("ferry_device_lend_queue", lent);
  ferry_device_destroy(device_);
  ferry_disconnect(connection_);
  throw failure;
}

Session::~Session() {
  gpu_.reset();
  ferry_device_destroy(device_);
  ferry_disconnect(connection_);
}

ferry_device_info Session::device_info() const {
  ferry_device_info info{};
  info.struct_size = FERRY_DEVICE_INFO_SIZE;
  check(ferry_device_get_info(device_, &info), "ferry_device_get_info");
  return info;
}

nlohmann::json Session::status() const {
  char* text = nullptr;
  check(ferry_query_status(connection_, &text), "ferry_query_status");
  auto status = nlohmann::json::parse(text);
  ferry_free(text);
  return status;
}

}  // namespace ferry::test
