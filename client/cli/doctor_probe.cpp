#include "client/cli/doctor_probe.h"

#include <ferry/ferry_vulkan.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/frame_readback.h"
#include "client/cli/gpu.h"
#include "client/cli/plane_copies.h"
#include "client/cli/status_model.h"
#include "client/cli/stop_signal.h"
#include "client/cli/terminal.h"

namespace ferry::cli {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kPatience{10};

/// The bits of a word that a copy must preserve.
std::uint32_t kept_bits(ferry_format format) {
  if (format == FERRY_FORMAT_RGBA16_FLOAT) return 0xBFFFBFFFU;  // halfs stay finite: a NaN may become another one
  if (format == FERRY_FORMAT_P010) return 0xFFC0FFC0U;
  return 0xFFFFFFFFU;
}

/// What is sent instead of frames of @p size, where a format cannot have it.
Size allowed_size(ferry_format format, Size size) {
  if (!is_yuv_format(format)) return size;
  return {(size.width_px + 1) / 2 * 2, (size.height_px + 1) / 2 * 2};
}

/// Why @p gpu has no images of @p format; "" where it has.
std::string lack_of(const Gpu& gpu, ferry_format format) {
  if (!is_yuv_format(format)) return {};
  const auto vk_format =
      format == FERRY_FORMAT_NV12 ? vk::Format::eG8B8R82Plane420Unorm : vk::Format::eG10X6B10X6R10X62Plane420Unorm3Pack16;
  using Usage = vk::ImageUsageFlagBits;
  try {
    static_cast<void>(gpu.physical_device.getImageFormatProperties(
        vk_format, vk::ImageType::e2D, vk::ImageTiling::eOptimal,
        Usage::eSampled | Usage::eTransferSrc | Usage::eTransferDst, vk::ImageCreateFlagBits::eMutableFormat));
  } catch (const vk::FormatNotSupportedError&) {
    return "vkGetPhysicalDeviceImageFormatProperties: VK_ERROR_FORMAT_NOT_SUPPORTED";
  }
  return {};
}

/// A picture in which every word depends on its place and on the frame: a row that is shifted or left over is seen.
std::vector<std::uint32_t> picture_of(ferry_format format, Size size, std::uint32_t number) {
  const std::size_t size_bytes = planes_of(format).size_bytes(size.width_px, size.height_px);
  const std::uint32_t mask = kept_bits(format);
  std::vector<std::uint32_t> picture((size_bytes + 3) / 4);  // the last word may be more than half of it
  for (std::size_t i = 0; i < picture.size(); ++i) {
    const std::uint32_t mixed = number * 0x9E3779B1U + static_cast<std::uint32_t>(i) * 0x01000193U;
    picture[i] = (mixed ^ (mixed >> 15)) & mask;
  }
  return picture;
}

/// Pictures on their way into the slots.
class Uploader {
 public:
  Uploader(const Gpu& gpu, Size size) : gpu_(gpu) {
    const std::size_t size_bytes = (std::size_t{size.width_px} + 1) * (size.height_px + 1) * 8;  // the widest format
    buffer_ = gpu_.device.createBufferUnique({{}, size_bytes, vk::BufferUsageFlagBits::eTransferSrc});
    const auto needs = gpu_.device.getBufferMemoryRequirements(*buffer_);
    const auto properties = gpu_.physical_device.getMemoryProperties();
    const auto wanted = vk::MemoryPropertyFlagBits::eHostVisible | vk::MemoryPropertyFlagBits::eHostCoherent;
    std::uint32_t type = 0;
    while (type < properties.memoryTypeCount && (((needs.memoryTypeBits >> type) & 1U) == 0 ||
                                                 (properties.memoryTypes[type].propertyFlags & wanted) != wanted))
      ++type;
    memory_ = gpu_.device.allocateMemoryUnique({needs.size, type});
    gpu_.device.bindBufferMemory(*buffer_, *memory_, 0);
    mapped_ = gpu_.device.mapMemory(*memory_, 0, VK_WHOLE_SIZE);
    pool_ = gpu_.device.createCommandPoolUnique(
        {vk::CommandPoolCreateFlagBits::eTransient | vk::CommandPoolCreateFlagBits::eResetCommandBuffer,
         gpu_.queue_family});
    commands_ = gpu_.device.allocateCommandBuffers({*pool_, vk::CommandBufferLevel::ePrimary, 1}).front();
    done_ = gpu_.device.createFenceUnique({});
  }

