#include "client/examples/renderer/scene_renderer.h"

#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "client/examples/common/stamp.h"

namespace renderer {
namespace {

constexpr std::uint32_t kShadowMapPx = 1024;

using Vec4 = std::array<float, 4>;
constexpr Vec4 to_vec4(Vec3 v, float w = 0) { return {v.x, v.y, v.z, w}; }

struct FrameUniforms {  // std140; mirrors frame.glsl
  Mat4 world_to_clip, world_to_shadow;
  Vec4 eye, to_sun, ray_right, ray_up, ray_forward;
};
static_assert(sizeof(FrameUniforms) == 208);

struct ObjectConstants {  // mirrors object.glsl
  Mat4 object_to_world;
  Vec4 albedo, surface;
};
static_assert(sizeof(ObjectConstants) <= 128);  // what every device offers

struct StampConstants {  // mirrors stamp.frag
  std::array<std::uint32_t, 2> origin_px;
  std::uint32_t counter, check;
};

FrameUniforms frame_uniforms(const Scene& scene, vk::Extent2D extent) {
  constexpr Vec3 kUp{0, 1, 0};
  const Camera& camera = scene.camera;
  const float aspect = static_cast<float>(extent.width) / static_cast<float>(extent.height);
  const Vec3 forward = normalize(camera.look_at - camera.eye);
  const Vec3 right = normalize(cross(forward, kUp));
  const float half_height = std::tan(camera.vertical_fov_rad / 2);

  constexpr float kLitRadius = 3.6F, kSunDistance = 8;
  const Vec3 lit_centre{0, 0.7F, 0};
  return {
      .world_to_clip =
          perspective(camera.vertical_fov_rad, aspect, 0.1F, 100) * look_at(camera.eye, camera.look_at, kUp),
      .world_to_shadow = orthographic(kLitRadius, 1, 2 * kSunDistance) *
                         look_at(lit_centre + scene.to_sun * kSunDistance, lit_centre, kUp),
      .eye = to_vec4(camera.eye),
      .to_sun = to_vec4(scene.to_sun),
      .ray_right = to_vec4(right * (half_height * aspect)),
      .ray_up = to_vec4(cross(right, forward) * half_height),
      .ray_forward = to_vec4(forward),
  };
}

void set_area(vk::CommandBuffer commands, vk::Rect2D area) {
  commands.setViewport(
      0, vk::Viewport(static_cast<float>(area.offset.x), static_cast<float>(area.offset.y),
                      static_cast<float>(area.extent.width), static_cast<float>(area.extent.height), 0, 1));
  commands.setScissor(0, area);
}

}  // namespace

SceneRenderer::SceneRenderer(const examples::Gpu& gpu, const ColourTarget& target, std::uint32_t frames_in_flight)
    : gpu_(gpu), scene_pass_(make_scene_pass(gpu, target)), shadow_pass_(make_shadow_pass(gpu)) {
  make_layouts();
  pipelines_ = make_pipelines(gpu, {*scene_layout_, *stamp_layout_}, target, *scene_pass_, *shadow_pass_);
  make_geometry();
  make_shadow_map();
  make_frame_sets(frames_in_flight);
}

void SceneRenderer::make_layouts() {
  using Stage = vk::ShaderStageFlagBits;
  const std::array<vk::DescriptorSetLayoutBinding, 2> bindings{{
      {0, vk::DescriptorType::eUniformBuffer, 1, Stage::eVertex | Stage::eFragment},
      {1, vk::DescriptorType::eCombinedImageSampler, 1, Stage::eFragment},
  }};
  frame_set_layout_ = gpu_.device.createDescriptorSetLayoutUnique({{}, bindings});
  const vk::PushConstantRange object(Stage::eVertex | Stage::eFragment, 0, sizeof(ObjectConstants));
  scene_layout_ = gpu_.device.createPipelineLayoutUnique({{}, *frame_set_layout_, object});
  const vk::PushConstantRange stamp(Stage::eFragment, 0, sizeof(StampConstants));
  stamp_layout_ = gpu_.device.createPipelineLayoutUnique({{}, {}, stamp});
}

void SceneRenderer::make_geometry() {
  std::vector<Vertex> vertices;
  std::vector<std::uint32_t> indices;
  for (const Mesh& mesh : {make_torus_knot(), make_sphere(), make_ground()}) {  // in the order of Shape
    meshes_.push_back({static_cast<std::uint32_t>(indices.size()), static_cast<std::uint32_t>(mesh.indices.size()),
                       static_cast<std::int32_t>(vertices.size())});
    vertices.insert(vertices.end(), mesh.vertices.begin(), mesh.vertices.end());
    indices.insert(indices.end(), mesh.indices.begin(), mesh.indices.end());
  }
  const auto vertex_bytes = std::as_bytes(std::span(vertices)), index_bytes = std::as_bytes(std::span(indices));
  using Usage = vk::BufferUsageFlagBits;
  geometry_ = examples::make_buffer(gpu_, vertex_bytes.size() + index_bytes.size(),
                                    Usage::eVertexBuffer | Usage::eIndexBuffer, examples::HostAccess::kWrite);
  index_offset_bytes_ = vertex_bytes.size();
  std::memcpy(geometry_.mapped, vertex_bytes.data(), vertex_bytes.size());
  std::memcpy(geometry_.mapped + vertex_bytes.size(), index_bytes.data(), index_bytes.size());
}

void SceneRenderer::make_shadow_map() {
  using Usage = vk::ImageUsageFlagBits;
  shadow_map_ = examples::make_image(gpu_, {.format = kDepthFormat,
                                            .extent = {kShadowMapPx, kShadowMapPx},
                                            .usage = Usage::eDepthStencilAttachment | Usage::eSampled,
                                            .aspect = vk::ImageAspectFlagBits::eDepth});
  shadow_framebuffer_ =
      gpu_.device.createFramebufferUnique({{}, *shadow_pass_, *shadow_map_.view, kShadowMapPx, kShadowMapPx, 1});
  const auto features = gpu_.physical_device.getFormatProperties(kDepthFormat).optimalTilingFeatures;
  const bool can_filter = bool(features & vk::FormatFeatureFlagBits::eSampledImageFilterLinear);
  const auto filter = can_filter ? vk::Filter::eLinear : vk::Filter::eNearest;
  const auto clamp = vk::SamplerAddressMode::eClampToEdge;
  shadow_sampler_ = gpu_.device.createSamplerUnique(vk::SamplerCreateInfo()
                                                        .setMagFilter(filter)
                                                        .setMinFilter(filter)
                                                        .setAddressModeU(clamp)
                                                        .setAddressModeV(clamp)
                                                        .setAddressModeW(clamp)
                                                        .setCompareEnable(VK_TRUE)
                                                        .setCompareOp(vk::CompareOp::eLessOrEqual));
}

void SceneRenderer::make_frame_sets(std::uint32_t frames_in_flight) {
  const std::array<vk::DescriptorPoolSize, 2> sizes{{
      {vk::DescriptorType::eUniformBuffer, frames_in_flight},
      {vk::DescriptorType::eCombinedImageSampler, frames_in_flight},
  }};
  descriptor_pool_ = gpu_.device.createDescriptorPoolUnique({{}, frames_in_flight, sizes});
  const std::vector layouts(frames_in_flight, *frame_set_layout_);
  frame_sets_ = gpu_.device.allocateDescriptorSets({*descriptor_pool_, layouts});
  for (const auto set : frame_sets_) {
    uniforms_.push_back(examples::make_buffer(gpu_, sizeof(FrameUniforms), vk::BufferUsageFlagBits::eUniformBuffer,
                                              examples::HostAccess::kWrite));
    const vk::DescriptorBufferInfo buffer(*uniforms_.back().buffer, 0, sizeof(FrameUniforms));
    const vk::DescriptorImageInfo shadow(*shadow_sampler_, *shadow_map_.view,
                                         vk::ImageLayout::eDepthStencilReadOnlyOptimal);
    gpu_.device.updateDescriptorSets(
        {vk::WriteDescriptorSet(set, 0, 0, vk::DescriptorType::eUniformBuffer, {}, buffer),
         vk::WriteDescriptorSet(set, 1, 0, vk::DescriptorType::eCombinedImageSampler, shadow)},
        {});
  }
}

void SceneRenderer::record_shadows(vk::CommandBuffer commands, std::uint32_t frame_index, const Scene& scene,
                                   vk::Extent2D extent) {
  const auto uniforms = frame_uniforms(scene, extent);
  std::memcpy(uniforms_[frame_index].mapped, &uniforms, sizeof(uniforms));

  const vk::Rect2D area({0, 0}, {kShadowMapPx, kShadowMapPx});
  const vk::ClearValue far_away{vk::ClearDepthStencilValue(1.0F)};
  commands.beginRenderPass({*shadow_pass_, *shadow_framebuffer_, area, far_away}, vk::SubpassContents::eInline);
  set_area(commands, area);
  commands.bindDescriptorSets(vk::PipelineBindPoint::eGraphics, *scene_layout_, 0, frame_sets_[frame_index], {});
  commands.bindPipeline(vk::PipelineBindPoint::eGraphics, *pipelines_.shadow);
  draw_objects(commands, scene);
  commands.endRenderPass();
}

void SceneRenderer::record_picture(vk::CommandBuffer commands, std::uint32_t frame_index, const Scene& scene,
                                   const Picture& picture, std::optional<std::uint32_t> stamp) const {
  const vk::Rect2D area({0, 0}, picture.extent);
  const std::array<vk::ClearValue, 2> clear{{{}, vk::ClearDepthStencilValue(1.0F)}};  // by attachment
  commands.beginRenderPass({*scene_pass_, picture.framebuffer, area, clear}, vk::SubpassContents::eInline);
  set_area(commands, area);
  commands.bindDescriptorSets(vk::PipelineBindPoint::eGraphics, *scene_layout_, 0, frame_sets_[frame_index], {});
  commands.bindPipeline(vk::PipelineBindPoint::eGraphics, *pipelines_.objects);
  draw_objects(commands, scene);
  commands.bindPipeline(vk::PipelineBindPoint::eGraphics, *pipelines_.sky);
  commands.draw(3, 1, 0, 0);
  if (stamp) draw_stamp(commands, picture.extent, *stamp);
  commands.endRenderPass();
}

void SceneRenderer::draw_objects(vk::CommandBuffer commands, const Scene& scene) const {
  commands.bindVertexBuffers(0, *geometry_.buffer, vk::DeviceSize{0});
  commands.bindIndexBuffer(*geometry_.buffer, index_offset_bytes_, vk::IndexType::eUint32);
  for (const Object& object : scene.objects) {
    const ObjectConstants constants{object.to_world, to_vec4(object.albedo, object.metalness),
                                    Vec4{object.roughness, object.shape == Shape::kGround ? 1.0F : 0.0F, 0, 0}};
    commands.pushConstants<ObjectConstants>(
        *scene_layout_, vk::ShaderStageFlagBits::eVertex | vk::ShaderStageFlagBits::eFragment, 0, constants);
    const MeshRange& mesh = meshes_[static_cast<std::size_t>(object.shape)];
    commands.drawIndexed(mesh.index_count, 1, mesh.first_index, mesh.vertex_offset, 0);
  }
}

void SceneRenderer::draw_stamp(vk::CommandBuffer commands, vk::Extent2D extent, std::uint32_t counter) const {
  using examples::kStampHeightPx, examples::kStampWidthPx;
  const std::array<std::array<std::uint32_t, 2>, 2> origins{
      {{0, 0}, {extent.width - kStampWidthPx, extent.height - kStampHeightPx}}};
  commands.bindPipeline(vk::PipelineBindPoint::eGraphics, *pipelines_.stamp);
  for (const auto& origin : origins) {
    set_area(commands, {{static_cast<std::int32_t>(origin[0]), static_cast<std::int32_t>(origin[1])},
                        {kStampWidthPx, kStampHeightPx}});
    commands.pushConstants<StampConstants>(*stamp_layout_, vk::ShaderStageFlagBits::eFragment, 0,
                                           StampConstants{origin, counter, examples::stamp_check(counter)});
    commands.draw(3, 1, 0, 0);
  }
}

}  // namespace renderer
