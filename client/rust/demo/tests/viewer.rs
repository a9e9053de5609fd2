//! The demo's viewer beside a renderer that the test plays: what it shows of a picture that does not have its proportions,
//! and what it tells of pointer, wheel and keys.

mod screen;
#[path = "../../ferry/tests/support/mod.rs"]
mod support;

use ferry_demo::protocol::STREAM;
use ferry_input::{Button, InputReceiver, Key, Modifiers, ViewerEvent};
use ferry_wgpu::ferry::{ConnectOptions, Connection, Format, ImageDesc, StreamOptions};
use ferry_wgpu::{Gpu, Producer, wgpu};
use screen::{Picture, Screen, Window};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::broker::{Broker, PATIENCE, Running};

const TITLE: &str = "GPUI shows Bevy";
const WINDOW: (usize, usize) = (1120, 640);
/// Where the view is in the window: the panel beside it, the footer below (gpui_viewer.rs).
const PANEL_PX: usize = 240;
const FOOTER_PX: usize = 28;
const BACKGROUND: [u8; 3] = [0x10, 0x14, 0x19];
const PANEL: [u8; 3] = [0x1d, 0x23, 0x2a];
/// The panel's padding: nothing of its own there.
const PADDING_PX: usize = 8;
/// How far colours mix where a picture is enlarged six times.
const BLUR_PX: usize = 5;
const ROUNDING: u8 = 2;

type Size = (usize, usize);

/// The quarters of the picture, from left to right, from top to bottom.
const COLOURS: [[u8; 3]; 4] = [[200, 40, 60], [30, 180, 90], [40, 80, 220], [240, 230, 20]];

fn colour((x, y): Size, (width, height): Size) -> [u8; 3] {
    COLOURS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)]
}

struct Stage {
    gpu: Gpu,
    producer: Producer,
    input: InputReceiver,
    screen: Screen,
    broker: Broker,
}

impl Stage {
    fn new() -> Self {
        let broker = Broker::start();
        let options =
            ConnectOptions { socket_path: broker.socket(), application: "renderer".into(), timeout: PATIENCE };
        let gpu = ferry_wgpu::open(&Connection::with_options(&options).unwrap(), &Default::default()).unwrap();
        let image = ImageDesc::new(64, 64, Format::Rgba8Unorm);
        let producer = Producer::create(&gpu.interop, &StreamOptions::new(STREAM, image)).unwrap();
        // SAFETY: the tests of this program run one after the other.
        unsafe { std::env::set_var("FERRY_SOCKET", broker.socket()) };
        let input = InputReceiver::bind(STREAM).unwrap();
        Self { gpu, producer, input, screen: Screen::start(1280, 800, broker.folder()), broker }
    }

    fn start_viewer(&self, arguments: &[&str]) -> Running {
        let viewer = Command::new(env!("CARGO_BIN_EXE_gpui_viewer"))
            .args(arguments)
            .env("FERRY_SOCKET", self.broker.socket())
            .env("DISPLAY", self.screen.display())
            .env("XDG_RUNTIME_DIR", self.broker.folder())
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .spawn();
        Running(viewer.unwrap())
    }

