#pragma once
// As much linear algebra as one scene needs. Column vectors, column-major matrices, right-handed, y up; clip space as
// Vulkan wants it (y down, depth 0 to 1).

#include <array>
#include <cmath>

namespace renderer {

struct Vec3 {
  float x = 0, y = 0, z = 0;

  friend constexpr Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend constexpr Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend constexpr Vec3 operator*(Vec3 a, float s) { return {a.x * s, a.y * s, a.z * s}; }
};

constexpr float dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
constexpr Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline Vec3 normalize(Vec3 v) { return v * (1.0F / std::sqrt(dot(v, v))); }

struct Mat4 {
  std::array<float, 16> m{};  ///< m[column * 4 + row]

  friend Mat4 operator*(const Mat4& a, const Mat4& b) {
    Mat4 out;
    for (std::size_t column = 0; column < 4; ++column)
      for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t k = 0; k < 4; ++k) out.m[column * 4 + row] += a.m[k * 4 + row] * b.m[column * 4 + k];
    return out;
  }
};

constexpr Mat4 translate(Vec3 by) { return {{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, by.x, by.y, by.z, 1}}; }
constexpr Mat4 scale(float by) { return {{by, 0, 0, 0, 0, by, 0, 0, 0, 0, by, 0, 0, 0, 0, 1}}; }

inline Mat4 rotate_y(float angle_rad) {
  const float c = std::cos(angle_rad), s = std::sin(angle_rad);
  return {{c, 0, -s, 0, 0, 1, 0, 0, s, 0, c, 0, 0, 0, 0, 1}};
}
inline Mat4 rotate_x(float angle_rad) {
  const float c = std::cos(angle_rad), s = std::sin(angle_rad);
  return {{1, 0, 0, 0, 0, c, s, 0, 0, -s, c, 0, 0, 0, 0, 1}};
}

/// World to eye space: the eye looks along -z.
inline Mat4 look_at(Vec3 eye, Vec3 target, Vec3 up) {
  const Vec3 back = normalize(eye - target);
  const Vec3 right = normalize(cross(up, back));
  const Vec3 top = cross(back, right);
  return {{right.x, top.x, back.x, 0, right.y, top.y, back.y, 0, right.z, top.z, back.z, 0, -dot(right, eye),
           -dot(top, eye), -dot(back, eye), 1}};
}

inline Mat4 perspective(float vertical_fov_rad, float aspect, float near_m, float far_m) {
  const float f = 1.0F / std::tan(vertical_fov_rad / 2);
  const float depth = far_m / (near_m - far_m);
  return {{f / aspect, 0, 0, 0, 0, -f, 0, 0, 0, 0, depth, -1, 0, 0, near_m * depth, 0}};
}

/// A box of half size @p radius_m around the eye's axis, as a directional light sees it.
inline Mat4 orthographic(float radius_m, float near_m, float far_m) {
  const float depth = 1.0F / (near_m - far_m);
  return {{1 / radius_m, 0, 0, 0, 0, -1 / radius_m, 0, 0, 0, 0, depth, 0, 0, 0, near_m * depth, 1}};
}

}  // namespace renderer
