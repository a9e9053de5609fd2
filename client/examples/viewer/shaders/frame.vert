#version 450

layout(location = 0) out vec2 out_at;

// One triangle over the viewport, which is where the frame goes.
void main() {
  vec2 corner = vec2(gl_VertexIndex == 1 ? 2.0 : 0.0, gl_VertexIndex == 2 ? 2.0 : 0.0);
  out_at = corner;
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
