// What all draws of one frame share. Mirrors FrameUniforms in scene_renderer.cpp.

layout(set = 0, binding = 0) uniform Frame {
  mat4 world_to_clip;
  mat4 world_to_shadow;
  vec4 eye;       // xyz: position
  vec4 to_sun;    // xyz: direction
  vec4 ray_right; // rays through the picture's middle, and from there to its edges
  vec4 ray_up;
  vec4 ray_forward;
} frame;
