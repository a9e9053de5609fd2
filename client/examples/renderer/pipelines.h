#pragma once
// The renderer's render passes and graphics pipelines.

#include <ferry/ferry.h>

#include <cstdint>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"

namespace renderer {

inline constexpr vk::Format kDepthFormat = vk::Format::eD32Sfloat;

/// What the pictures are drawn into.
struct ColourTarget {
  vk::Format format = vk::Format::eUndefined;
  vk::SampleCountFlagBits samples = vk::SampleCountFlagBits::e1;
  bool encode_srgb = false;  ///< the shader has to: the format stores numbers as they come
};

/// @p samples: 1 or 4.
ColourTarget colour_target(ferry_format format, std::uint32_t samples);

/// Attachments: colour, depth; with more than one sample a single-sampled colour as the third. The picture is expected
/// in, and left in, COLOR_ATTACHMENT_OPTIMAL: the barriers of the hand-over surround the pass.
vk::UniqueRenderPass make_scene_pass(const examples::Gpu& gpu, const ColourTarget& target);
/// One depth attachment, ready for sampling afterwards.
vk::UniqueRenderPass make_shadow_pass(const examples::Gpu& gpu);

struct PipelineLayouts {
  vk::PipelineLayout scene;  ///< frame set, object constants
  vk::PipelineLayout stamp;  ///< stamp constants
};

struct Pipelines {
  vk::UniquePipeline shadow, objects, sky, stamp;
};
Pipelines make_pipelines(const examples::Gpu& gpu, const PipelineLayouts& layouts, const ColourTarget& target,
                         vk::RenderPass scene_pass, vk::RenderPass shadow_pass);

}  // namespace renderer
