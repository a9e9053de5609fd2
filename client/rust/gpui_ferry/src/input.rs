//! From the window's coordinates to the picture's.

use ferry_input::{Button, ViewerEvent};
use gpui::{Bounds, MouseButton, Pixels, Point};

/// Where the picture is in the window, and how large it is itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Picture {
    pub bounds: Bounds<Pixels>,
    pub size_px: (u32, u32),
}

impl Picture {
    pub fn position(&self, at: Point<Pixels>) -> (f32, f32) {
        let part = |from: Pixels, origin: Pixels, length: Pixels| f32::from(from - origin) / f32::from(length).max(1.0);
        (
            part(at.x, self.bounds.origin.x, self.bounds.size.width) * self.size_px.0 as f32,
            part(at.y, self.bounds.origin.y, self.bounds.size.height) * self.size_px.1 as f32,
        )
    }
}

pub(crate) fn button(button: MouseButton) -> Option<Button> {
    match button {
        MouseButton::Left => Some(Button::Left),
        MouseButton::Right => Some(Button::Right),
        MouseButton::Middle => Some(Button::Middle),
        _ => None,
    }
}

/// A drag in progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drag {
    pub held: Button,
    pub last: (f32, f32),
}

impl Drag {
    /// The event that moves the pointer to `(x, y)`.
    pub fn move_to(&mut self, (x, y): (f32, f32)) -> ViewerEvent {
        let (dx, dy) = (x - self.last.0, y - self.last.1);
        self.last = (x, y);
        ViewerEvent::Dragged { held: self.held, x, y, dx, dy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpui::{point, px, size};

    #[test]
    fn positions_are_in_pixels_of_the_picture() {
        let picture = Picture {
            bounds: Bounds { origin: point(px(100.0), px(50.0)), size: size(px(200.0), px(100.0)) },
            size_px: (1920, 1080),
        };
        assert_eq!(picture.position(point(px(100.0), px(50.0))), (0.0, 0.0));
        assert_eq!(picture.position(point(px(200.0), px(100.0))), (960.0, 540.0));
    }

    #[test]
    fn a_drag_tells_how_far() {
        let mut drag = Drag { held: Button::Left, last: (10.0, 10.0) };
        let moved = drag.move_to((15.0, 8.0));
        assert_eq!(moved, ViewerEvent::Dragged { held: Button::Left, x: 15.0, y: 8.0, dx: 5.0, dy: -2.0 });
        assert_eq!(drag.last, (15.0, 8.0));
    }
}
