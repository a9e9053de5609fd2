#pragma once
// Meshes made of formulas.

#include <cstdint>
#include <vector>

#include "client/examples/renderer/math.h"

namespace renderer {

struct Vertex {
  Vec3 position;
  Vec3 normal;
};
static_assert(sizeof(Vertex) == 24);  // the pipelines' vertex layout

/// Triangles, counter-clockwise seen from outside.
struct Mesh {
  std::vector<Vertex> vertices;
  std::vector<std::uint32_t> indices;
};

/// A tube along a (2, 3) torus knot, about 2.4 m wide, around the origin.
Mesh make_torus_knot();
/// Radius 1 m.
Mesh make_sphere();
/// The plane y = 0 out to the horizon.
Mesh make_ground();

}  // namespace renderer
