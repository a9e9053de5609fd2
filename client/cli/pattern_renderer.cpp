#include "client/cli/pattern_renderer.h"

#include <ferry/ferry_vulkan.h>

#include "client/cli/exit_code.h"
#include "client/cli/stop_signal.h"
#include "shaders/pattern.frag.h"
#include "shaders/pattern.vert.h"

namespace ferry::cli {

PatternRenderer::PatternRenderer(const Gpu& gpu, vk::Format format) : gpu_(gpu), format_(format) {
  create_render_pass();
  create_pipeline();
  pool_ = gpu_.device.createCommandPoolUnique(
      {vk::CommandPoolCreateFlagBits::eResetCommandBuffer | vk::CommandPoolCreateFlagBits::eTransient,
       gpu_.queue_family});
  const auto buffers = gpu_.device.allocateCommandBuffers({*pool_, vk::CommandBufferLevel::ePrimary, kFramesInFlight});
  for (std::size_t i = 0; i < kFramesInFlight; ++i) {
    in_flight_[i] = {gpu_.device.createFenceUnique({vk::FenceCreateFlagBits::eSignaled}), buffers[i]};
  }
}

PatternRenderer::~PatternRenderer() {
  try {
    wait_until_idle();
  } catch (const std::exception&) {
    // A stuck or lost GPU: the program ends anyway, and the kernel cleans up after it.
  }
}

void PatternRenderer::create_render_pass() {
  vk::AttachmentDescription attachment;
  attachment.format = format_;
  attachment.loadOp = vk::AttachmentLoadOp::eDontCare;  // every pixel is drawn
  attachment.storeOp = vk::AttachmentStoreOp::eStore;
  attachment.initialLayout = attachment.finalLayout = vk::ImageLayout::eColorAttachmentOptimal;
  const vk::AttachmentReference colour(0, vk::ImageLayout::eColorAttachmentOptimal);
  vk::SubpassDescription subpass;
  subpass.setColorAttachments(colour);
  render_pass_ = gpu_.device.createRenderPassUnique(vk::RenderPassCreateInfo({}, attachment, subpass));
}

void PatternRenderer::create_pipeline() {
  const vk::PushConstantRange constants(vk::ShaderStageFlagBits::eFragment, 0, sizeof(PatternFrame));
  layout_ = gpu_.device.createPipelineLayoutUnique(vk::PipelineLayoutCreateInfo({}, {}, constants));

  const auto vertex = gpu_.device.createShaderModuleUnique({{}, sizeof kPatternVert, kPatternVert});
  const auto fragment = gpu_.device.createShaderModuleUnique({{}, sizeof kPatternFrag, kPatternFrag});
  const std::array stages{
      vk::PipelineShaderStageCreateInfo({}, vk::ShaderStageFlagBits::eVertex, *vertex, "main"),
      vk::PipelineShaderStageCreateInfo({}, vk::ShaderStageFlagBits::eFragment, *fragment, "main"),
  };
  const vk::PipelineVertexInputStateCreateInfo no_vertices;
  const vk::PipelineInputAssemblyStateCreateInfo triangles({}, vk::PrimitiveTopology::eTriangleList);
  const vk::PipelineViewportStateCreateInfo one_viewport({}, 1, nullptr, 1, nullptr);
  vk::PipelineRasterizationStateCreateInfo rasterization;
  rasterization.lineWidth = 1.0F;
  const vk::PipelineMultisampleStateCreateInfo single_sample({}, vk::SampleCountFlagBits::e1);
  using Component = vk::ColorComponentFlagBits;
  vk::PipelineColorBlendAttachmentState overwrite;
  overwrite.colorWriteMask = Component::eR | Component::eG | Component::eB | Component::eA;
  const vk::PipelineColorBlendStateCreateInfo blend({}, false, vk::LogicOp::eCopy, overwrite);
  const std::array dynamic{vk::DynamicState::eViewport, vk::DynamicState::eScissor};
  const vk::PipelineDynamicStateCreateInfo dynamic_state({}, dynamic);

  vk::GraphicsPipelineCreateInfo info;
  info.setStages(stages);
  info.pVertexInputState = &no_vertices;
  info.pInputAssemblyState = &triangles;
  info.pViewportState = &one_viewport;
  info.pRasterizationState = &rasterization;
  info.pMultisampleState = &single_sample;
  info.pColorBlendState = &blend;
  info.pDynamicState = &dynamic_state;
  info.layout = *layout_;
  info.renderPass = *render_pass_;
  pipeline_ = std::move(gpu_.device.createGraphicsPipelineUnique({}, info).value);
}

void PatternRenderer::wait_until_idle() {
  const std::int64_t deadline_ns = monotonic_ns() + kGpuPatienceNs;
  for (const InFlight& work : in_flight_) wait_for_fence(gpu_, *work.idle, deadline_ns);
}

vk::Framebuffer PatternRenderer::framebuffer_for(const Target& target) {
  if (target.generation != generation_) {
    wait_until_idle();
    for (vk::UniqueFramebuffer& framebuffer : framebuffers_) framebuffer.reset();
    generation_ = target.generation;
  }
  vk::UniqueFramebuffer& framebuffer = framebuffers_.at(target.slot);
  if (!framebuffer) {
    const vk::ImageView view(target.view);
    framebuffer = gpu_.device.createFramebufferUnique(
        vk::FramebufferCreateInfo({}, *render_pass_, view, target.width_px, target.height_px, 1));
  }
  return *framebuffer;
}

void PatternRenderer::draw(const Target& target, PatternFrame frame) {
  frame.width_px = target.width_px;
  frame.height_px = target.height_px;
  const InFlight& work = in_flight_[next_];
  wait_for_fence(gpu_, *work.idle, monotonic_ns() + kGpuPatienceNs);
  record(work.commands, target, frame);
  submit(work, target);
  next_ = (next_ + 1) % kFramesInFlight;
}

void PatternRenderer::record(vk::CommandBuffer commands, const Target& target, const PatternFrame& frame) {
  const vk::Framebuffer framebuffer = framebuffer_for(target);
  const vk::Rect2D everything({0, 0}, {target.width_px, target.height_px});
  const auto width = static_cast<float>(target.width_px), height = static_cast<float>(target.height_px);
  constexpr auto kOutput = vk::PipelineStageFlagBits::eColorAttachmentOutput;
  const vk::ImageMemoryBarrier take = ferry_acquire_barrier_from(
      target.peer_queue_family, target.image, gpu_.queue_family,
      VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT);
  const vk::ImageMemoryBarrier give = ferry_release_barrier_to(
      target.peer_queue_family, target.image, gpu_.queue_family,
      VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, VK_ACCESS_COLOR_ATTACHMENT_WRITE_BIT);

  commands.begin({vk::CommandBufferUsageFlagBits::eOneTimeSubmit});
  commands.pipelineBarrier(kOutput, kOutput, {}, {}, {}, take);
  commands.beginRenderPass({*render_pass_, framebuffer, everything}, vk::SubpassContents::eInline);
  commands.bindPipeline(vk::PipelineBindPoint::eGraphics, *pipeline_);
  commands.setViewport(0, vk::Viewport(0, 0, width, height, 0, 1));
  commands.setScissor(0, everything);
  commands.pushConstants<PatternFrame>(*layout_, vk::ShaderStageFlagBits::eFragment, 0, frame);
  commands.draw(3, 1, 0, 0);
  commands.endRenderPass();
  commands.pipelineBarrier(kOutput, vk::PipelineStageFlagBits::eBottomOfPipe, {}, {}, {}, give);
  commands.end();
}

void PatternRenderer::submit(const InFlight& work, const Target& target) {
  wait_stages_.assign(target.wait_count, vk::PipelineStageFlagBits::eColorAttachmentOutput);
  const vk::Semaphore done(target.signal_semaphore);
  vk::TimelineSemaphoreSubmitInfo values;
  values.waitSemaphoreValueCount = target.wait_count;
  values.pWaitSemaphoreValues = target.wait_values;
  values.setSignalSemaphoreValues(target.signal_value);
  vk::SubmitInfo info;
  info.pNext = &values;
  info.waitSemaphoreCount = target.wait_count;
  info.pWaitSemaphores = reinterpret_cast<const vk::Semaphore*>(target.wait_semaphores);
  info.pWaitDstStageMask = wait_stages_.data();
  info.setCommandBuffers(work.commands);
  info.setSignalSemaphores(done);
  gpu_.device.resetFences(*work.idle);
  gpu_.queue.submit(info, *work.idle);
}

}  // namespace ferry::cli
