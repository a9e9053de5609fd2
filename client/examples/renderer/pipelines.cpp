#include "client/examples/renderer/pipelines.h"

#include <array>
#include <vector>

#include "client/examples/common/image_format.h"
#include "client/examples/renderer/meshes.h"
#include "shaders/scene.frag.h"
#include "shaders/scene.vert.h"
#include "shaders/shadow.vert.h"
#include "shaders/sky.frag.h"
#include "shaders/sky.vert.h"
#include "shaders/stamp.frag.h"
#include "shaders/stamp.vert.h"

namespace renderer {
namespace {

using Stage = vk::PipelineStageFlagBits;
using Access = vk::AccessFlagBits;

vk::Format vulkan_format(ferry_format format) {
  switch (format) {
    case FERRY_FORMAT_RGBA8_UNORM:
      return vk::Format::eR8G8B8A8Unorm;
    case FERRY_FORMAT_RGBA8_SRGB:
      return vk::Format::eR8G8B8A8Srgb;
    case FERRY_FORMAT_BGRA8_UNORM:
      return vk::Format::eB8G8R8A8Unorm;
    case FERRY_FORMAT_BGRA8_SRGB:
      return vk::Format::eB8G8R8A8Srgb;
    case FERRY_FORMAT_RGB10A2_UNORM:
      return vk::Format::eA2B10G10R10UnormPack32;
    case FERRY_FORMAT_RGBA16_FLOAT:
      return vk::Format::eR16G16B16A16Sfloat;
    case FERRY_FORMAT_NV12:
    case FERRY_FORMAT_P010:
      break;  // not to be rendered to
  }
  return vk::Format::eUndefined;
}

enum class Depth { kOff, kTest, kTestAndWrite };

/// Where the pipelines differ.
struct PipelineSpec {
  std::vector<vk::PipelineShaderStageCreateInfo> stages;
  vk::PipelineLayout layout;
  vk::RenderPass pass;
  vk::SampleCountFlagBits samples = vk::SampleCountFlagBits::e1;
  std::uint32_t vertex_attributes = 0;  // of Vertex, from the first one on
  bool has_colour = true;
  Depth depth = Depth::kOff;
  float depth_slope_bias = 0;
};

vk::UniquePipeline make_pipeline(const examples::Gpu& gpu, const PipelineSpec& spec) {
  const vk::VertexInputBindingDescription binding(0, sizeof(Vertex), vk::VertexInputRate::eVertex);
  const std::array<vk::VertexInputAttributeDescription, 2> attributes{{
      {0, 0, vk::Format::eR32G32B32Sfloat, offsetof(Vertex, position)},
      {1, 0, vk::Format::eR32G32B32Sfloat, offsetof(Vertex, normal)},
  }};
  vk::PipelineVertexInputStateCreateInfo vertex_input;
  const bool has_vertices = spec.vertex_attributes > 0;
  if (has_vertices)
    vertex_input.setVertexBindingDescriptions(binding)
        .setVertexAttributeDescriptionCount(spec.vertex_attributes)
        .setPVertexAttributeDescriptions(attributes.data());

  const vk::PipelineInputAssemblyStateCreateInfo assembly({}, vk::PrimitiveTopology::eTriangleList);
  const vk::PipelineViewportStateCreateInfo viewport({}, 1, nullptr, 1, nullptr);
  const auto raster = vk::PipelineRasterizationStateCreateInfo()
                          .setCullMode(has_vertices ? vk::CullModeFlagBits::eBack : vk::CullModeFlagBits::eNone)
                          .setFrontFace(vk::FrontFace::eCounterClockwise)
                          .setDepthBiasEnable(spec.depth_slope_bias != 0)
                          .setDepthBiasSlopeFactor(spec.depth_slope_bias)
                          .setLineWidth(1);
  const vk::PipelineMultisampleStateCreateInfo multisample({}, spec.samples);
  const auto depth = vk::PipelineDepthStencilStateCreateInfo()
                         .setDepthTestEnable(spec.depth != Depth::kOff)
                         .setDepthWriteEnable(spec.depth == Depth::kTestAndWrite)
                         .setDepthCompareOp(vk::CompareOp::eLessOrEqual);
  using Channel = vk::ColorComponentFlagBits;
  const auto opaque =
      vk::PipelineColorBlendAttachmentState().setColorWriteMask(Channel::eR | Channel::eG | Channel::eB | Channel::eA);
  vk::PipelineColorBlendStateCreateInfo blend;
  if (spec.has_colour) blend.setAttachments(opaque);
  const std::array dynamic_states{vk::DynamicState::eViewport, vk::DynamicState::eScissor};
  const vk::PipelineDynamicStateCreateInfo dynamic({}, dynamic_states);

  const auto info = vk::GraphicsPipelineCreateInfo()
                        .setStages(spec.stages)
                        .setPVertexInputState(&vertex_input)
                        .setPInputAssemblyState(&assembly)
                        .setPViewportState(&viewport)
                        .setPRasterizationState(&raster)
                        .setPMultisampleState(&multisample)
                        .setPDepthStencilState(&depth)
                        .setPColorBlendState(&blend)
                        .setPDynamicState(&dynamic)
                        .setLayout(spec.layout)
                        .setRenderPass(spec.pass);
  return gpu.device.createGraphicsPipelineUnique({}, info).value;
}

vk::AttachmentDescription attachment(vk::Format format, vk::SampleCountFlagBits samples) {
  return vk::AttachmentDescription()
      .setFormat(format)
      .setSamples(samples)
      .setLoadOp(vk::AttachmentLoadOp::eDontCare)
      .setStoreOp(vk::AttachmentStoreOp::eDontCare)
      .setStencilLoadOp(vk::AttachmentLoadOp::eDontCare)
      .setStencilStoreOp(vk::AttachmentStoreOp::eDontCare)
      .setInitialLayout(vk::ImageLayout::eUndefined);
}

}  // namespace

ColourTarget colour_target(ferry_format format, std::uint32_t samples) {
  return {.format = vulkan_format(format),
          .samples = samples == 4 ? vk::SampleCountFlagBits::e4 : vk::SampleCountFlagBits::e1,
          .encode_srgb = !examples::has_srgb_hardware(format) && format != FERRY_FORMAT_RGBA16_FLOAT};
}

vk::UniqueRenderPass make_scene_pass(const examples::Gpu& gpu, const ColourTarget& target) {
  const bool resolves = target.samples != vk::SampleCountFlagBits::e1;
  // Every pixel is drawn (the sky fills what is left), so nothing is loaded or cleared.
  auto picture = attachment(target.format, vk::SampleCountFlagBits::e1)
                     .setStoreOp(vk::AttachmentStoreOp::eStore)
                     .setInitialLayout(vk::ImageLayout::eColorAttachmentOptimal)
                     .setFinalLayout(vk::ImageLayout::eColorAttachmentOptimal);
  const auto samples =
      attachment(target.format, target.samples).setFinalLayout(vk::ImageLayout::eColorAttachmentOptimal);
  const auto depth = attachment(kDepthFormat, target.samples)
                         .setLoadOp(vk::AttachmentLoadOp::eClear)
                         .setFinalLayout(vk::ImageLayout::eDepthStencilAttachmentOptimal);
  std::vector<vk::AttachmentDescription> attachments{resolves ? samples : picture, depth};
  if (resolves) attachments.push_back(picture);

  const vk::AttachmentReference colour_ref(0, vk::ImageLayout::eColorAttachmentOptimal);
  const vk::AttachmentReference depth_ref(1, vk::ImageLayout::eDepthStencilAttachmentOptimal);
  const vk::AttachmentReference resolve_ref(2, vk::ImageLayout::eColorAttachmentOptimal);
  auto subpass = vk::SubpassDescription().setColorAttachments(colour_ref).setPDepthStencilAttachment(&depth_ref);
  if (resolves) subpass.setResolveAttachments(resolve_ref);

  // Frames in flight share the depth and sample buffers: one frame's writes come after the last one's.
  const vk::PipelineStageFlags stages =
      Stage::eColorAttachmentOutput | Stage::eEarlyFragmentTests | Stage::eLateFragmentTests;
  const auto after_last_frame =
      vk::SubpassDependency(VK_SUBPASS_EXTERNAL, 0, stages, stages)
          .setSrcAccessMask(Access::eColorAttachmentWrite | Access::eDepthStencilAttachmentWrite)
          .setDstAccessMask(Access::eColorAttachmentRead | Access::eColorAttachmentWrite |
                            Access::eDepthStencilAttachmentRead | Access::eDepthStencilAttachmentWrite);
  return gpu.device.createRenderPassUnique({{}, attachments, subpass, after_last_frame});
}

vk::UniqueRenderPass make_shadow_pass(const examples::Gpu& gpu) {
  const auto depth = attachment(kDepthFormat, vk::SampleCountFlagBits::e1)
                         .setLoadOp(vk::AttachmentLoadOp::eClear)
                         .setStoreOp(vk::AttachmentStoreOp::eStore)
                         .setFinalLayout(vk::ImageLayout::eDepthStencilReadOnlyOptimal);
  const vk::AttachmentReference depth_ref(0, vk::ImageLayout::eDepthStencilAttachmentOptimal);
  const auto subpass = vk::SubpassDescription().setPDepthStencilAttachment(&depth_ref);
  const vk::PipelineStageFlags depth_stages = Stage::eEarlyFragmentTests | Stage::eLateFragmentTests;
  const std::array<vk::SubpassDependency, 2> around{
      // the last frame has read it ...
      vk::SubpassDependency(VK_SUBPASS_EXTERNAL, 0, Stage::eFragmentShader | depth_stages, depth_stages)
          .setSrcAccessMask(Access::eDepthStencilAttachmentWrite)
          .setDstAccessMask(Access::eDepthStencilAttachmentRead | Access::eDepthStencilAttachmentWrite),
      // ... and this frame is going to
      vk::SubpassDependency(0, VK_SUBPASS_EXTERNAL, depth_stages, Stage::eFragmentShader)
          .setSrcAccessMask(Access::eDepthStencilAttachmentWrite)
          .setDstAccessMask(Access::eShaderRead),
  };
  return gpu.device.createRenderPassUnique({{}, depth, subpass, around});
}

Pipelines make_pipelines(const examples::Gpu& gpu, const PipelineLayouts& layouts, const ColourTarget& target,
                         vk::RenderPass scene_pass, vk::RenderPass shadow_pass) {
  const auto scene_vert = examples::make_shader(gpu, kSceneVert), scene_frag = examples::make_shader(gpu, kSceneFrag);
  const auto sky_vert = examples::make_shader(gpu, kSkyVert), sky_frag = examples::make_shader(gpu, kSkyFrag);
  const auto stamp_vert = examples::make_shader(gpu, kStampVert), stamp_frag = examples::make_shader(gpu, kStampFrag);
  const auto shadow_vert = examples::make_shader(gpu, kShadowVert);

  const VkBool32 encode_srgb = target.encode_srgb;
  const vk::SpecializationMapEntry encode_entry(0, 0, sizeof(encode_srgb));
  const vk::SpecializationInfo encode_constant(1, &encode_entry, sizeof(encode_srgb), &encode_srgb);
  const auto stages = [&](vk::ShaderModule vertex, vk::ShaderModule fragment) {
    const auto both = examples::shader_stages(vertex, fragment);
    return std::vector(both.begin(), both.end());
  };

  PipelineSpec objects{.stages = stages(*scene_vert, *scene_frag),
                       .layout = layouts.scene,
                       .pass = scene_pass,
                       .samples = target.samples,
                       .vertex_attributes = 2,
                       .depth = Depth::kTestAndWrite};
  objects.stages[1].setPSpecializationInfo(&encode_constant);
  PipelineSpec sky{.stages = stages(*sky_vert, *sky_frag),
                   .layout = layouts.scene,
                   .pass = scene_pass,
                   .samples = target.samples,
                   .depth = Depth::kTest};
  sky.stages[1].setPSpecializationInfo(&encode_constant);
  const PipelineSpec stamp{.stages = stages(*stamp_vert, *stamp_frag),
                           .layout = layouts.stamp,
                           .pass = scene_pass,
                           .samples = target.samples};
  const PipelineSpec shadow{.stages = {stages(*shadow_vert, {}).front()},
                            .layout = layouts.scene,
                            .pass = shadow_pass,
                            .vertex_attributes = 1,
                            .has_colour = false,
                            .depth = Depth::kTestAndWrite,
                            .depth_slope_bias = 1.5F};
  return {make_pipeline(gpu, shadow), make_pipeline(gpu, objects), make_pipeline(gpu, sky), make_pipeline(gpu, stamp)};
}

}  // namespace renderer
