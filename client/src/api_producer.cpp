#include "client/src/api_handles.h"
#include "ferry/ferry.h"

using namespace ferry::client;
using ferry::proto::ErrorCode;

namespace {

ProducerHandle* find(ferry_producer* producer) { return handles().producers.find(producer); }
std::int32_t stale_producer(ferry_producer* producer) { return fail(stale("ferry_producer", producer)); }

/// @p own: nullptr for slots of the broker's.
int32_t create(const char* function, ferry_connection* connection, ferry_device* device, const ferry_stream_info* info,
               const ferry_own_slots* own, ferry_producer** out) {
  return guarded([&] {
    auto its_connection = use(connection);
    if (!its_connection) return fail(its_connection.error());
    auto its_device = use(device);
    if (!its_device) return fail(its_device.error());
    auto in = read_struct(info, "ferry_stream_info");
    if (!in) return fail(in.error());
    if (out == nullptr) return fail(ferry::proto::Error{ErrorCode::kInvalidArgument, fmt::format("{}: out is NULL", function)});
    auto producer = Producer::create(**its_connection, **its_device, *in, own);
    if (!producer) return fail(producer.error());
    return give_out(handles().producers,
                    std::make_unique<ProducerHandle>(std::move(*its_connection), std::move(*its_device), std::move(*producer)), out);
  });
}

}  // namespace

int32_t ferry_producer_create(ferry_connection* connection, ferry_device* device, const ferry_stream_info* info,
                              ferry_producer** out) {
  return create("ferry_producer_create", connection, device, info, nullptr, out);
}

int32_t ferry_producer_create_with_slots(ferry_connection* connection, ferry_device* device, const ferry_stream_info* info,
                                         const ferry_own_slots* own, ferry_producer** out) {
  if (own == nullptr) return guarded([] { return fail(ErrorCode::kInvalidArgument, "ferry_own_slots is NULL"); });
  return create("ferry_producer_create_with_slots", connection, device, info, own, out);
}

int32_t ferry_producer_begin(ferry_producer* producer, int64_t timeout_ns, ferry_target* out) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    if (auto ok = check_out(out, "ferry_target"); !ok) return fail(ok.error());
    ferry_target target{};
    const std::int32_t code = code_of(handle->object->begin(timeout_ns, target), "every slot is held or in use",
                                      "every slot was held or in use until the timeout passed");
    if (code == 0) write_struct(out, target);
    return code;
  });
}

int32_t ferry_producer_publish(ferry_producer* producer, uint64_t target_id, const ferry_frame_metadata* metadata) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    if (metadata == nullptr) return code_of(handle->object->publish(target_id, nullptr));
    auto in = read_struct(metadata, "ferry_frame_metadata");
    if (!in) return fail(in.error());
    return code_of(handle->object->publish(target_id, &*in));
  });
}

int32_t ferry_producer_cancel(ferry_producer* producer, uint64_t target_id) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    return handle == nullptr ? stale_producer(producer) : code_of(handle->object->cancel(target_id));
  });
}

int32_t ferry_producer_reconfigure(ferry_producer* producer, const ferry_image_desc* image) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    auto in = read_struct(image, "ferry_image_desc");
    if (!in) return fail(in.error());
    return code_of(handle->object->reconfigure(*in));
  });
}

int32_t ferry_producer_replace_slots(ferry_producer* producer, const ferry_image_desc* image, const ferry_own_slots* own) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    auto in = read_struct(image, "ferry_image_desc");
    if (!in) return fail(in.error());
    if (own == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_own_slots is NULL");
    return code_of(handle->object->reconfigure(*in, own));
  });
}

int32_t ferry_producer_get_state(ferry_producer* producer, ferry_stream_state* out) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    if (auto ok = check_out(out, "ferry_stream_state"); !ok) return fail(ok.error());
    ferry_stream_state state{};
    handle->object->get_state(state);
    write_struct(out, state);
    return 0;
  });
}

int32_t ferry_producer_next_event(ferry_producer* producer, ferry_event* out) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    if (auto ok = check_out(out, "ferry_event"); !ok) return fail(ok.error());
    ferry_event event{};
    if (!handle->object->next_event(event)) return fail(ErrorCode::kWouldBlock, "no event");
    write_struct(out, event);
    return 0;
  });
}

int32_t ferry_producer_get_fd(ferry_producer* producer, int* out) {
  return guarded([&] {
    ProducerHandle* handle = find(producer);
    if (handle == nullptr) return stale_producer(producer);
    if (out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_producer_get_fd: out is NULL");
    auto fd = handle->object->get_fd();
    if (!fd) return fail(fd.error());
    *out = *fd;
    return 0;
  });
}

int32_t ferry_producer_destroy(ferry_producer* producer) {
  return guarded([&] {
    auto handle = handles().producers.remove(producer);
    return handle == nullptr ? stale_producer(producer) : code_of(handle->object->close());
  });
}
