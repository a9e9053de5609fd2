// The light of the sky, linear: behind the scene, in the fog, and in what shines.

vec3 sky_light(vec3 direction, vec3 to_sun) {
  const vec3 kHorizon = vec3(0.44, 0.34, 0.30), kZenith = vec3(0.02, 0.09, 0.26), kBelow = vec3(0.09, 0.08, 0.085);
  float height = direction.y;
  vec3 light = mix(kHorizon, kZenith, smoothstep(0.0, 0.62, sqrt(max(height, 0.0))));
  light = mix(light, kBelow, smoothstep(0.0, -0.25, height));
  float toward_sun = max(dot(direction, to_sun), 0.0);
  float squared = toward_sun * toward_sun, fourth = squared * squared;
  return light + vec3(1.0, 0.55, 0.25) * (0.22 * fourth + 0.5 * fourth * fourth * fourth * fourth);
}
