//! From the window's coordinates to the picture's.

use ferry_input::{Button, Key, Modifiers, ViewerEvent};
use gpui::{Bounds, Keystroke, MouseButton, Pixels, Point};

/// Where the picture is in the window, and how large it is itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Picture {
    pub bounds: Bounds<Pixels>,
    pub size_px: (u32, u32),
}

impl Picture {
    pub fn contains(&self, at: Point<Pixels>) -> bool {
        self.bounds.contains(&at)
    }

    /// Outside it where the picture does not fill the view, below zero or beyond its size.
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

/// `None` for a key whose name is longer than what crosses.
pub(crate) fn key(keystroke: &Keystroke) -> Option<(Key, Modifiers)> {
    let gpui::Modifiers { control, alt, shift, platform, .. } = keystroke.modifiers;
    Some((Key::new(&keystroke.key)?, Modifiers { shift, control, alt, platform }))
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
    use crate::Fit;
    use gpui::{DevicePixels, ObjectFit, point, px, size};

    #[test]
    fn positions_are_in_pixels_of_the_picture() {
        let picture = Picture {
            bounds: Bounds { origin: point(px(100.0), px(50.0)), size: size(px(200.0), px(100.0)) },
            size_px: (1920, 1080),
        };
        assert_eq!(picture.position(point(px(100.0), px(50.0))), (0.0, 0.0));
        assert_eq!(picture.position(point(px(200.0), px(100.0))), (960.0, 540.0));
    }

    /// A picture of 200 x 100 in a view of 400 x 400 at (10, 20).
    #[test]
    fn each_fit_maps_the_pointer_to_what_is_under_it() {
        let view = Bounds { origin: point(px(10.0), px(20.0)), size: size(px(400.0), px(400.0)) };
        for (fit, corner, middle, edge) in [
            // Where the view's upper left corner, its middle and the middle of its upper edge are in the picture.
            (Fit::Contain, (0.0, -50.0), (100.0, 50.0), (100.0, -50.0)),
            (Fit::Cover, (50.0, 0.0), (100.0, 50.0), (100.0, 0.0)),
            (Fit::Fill, (0.0, 0.0), (100.0, 50.0), (100.0, 0.0)),
            (Fit::None, (0.0, 0.0), (200.0, 200.0), (200.0, 0.0)),
        ] {
            let bounds = ObjectFit::from(fit).get_bounds(view, size(DevicePixels(200), DevicePixels(100)));
            let picture = Picture { bounds, size_px: (200, 100) };
            assert_eq!(picture.position(view.origin), corner, "{fit:?}");
            assert_eq!(picture.position(view.center()), middle, "{fit:?}");
            assert_eq!(picture.position(view.top_center()), edge, "{fit:?}");
            let is_inside = corner.0 >= 0.0 && corner.1 >= 0.0;
            assert_eq!(picture.contains(view.origin), is_inside, "{fit:?}");
        }
    }

    #[test]
    fn keys_have_their_names_and_modifiers() {
        let press = |text| key(&Keystroke::parse(text).unwrap());
        let control = Modifiers { control: true, ..Default::default() };
        assert_eq!(press("a"), Some((Key::new("a").unwrap(), Modifiers::default())));
        assert_eq!(press("ctrl-pageup"), Some((Key::new("pageup").unwrap(), control)));
        let endless = Keystroke { key: "a name that nobody gives a key".into(), ..Keystroke::parse("a").unwrap() };
        assert_eq!(key(&endless), None);
    }

    #[test]
    fn a_drag_tells_how_far() {
        let mut drag = Drag { held: Button::Left, last: (10.0, 10.0) };
        let moved = drag.move_to((15.0, 8.0));
        assert_eq!(moved, ViewerEvent::Dragged { held: Button::Left, x: 15.0, y: 8.0, dx: 5.0, dy: -2.0 });
        assert_eq!(drag.last, (15.0, 8.0));
    }
}
