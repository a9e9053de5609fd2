#include "client/cli/doctor_probe.h"

#include <ferry/ferry_vulkan.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/frame_readback.h"
#include "client/cli/gpu.h"
#include "client/cli/status_model.h"
#include "client/cli/stop_signal.h"
#include "client/cli/terminal.h"

namespace ferry::cli {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kPatience{10};

/// A picture in which every word depends on its place and on the frame: a row that is shifted or left over is seen.
std::vector<std::uint32_t> picture_of(ferry_format format, Size size, std::uint32_t number) {
  const std::size_t words = std::size_t{size.width_px} * size.height_px * bytes_per_pixel(format) / 4;
  // Halfs stay finite: a copy need not preserve the bits of a NaN.
  const std::uint32_t mask = format == FERRY_FORMAT_RGBA16_FLOAT ? 0xBFFFBFFFU : 0xFFFFFFFFU;
  std::vector<std::uint32_t> picture(words);
  for (std::size_t i = 0; i < words; ++i) {
    const std::uint32_t mixed = number * 0x9E3779B1U + static_cast<std::uint32_t>(i) * 0x01000193U;
    picture[i] = (mixed ^ (mixed >> 15)) & mask;
  }
  return picture;
}

/// Pictures on their way into the slots.
class Uploader {
 public:
  Uploader(const Gpu& gpu, Size size) : gpu_(gpu) {
    const std::size_t size_bytes = std::size_t{size.width_px} * size.height_px * 8;  // the widest format
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
    const vk::ImageMemoryBarrier take = ferry_acquire_barrier(
        target.image, gpu_.queue_family, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    const vk::ImageMemoryBarrier give = ferry_release_barrier(
        target.image, gpu_.queue_family, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    const vk::BufferImageCopy everything(0, 0, 0, {vk::ImageAspectFlagBits::eColor, 0, 0, 1}, {0, 0, 0},
                                         {target.width_px, target.height_px, 1});
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
      stream.image = image_desc(options_.size.width_px, options_.size.height_px, static_cast<ferry_format>(number));
      stream.transport = options_.transport;
      format_ = static_cast<ferry_format>(number);
      producer_.emplace(connection_, device_, stream);
      return way_of(producer_->state(), connection_);
    }
    if (verb == "publish") {
      const auto target = producer_->begin(kPatience);
      if (!target) throw CommandError(ExitCode::kTimedOut, "no slot came free");
      uploader_.fill(*target, picture_of(format_, options_.size, number));
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
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (std::memcmp(bytes.data() + i * sizeof expected[0], &expected[i], sizeof expected[0]) != 0) ++wrong;
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
void serve(Probe& probe) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto space = line.find(' ');
    const std::uint32_t number = space == std::string::npos ? 0 : static_cast<std::uint32_t>(std::stoul(line.substr(space)));
    Json answer;
    try {
      answer = probe.obey(line.substr(0, space), number);
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
    serve(probe);
  } else {
    ConsumerProbe probe(connection, device, gpu);
    serve(probe);
  }
}

}  // namespace ferry::cli
