/// The keys that change what others mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modifiers {
    pub shift: bool,
    pub control: bool,
    pub alt: bool,
    /// The one with the system's mark on it.
    pub platform: bool,
}

impl Modifiers {
    pub(crate) fn bits(self) -> u32 {
        u32::from(self.shift) | u32::from(self.control) << 1 | u32::from(self.alt) << 2 | u32::from(self.platform) << 3
    }

    pub(crate) fn of(bits: u32) -> Self {
        let is_set = |bit: u32| bits >> bit & 1 == 1;
        Self { shift: is_set(0), control: is_set(1), alt: is_set(2), platform: is_set(3) }
    }
}

/// A key by name: what it types without modifiers ("a", "1", "ö"), or "enter", "space", "escape", "tab", "backspace",
/// "delete", "left", "pageup", "f1" and the like.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; Key::LONGEST_BYTES]);

impl Key {
    pub const LONGEST_BYTES: usize = 12;

    /// `None` for a name that is empty, longer than 12 bytes, or has a NUL in it.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let mut bytes = [0; Self::LONGEST_BYTES];
        if name.is_empty() || name.bytes().any(|byte| byte == 0) {
            return None;
        }
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Self(bytes))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::LONGEST_BYTES);
        std::str::from_utf8(&self.0[..length]).expect("made from text")
    }

    pub(crate) fn words(self) -> [u32; 3] {
        std::array::from_fn(|index| u32::from_le_bytes(self.0[index * 4..index * 4 + 4].try_into().unwrap()))
    }

    /// `None` for what is no name: a peer may say anything.
    pub(crate) fn of(words: [u32; 3]) -> Option<Self> {
        let mut bytes = [0; Self::LONGEST_BYTES];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let length = bytes.iter().rposition(|byte| *byte != 0)? + 1;
        Self::new(std::str::from_utf8(&bytes[..length]).ok()?)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in ["a", "ö", "space", "123456789012"] {
            let key = Key::new(name).unwrap();
            assert_eq!(key.name(), name);
            assert_eq!(Key::of(key.words()), Some(key));
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for name in ["", "1234567890123", "a\0", "\0a"] {
            assert_eq!(Key::new(name), None, "{name:?}");
        }
        assert_eq!(Key::of([0; 3]), None);
        assert_eq!(Key::of([0xffff_ffff; 3]), None);
        assert_eq!(Key::of([0x6100_0061, 0, 0]), None, "a NUL inside");
    }

    #[test]
    fn modifiers_come_back() {
        for bits in 0..16 {
            assert_eq!(Modifiers::of(bits).bits(), bits);
        }
        assert_eq!(Modifiers::of(2), Modifiers { control: true, ..Default::default() });
    }
}