    fn publish(&mut self, (width, height): Size) {
        self.producer.reconfigure(&ImageDesc::new(width as u32, height as u32, Format::Rgba8Unorm)).unwrap();
        let target = self.producer.begin(PATIENCE.into()).unwrap().expect("a slot");
        let pixels: Vec<u8> = (0..width * height)
            .flat_map(|at| {
                let [r, g, b] = colour((at % width, at / width), (width, height));
                [r, g, b, 255]
            })
            .collect();
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width as u32 * 4), rows_per_image: None };
        self.gpu.queue.write_texture(target.texture().as_image_copy(), &pixels, layout, target.texture().size());
        self.gpu.queue.submit([]);
        self.producer.publish(target, None).unwrap();
    }

    fn window(&self) -> Window<'_> {
        let started = Instant::now();
        loop {
            if let Some(window) = self.screen.window(TITLE) {
                return window;
            }
            assert!(started.elapsed() < PATIENCE, "there is no window");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the view shows this, but for pixels near `edges` (columns, rows), where colours mix; and nothing of it
    /// beside the view.
    fn shows(&self, window_px: Size, edges: (&[usize], &[usize]), colour: impl Fn(usize, usize) -> [u8; 3]) {
        let (width, height) = (window_px.0 - PANEL_PX, window_px.1 - FOOTER_PX);
        let near = |at: usize, edges: &[usize]| edges.iter().any(|edge| at.abs_diff(*edge) <= BLUR_PX);
        let is_edge = |x: usize, y: usize| near(x, edges.0) || near(y, edges.1);
        let blank = |picture: &Picture| {
            Picture::drawn(width, height, |x, y| if is_edge(x, y) { [0; 3] } else { picture.pixel(x, y) })
        };
        let expected = blank(&Picture::drawn(width, height, colour));
        let beside = Picture::drawn(PADDING_PX, height, |_, _| PANEL);
        let started = Instant::now();
        loop {
            let shown = self.window().picture().filter(|picture| (picture.width, picture.height) == window_px);
            let off = shown.map(|window| {
                blank(&window.crop(PANEL_PX, 0, width, height)).pixels_off(&expected, ROUNDING)
                    + window.crop(PANEL_PX - PADDING_PX, 0, PADDING_PX, height).pixels_off(&beside, ROUNDING)
            });
            if off == Some(0) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{off:?} pixels are not as they should be");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the viewer tells next that `wanted` takes; what comes before is passed over.
    fn hears<T>(&self, what: &str, wanted: impl Fn(ViewerEvent) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            match self.input.next() {
                Some(event) => {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
            assert!(started.elapsed() < PATIENCE, "the viewer never told of {what}");
        }
    }

    fn forget_what_was_heard(&self) {
        while self.input.next().is_some() {}
    }
}

fn is_near((x, y): (f32, f32), to: (f32, f32)) -> bool {
    (x - to.0).abs() < 1.0 && (y - to.1).abs() < 1.0
}

/// A picture of 200 x 100 in a view of 880 x 612.
#[test]
fn each_fit_shows_the_picture_where_the_pointer_finds_it() {
    const PICTURE: Size = (200, 100);
    let mut stage = Stage::new();
    stage.publish(PICTURE);
    let (width, height) = (WINDOW.0 - PANEL_PX, WINDOW.1 - FOOTER_PX);
    // Where the picture is in the view: origin and size.
    for (fit, (left, top), (w, h)) in [
        ("contain", (0, 86), (880, 440)),
        ("cover", (-172, 0), (1224, 612)),
        ("fill", (0, 0), (880, 612)),
        ("none", (0, 0), (200, 100)),
    ] {
        let mut viewer = stage.start_viewer(&["--fit", fit, "--keep-size"]);
        let columns = [left, left + w / 2, left + w].map(|x: i32| x.max(-9) as usize);
        let rows = [top, top + h / 2, top + h].map(|y: i32| y as usize);
        stage.shows(WINDOW, (&columns, &rows), |x, y| {
            let (x, y) = (x as i32 - left, y as i32 - top);
            if x < 0 || y < 0 || x >= w || y >= h {
                return BACKGROUND;
            }
            colour((x as usize, y as usize), (w as usize, h as usize))
        });
        // In the view at (150, 90): what is there in the picture's own pixels.
        let at = ((150 - left) as f32 * 200.0 / w as f32, (90 - top) as f32 * 100.0 / h as f32);
        stage.forget_what_was_heard();
        stage.window().move_to(PANEL_PX as i32 + 150, 90);
        let hovered = stage.hears("the pointer", |event| match event {
            ViewerEvent::Moved { x, y } => Some((x, y)),
            _ => None,
        });
        assert!(is_near(hovered, at), "{fit}: {hovered:?} is not {at:?}");
        stage.window().click(PANEL_PX as i32 + 150, 90);
        for (what, wanted) in [("pressed", true), ("released", false)] {
            let pressed = stage.hears(what, |event| match event {
                ViewerEvent::Pressed { button: Button::Left, x, y } if wanted => Some((x, y)),
                ViewerEvent::Released { button: Button::Left, x, y } if !wanted => Some((x, y)),
                _ => None,
            });
            assert!(is_near(pressed, at), "{fit}: {what} at {pressed:?}, not {at:?}");
        }
        stage.window().move_to(PANEL_PX as i32 + width as i32 / 2, height as i32 / 2);
        viewer.kill();
    }
}

#[test]
fn a_window_that_is_resized_asks_for_its_size_and_shows_it() {
    let mut stage = Stage::new();
    let _viewer = stage.start_viewer(&[]);
    stage.publish((64, 64));
    for window_px in [WINDOW, (900, 500), (1000, 700)] {
        stage.window().resize(window_px.0, window_px.1);
        let view = (window_px.0 - PANEL_PX, window_px.1 - FOOTER_PX);
        stage.hears("its size", |event| {
            let (width_px, height_px) = (view.0 as u32, view.1 as u32);
            (event == ViewerEvent::Resize { width_px, height_px }).then_some(())
        });
        stage.publish(view);
        stage.shows(window_px, (&[], &[]), |x, y| colour((x, y), view));
    }
}

#[test]
fn wheel_and_keys_reach_the_renderer() {
    let mut stage = Stage::new();
    let _viewer = stage.start_viewer(&["--fit", "fill", "--keep-size"]);
    stage.publish((200, 100));
    let view = (WINDOW.0 - PANEL_PX, WINDOW.1 - FOOTER_PX);
    stage.shows(WINDOW, (&[view.0 / 2], &[view.1 / 2]), |x, y| colour((x, y), view));
    let middle = (PANEL_PX as i32 + 440, 306);

    stage.window().move_to(middle.0, middle.1);
    for up in [true, false] {
        stage.window().scroll(up);
        let (at, lines) = stage.hears("the wheel", |event| match event {
            ViewerEvent::Scrolled { x, y, lines } => Some(((x, y), lines)),
            _ => None,
        });
        assert!(is_near(at, (100.0, 50.0)) && (lines > 0.0) == up, "{at:?}, {lines} lines, up: {up}");
    }

    // Nobody's until the view has the focus, which a click gives it.
    stage.forget_what_was_heard();
    stage.window().tap("a");
    stage.window().click(middle.0, middle.1);
    let first = stage.hears("a click or a key", |event| match event {
        ViewerEvent::Pressed { .. } | ViewerEvent::KeyPressed { .. } => Some(event),
        _ => None,
    });
    assert!(matches!(first, ViewerEvent::Pressed { .. }), "{first:?} without the focus");
    let control = Modifiers { control: true, ..Default::default() };
    for (keys, name, modifiers) in
        [("w", "w", Modifiers::default()), ("Left", "left", Modifiers::default()), ("ctrl+e", "e", control)]
    {
        stage.window().tap(keys);
        let key = Key::new(name).unwrap();
        stage.hears(name, |event| match event {
            ViewerEvent::KeyPressed { key: pressed, modifiers: with, repeats: false } => {
                (pressed == key && with == modifiers).then_some(())
            }
            _ => None,
        });
        stage.hears(name, |event| match event {
            ViewerEvent::KeyReleased { key: released, .. } => (released == key).then_some(()),
            _ => None,
        });
    }

    // Out of the view, into the panel.
    stage.forget_what_was_heard();
    stage.window().move_to(60, 500);
    stage.hears("the pointer leaving", |event| (event == ViewerEvent::Left).then_some(()));
}
