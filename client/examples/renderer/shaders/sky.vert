#version 450
#extension GL_GOOGLE_include_directive : require
#include "frame.glsl"

layout(location = 0) out vec3 out_ray;

// One triangle over the whole picture, as far away as it gets.
void main() {
  vec2 corner = vec2(gl_VertexIndex == 1 ? 3.0 : -1.0, gl_VertexIndex == 2 ? 3.0 : -1.0);
  out_ray = frame.ray_forward.xyz + frame.ray_right.xyz * corner.x - frame.ray_up.xyz * corner.y;
  gl_Position = vec4(corner, 1.0, 1.0);
}
