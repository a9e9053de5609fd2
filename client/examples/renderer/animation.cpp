#include "client/examples/renderer/animation.h"

#include <numbers>

namespace renderer {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

/// An angle that stays exact however long the program runs.
float turn_at(double time_s, double turns_per_s) {
  return static_cast<float>(std::fmod(time_s * turns_per_s, 1.0) * kTurn);
}

constexpr std::array<Vec3, kSphereCount> kSphereAlbedo{{
    {0.62F, 0.035F, 0.03F},
    {0.95F, 0.50F, 0.10F},
    {0.70F, 0.48F, 0.03F},
    {0.03F, 0.30F, 0.09F},
    {0.35F, 0.72F, 0.85F},
    {0.03F, 0.06F, 0.42F},
    {0.32F, 0.03F, 0.28F},
}};

Object sphere_at(std::size_t index, double time_s) {
  constexpr float kRingRadius = 2.15F;
  const float share = static_cast<float>(index) / kSphereCount;
  const float around = turn_at(time_s, -0.04) + share * static_cast<float>(kTurn);
  const float size = 0.30F + 0.09F * std::sin(share * 19.0F);
  const float hop = std::abs(std::sin(turn_at(time_s, 0.25) + share * static_cast<float>(kTurn) * 1.5F));
  const Vec3 centre{kRingRadius * std::cos(around), size + 0.55F * hop * hop, kRingRadius * std::sin(around)};
  const bool is_metal = index % 3 == 1;
  return {Shape::kSphere, translate(centre) * scale(size), kSphereAlbedo[index], is_metal ? 0.9F : 0.0F,
          is_metal ? 0.25F : 0.35F};
}

}  // namespace

Scene scene_at(double time_s) {
  Scene scene;
  const float orbit = turn_at(time_s, 0.02) + 0.6F;
  const float sway = std::sin(turn_at(time_s, 0.05));
  scene.camera = {{5.4F * std::sin(orbit), 1.95F + 0.45F * sway, 5.4F * std::cos(orbit)}, {0, 0.92F, 0}, 0.70F};
  scene.to_sun = normalize({0.55F, 0.62F, 0.35F});

  scene.objects[0] = {Shape::kTorusKnot,
                      translate({0, 1.35F, 0}) * rotate_y(turn_at(time_s, 0.06)) * rotate_x(turn_at(time_s, 0.035)),
                      {0.95F, 0.56F, 0.32F},
                      0.85F,
                      0.30F};
  for (std::size_t i = 0; i < kSphereCount; ++i) scene.objects[1 + i] = sphere_at(i, time_s);
  scene.objects.back() = {Shape::kGround, scale(1), {0.36F, 0.35F, 0.35F}, 0, 0.75F};
  return scene;
}

}  // namespace renderer
