#include "client/src/api_handles.h"
#include "ferry/ferry.h"

using namespace ferry::client;
using ferry::proto::ErrorCode;

namespace {

ConsumerHandle* find(ferry_consumer* consumer) { return handles().consumers.find(consumer); }
std::int32_t stale_consumer(ferry_consumer* consumer) { return fail(stale("ferry_consumer", consumer)); }

}  // namespace

int32_t ferry_consumer_attach(ferry_connection* connection, ferry_device* device, const ferry_attach_info* info,
                              ferry_consumer** out) {
  return guarded([&] {
    auto its_connection = use(connection);
    if (!its_connection) return fail(its_connection.error());
    auto its_device = use(device);
    if (!its_device) return fail(its_device.error());
    auto in = read_struct(info, "ferry_attach_info");
    if (!in) return fail(in.error());
    if (out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_consumer_attach: out is NULL");
    auto consumer = Consumer::attach(**its_connection, **its_device, *in);
    if (!consumer) return fail(consumer.error());
    return give_out(handles().consumers,
                    std::make_unique<ConsumerHandle>(std::move(*its_connection), std::move(*its_device), std::move(*consumer)), out);
  });
}

int32_t ferry_consumer_acquire(ferry_consumer* consumer, int64_t timeout_ns, ferry_frame* out) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    if (handle == nullptr) return stale_consumer(consumer);
    if (auto ok = check_out(out, "ferry_frame"); !ok) return fail(ok.error());
    ferry_frame frame{};
    const std::int32_t code = code_of(handle->object->acquire(timeout_ns, frame), "no frame newer than the last one",
                                      "no newer frame came before the timeout passed");
    if (code == 0) write_struct(out, frame);
    return code;
  });
}

int32_t ferry_consumer_release(ferry_consumer* consumer, uint64_t sequence, uint32_t flags) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    return handle == nullptr ? stale_consumer(consumer) : code_of(handle->object->release(sequence, flags));
  });
}

int32_t ferry_consumer_renew_signal(ferry_consumer* consumer, ferry_frame* frame) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    if (handle == nullptr) return stale_consumer(consumer);
    if (auto ok = check_out(frame, "ferry_frame"); !ok) return fail(ok.error());
    auto value = handle->object->renew_signal(frame->sequence);
    if (!value) return fail(value.error());
    frame->signal_value = *value;
    return 0;
  });
}

int32_t ferry_consumer_export(ferry_consumer* consumer, uint64_t sequence, uint32_t flags, ferry_dma_buf* out) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    if (handle == nullptr) return stale_consumer(consumer);
    if (auto ok = check_out(out, "ferry_dma_buf"); !ok) return fail(ok.error());
    ferry_dma_buf dma_buf{};
    if (auto exported = handle->object->export_frame(sequence, flags, dma_buf); !exported) return fail(exported.error());
    write_struct(out, dma_buf);
    return 0;
  });
}

int32_t ferry_consumer_get_fd(ferry_consumer* consumer, int* out) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    if (handle == nullptr) return stale_consumer(consumer);
    if (out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_consumer_get_fd: out is NULL");
    *out = handle->object->get_fd();
    return 0;
  });
}

int32_t ferry_consumer_next_event(ferry_consumer* consumer, ferry_event* out) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    if (handle == nullptr) return stale_consumer(consumer);
    if (auto ok = check_out(out, "ferry_event"); !ok) return fail(ok.error());
    ferry_event event{};
    if (!handle->object->next_event(event)) return fail(ErrorCode::kWouldBlock, "no event");
    write_struct(out, event);
    return 0;
  });
}

int32_t ferry_consumer_get_state(ferry_consumer* consumer, ferry_stream_state* out) {
  return guarded([&] {
    ConsumerHandle* handle = find(consumer);
    if (handle == nullptr) return stale_consumer(consumer);
    if (auto ok = check_out(out, "ferry_stream_state"); !ok) return fail(ok.error());
    ferry_stream_state state{};
    handle->object->get_state(state);
    write_struct(out, state);
    return 0;
  });
}

int32_t ferry_consumer_destroy(ferry_consumer* consumer) {
  return guarded([&] {
    auto handle = handles().consumers.remove(consumer);
    return handle == nullptr ? stale_consumer(consumer) : code_of(handle->object->close());
  });
}
