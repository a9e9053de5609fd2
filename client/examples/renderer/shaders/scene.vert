#version 450
#extension GL_GOOGLE_include_directive : require
#include "frame.glsl"
#include "object.glsl"

layout(location = 0) in vec3 in_position;
layout(location = 1) in vec3 in_normal;

layout(location = 0) out vec3 out_position;
layout(location = 1) out vec3 out_normal;

void main() {
  vec4 world = object.object_to_world * vec4(in_position, 1.0);
  out_position = world.xyz;
  out_normal = mat3(object.object_to_world) * in_normal;
  gl_Position = frame.world_to_clip * world;
}
