// What one draw has for its own. Mirrors ObjectConstants in scene_renderer.cpp.

layout(push_constant) uniform Object {
  mat4 object_to_world;  // rotation, one scale, translation: normals turn with it
  vec4 albedo;           // rgb linear; a: metalness
  vec4 surface;          // x: roughness; y: 1 for the checkered ground
} object;
