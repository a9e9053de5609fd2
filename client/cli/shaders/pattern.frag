#version 450
// The test pattern of `ferry source`, worked out for each pixel by itself. docs/cli.md describes it, and the strip along
// the top edge exactly: recorders read the frame's number from it.

layout(location = 0) out vec4 out_colour;

layout(push_constant) uniform Frame {
  uvec2 size_px;
  uint number;
  uint time_of_day_ms;
  float sweep;         // where the moving line is, 0 left to 1 right
  uint linear_output;  // 1: the attachment wants light, not sRGB numbers
} frame;

// Where the bands begin, in parts of the height.
const float kBarsEnd = 0.60, kGreyEnd = 0.70, kRedEnd = 0.75, kGreenEnd = 0.80, kBlueEnd = 0.85;

const vec3 kBars[8] = vec3[](vec3(1, 1, 1), vec3(1, 1, 0), vec3(0, 1, 1), vec3(0, 1, 0), vec3(1, 0, 1), vec3(1, 0, 0),
                             vec3(0, 0, 1), vec3(0, 0, 0));
const float kBarLevel = 0.75;

// 0 to 9, colon and point on 5 x 7 dots. Bit 5 * row + column, columns from the left; the last row has a word of its own.
const int kGlyphColumns = 5, kGlyphRows = 7, kColon = 10, kPoint = 11;
const uvec2 kGlyphs[12] = uvec2[](uvec2(0x233ae62e, 0x0e), uvec2(0x084210c4, 0x0e), uvec2(0x0444422e, 0x1f), uvec2(0x2304111f, 0x0e),
                                  uvec2(0x11f4a988, 0x08), uvec2(0x23083c3f, 0x0e), uvec2(0x2317844c, 0x0e), uvec2(0x0422221f, 0x02),
                                  uvec2(0x2317462e, 0x0e), uvec2(0x110f462e, 0x06), uvec2(0x08401080, 0x00), uvec2(0x0c000000, 0x06));

bool glyph_dot(int glyph, ivec2 dot) {
  if (dot.x < 0 || dot.y < 0 || dot.x >= kGlyphColumns || dot.y >= kGlyphRows) return false;
  const bool last_row = dot.y == kGlyphRows - 1;
  const uint bits = last_row ? kGlyphs[glyph].y : kGlyphs[glyph].x;
  return ((bits >> (last_row ? dot.x : dot.y * kGlyphColumns + dot.x)) & 1u) != 0u;
}

int decimal_digit(uint value, int place) {
  for (; place > 0; --place) value /= 10u;
  return int(value % 10u);
}

const int kNumberCharacters = 8, kClockCharacters = 12;

int number_character(int index) { return decimal_digit(frame.number, kNumberCharacters - 1 - index); }

// HH:MM:SS.mmm
int clock_character(int index) {
  if (index == 2 || index == 5) return kColon;
  if (index == 8) return kPoint;
  const uint seconds = frame.time_of_day_ms / 1000u;
  if (index < 2) return decimal_digit(seconds / 3600u, 1 - index);
  if (index < 5) return decimal_digit(seconds / 60u % 60u, 4 - index);
  if (index < 8) return decimal_digit(seconds % 60u, 7 - index);
  return decimal_digit(frame.time_of_day_ms % 1000u, 11 - index);
}

int text_width_px(int characters, int dot_px) { return (characters * (kGlyphColumns + 1) - 1) * dot_px; }

// Whether the pixel, seen from the text's first corner, is on a dot of it.
bool text_dot(ivec2 at_px, int characters, int dot_px, bool clock) {
  if (at_px.x < 0 || at_px.y < 0) return false;
  const ivec2 dot = at_px / dot_px;
  const int index = dot.x / (kGlyphColumns + 1);
  if (index >= characters) return false;
  return glyph_dot(clock ? clock_character(index) : number_character(index),
                   ivec2(dot.x - index * (kGlyphColumns + 1), dot.y));
}

