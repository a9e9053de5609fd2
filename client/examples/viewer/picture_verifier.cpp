#include "client/examples/viewer/picture_verifier.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>

#include "client/examples/common/image_format.h"
#include "client/examples/common/stamp.h"
#include "client/examples/renderer/animation.h"
#include "client/examples/renderer/scene_renderer.h"
#include "client/examples/renderer/target_cache.h"
#include "client/examples/viewer/pixels.h"

namespace viewer {
namespace {

constexpr auto kDrawStage = vk::PipelineStageFlagBits::eColorAttachmentOutput;
constexpr auto kCopyStage = vk::PipelineStageFlagBits::eTransfer;
constexpr int kTolerance = 1;  // of 255: what a driver may round differently from one process to another
const vk::ImageSubresourceRange kWhole(vk::ImageAspectFlagBits::eColor, 0, 1, 0, 1);

bool is_same_pixel(const std::uint8_t* a, const std::uint8_t* b) {
  for (int channel = 0; channel < 4; ++channel)
    if (std::abs(a[channel] - b[channel]) > kTolerance) return false;
  return true;
}

/// Bytes of another process: what is not as the renderer writes it is nothing that could be drawn.
bool can_be_drawn(const examples::FrameNote& note, const ferry::Frame& frame) {
  const bool has_room = frame.width_px >= examples::kStampWidthPx && frame.height_px >= examples::kStampHeightPx;
  return (note.samples == 1 || note.samples == 4) && std::isfinite(note.scene_time_s) && note.scene_time_s >= 0 &&
         (note.has_stamp == 0 || has_room);
}

}  // namespace

/// An image like the renderer's, and what draws into it.
struct PictureVerifier::Canvas {
  Canvas(const examples::Gpu& gpu, const CanvasSpec& spec)
      : extent(spec.width_px, spec.height_px),
        colour(renderer::colour_target(static_cast<ferry_format>(spec.format), spec.samples)),
        image(examples::make_image(
            gpu, {.format = colour.format,
                  .extent = extent,
                  .usage = vk::ImageUsageFlagBits::eColorAttachment | vk::ImageUsageFlagBits::eTransferSrc})),
        pixels(examples::make_buffer(
            gpu, vk::DeviceSize{spec.width_px} * spec.height_px * examples::bytes_per_pixel(spec.format),
            vk::BufferUsageFlagBits::eTransferDst, examples::HostAccess::kRead)),
        scene(gpu, colour, 1),
        targets(gpu, colour, scene.pass()) {
    auto target = ferry::sized<ferry::Target>();
    target.view = *image.view;
    target.width_px = spec.width_px;
    target.height_px = spec.height_px;
    framebuffer = targets.framebuffer(target);
  }

  vk::Extent2D extent;
  renderer::ColourTarget colour;
  examples::Image image;
  examples::Buffer pixels;
  renderer::SceneRenderer scene;
  renderer::TargetCache targets;
  vk::Framebuffer framebuffer;
};

PictureVerifier::PictureVerifier(const examples::Gpu& gpu)
    : gpu_(gpu),
      pool_(gpu.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu.queue_family})),
      commands_(gpu.device.allocateCommandBuffers({*pool_, vk::CommandBufferLevel::ePrimary, 1}).front()),
      done_(gpu.device.createFenceUnique({})) {}

PictureVerifier::~PictureVerifier() = default;

std::string PictureVerifier::find_fault(const ferry::Frame& frame, const examples::Rgba8Picture& picture) {
  const auto note = examples::get_note(frame.metadata);
  if (!note || !can_be_drawn(*note, frame)) return "it is no frame of ferry-renderer's";
  fit({frame.width_px, frame.height_px, frame.format, note->samples});
  draw(*note);
  rgba8_.resize(picture.pixels.size());
  const std::size_t pixel_count = picture.pixels.size() / 4;
  convert_to_rgba8({canvas_->pixels.mapped, pixel_count * examples::bytes_per_pixel(frame.format)}, frame.format,
                   frame.metadata.transfer == FERRY_TRANSFER_LINEAR, rgba8_);

  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < pixel_count; ++i)
    if (!is_same_pixel(&picture.pixels[i * 4], &rgba8_[i * 4]) && wrong++ == 0) first = i;
  if (wrong == 0) return {};
  return fmt::format("{} of {} pixels are not what was drawn, the first at ({}, {})", wrong, pixel_count,
                     first % frame.width_px, first / frame.width_px);
}

void PictureVerifier::fit(const CanvasSpec& spec) {
  if (canvas_ && spec == spec_) return;
  canvas_.reset();  // draw() has waited for what used it
  canvas_ = std::make_unique<Canvas>(gpu_, spec);
  spec_ = spec;
}

void PictureVerifier::draw(const examples::FrameNote& note) {
  using Access = vk::AccessFlagBits;
  using Layout = vk::ImageLayout;
  const auto stamp =
      note.has_stamp != 0 ? std::optional(static_cast<std::uint32_t>(note.counter)) : std::optional<std::uint32_t>();
  const renderer::Scene scene = renderer::scene_at(note.scene_time_s);
  const vk::ImageMemoryBarrier to_draw({}, Access::eColorAttachmentWrite, Layout::eUndefined,
                                       Layout::eColorAttachmentOptimal, VK_QUEUE_FAMILY_IGNORED,
                                       VK_QUEUE_FAMILY_IGNORED, *canvas_->image.image, kWhole);
  const vk::ImageMemoryBarrier to_copy(Access::eColorAttachmentWrite, Access::eTransferRead,
                                       Layout::eColorAttachmentOptimal, Layout::eTransferSrcOptimal,
                                       VK_QUEUE_FAMILY_IGNORED, VK_QUEUE_FAMILY_IGNORED, *canvas_->image.image, kWhole);
  const vk::MemoryBarrier for_the_host(Access::eTransferWrite, Access::eHostRead);
  const vk::BufferImageCopy whole(0, 0, 0, {vk::ImageAspectFlagBits::eColor, 0, 0, 1}, {},
                                  {canvas_->extent.width, canvas_->extent.height, 1});

  gpu_.device.resetCommandPool(*pool_);
  commands_.begin(vk::CommandBufferBeginInfo(vk::CommandBufferUsageFlagBits::eOneTimeSubmit));
  canvas_->scene.record_shadows(commands_, 0, scene, canvas_->extent);
  commands_.pipelineBarrier(kDrawStage, kDrawStage, {}, {}, {}, to_draw);
  canvas_->scene.record_picture(commands_, 0, scene, {canvas_->framebuffer, canvas_->extent}, stamp);
  commands_.pipelineBarrier(kDrawStage, kCopyStage, {}, {}, {}, to_copy);
  commands_.copyImageToBuffer(*canvas_->image.image, Layout::eTransferSrcOptimal, *canvas_->pixels.buffer, whole);
  commands_.pipelineBarrier(kCopyStage, vk::PipelineStageFlagBits::eHost, {}, for_the_host, {}, {});
  commands_.end();
  gpu_.queue.submit(vk::SubmitInfo({}, {}, commands_), *done_);
  examples::wait_for(gpu_, *done_);
  gpu_.device.resetFences(*done_);
}

}  // namespace viewer
