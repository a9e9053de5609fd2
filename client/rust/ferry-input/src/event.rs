use crate::{Key, Modifiers};

/// A pointer's button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    Left,
    Right,
    Middle,
}

/// One thing that a viewer tells. Positions are in pixels of the picture, whatever size it is shown at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ViewerEvent {
    /// The size in which the viewer would like the stream.
    Resize {
        width_px: u32,
        height_px: u32,
    },
    Pressed {
        button: Button,
        x: f32,
        y: f32,
    },
    Released {
        button: Button,
        x: f32,
        y: f32,
    },
    /// Moved by (dx, dy) to (x, y) with `held` down.
    Dragged {
        held: Button,
        x: f32,
        y: f32,
        dx: f32,
        dy: f32,
    },
    /// Moved to (x, y) with no button down.
    Moved {
        x: f32,
        y: f32,
    },
    /// The pointer has left the view.
    Left,
    Scrolled {
        x: f32,
        y: f32,
        lines: f32,
    },
    KeyPressed {
        key: Key,
        modifiers: Modifiers,
        /// Held down until the keyboard repeats it.
        repeats: bool,
    },
    KeyReleased {
        key: Key,
        modifiers: Modifiers,
    },
    /// A number that the two programs agreed on: play, pause, a mode.
    Command {
        id: u32,
        value: u32,
    },
}

const LENGTH_BYTES: usize = 24;
/// In a pressed key's second word, above the modifiers.
const REPEATS: u32 = 1 << 8;

impl ViewerEvent {
    /// As it crosses: six little-endian words, the first of them says what it is.
    pub(crate) fn encode(self) -> [u8; LENGTH_BYTES] {
        let words = match self {
            Self::Resize { width_px, height_px } => [1, width_px, height_px, 0, 0, 0],
            Self::Pressed { button, x, y } => [2, button as u32, x.to_bits(), y.to_bits(), 0, 0],
            Self::Released { button, x, y } => [3, button as u32, x.to_bits(), y.to_bits(), 0, 0],
            Self::Dragged { held, x, y, dx, dy } => {
                [4, held as u32, x.to_bits(), y.to_bits(), dx.to_bits(), dy.to_bits()]
            }
            Self::Scrolled { x, y, lines } => [5, 0, x.to_bits(), y.to_bits(), lines.to_bits(), 0],
            Self::Command { id, value } => [6, id, value, 0, 0, 0],
            Self::Moved { x, y } => [7, 0, x.to_bits(), y.to_bits(), 0, 0],
            Self::Left => [8, 0, 0, 0, 0, 0],
            Self::KeyPressed { key, modifiers, repeats } => {
                let [a, b, c] = key.words();
                [9, modifiers.bits() | if repeats { REPEATS } else { 0 }, a, b, c, 0]
            }
            Self::KeyReleased { key, modifiers } => {
                let [a, b, c] = key.words();
                [10, modifiers.bits(), a, b, c, 0]
            }
        };
        let mut bytes = [0; LENGTH_BYTES];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// `None` for what is not one of these: a peer may say anything.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH_BYTES] = bytes.try_into().ok()?;
        let word = |index: usize| u32::from_le_bytes(bytes[index * 4..index * 4 + 4].try_into().unwrap());
        let real = |index: usize| Some(f32::from_bits(word(index))).filter(|value| value.is_finite());
        let button = || match word(1) {
            0 => Some(Button::Left),
            1 => Some(Button::Right),
            2 => Some(Button::Middle),
            _ => None,
        };
        let key = || Key::of([word(2), word(3), word(4)]);
        Some(match word(0) {
            1 if word(1) > 0 && word(2) > 0 => Self::Resize { width_px: word(1), height_px: word(2) },
            2 => Self::Pressed { button: button()?, x: real(2)?, y: real(3)? },
            3 => Self::Released { button: button()?, x: real(2)?, y: real(3)? },
            4 => Self::Dragged { held: button()?, x: real(2)?, y: real(3)?, dx: real(4)?, dy: real(5)? },
            5 => Self::Scrolled { x: real(2)?, y: real(3)?, lines: real(4)? },
            6 => Self::Command { id: word(1), value: word(2) },
            7 => Self::Moved { x: real(2)?, y: real(3)? },
            8 => Self::Left,
            9 => Self::KeyPressed { key: key()?, modifiers: Modifiers::of(word(1)), repeats: word(1) & REPEATS != 0 },
            10 => Self::KeyReleased { key: key()?, modifiers: Modifiers::of(word(1)) },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back() {
        let key = Key::new("pagedown").unwrap();
        let modifiers = Modifiers { control: true, platform: true, ..Default::default() };
        for event in [
            ViewerEvent::Resize { width_px: 640, height_px: 360 },
            ViewerEvent::Pressed { button: Button::Right, x: 1.5, y: -2.0 },
            ViewerEvent::Released { button: Button::Middle, x: 0.0, y: 4.0 },
            ViewerEvent::Dragged { held: Button::Left, x: 1.0, y: 2.0, dx: 3.0, dy: -4.0 },
            ViewerEvent::Scrolled { x: 9.0, y: 8.0, lines: -1.0 },
            ViewerEvent::Command { id: 7, value: 9 },
            ViewerEvent::Moved { x: 3.5, y: -1.0 },
            ViewerEvent::Left,
            ViewerEvent::KeyPressed { key, modifiers, repeats: false },
            ViewerEvent::KeyPressed { key, modifiers: Modifiers::default(), repeats: true },
            ViewerEvent::KeyReleased { key, modifiers },
        ] {
            assert_eq!(ViewerEvent::decode(&event.encode()), Some(event));
        }
    }

    #[test]
    fn rubbish_is_nothing() {
        assert_eq!(ViewerEvent::decode(&[]), None);
        assert_eq!(ViewerEvent::decode(&[0xff; LENGTH_BYTES]), None);
        assert_eq!(ViewerEvent::decode(&[1; LENGTH_BYTES + 1]), None);
        let mut nan = ViewerEvent::Scrolled { x: 1.0, y: 1.0, lines: 1.0 }.encode();
        nan[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(ViewerEvent::decode(&nan), None);
        let mut nameless =
            ViewerEvent::KeyReleased { key: Key::new("a").unwrap(), modifiers: Modifiers::default() }.encode();
        nameless[8..12].fill(0);
        assert_eq!(ViewerEvent::decode(&nameless), None);
        let nothing = ViewerEvent::Resize { width_px: 0, height_px: 9 };
        assert_eq!(ViewerEvent::decode(&nothing.encode()), None);
    }
}
