#include "client/examples/renderer/meshes.h"

#include <numbers>

namespace renderer {
namespace {

constexpr float kTurn = 2 * std::numbers::pi_v<float>;

/// Two triangles for each cell of a grid of (rows + 1) x (columns + 1) vertices.
std::vector<std::uint32_t> grid_indices(std::uint32_t rows, std::uint32_t columns) {
  std::vector<std::uint32_t> indices;
  indices.reserve(std::size_t{rows} * columns * 6);
  for (std::uint32_t row = 0; row < rows; ++row)
    for (std::uint32_t column = 0; column < columns; ++column) {
      const std::uint32_t here = row * (columns + 1) + column, below = here + columns + 1;
      indices.insert(indices.end(), {here, below, here + 1, here + 1, below, below + 1});
    }
  return indices;
}

Vec3 knot_curve(float turn) {
  constexpr float kWinds = 2, kTwists = 3;
  const float radius = 0.75F + 0.32F * std::cos(kTwists * turn);
  return {radius * std::cos(kWinds * turn), 0.42F * std::sin(kTwists * turn), radius * std::sin(kWinds * turn)};
}

}  // namespace

Mesh make_torus_knot() {
  constexpr std::uint32_t kSteps = 240, kSides = 18;
  constexpr float kTubeRadius = 0.165F, kDelta = 1e-3F;
  Mesh mesh;
  for (std::uint32_t step = 0; step <= kSteps; ++step) {
    const float turn = kTurn * static_cast<float>(step) / kSteps;
    const Vec3 centre = knot_curve(turn);
    const Vec3 tangent = normalize(knot_curve(turn + kDelta) - knot_curve(turn - kDelta));
    const Vec3 outward = normalize(centre - tangent * dot(centre, tangent));
    const Vec3 side = cross(outward, tangent);
    for (std::uint32_t corner = 0; corner <= kSides; ++corner) {
      const float angle = kTurn * static_cast<float>(corner) / kSides;
      const Vec3 normal = outward * std::cos(angle) + side * std::sin(angle);
      mesh.vertices.push_back({centre + normal * kTubeRadius, normal});
    }
  }
  mesh.indices = grid_indices(kSteps, kSides);
  return mesh;
}

Mesh make_sphere() {
  constexpr std::uint32_t kRows = 20, kColumns = 32;
  Mesh mesh;
  for (std::uint32_t row = 0; row <= kRows; ++row)
    for (std::uint32_t column = 0; column <= kColumns; ++column) {
      const float polar = std::numbers::pi_v<float> * static_cast<float>(row) / kRows;
      const float around = -kTurn * static_cast<float>(column) / kColumns;
      const Vec3 normal{std::sin(polar) * std::cos(around), std::cos(polar), std::sin(polar) * std::sin(around)};
      mesh.vertices.push_back({normal, normal});
    }
  mesh.indices = grid_indices(kRows, kColumns);
  return mesh;
}

Mesh make_ground() {
  constexpr float kHalf = 60;
  const Vec3 up{0, 1, 0};
  return {{{{-kHalf, 0, -kHalf}, up}, {{-kHalf, 0, kHalf}, up}, {{kHalf, 0, -kHalf}, up}, {{kHalf, 0, kHalf}, up}},
          {0, 1, 2, 2, 1, 3}};
}

}  // namespace renderer
