#version 450
#extension GL_GOOGLE_include_directive : require
#include "frame.glsl"
#include "object.glsl"
#include "sky.glsl"
#include "tone.glsl"

layout(set = 0, binding = 1) uniform sampler2DShadow shadow_map;

layout(location = 0) in vec3 in_position;
layout(location = 1) in vec3 in_normal;

layout(location = 0) out vec4 out_colour;

// How much of the sun gets here, over the four nearest texels times the sampler's own four.
float sunlight(vec3 position, vec3 normal) {
  vec4 clip = frame.world_to_shadow * vec4(position + normal * 0.02, 1.0);
  vec3 at = vec3(clip.xy * 0.5 + 0.5, clip.z);
  if (any(greaterThan(abs(clip.xy), vec2(0.98)))) return 1.0;
  vec2 texel = 1.0 / vec2(textureSize(shadow_map, 0));
  float lit = textureLod(shadow_map, at + vec3(-texel.x, -texel.y, 0.0), 0.0) +
              textureLod(shadow_map, at + vec3(texel.x, -texel.y, 0.0), 0.0) +
              textureLod(shadow_map, at + vec3(-texel.x, texel.y, 0.0), 0.0) +
              textureLod(shadow_map, at + vec3(texel.x, texel.y, 0.0), 0.0);
  return lit * 0.25;
}

// A checkerboard averaged over the pixel, so that it fades to grey in the distance instead of flickering.
float checker(vec2 at) {
  vec2 width = fwidth(at) + 1e-4;
  vec2 wave = 2.0 * (abs(fract((at - 0.5 * width) * 0.5) - 0.5) - abs(fract((at + 0.5 * width) * 0.5) - 0.5)) / width;
  return 0.5 - 0.5 * wave.x * wave.y;
}

void main() {
  vec3 normal = normalize(in_normal);
  vec3 from_eye = in_position - frame.eye.xyz;
  float distance_m = length(from_eye);
  vec3 ray = from_eye / distance_m;
  vec3 to_sun = frame.to_sun.xyz;

  vec3 albedo = object.albedo.rgb;
  float metalness = object.albedo.a, roughness = object.surface.x;
  if (object.surface.y > 0.5) albedo = mix(albedo * 0.42, albedo, checker(in_position.xz));

  float facing_sun = max(dot(normal, to_sun), 0.0);
  float sun = facing_sun > 0.0 ? facing_sun * sunlight(in_position, normal) : 0.0;
  vec3 half_way = normalize(to_sun - ray);
  float shine = exp2(10.0 - 8.0 * roughness);
  float highlight = pow(max(dot(normal, half_way), 0.0), shine) * (shine + 8.0) / 25.0;

  float glance = 1.0 - max(dot(normal, -ray), 0.0);
  float squared = glance * glance;
  vec3 at_normal = mix(vec3(0.04), albedo, metalness);
  vec3 reflectance = at_normal + (vec3(1.0) - at_normal) * squared * squared * glance * (1.0 - roughness);

  const vec3 kSunLight = vec3(1.75, 1.42, 1.05);
  const vec3 kSkyAbove = vec3(0.13, 0.18, 0.30), kGroundBelow = vec3(0.10, 0.08, 0.07);
  vec3 ambient = mix(kGroundBelow, kSkyAbove, normal.y * 0.5 + 0.5);
  vec3 diffuse = albedo * (1.0 - metalness) * (ambient + kSunLight * sun);
  vec3 mirrored = sky_light(reflect(ray, normal), to_sun) * (1.0 - 0.6 * roughness);
  vec3 light = diffuse + reflectance * (mirrored + kSunLight * sun * highlight);

  float haze = 1.0 - exp(-distance_m * distance_m * 0.0012);
  light = mix(light, sky_light(normalize(vec3(ray.x, 0.0, ray.z)), to_sun), haze);
  out_colour = to_stored(light);
}