  /// Waits for the picture before to be through, then submits the work that fills @p target.
  void fill(const Target& target, const std::vector<std::uint32_t>& picture) {
    if (pending_) wait();
    std::memcpy(mapped_, picture.data(), picture.size() * sizeof picture[0]);
    record(target);
    const std::vector<vk::Semaphore> waits(target.wait_semaphores, target.wait_semaphores + target.wait_count);
    const std::vector<std::uint64_t> values(target.wait_values, target.wait_values + target.wait_count);
    const std::vector<vk::PipelineStageFlags> stages(target.wait_count, vk::PipelineStageFlagBits::eTransfer);
    const vk::Semaphore drawn(target.signal_semaphore);
    vk::TimelineSemaphoreSubmitInfo points;
    points.setWaitSemaphoreValues(values);
    points.setSignalSemaphoreValues(target.signal_value);
    vk::SubmitInfo info;
    info.pNext = &points;
    info.setWaitSemaphores(waits);
    info.setWaitDstStageMask(stages);
    info.setCommandBuffers(commands_);
    info.setSignalSemaphores(drawn);
    gpu_.queue.submit(info, *done_);
    pending_ = true;
  }
  void wait() {
    wait_for_fence(gpu_, *done_, monotonic_ns() + kGpuPatienceNs);
    gpu_.device.resetFences(*done_);
    pending_ = false;
  }

