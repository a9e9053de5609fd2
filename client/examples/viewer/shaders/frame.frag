#version 450

// A frame as its metadata says it is meant, for a window whose numbers are sRGB.

layout(set = 0, binding = 0) uniform sampler2D picture;

layout(push_constant) uniform Frame {
  vec4 across_down;  // how the texture coordinate moves from left to right (xy), and from top to bottom (zw)
  vec2 origin;       // the texture coordinate of the top left corner
  uint transfer;     // ferry_transfer
  uint primaries;    // ferry_primaries
  uint alpha;        // ferry_alpha
  uint is_linear;    // the sampler has taken the transfer function off already
} frame;

layout(location = 0) in vec2 in_at;
layout(location = 0) out vec4 out_colour;

const uint kSrgb = 0u, kLinear = 1u, kPq = 2u, kHlg = 3u, kGamma22 = 4u;
const uint kDisplayP3 = 1u, kBt2020 = 2u;
const uint kPremultiplied = 1u, kStraight = 2u;
const float kReferenceWhiteNits = 203.0;  // ITU-R BT.2408: what 1.0 means on a screen without HDR

vec3 from_srgb(vec3 v) { return mix(v / 12.92, pow((v + 0.055) / 1.055, vec3(2.4)), step(0.04045, v)); }
vec3 to_srgb(vec3 v) { return mix(v * 12.92, 1.055 * pow(v, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, v)); }

vec3 from_pq(vec3 v) {  // SMPTE ST 2084
  vec3 p = pow(v, vec3(32.0 / 2523.0));
  vec3 light = pow(max(p - 0.8359375, 0.0) / (18.8515625 - 18.6875 * p), vec3(8192.0 / 1305.0));
  return light * 10000.0 / kReferenceWhiteNits;
}

vec3 from_hlg(vec3 v) {  // ARIB STD-B67, for a screen of 1000 nits
  vec3 scene = mix(v * v / 3.0, (exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12.0, step(0.5, v));
  float luma = dot(scene, vec3(0.2627, 0.678, 0.0593));
  return scene * pow(max(luma, 1e-6), 0.2) * 1000.0 / kReferenceWhiteNits;
}

vec3 to_light(vec3 stored) {
  if (frame.is_linear != 0u || frame.transfer == kLinear) return stored;
  stored = clamp(stored, 0.0, 1.0);
  if (frame.transfer == kPq) return from_pq(stored);
  if (frame.transfer == kHlg) return from_hlg(stored);
  if (frame.transfer == kGamma22) return pow(stored, vec3(2.2));
  return from_srgb(stored);
}

vec3 to_bt709(vec3 light) {
  if (frame.primaries == kDisplayP3)
    return mat3(1.2249, -0.0420, -0.0196, -0.2247, 1.0419, -0.0786, 0.0, 0.0, 1.0979) * light;
  if (frame.primaries == kBt2020)
    return mat3(1.6605, -0.1246, -0.0182, -0.5876, 1.1329, -0.1006, -0.0728, -0.0083, 1.1187) * light;
  return light;
}

float checkerboard() {
  uvec2 tile = uvec2(gl_FragCoord.xy) / 12u;
  return ((tile.x + tile.y) & 1u) == 0u ? 0.10 : 0.16;
}

void main() {
  vec4 stored = texture(picture, frame.origin + frame.across_down.xy * in_at.x + frame.across_down.zw * in_at.y);
  bool is_plain = frame.is_linear == 0u && frame.transfer == kSrgb && frame.primaries == 0u;
  bool is_opaque = frame.alpha != kPremultiplied && frame.alpha != kStraight;
  if (is_plain && is_opaque) {
    out_colour = vec4(stored.rgb, 1.0);  // bit for bit
    return;
  }
  vec3 shown = to_srgb(clamp(to_bt709(to_light(stored.rgb)), 0.0, 1.0));
  if (!is_opaque) {
    float covered = clamp(stored.a, 0.0, 1.0);
    shown = (frame.alpha == kStraight ? shown * covered : shown) + checkerboard() * (1.0 - covered);
  }
  out_colour = vec4(shown, 1.0);
}
