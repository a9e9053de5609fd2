#pragma once
// What stands behind the C ABI's opaque pointers, and the one way in: look the handle up, let no exception out.

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <mutex>
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
  using Shared = Connection;
  std::shared_ptr<Connection> object;
};
struct DeviceHandle {
  using Shared = DeviceBinding;
  explicit DeviceHandle(DevicePtr device) : object(std::move(device)) {}
  ~DeviceHandle() { object->drop_kept(); }
  DeviceHandle(const DeviceHandle&) = delete;
  DeviceHandle& operator=(const DeviceHandle&) = delete;

  DevicePtr object;
};
/// A connection or a device in use: by a producer or consumer, or by a call that is running. Its handle cannot be
/// destroyed meanwhile.
template <class T>
class InUse {
 public:
  explicit InUse(std::shared_ptr<T> object) : object_(std::move(object)) { ++object_->users; }
  ~InUse() {
    if (object_) --object_->users;
  }
  InUse(InUse&& other) noexcept = default;
  InUse& operator=(InUse&&) = delete;

  const std::shared_ptr<T>& operator*() const { return object_; }
  T* operator->() const { return object_.get(); }

 private:
  std::shared_ptr<T> object_;
};

/// A producer or consumer, and what it uses while it lives.
template <class T>
struct ClientHandle {
  ClientHandle(InUse<Connection> its_connection, InUse<DeviceBinding> its_device, std::shared_ptr<T> made)
      : connection(std::move(its_connection)), device(std::move(its_device)), object(std::move(made)) {}

  InUse<Connection> connection;
  InUse<DeviceBinding> device;
  std::shared_ptr<T> object;  // last: goes before what it uses
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

/// Connections and devices may be used by many threads and destroyed by one: looking one up to use it, and finding it
/// unused to destroy it, exclude each other.
std::mutex& lifetime_mutex();

template <class Table>
auto use(Table& table, const char* kind, const void* handle) -> proto::Result<InUse<typename Table::Object::Shared>> {
  std::lock_guard lock(lifetime_mutex());
  auto* found = table.find(handle);
  if (found == nullptr) return stale(kind, handle);
  return InUse<typename Table::Object::Shared>(found->object);
}
inline auto use(ferry_connection* connection) { return use(handles().connections, "ferry_connection", connection); }
inline auto use(ferry_device* device) { return use(handles().devices, "ferry_device", device); }

/// Destroys a connection or device that nobody uses.
template <class Table>
std::int32_t end(Table& table, const char* kind, const void* handle) {
  std::unique_ptr<typename Table::Object> ended;  // its destructor may wait: not under the mutex
  std::lock_guard lock(lifetime_mutex());
  auto* found = table.find(handle);
  if (found == nullptr) return fail(stale(kind, handle));
  if (const int users = found->object->users; users != 0)
    return fail({proto::ErrorCode::kInvalidState,
                 fmt::format("{} producers, consumers or running calls still use this {}: end them first", users, kind)});
  ended = table.remove(handle);
  return 0;
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
