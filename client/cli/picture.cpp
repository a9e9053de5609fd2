#include "client/cli/picture.h"

#include <algorithm>
#include <cmath>

#include "client/cli/yuv.h"

namespace ferry::cli {
namespace {

/// What one pixel goes through. Built once a picture.
class PixelPath {
 public:
  PixelPath(ferry_format format, const ferry_frame_metadata& metadata)
      : format_(format),
        // The number of an sRGB format is sRGB by definition, whatever the metadata says.
        transfer_(is_srgb_format(format) ? FERRY_TRANSFER_SRGB : static_cast<ferry_transfer>(metadata.transfer)),
        primaries_(static_cast<ferry_primaries>(metadata.primaries)),
        alpha_(static_cast<ferry_alpha>(metadata.alpha)),
        limited_(metadata.range == FERRY_RANGE_LIMITED),
        high_dynamic_range_(is_high_dynamic_range(format, transfer_)) {}

  /// Full range, straight alpha, still in the picture's own transfer function.
  Pixel stored(const PixelView& frame, std::uint32_t x_px, std::uint32_t y_px) const {
    Pixel pixel = load_pixel(frame, x_px, y_px);
    if (limited_) {
      const unsigned bits = bits_per_component(format_);
      for (float* c : {&pixel.colour.r, &pixel.colour.g, &pixel.colour.b}) *c = expand_limited_range(*c, bits);
    }
    pixel.alpha = alpha_ == FERRY_ALPHA_OPAQUE ? 1.0F : std::clamp(pixel.alpha, 0.0F, 1.0F);
    if (alpha_ == FERRY_ALPHA_PREMULTIPLIED && pixel.alpha < 1) pixel.colour = divided(pixel);
    return pixel;
  }

  Rgb light(Rgb stored) const { return to_linear_bt709(stored, transfer_, primaries_); }

  /// Numbers that are sRGB already stay what they are, to the last bit.
  bool is_srgb_already() const {
    return transfer_ == FERRY_TRANSFER_SRGB && primaries_ == FERRY_PRIMARIES_BT709 && !high_dynamic_range_;
  }
  bool high_dynamic_range() const { return high_dynamic_range_; }

 private:
  /// Blending hardware works in linear light on sRGB formats and on the stored numbers of all others.
  Rgb divided(const Pixel& pixel) const {
    if (pixel.alpha <= 0) return {};
    const auto divide = [&](float c) {
      return is_srgb_format(format_) ? linear_to_srgb(srgb_to_linear(c) / pixel.alpha) : c / pixel.alpha;
    };
    return {divide(pixel.colour.r), divide(pixel.colour.g), divide(pixel.colour.b)};
  }

  ferry_format format_;
  ferry_transfer transfer_;
  ferry_primaries primaries_;
  ferry_alpha alpha_;
  bool limited_, high_dynamic_range_;
};

std::uint16_t quantized(float value, float maximum) {
  return static_cast<std::uint16_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * maximum));
}

Picture blank_picture(ferry_format format, std::uint32_t width_px, std::uint32_t height_px, bool with_alpha) {
  Picture picture;
  picture.width_px = width_px;
  picture.height_px = height_px;
  picture.channels = with_alpha ? 4 : 3;
  picture.bits_per_sample = bits_per_component(format) > 8 ? 16 : 8;
  picture.samples.resize(std::size_t{width_px} * height_px * picture.channels);
  return picture;
}

void store(Picture& picture, Position at, const Pixel& pixel) {
  const float maximum = picture.bits_per_sample == 16 ? 65535.0F : 255.0F;
  std::uint16_t* out = &picture.samples[(std::size_t{at.y_px} * picture.width_px + at.x_px) * picture.channels];
  out[0] = quantized(pixel.colour.r, maximum);
  out[1] = quantized(pixel.colour.g, maximum);
  out[2] = quantized(pixel.colour.b, maximum);
  if (picture.channels == 4) out[3] = quantized(pixel.alpha, maximum);
}

template <class Visit>
void for_each_pixel(const PixelView& view, Visit visit) {
  for (std::uint32_t y = 0; y < view.height_px; ++y) {
    for (std::uint32_t x = 0; x < view.width_px; ++x) visit(x, y);
  }
}

float peak_of(const PixelView& view, const PixelPath& path) {
  float peak = 0;
  for_each_pixel(view, [&](std::uint32_t x, std::uint32_t y) {
    peak = std::max(peak, brightest(path.light(path.stored(view, x, y).colour)));
  });
  return peak;
}

