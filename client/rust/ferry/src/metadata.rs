use crate::{Alpha, Colour, Error, ErrorKind, Result};
use ferry_sys::Sized as _;

pub use ferry_sys::Rect;

/// EXIF's orientations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Orientation {
    #[default]
    Normal = ferry_sys::ORIENTATION_NORMAL,
    Mirrored = ferry_sys::ORIENTATION_MIRRORED,
    Rotated180 = ferry_sys::ORIENTATION_ROTATED_180,
    Flipped = ferry_sys::ORIENTATION_FLIPPED,
    Transposed = ferry_sys::ORIENTATION_TRANSPOSED,
    Rotated90 = ferry_sys::ORIENTATION_ROTATED_90,
    Transversed = ferry_sys::ORIENTATION_TRANSVERSED,
    Rotated270 = ferry_sys::ORIENTATION_ROTATED_270,
}

impl Orientation {
    const ALL: [Self; 8] = [
        Self::Normal,
        Self::Mirrored,
        Self::Rotated180,
        Self::Flipped,
        Self::Transposed,
        Self::Rotated90,
        Self::Transversed,
        Self::Rotated270,
    ];

    /// Zero counts as normal; `None` is what this crate does not know.
    fn of(value: u32) -> Option<Self> {
        if value == 0 { Some(Self::Normal) } else { Self::ALL.into_iter().find(|known| *known as u32 == value) }
    }
}

/// What a producer says of one frame. The default is a good one: full damage, upright, opaque, BT.709, sRGB.
#[derive(Clone, Copy)]
pub struct FrameMetadata(ferry_sys::FrameMetadata);

impl Default for FrameMetadata {
    fn default() -> Self {
        Self(ferry_sys::FrameMetadata::sized())
    }
}

impl FrameMetadata {
    /// The application's own bytes: a camera pose, say. LIMIT: 128 bytes.
    pub fn set_user(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > ferry_sys::MAX_USER_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{} user bytes exceed the limit {}", bytes.len(), ferry_sys::MAX_USER_BYTES),
            ));
        }
        self.0.user[..bytes.len()].copy_from_slice(bytes);
        self.0.user_size_bytes = bytes.len() as u32;
        Ok(())
    }

    #[must_use]
    pub fn user(&self) -> &[u8] {
        &self.0.user[..(self.0.user_size_bytes as usize).min(ferry_sys::MAX_USER_BYTES)]
    }

    /// The parts that changed since the frame before; more than eight become one that holds them all.
    pub fn set_damage(&mut self, rects: &[Rect]) {
        let kept = if rects.len() > ferry_sys::MAX_DAMAGE_RECTS { &[union(rects)][..] } else { rects };
        self.0.damage[..kept.len()].copy_from_slice(kept);
        self.0.damage_count = kept.len() as u32;
    }

    /// Empty: everything may have changed.
    #[must_use]
    pub fn damage(&self) -> &[Rect] {
        &self.0.damage[..(self.0.damage_count as usize).min(ferry_sys::MAX_DAMAGE_RECTS)]
    }

    pub fn set_orientation(&mut self, orientation: Orientation) {
        self.0.orientation = orientation as u32;
    }

    /// `None`: one that this crate does not know.
    #[must_use]
    pub fn orientation(&self) -> Option<Orientation> {
        Orientation::of(self.0.orientation)
    }

    pub fn set_alpha(&mut self, alpha: Alpha) {
        self.0.alpha = alpha as u32;
    }

    /// Alpha included. Goes before the stream's colour.
    pub fn set_colour(&mut self, colour: Colour) {
        self.0.primaries = colour.primaries as u32;
        self.0.transfer = colour.transfer as u32;
        self.0.range = colour.range as u32;
        self.0.alpha = colour.alpha as u32;
    }

    /// `None`: one that this crate does not know; [`FrameMetadata::raw`] has its numbers.
    #[must_use]
    pub fn colour(&self) -> Option<Colour> {
        Colour::of(self.0.primaries, self.0.transfer, self.0.range, self.0.alpha)
    }

    /// The part that is meant to be seen. Width 0: the whole texture.
    pub fn set_crop(&mut self, crop: Rect) {
        self.0.crop = crop;
    }

    #[must_use]
    pub fn crop(&self) -> Rect {
        self.0.crop
    }

    /// When the frame is meant to be seen (`CLOCK_MONOTONIC`); 0: at once.
    pub fn set_present_ns(&mut self, present_ns: u64) {
        self.0.present_ns = present_ns;
    }

    #[must_use]
    pub fn present_ns(&self) -> u64 {
        self.0.present_ns
    }

    /// Everything else there is (mastering), as ferry.h has it.
    #[must_use]
    pub fn raw(&self) -> &ferry_sys::FrameMetadata {
        &self.0
    }

    /// As [`FrameMetadata::raw`], to be filled in. What is written into `struct_size` does not count.
    pub fn raw_mut(&mut self) -> &mut ferry_sys::FrameMetadata {
        &mut self.0
    }

    /// For the library, which believes what `struct_size` says: safe code may have written anything into it.
    pub(crate) fn for_library(&self) -> ferry_sys::FrameMetadata {
        ferry_sys::FrameMetadata { struct_size: size_of::<ferry_sys::FrameMetadata>() as u32, ..self.0 }
    }

    pub(crate) fn from_raw(raw: ferry_sys::FrameMetadata) -> Self {
        Self(raw)
    }
}

