#include "client/examples/renderer/publisher.h"

#include <ferry/ferry_vulkan.h>

#include <algorithm>
#include <chrono>

#include "client/examples/common/frame_note.h"

namespace renderer {
namespace {

using namespace std::chrono_literals;

// Where the picture is first and last touched, and so where the GPU waits for the slot to be free.
constexpr auto kPictureStage = vk::PipelineStageFlagBits::eColorAttachmentOutput;

std::uint32_t sample_count(const Options& options, const examples::Gpu& gpu) {
  return options.samples != 0 ? options.samples : gpu.is_software ? 1 : 4;
}

ferry::ImageDesc image_desc(const Options& options, vk::Extent2D size) {
  return ferry::image_desc(size.width, size.height, options.format, FERRY_USAGE_RENDER | FERRY_USAGE_SAMPLE);
}

}  // namespace

Publisher::Publisher(const ferry::Connection& connection, const ferry::Device& device, const Options& options)
    : options_(options),
      gpu_(examples::gpu_of(device)),
      colour_(colour_target(options.format, sample_count(options, gpu_))),
      producer_(connection, device,
                {.name = options.stream,
                 .image = image_desc(options, options.size),
                 .sync_mode = options.sync_mode,
                 .frames_in_flight = kFramesInFlight}),
      scene_renderer_(gpu_, colour_, kFramesInFlight),
      targets_(gpu_, colour_, scene_renderer_.pass()),
      next_resize_(options.resize_every) {
  for (Flight& flight : flights_) {
    flight.pool = gpu_.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu_.queue_family});
    flight.commands = gpu_.device.allocateCommandBuffers({*flight.pool, vk::CommandBufferLevel::ePrimary, 1}).front();
    flight.done = gpu_.device.createFenceUnique({vk::FenceCreateFlagBits::eSignaled});
  }
}

Publisher::~Publisher() {
  const auto fences = {*flights_[0].done, *flights_[1].done};
  constexpr std::chrono::nanoseconds kDeadline = 2s;
  // What is still drawing after that is on a GPU that hangs, and nothing here can mend it.
  static_cast<void>(gpu_.device.waitForFences(fences, VK_TRUE, static_cast<std::uint64_t>(kDeadline.count())));
}

bool Publisher::publish_frame(double scene_time_s) {
  Flight& flight = flights_[frames_ % kFramesInFlight];
  examples::wait_for(gpu_, *flight.done);
  resize_if_due();
  const auto target = producer_.begin(100ms);
  if (!target) return false;

  flight.generation = target->generation;
  drop_old_generations();
  const Scene scene = scene_at(scene_time_s);
  record(flight, *target, scene);
  submit(flight, *target);
  ++frames_;
  producer_.publish(*target, describe(scene, scene_time_s));  // after the submission: see ferry.h
  return true;
}

void Publisher::resize_if_due() {
  if (options_.resize_every == 0 || frames_ < next_resize_) return;
  next_resize_ += options_.resize_every;
  const bool is_odd = frames_ / options_.resize_every % 2 == 1;
  producer_.reconfigure(image_desc(options_, is_odd ? smaller_size(options_.size) : options_.size));
}

void Publisher::record(Flight& flight, const ferry::Target& target, const Scene& scene) {
  const auto index = static_cast<std::uint32_t>(&flight - flights_.data());
  const Picture picture{targets_.framebuffer(target), {target.width_px, target.height_px}};
  const std::optional<std::uint32_t> stamp =
      options_.stamp ? std::optional(static_cast<std::uint32_t>(frames_ + 1)) : std::nullopt;

  gpu_.device.resetCommandPool(*flight.pool);
  const vk::CommandBuffer commands = flight.commands;
  commands.begin(vk::CommandBufferBeginInfo(vk::CommandBufferUsageFlagBits::eOneTimeSubmit));
  scene_renderer_.record_shadows(commands, index, scene, picture.extent);

  const auto attachment = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL;
  const auto writes = VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT;
  const vk::ImageMemoryBarrier take(
      ferry_acquire_barrier_from(target.peer_queue_family, target.image, gpu_.queue_family, attachment, writes));
  const vk::ImageMemoryBarrier hand_over(
      ferry_release_barrier_to(target.peer_queue_family, target.image, gpu_.queue_family, attachment, writes));
  commands.pipelineBarrier(kPictureStage, kPictureStage, {}, {}, {}, take);
  scene_renderer_.record_picture(commands, index, scene, picture, stamp);
  commands.pipelineBarrier(kPictureStage, vk::PipelineStageFlagBits::eBottomOfPipe, {}, {}, {}, hand_over);
  commands.end();
}

void Publisher::submit(Flight& flight, const ferry::Target& target) {
  wait_stages_.assign(target.wait_count, kPictureStage);
  const vk::TimelineSemaphoreSubmitInfo values(target.wait_count, target.wait_values, 1, &target.signal_value);
  const vk::Semaphore finished(target.signal_semaphore);
  const auto info = vk::SubmitInfo()
                        .setWaitSemaphoreCount(target.wait_count)
                        .setPWaitSemaphores(reinterpret_cast<const vk::Semaphore*>(target.wait_semaphores))
                        .setPWaitDstStageMask(wait_stages_.data())
                        .setCommandBuffers(flight.commands)
                        .setSignalSemaphores(finished)
                        .setPNext(&values);
  gpu_.device.resetFences(*flight.done);
  gpu_.queue.submit(info, *flight.done);
}

void Publisher::drop_old_generations() {
  const auto oldest = std::min_element(flights_.begin(), flights_.end(),
                                       [](const Flight& a, const Flight& b) { return a.generation < b.generation; });
  targets_.drop_before(oldest->generation);
}

ferry::FrameMetadata Publisher::describe(const Scene& scene, double scene_time_s) const {
  auto metadata = ferry::sized<ferry::FrameMetadata>();
  if (options_.format == FERRY_FORMAT_RGBA16_FLOAT) metadata.transfer = FERRY_TRANSFER_LINEAR;
  const Camera& camera = scene.camera;
  examples::FrameNote note;
  note.has_stamp = options_.stamp ? 1 : 0;
  note.counter = frames_;
  note.scene_time_s = scene_time_s;
  note.eye = {camera.eye.x, camera.eye.y, camera.eye.z};
  note.look_at = {camera.look_at.x, camera.look_at.y, camera.look_at.z};
  note.vertical_fov_rad = camera.vertical_fov_rad;
  note.samples = static_cast<std::uint32_t>(colour_.samples);
  examples::put_note(note, metadata);
  return metadata;
}

}  // namespace renderer