PictureColour raw_colour(ferry_transfer transfer, ferry_primaries primaries) {
  switch (transfer) {
    case FERRY_TRANSFER_SRGB:
      return primaries == FERRY_PRIMARIES_BT709 ? PictureColour::kSrgb : PictureColour::kSrgbWide;
    case FERRY_TRANSFER_LINEAR:
      return PictureColour::kLinear;
    case FERRY_TRANSFER_GAMMA22:
      return PictureColour::kGamma22;
    case FERRY_TRANSFER_PQ:
    case FERRY_TRANSFER_HLG:
      break;
  }
  return PictureColour::kUnspecified;
}

}  // namespace

Picture make_picture(const PixelView& frame, const ferry_frame_metadata& metadata) {
  if (is_yuv_format(frame.format)) {
    const RgbFrame rgb = rgb_of(frame, metadata);
    return make_picture(rgb.view(), rgb.metadata);
  }
  const PixelView view = frame.cropped(metadata.crop);
  const PixelPath path(view.format, metadata);
  const auto orientation = static_cast<ferry_orientation>(metadata.orientation);
  const bool turned = swaps_axes(orientation);
  Picture picture = blank_picture(view.format, turned ? view.height_px : view.width_px,
                                  turned ? view.width_px : view.height_px, metadata.alpha != FERRY_ALPHA_OPAQUE);
  const ToneMap tone_map(path.high_dynamic_range() ? peak_of(view, path) : 1.0F);
  for_each_pixel(view, [&](std::uint32_t x, std::uint32_t y) {
    Pixel pixel = path.stored(view, x, y);
    if (!path.is_srgb_already()) {
      Rgb light = path.light(pixel.colour);
      if (path.high_dynamic_range()) light = tone_map(light);
      pixel.colour = {linear_to_srgb(light.r), linear_to_srgb(light.g), linear_to_srgb(light.b)};
    }
    store(picture, upright_position({x, y}, view.width_px, view.height_px, orientation), pixel);
  });
  return picture;
}

Picture make_raw_picture(const PixelView& frame, const ferry_frame_metadata& metadata) {
  if (is_yuv_format(frame.format)) {
    const RgbFrame rgb = rgb_of(frame, metadata);
    return make_raw_picture(rgb.view(), rgb.metadata);
  }
  Picture picture = blank_picture(frame.format, frame.width_px, frame.height_px, metadata.alpha != FERRY_ALPHA_OPAQUE);
  picture.primaries = static_cast<ferry_primaries>(metadata.primaries);
  picture.colour =
      raw_colour(is_srgb_format(frame.format) ? FERRY_TRANSFER_SRGB : static_cast<ferry_transfer>(metadata.transfer),
                 picture.primaries);
  for_each_pixel(frame, [&](std::uint32_t x, std::uint32_t y) { store(picture, {x, y}, load_pixel(frame, x, y)); });
  return picture;
}

Position upright_position(Position stored, std::uint32_t width_px, std::uint32_t height_px,
                          ferry_orientation orientation) {
  const auto [x, y] = stored;
  const std::uint32_t from_right = width_px - 1 - x, from_bottom = height_px - 1 - y;
  switch (orientation) {
    case FERRY_ORIENTATION_MIRRORED:
      return {from_right, y};
    case FERRY_ORIENTATION_ROTATED_180:
      return {from_right, from_bottom};
    case FERRY_ORIENTATION_FLIPPED:
      return {x, from_bottom};
    case FERRY_ORIENTATION_TRANSPOSED:
      return {y, x};
    case FERRY_ORIENTATION_ROTATED_90:
      return {from_bottom, x};
    case FERRY_ORIENTATION_TRANSVERSED:
      return {from_bottom, from_right};
    case FERRY_ORIENTATION_ROTATED_270:
      return {y, from_right};
    case FERRY_ORIENTATION_NORMAL:
      break;
  }
  return stored;
}

bool swaps_axes(ferry_orientation orientation) {
  return orientation >= FERRY_ORIENTATION_TRANSPOSED && orientation <= FERRY_ORIENTATION_ROTATED_270;
}

float expand_limited_range(float stored, unsigned bits) {
  // A float has no code values of its own: it is taken to be a scaled 8-bit number.
  const unsigned shift = bits == 10 ? 2 : 0;
  const float maximum = bits == 10 ? 1023.0F : 255.0F;
  const auto black = static_cast<float>(16U << shift), white = static_cast<float>(235U << shift);
  return (stored * maximum - black) / (white - black);
}

}  // namespace ferry::cli
