#include "client/examples/viewer/frame_painter.h"

#include <algorithm>
#include <array>

#include "client/examples/common/image_format.h"
#include "shaders/frame.frag.h"
#include "shaders/frame.vert.h"

namespace viewer {
namespace {

using Vec2 = std::array<float, 2>;

struct FrameConstants {  // mirrors frame.frag
  Vec2 across, down, origin;
  std::uint32_t transfer, primaries, alpha, is_linear;
};
static_assert(sizeof(FrameConstants) == 40);

/// Where in the stored picture (0 to 1) its displayed corners lie.
struct Placement {
  Vec2 origin, across, down;
};

Placement placement(std::uint32_t orientation) {
  switch (orientation) {
    case FERRY_ORIENTATION_MIRRORED:
      return {{1, 0}, {-1, 0}, {0, 1}};
    case FERRY_ORIENTATION_ROTATED_180:
      return {{1, 1}, {-1, 0}, {0, -1}};
    case FERRY_ORIENTATION_FLIPPED:
      return {{0, 1}, {1, 0}, {0, -1}};
    case FERRY_ORIENTATION_TRANSPOSED:
      return {{0, 0}, {0, 1}, {1, 0}};
    case FERRY_ORIENTATION_ROTATED_90:
      return {{0, 1}, {0, -1}, {1, 0}};
    case FERRY_ORIENTATION_TRANSVERSED:
      return {{1, 1}, {0, -1}, {-1, 0}};
    case FERRY_ORIENTATION_ROTATED_270:
      return {{1, 0}, {0, 1}, {-1, 0}};
    default:
      return {{0, 0}, {1, 0}, {0, 1}};
  }
}

bool swaps_axes(std::uint32_t orientation) {
  return orientation >= FERRY_ORIENTATION_TRANSPOSED && orientation <= FERRY_ORIENTATION_ROTATED_270;
}

/// The producer's crop where it makes sense, else the whole texture.
ferry::Rect visible_part(const ferry::Frame& frame) {
  const ferry::Rect& crop = frame.metadata.crop;
  const bool fits = crop.width_px > 0 && crop.height_px > 0 && crop.x_px < frame.width_px &&
                    crop.y_px < frame.height_px && crop.width_px <= frame.width_px - crop.x_px &&
                    crop.height_px <= frame.height_px - crop.y_px;
  return fits ? crop : ferry::Rect{0, 0, frame.width_px, frame.height_px};
}

FrameConstants constants_for(const ferry::Frame& frame) {
  const ferry::Rect part = visible_part(frame);
  const auto width = static_cast<float>(frame.width_px), height = static_cast<float>(frame.height_px);
  const Vec2 size{static_cast<float>(part.width_px) / width, static_cast<float>(part.height_px) / height};
  const Vec2 corner{static_cast<float>(part.x_px) / width, static_cast<float>(part.y_px) / height};
  const Placement turned = placement(frame.metadata.orientation);
  return {{turned.across[0] * size[0], turned.across[1] * size[1]},
          {turned.down[0] * size[0], turned.down[1] * size[1]},
          {corner[0] + turned.origin[0] * size[0], corner[1] + turned.origin[1] * size[1]},
          frame.metadata.transfer,
          frame.metadata.primaries,
          frame.metadata.alpha,
          examples::has_srgb_hardware(frame.format) ? 1U : 0U};
}

vk::Rect2D intersect(const vk::Rect2D& a, const vk::Rect2D& b) {
  const auto right = [](const vk::Rect2D& r) { return r.offset.x + static_cast<std::int32_t>(r.extent.width); };
  const auto bottom = [](const vk::Rect2D& r) { return r.offset.y + static_cast<std::int32_t>(r.extent.height); };
  const vk::Offset2D from(std::max(a.offset.x, b.offset.x), std::max(a.offset.y, b.offset.y));
  const auto width = std::max(0, std::min(right(a), right(b)) - from.x);
  const auto height = std::max(0, std::min(bottom(a), bottom(b)) - from.y);
  return {from, {static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)}};
}

}  // namespace

vk::Extent2D displayed_size(const ferry::Frame& frame) {
  const ferry::Rect part = visible_part(frame);
  return swaps_axes(frame.metadata.orientation) ? vk::Extent2D(part.height_px, part.width_px)
                                                : vk::Extent2D(part.width_px, part.height_px);
}

