#version 450
#extension GL_GOOGLE_include_directive : require
#include "frame.glsl"
#include "sky.glsl"
#include "tone.glsl"

layout(location = 0) in vec3 in_ray;
layout(location = 0) out vec4 out_colour;

void main() { out_colour = to_stored(sky_light(normalize(in_ray), frame.to_sun.xyz)); }
