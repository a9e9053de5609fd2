use crate::Colour;
use ferry_sys::Sized as _;

/// The formats that cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Format {
    Rgba8Unorm = ferry_sys::FORMAT_RGBA8_UNORM,
    Rgba8Srgb = ferry_sys::FORMAT_RGBA8_SRGB,
    Bgra8Unorm = ferry_sys::FORMAT_BGRA8_UNORM,
    Bgra8Srgb = ferry_sys::FORMAT_BGRA8_SRGB,
    Rgb10a2Unorm = ferry_sys::FORMAT_RGB10A2_UNORM,
    Rgba16Float = ferry_sys::FORMAT_RGBA16_FLOAT,
    /// YUV 4:2:0 in two planes of 8 bits: even sides, no usage [`Usage::Render`], and not on every device.
    Nv12 = ferry_sys::FORMAT_NV12,
    /// The same with 16 bits each, of which the upper ten count.
    P010 = ferry_sys::FORMAT_P010,
}

impl Format {
    pub(crate) fn of(value: u32) -> Option<Self> {
        Some(match value {
            ferry_sys::FORMAT_RGBA8_UNORM => Self::Rgba8Unorm,
            ferry_sys::FORMAT_RGBA8_SRGB => Self::Rgba8Srgb,
            ferry_sys::FORMAT_BGRA8_UNORM => Self::Bgra8Unorm,
            ferry_sys::FORMAT_BGRA8_SRGB => Self::Bgra8Srgb,
            ferry_sys::FORMAT_RGB10A2_UNORM => Self::Rgb10a2Unorm,
            ferry_sys::FORMAT_RGBA16_FLOAT => Self::Rgba16Float,
            ferry_sys::FORMAT_NV12 => Self::Nv12,
            ferry_sys::FORMAT_P010 => Self::P010,
            _ => return None,
        })
    }

    /// Of YUV formats those of the first plane; the second one has as many bytes a row, and half the rows.
    #[must_use]
    pub fn bytes_per_pixel(self) -> u32 {
        match self {
            Self::Nv12 => 1,
            Self::P010 => 2,
            Self::Rgba16Float => 8,
            _ => 4,
        }
    }

    /// In two planes, to be sampled through a conversion or plane by plane.
    #[must_use]
    pub fn is_yuv(self) -> bool {
        matches!(self, Self::Nv12 | Self::P010)
    }
}

/// What a producer does with its slots. Sampling and both transfers are always granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    #[default]
    Render,
    RenderAndStorage,
    TransferOnly,
}

/// The shape of a stream's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageDesc {
    pub width_px: u32,
    pub height_px: u32,
    pub format: Format,
    pub usage: Usage,
    /// 8-bit formats: views of both the UNORM and the SRGB format may be made.
    pub srgb_views: bool,
    /// Of every frame that is published without metadata.
    pub colour: Colour,
}

impl ImageDesc {
    /// For rendering; of YUV formats, which cannot be rendered to, for copies.
    #[must_use]
    pub fn new(width_px: u32, height_px: u32, format: Format) -> Self {
        let usage = if format.is_yuv() { Usage::TransferOnly } else { Usage::Render };
        Self { width_px, height_px, format, usage, srgb_views: false, colour: Colour::default() }
    }

    #[must_use]
    pub fn with_srgb_views(self) -> Self {
        Self { srgb_views: true, ..self }
    }

    #[must_use]
    pub fn with_colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    pub(crate) fn raw(&self) -> ferry_sys::ImageDesc {
        let mut raw = ferry_sys::ImageDesc::sized();
        raw.width_px = self.width_px;
        raw.height_px = self.height_px;
        raw.format = self.format as u32;
        raw.usage = match self.usage {
            Usage::Render => ferry_sys::USAGE_RENDER,
            Usage::RenderAndStorage => ferry_sys::USAGE_RENDER | ferry_sys::USAGE_STORAGE,
            Usage::TransferOnly => ferry_sys::USAGE_TRANSFER_DST,
        };
        raw.flags = if self.srgb_views { ferry_sys::IMAGE_SRGB_VIEWS } else { 0 };
        raw.primaries = self.colour.primaries as u8;
        raw.transfer = self.colour.transfer as u8;
        raw.range = self.colour.range as u8;
        raw.alpha = self.colour.alpha as u8;
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_survive_the_way_to_c_and_back() {
        for value in ferry_sys::FORMAT_RGBA8_UNORM..=ferry_sys::FORMAT_P010 {
            assert_eq!(Format::of(value).map(|format| format as u32), Some(value));
        }
        assert_eq!(Format::of(0), None);
        assert_eq!(Format::of(9), None);
    }

    #[test]
    fn yuv_is_not_made_for_rendering() {
        assert_eq!(ImageDesc::new(2, 2, Format::Nv12).raw().usage & ferry_sys::USAGE_RENDER, 0);
        assert_ne!(ImageDesc::new(2, 2, Format::Rgba8Unorm).raw().usage & ferry_sys::USAGE_RENDER, 0);
    }

    #[test]
    fn a_desc_says_its_size_and_flags() {
        let raw = ImageDesc::new(640, 360, Format::Bgra8Unorm).with_srgb_views().raw();
        assert_eq!(raw.struct_size as usize, size_of::<ferry_sys::ImageDesc>());
        assert_eq!((raw.width_px, raw.height_px, raw.format, raw.flags), (640, 360, 3, 1));
    }
}
