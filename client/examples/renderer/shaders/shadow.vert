#version 450
#extension GL_GOOGLE_include_directive : require
#include "frame.glsl"
#include "object.glsl"

layout(location = 0) in vec3 in_position;

void main() { gl_Position = frame.world_to_shadow * (object.object_to_world * vec4(in_position, 1.0)); }
