// From scene light to the numbers that are stored.

// The hardware encodes what goes to an SRGB format, a float format stays linear; UNORM formats need it done here.
layout(constant_id = 0) const bool kEncodeSrgb = false;

vec3 tone_map(vec3 light) {  // the usual fit of the ACES curve (Narkowicz)
  return clamp(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0.0, 1.0);
}

vec3 encode_srgb(vec3 linear) {
  return mix(linear * 12.92, 1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, linear));
}

vec4 to_stored(vec3 light) {
  vec3 shown = tone_map(light);
  return vec4(kEncodeSrgb ? encode_srgb(shown) : shown, 1.0);
}