// Frame number above wall clock on a dark plate in the middle of the bars.
void draw_text(ivec2 at_px, ivec2 size_px, inout vec3 colour) {
  const int clock_dot = max(1, min(size_px.x * 7 / 10 / text_width_px(kClockCharacters, 1), size_px.y / 10 / kGlyphRows));
  const int number_dot = max(1, clock_dot * 3 / 2);
  const int gap = 3 * clock_dot;
  const ivec2 text_px = ivec2(max(text_width_px(kClockCharacters, clock_dot), text_width_px(kNumberCharacters, number_dot)),
                              kGlyphRows * (clock_dot + number_dot) + gap);
  const ivec2 first = ivec2(size_px.x, int(float(size_px.y) * (kBarsEnd + 0.04))) / 2 - text_px / 2;

  const ivec2 on_plate = at_px - first + gap;
  if (all(greaterThanEqual(on_plate, ivec2(0))) && all(lessThan(on_plate, text_px + 2 * gap))) colour *= 0.12;

  const ivec2 number_at = at_px - ivec2((size_px.x - text_width_px(kNumberCharacters, number_dot)) / 2, first.y);
  const ivec2 clock_at = at_px - ivec2((size_px.x - text_width_px(kClockCharacters, clock_dot)) / 2,
                                       first.y + kGlyphRows * number_dot + gap);
  if (text_dot(number_at, kNumberCharacters, number_dot, false)) colour = vec3(1.0);
  if (text_dot(clock_at, kClockCharacters, clock_dot, true)) colour = vec3(1.0, 0.85, 0.35);
}

// Lines of one, two and four pixels, upright and level: whoever scales or misplaces the picture turns them grey.
vec3 gratings(uvec2 at_px) {
  const uint field = at_px.x * 6u / frame.size_px.x;
  const uint position = field % 2u == 0u ? at_px.x : at_px.y;
  return vec3(float((position >> (field / 2u)) & 1u));
}

vec3 background(uvec2 at_px) {
  const vec2 part = (vec2(at_px) + 0.5) / vec2(frame.size_px);
  const float ramp = float(at_px.x) / float(max(frame.size_px.x - 1u, 1u));
  if (part.y < kBarsEnd) return kBars[int(part.x * 8.0)] * kBarLevel;
  if (part.y < kGreyEnd) return vec3(ramp);
  if (part.y < kRedEnd) return vec3(ramp, 0.0, 0.0);
  if (part.y < kGreenEnd) return vec3(0.0, ramp, 0.0);
  if (part.y < kBlueEnd) return vec3(0.0, 0.0, ramp);
  return gratings(at_px);
}

// A line that goes through the picture from the left to the right, with a tail of light behind it.
void draw_sweep(uvec2 at_px, inout vec3 colour) {
  const float head = frame.sweep * float(frame.size_px.x);
  const float behind = mod(head - float(at_px.x), float(frame.size_px.x));
  const float line_px = max(2.0, float(frame.size_px.x) / 320.0), tail_px = float(frame.size_px.x) / 8.0;
  if (behind < line_px) {
    colour = vec3(1.0);
  } else if (behind < tail_px) {
    colour = mix(colour, vec3(1.0), 0.35 * (1.0 - behind / tail_px));
  }
}

vec3 srgb_to_linear(vec3 c) {
  return mix(pow((c + 0.055) / 1.055, vec3(2.4)), c / 12.92, lessThanEqual(c, vec3(0.04045)));
}

void main() {
  const uvec2 at_px = uvec2(gl_FragCoord.xy);
  vec3 colour = background(at_px);
  draw_sweep(at_px, colour);
  draw_text(ivec2(at_px), ivec2(frame.size_px), colour);

  const uint strip_px = max(frame.size_px.y / 24u, 1u);
  if (at_px.y < strip_px) {
    const uint block = at_px.x * 32u / frame.size_px.x;
    colour = vec3(float((frame.number >> (31u - block)) & 1u));
  }
  out_colour = vec4(frame.linear_output != 0u ? srgb_to_linear(colour) : colour, 1.0);
}
