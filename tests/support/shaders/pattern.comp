#version 450
// tests/support/pattern.h on the GPU: writes a picture's words into a buffer, or counts those that differ from it.
layout(local_size_x = 256) in;

layout(std430, binding = 0) buffer Words { uint words[]; };
layout(std430, binding = 1) buffer Result { uint wrong; };

layout(push_constant) uniform Picture {
  uint base;
  uint mask;
  uint count;
  uint compare;
};

void main() {
  const uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  uint differing = 0;
  for (uint i = gl_GlobalInvocationID.x; i < count; i += stride) {
    const uint mixed = base + i * 0x01000193u;
    const uint word = (mixed ^ (mixed >> 15)) & mask;
    if (compare == 0)
      words[i] = word;
    else if (words[i] != word)
      ++differing;
  }
  if (differing != 0) atomicAdd(wrong, differing);
}
