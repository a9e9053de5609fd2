/// What a renderer says of a frame in the frame's own metadata: when, and from where.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameNote {
    /// The renderer's time.
    pub time_s: f64,
    /// Of the camera, in the renderer's world.
    pub translation: [f32; 3],
    /// A quaternion: x, y, z, w.
    pub rotation: [f32; 4],
    /// Vertical, 0 for a camera without perspective.
    pub fov_y_rad: f32,
    /// What the two programs agreed on.
    pub values: [f32; 4],
}

const MAGIC: u32 = 0x3145_544e; // "NTE1"
const LENGTH_BYTES: usize = 4 + 8 + 4 * 12;

impl FrameNote {
    #[must_use]
    pub fn encode(&self) -> [u8; LENGTH_BYTES] {
        let mut bytes = [0; LENGTH_BYTES];
        bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.time_s.to_le_bytes());
        for (place, value) in bytes[12..].chunks_exact_mut(4).zip(self.reals()) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// `None` when the frame carries something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH_BYTES] = bytes.try_into().ok()?;
        if bytes[..4] != MAGIC.to_le_bytes() {
            return None;
        }
        let real = |index: usize| f32::from_le_bytes(bytes[12 + index * 4..16 + index * 4].try_into().unwrap());
        Some(Self {
            time_s: f64::from_le_bytes(bytes[4..12].try_into().unwrap()),
            translation: std::array::from_fn(real),
            rotation: std::array::from_fn(|index| real(3 + index)),
            fov_y_rad: real(7),
            values: std::array::from_fn(|index| real(8 + index)),
        })
    }

    fn reals(&self) -> impl Iterator<Item = f32> {
        self.translation.into_iter().chain(self.rotation).chain([self.fov_y_rad]).chain(self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back() {
        let note = FrameNote {
            time_s: 12.5,
            translation: [1.0, 2.0, 3.0],
            rotation: [0.1, 0.2, 0.3, 0.9],
            fov_y_rad: 0.8,
            values: [4.0, 5.0, 6.0, 7.0],
        };
        assert_eq!(FrameNote::decode(&note.encode()), Some(note));
        assert_eq!(FrameNote::decode(&[0; LENGTH_BYTES]), None);
        assert_eq!(FrameNote::decode(&note.encode()[1..]), None);
    }
}
