use ferry::{Error, ErrorKind, Format, Result};
use wgpu::TextureFormat;

/// How wgpu calls a format that crosses.
#[must_use]
pub fn texture_format(format: Format) -> TextureFormat {
    match format {
        Format::Rgba8Unorm => TextureFormat::Rgba8Unorm,
        Format::Rgba8Srgb => TextureFormat::Rgba8UnormSrgb,
        Format::Bgra8Unorm => TextureFormat::Bgra8Unorm,
        Format::Bgra8Srgb => TextureFormat::Bgra8UnormSrgb,
        Format::Rgb10a2Unorm => TextureFormat::Rgb10a2Unorm,
        Format::Rgba16Float => TextureFormat::Rgba16Float,
        Format::Nv12 => TextureFormat::NV12,
        Format::P010 => TextureFormat::P010,
    }
}

/// Why textures of a format cannot be made here. None of wgpu's views has a conversion, so YUV is for Vulkan itself.
pub(crate) fn check(format: Format) -> Result<()> {
    if !format.is_yuv() {
        return Ok(());
    }
    let what =
        format!("the stream is {format:?}: no wgpu texture is made of YUV formats, use the ferry crate and Vulkan");
    Err(Error::new(ErrorKind::Unsupported, what))
}

/// The format that crosses for one of wgpu's, if any does: RGB.
#[must_use]
pub fn format_of(format: TextureFormat) -> Option<Format> {
    Some(match format {
        TextureFormat::Rgba8Unorm => Format::Rgba8Unorm,
        TextureFormat::Rgba8UnormSrgb => Format::Rgba8Srgb,
        TextureFormat::Bgra8Unorm => Format::Bgra8Unorm,
        TextureFormat::Bgra8UnormSrgb => Format::Bgra8Srgb,
        TextureFormat::Rgb10a2Unorm => Format::Rgb10a2Unorm,
        TextureFormat::Rgba16Float => Format::Rgba16Float,
        _ => return None,
    })
}

/// The other of a UNORM and SRGB pair.
pub(crate) fn sibling(format: TextureFormat) -> Option<TextureFormat> {
    let other = if format.is_srgb() { format.remove_srgb_suffix() } else { format.add_srgb_suffix() };
    (other != format).then_some(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_come_back() {
        for format in [
            Format::Rgba8Unorm,
            Format::Rgba8Srgb,
            Format::Bgra8Unorm,
            Format::Bgra8Srgb,
            Format::Rgb10a2Unorm,
            Format::Rgba16Float,
        ] {
            assert_eq!(format_of(texture_format(format)), Some(format));
        }
        assert_eq!(format_of(TextureFormat::R8Unorm), None);
    }

    #[test]
    fn yuv_is_refused_by_name() {
        let refused = check(Format::Nv12).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.to_string().contains("Nv12"), "{refused}");
        assert!(check(Format::Rgb10a2Unorm).is_ok());
    }

    #[test]
    fn only_8_bit_formats_have_a_sibling() {
        assert_eq!(sibling(TextureFormat::Rgba8Unorm), Some(TextureFormat::Rgba8UnormSrgb));
        assert_eq!(sibling(TextureFormat::Bgra8UnormSrgb), Some(TextureFormat::Bgra8Unorm));
        assert_eq!(sibling(TextureFormat::Rgba16Float), None);
    }
}
