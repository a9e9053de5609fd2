// StreamService: a device object of the broker's is lost, and another one takes its place.

#include <spdlog/spdlog.h>

#include "daemon/stream_service.h"

namespace ferry::daemon {

using proto::ErrorCode;
using proto::Result;

Result<void> StreamService::in_spite_of_loss(const DeviceKey& key, const std::function<Result<void>()>& attempt) {
  auto done = attempt();
  if (done || done.error().code != ErrorCode::kDeviceLost || !replace_device(key, done.error().message)) return done;
  return attempt();
}

bool StreamService::replace_device(const DeviceKey& key, const std::string& why) {
  spdlog::error("device lost: {}", why);
  std::vector<Stream*> concerned;
  for (const auto& [id, stream] : streams_)
    if (stream->device() != nullptr && stream->agreement().device == key) concerned.push_back(stream.get());
  gpus_.forget(key);
  for (Stream* stream : concerned)
    if (!stream->agreement().own) stream->poison("the broker's device was lost: " + why);
  auto device = gpus_.find(key, "whoever had the lost one");
  if (!device) {
    spdlog::error("no device in its place: {}", device.error().message);
    return false;
  }
  for (Stream* stream : concerned)
    if (auto moved = stream->move_to(*device); !moved)
      spdlog::error("stream {} stays poisoned: {}", stream->log_name(), moved.error().message);
  return true;
}

void StreamService::grow_pool(Stream& stream) {
  const DeviceKey key = stream.agreement().device;
  if (auto grown = in_spite_of_loss(key, [&] { return stream.grow_pool(); }); !grown)
    spdlog::error("stream {} does not grow: {}", stream.log_name(), grown.error().message);
}

}  // namespace ferry::daemon
