#version 450

// Black and white blocks that spell a number: see client/examples/common/stamp.h.
layout(push_constant) uniform Stamp {
  uvec2 origin_px;
  uint counter;
  uint check;
} stamp;

layout(location = 0) out vec4 out_colour;

const uint kBlockPx = 8u, kColumns = 16u;

void main() {
  uvec2 block = (uvec2(gl_FragCoord.xy) - stamp.origin_px) / kBlockPx;
  uint bit = block.y * kColumns + block.x;
  uint word = bit < 32u ? stamp.counter : stamp.check;
  out_colour = vec4(vec3(float(word >> (bit % 32u) & 1u)), 1.0);
}