 private:
  void record(const Target& target) {
    using Stage = vk::PipelineStageFlagBits;
    const vk::ImageMemoryBarrier take = ferry_acquire_barrier_from(
        target.peer_queue_family, target.image, gpu_.queue_family,
        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    const vk::ImageMemoryBarrier give = ferry_release_barrier_to(
        target.peer_queue_family, target.image, gpu_.queue_family,
        VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    const auto everything =
        plane_copies(static_cast<ferry_format>(target.format), target.width_px, target.height_px);
    commands_.begin({vk::CommandBufferUsageFlagBits::eOneTimeSubmit});
    commands_.pipelineBarrier(Stage::eTransfer, Stage::eTransfer, {}, {}, {}, take);
    commands_.copyBufferToImage(*buffer_, target.image, vk::ImageLayout::eTransferDstOptimal, everything);
    commands_.pipelineBarrier(Stage::eTransfer, Stage::eBottomOfPipe, {}, {}, {}, give);
    commands_.end();
  }

  const Gpu& gpu_;
  vk::UniqueDeviceMemory memory_;
  vk::UniqueBuffer buffer_;
  vk::UniqueCommandPool pool_;
  vk::UniqueFence done_;
  vk::CommandBuffer commands_;
  void* mapped_ = nullptr;
  bool pending_ = false;
};

/// With the reasons as the status has them: a stream's state has no room for long ones.
Json way_of(const StreamState& state, const Connection& connection) {
  Json way = {{"ok", true},
              {"transport", state.transport},
              {"transport_reason", state.transport_reason},
              {"sync_mode", sync_mode_name(state.sync_mode)},
              {"sync_reason", state.sync_reason}};
  for (const StreamStatus& stream : parse_status(connection.status_json()).streams)
    if (stream.name == kProbeStream) {
      way["transport_reason"] = stream.transport_reason;
      way["sync_reason"] = stream.sync_reason;
    }
  return way;
}

class ProducerProbe {
 public:
  ProducerProbe(const Connection& connection, const Device& device, const Gpu& gpu, const ProbeOptions& options)
      : connection_(connection), device_(device), options_(options), uploader_(gpu, options.size) {}

  Json obey(const std::string& verb, std::uint32_t number) {
    if (verb == "open") {
      StreamOptions stream{.name = kProbeStream, .sync_mode = options_.sync};
      format_ = static_cast<ferry_format>(number);
      size_ = allowed_size(format_, options_.size);
      stream.image = image_desc(size_.width_px, size_.height_px, format_);
      stream.transport = options_.transport;
      producer_.emplace(connection_, device_, stream);
      return way_of(producer_->state(), connection_);
    }
    if (verb == "publish") {
      const auto target = producer_->begin(kPatience);
      if (!target) throw CommandError(ExitCode::kTimedOut, "no slot came free");
      uploader_.fill(*target, picture_of(format_, size_, number));
      producer_->publish(*target);
      return {{"ok", true}, {"transport", producer_->state().transport}};
    }
    producer_.reset();
    return {{"ok", true}};
  }

 private:
  const Connection& connection_;
  const Device& device_;
  const ProbeOptions& options_;
  Uploader uploader_;
  std::optional<Producer> producer_;
  ferry_format format_{};
  Size size_{};
};

class ConsumerProbe {
 public:
  ConsumerProbe(const Connection& connection, const Device& device, const Gpu& gpu)
      : connection_(connection), device_(device), gpu_(gpu) {}

  Json obey(const std::string& verb, std::uint32_t number) {
    if (verb == "attach") {
      consumer_.emplace(connection_, device_, AttachOptions{.name = kProbeStream, .timeout = kPatience});
      return way_of(consumer_->state(), connection_);
    }
    if (verb == "read") return read(number);
    consumer_.reset();
    return {{"ok", true}};
  }

 private:
  Json read(std::uint32_t number) {
    const auto frame = consumer_->acquire(kPatience);
    if (!frame) throw CommandError(ExitCode::kTimedOut, "no frame came");
    const vk::Semaphore ready(frame->wait_semaphore);
    vk::SemaphoreWaitInfo wait;
    wait.setSemaphores(ready);
    wait.setValues(frame->wait_value);
    const auto waited = gpu_.device.waitSemaphores(wait, static_cast<std::uint64_t>(kGpuPatienceNs));
    const std::int64_t there_ns = monotonic_ns();
    if (waited != vk::Result::eSuccess) throw CommandError(ExitCode::kTimedOut, "the frame was never finished");
    const FrameReadback readback(gpu_, *consumer_, *frame, monotonic_ns() + kGpuPatienceNs);
    const auto expected = picture_of(static_cast<ferry_format>(frame->format), {frame->width_px, frame->height_px}, number);
    const auto bytes = readback.pixels().bytes;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto seen = bytes.subspan(i * sizeof expected[0]);
      if (std::memcmp(seen.data(), &expected[i], std::min(seen.size(), sizeof expected[0])) != 0) ++wrong;
    }
    if (wrong != 0)
      throw CommandError(ExitCode::kFailure, fmt::format("{} of {} words of frame {} are wrong", wrong, expected.size(), number));
    return {{"ok", true}, {"hand_over_ns", there_ns - static_cast<std::int64_t>(frame->produced_ns)}};
  }

  const Connection& connection_;
  const Device& device_;
  const Gpu& gpu_;
  std::optional<Consumer> consumer_;
};

template <class Probe>
void serve(Probe& probe, const Gpu& gpu) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto space = line.find(' ');
    const std::uint32_t number = space == std::string::npos ? 0 : static_cast<std::uint32_t>(std::stoul(line.substr(space)));
    Json answer;
    try {
      const std::string verb = line.substr(0, space);
      if (verb == "lacks")
        answer = {{"ok", true}, {"reason", lack_of(gpu, static_cast<ferry_format>(number))}};
      else
        answer = probe.obey(verb, number);
    } catch (const std::exception& error) {
      answer = {{"ok", false}, {"text", error.what()}};
    }
    write_all(STDOUT_FILENO, answer.dump() + '\n');
  }
}

}  // namespace

void run_probe(const ProbeOptions& options) {
  Connection connection({.socket_path = options.socket,
                         .application = options.role,
                         .timeout = std::chrono::seconds(30)});
  Device device(connection, {.selector = options.device});
  const Gpu gpu = open_gpu(device);
  if (options.role == "producer") {
    ProducerProbe probe(connection, device, gpu, options);
    serve(probe, gpu);
  } else {
    ConsumerProbe probe(connection, device, gpu);
    serve(probe, gpu);
  }
}

}  // namespace ferry::cli