fn union(rects: &[Rect]) -> Rect {
    let left = rects.iter().map(|r| r.x_px).min().unwrap_or(0);
    let top = rects.iter().map(|r| r.y_px).min().unwrap_or(0);
    let right = rects.iter().map(|r| r.x_px.saturating_add(r.width_px)).max().unwrap_or(0);
    let bottom = rects.iter().map(|r| r.y_px.saturating_add(r.height_px)).max().unwrap_or(0);
    Rect { x_px: left, y_px: top, width_px: right - left, height_px: bottom - top }
}

impl std::fmt::Debug for FrameMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameMetadata").field("user", &self.user()).field("damage", &self.damage()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Primaries, Range, Transfer};

    #[test]
    fn user_bytes_come_back_and_too_many_are_refused() {
        let mut metadata = FrameMetadata::default();
        metadata.set_user(&[7; 128]).unwrap();
        assert_eq!(metadata.user(), [7; 128]);
        metadata.set_user(b"pose").unwrap();
        assert_eq!(metadata.user(), b"pose");
        let error = metadata.set_user(&[0; 129]).unwrap_err();
        assert!(error.message().contains("129") && error.message().contains("128"), "{error}");
        assert_eq!(metadata.user(), b"pose");
    }

    #[test]
    fn the_library_is_told_the_true_size_whatever_was_written() {
        let mut metadata = FrameMetadata::default();
        for lie in [0, 1 << 16, u32::MAX] {
            metadata.raw_mut().struct_size = lie;
            assert_eq!(metadata.for_library().struct_size as usize, size_of::<ferry_sys::FrameMetadata>());
        }
    }

    #[test]
    fn orientation_and_colour_come_back() {
        let mut metadata = FrameMetadata::default();
        assert_eq!((metadata.orientation(), metadata.colour()), (Some(Orientation::Normal), Some(Colour::default())));
        for orientation in Orientation::ALL {
            metadata.set_orientation(orientation);
            assert_eq!(metadata.orientation(), Some(orientation));
        }
        let colour = Colour {
            primaries: Primaries::Bt2020,
            transfer: Transfer::Pq,
            range: Range::Limited,
            alpha: Alpha::Straight,
        };
        metadata.set_colour(colour);
        assert_eq!(metadata.colour(), Some(colour));
        metadata.raw_mut().orientation = 9;
        metadata.raw_mut().transfer = 99;
        assert_eq!((metadata.orientation(), metadata.colour()), (None, None));
    }

    #[test]
    fn too_much_damage_becomes_one_rect_around_it() {
        let rect = |at| Rect { x_px: at, y_px: 2 * at, width_px: 1, height_px: 3 };
        let mut metadata = FrameMetadata::default();
        metadata.set_damage(&(0..8).map(rect).collect::<Vec<_>>());
        assert_eq!(metadata.damage().len(), 8);
        metadata.set_damage(&(1..10).map(rect).collect::<Vec<_>>());
        assert_eq!(metadata.damage(), [Rect { x_px: 1, y_px: 2, width_px: 9, height_px: 19 }]);
    }
}
