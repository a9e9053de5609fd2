#pragma once
// What stands behind the C ABI's opaque pointers, and the one way in: look the handle up, let no exception out.

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <new>

#include "client/src/connection.h"
#include "client/src/consumer.h"
#include "client/src/device_binding.h"
#include "client/src/error_state.h"
#include "client/src/handle_table.h"
#include "client/src/producer.h"
#include "client/src/sized_struct.h"
#include "client/src/wait.h"

namespace ferry::client {

struct ConnectionHandle {
  std::shared_ptr<Connection> object;
};
struct DeviceHandle {
  DevicePtr object;
};
/// A producer or consumer, and what it counts as a user of while it lives.
template <class T>
struct ClientHandle {
  ClientHandle(std::shared_ptr<T> made, std::shared_ptr<Connection> its_connection, DevicePtr its_device)
      : object(std::move(made)), connection(std::move(its_connection)), device(std::move(its_device)) {
    ++connection->users;
    ++device->users;
  }
  ~ClientHandle() {
    object.reset();
    --connection->users;
    --device->users;
  }
  ClientHandle(const ClientHandle&) = delete;
  ClientHandle& operator=(const ClientHandle&) = delete;

  std::shared_ptr<T> object;
  std::shared_ptr<Connection> connection;
  DevicePtr device;
};
using ProducerHandle = ClientHandle<Producer>;
using ConsumerHandle = ClientHandle<Consumer>;

struct Handles {
  HandleTable<ConnectionHandle, HandleKind::kConnection> connections;
  HandleTable<DeviceHandle, HandleKind::kDevice> devices;
  HandleTable<ProducerHandle, HandleKind::kProducer> producers;
  HandleTable<ConsumerHandle, HandleKind::kConsumer> consumers;
};
/// Never destroyed: a handle may be asked about from another object's destructor at exit.
Handles& handles();

inline proto::Error stale(const char* kind, const void* handle) {
  return {proto::ErrorCode::kStaleHandle,
          fmt::format("{} handle {} was destroyed, or never was one", kind, fmt::ptr(handle))};
}

inline std::int32_t code_of(const proto::Result<void>& result) { return result ? 0 : fail(result.error()); }

/// Everyday answers keep a constant text: they must not allocate.
inline std::int32_t code_of(const proto::Result<Wait>& result, const char* would_block, const char* timed_out) {
  if (!result) return fail(result.error());
  switch (*result) {
    case Wait::kDone: return 0;
    case Wait::kWouldBlock: return fail(proto::ErrorCode::kWouldBlock, would_block);
    case Wait::kTimedOut: return fail(proto::ErrorCode::kTimeout, timed_out);
  }
  return fail(proto::ErrorCode::kInternal, "unknown outcome of a wait");
}

/// Runs @p body; what it throws becomes an error code.
template <class Body>
std::int32_t guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(proto::ErrorCode::kOutOfMemory, "out of host memory");
  } catch (const std::exception& e) {
    return fail(proto::ErrorCode::kInternal, e.what());
  }
}

/// Puts @p object into @p table and writes its handle to @p out.
template <class Table, class Object, class Opaque>
std::int32_t give_out(Table& table, std::unique_ptr<Object> object, Opaque** out) {
  const std::uintptr_t value = table.insert(std::move(object));
  if (value == 0) return fail(proto::ErrorCode::kLimitExceeded, "65536 handles of this kind exist, as many as there can be");
  *out = reinterpret_cast<Opaque*>(value);
  return 0;
}

}  // namespace ferry::client