FramePainter::FramePainter(const examples::Gpu& gpu, vk::RenderPass pass, std::uint32_t flights) : gpu_(gpu) {
  const auto clamp = vk::SamplerAddressMode::eClampToEdge;
  sampler_ = gpu.device.createSamplerUnique(vk::SamplerCreateInfo()
                                                .setMagFilter(vk::Filter::eLinear)
                                                .setMinFilter(vk::Filter::eLinear)
                                                .setAddressModeU(clamp)
                                                .setAddressModeV(clamp)
                                                .setAddressModeW(clamp));
  const vk::DescriptorSetLayoutBinding binding(0, vk::DescriptorType::eCombinedImageSampler,
                                               vk::ShaderStageFlagBits::eFragment, *sampler_);
  set_layout_ = gpu.device.createDescriptorSetLayoutUnique({{}, binding});
  const vk::PushConstantRange constants(vk::ShaderStageFlagBits::eFragment, 0, sizeof(FrameConstants));
  layout_ = gpu.device.createPipelineLayoutUnique({{}, *set_layout_, constants});
  make_pipeline(pass);
  const vk::DescriptorPoolSize size(vk::DescriptorType::eCombinedImageSampler, flights);
  pool_ = gpu.device.createDescriptorPoolUnique({{}, flights, size});
  const std::vector layouts(flights, *set_layout_);
  sets_ = gpu.device.allocateDescriptorSets({*pool_, layouts});
}

void FramePainter::make_pipeline(vk::RenderPass pass) {
  const auto vertex = examples::make_shader(gpu_, kFrameVert), fragment = examples::make_shader(gpu_, kFrameFrag);
  const auto stages = examples::shader_stages(*vertex, *fragment);
  const vk::PipelineVertexInputStateCreateInfo no_vertices;
  const vk::PipelineInputAssemblyStateCreateInfo assembly({}, vk::PrimitiveTopology::eTriangleList);
  const vk::PipelineViewportStateCreateInfo viewport({}, 1, nullptr, 1, nullptr);
  const auto raster = vk::PipelineRasterizationStateCreateInfo().setLineWidth(1);
  const vk::PipelineMultisampleStateCreateInfo one_sample;
  using Channel = vk::ColorComponentFlagBits;
  const auto opaque =
      vk::PipelineColorBlendAttachmentState().setColorWriteMask(Channel::eR | Channel::eG | Channel::eB | Channel::eA);
  const vk::PipelineColorBlendStateCreateInfo blend({}, VK_FALSE, {}, opaque);
  const std::array dynamic_states{vk::DynamicState::eViewport, vk::DynamicState::eScissor};
  const vk::PipelineDynamicStateCreateInfo dynamic({}, dynamic_states);
  pipeline_ = gpu_.device
                  .createGraphicsPipelineUnique({}, vk::GraphicsPipelineCreateInfo()
                                                        .setStages(stages)
                                                        .setPVertexInputState(&no_vertices)
                                                        .setPInputAssemblyState(&assembly)
                                                        .setPViewportState(&viewport)
                                                        .setPRasterizationState(&raster)
                                                        .setPMultisampleState(&one_sample)
                                                        .setPColorBlendState(&blend)
                                                        .setPDynamicState(&dynamic)
                                                        .setLayout(*layout_)
                                                        .setRenderPass(pass))
                  .value;
}

void FramePainter::draw(vk::CommandBuffer commands, std::uint32_t flight, const ferry::Frame& frame, vk::Rect2D area,
                        vk::Rect2D visible) const {
  const vk::Rect2D shown = intersect(area, visible);
  if (shown.extent.width == 0 || shown.extent.height == 0) return;
  const vk::DescriptorImageInfo image({}, frame.view, vk::ImageLayout::eShaderReadOnlyOptimal);
  gpu_.device.updateDescriptorSets(
      vk::WriteDescriptorSet(sets_[flight], 0, 0, vk::DescriptorType::eCombinedImageSampler, image), {});

  commands.bindPipeline(vk::PipelineBindPoint::eGraphics, *pipeline_);
  commands.bindDescriptorSets(vk::PipelineBindPoint::eGraphics, *layout_, 0, sets_[flight], {});
  commands.setViewport(
      0, vk::Viewport(static_cast<float>(area.offset.x), static_cast<float>(area.offset.y),
                      static_cast<float>(area.extent.width), static_cast<float>(area.extent.height), 0, 1));
  commands.setScissor(0, shown);
  commands.pushConstants<FrameConstants>(*layout_, vk::ShaderStageFlagBits::eFragment, 0, constants_for(frame));
  commands.draw(3, 1, 0, 0);
}

}  // namespace viewer
