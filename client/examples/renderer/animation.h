#pragma once
// What there is to see, as a function of time: plain data, no GPU.

#include <array>
#include <cstdint>

#include "client/examples/renderer/math.h"

namespace renderer {

struct Camera {
  Vec3 eye, look_at;
  float vertical_fov_rad = 0;
};

enum class Shape : std::uint8_t { kTorusKnot, kSphere, kGround };

struct Object {
  Shape shape = Shape::kSphere;
  Mat4 to_world;
  Vec3 albedo;  ///< linear
  float metalness = 0;
  float roughness = 0;
};

inline constexpr std::size_t kSphereCount = 7;

struct Scene {
  Camera camera;
  Vec3 to_sun;
  std::array<Object, kSphereCount + 2> objects;
};

Scene scene_at(double time_s);

}  // namespace renderer
