//! Bevy renders, GPUI shows: both programs as they are, a broker, a display, and what is to be seen on it.

mod screen;
#[path = "../../ferry/tests/support/mod.rs"]
mod support;

use ferry::{AttachOptions, ConnectOptions, Connection, Consumer, Device, DeviceOptions};
use ferry_demo::protocol::{STREAM, VALUE_PLAYING, VALUE_YAW};
use ferry_input::FrameNote;
use screen::{Picture, Screen, Window};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::broker::{Broker, PATIENCE, Running};

/// Room for the window that GPUI makes when nobody says how large.
const SCREEN: (usize, usize) = (1920, 1200);
// The window, and where in it the picture and the buttons are (gpui_viewer.rs).
const TITLE: &str = "GPUI shows Bevy";
const WINDOW: (usize, usize) = (1120, 640);
const VIEWPORT: (usize, usize, usize, usize) = (240, 0, 880, 612);
const PLAY_BUTTON: (i32, i32) = (80, 70);
const WAY_BUTTON: (i32, i32) = (80, 120);
const ROW_BYTES: u64 = VIEWPORT.2 as u64 * 4;
const FRAME_BYTES: u64 = ROW_BYTES * VIEWPORT.3 as u64;
/// Two sizes of the picture in the same window, whose rows are as long as no structure for a GPU is, and half a row of the
/// smaller one.
const SMALL: (u64, u64) = (443, 306);
const LARGE: (u64, u64) = (1771, 1224);
const COUNTED_BYTES: u64 = SMALL.0 * 4 / 2;

/// Of 255: what rounding may do to a channel of a pixel. Not one pixel of a picture may be further off.
const ROUNDING: u8 = 2;
/// Of 255, mean: another picture.
const DIFFERENT: f64 = 3.0;
/// No single colour.
const A_PICTURE: f64 = 8.0;

struct Stage {
    screen: Screen,
    broker: Broker,
}

impl Stage {
    fn new() -> Self {
        let broker = Broker::start();
        Self { screen: Screen::start(SCREEN.0, SCREEN.1, broker.folder()), broker }
    }

    fn start(&self, program: &str, arguments: &[&str], copy_log: Option<&Path>) -> Running {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("FERRY_SOCKET", self.broker.socket())
            .env("DISPLAY", self.screen.display())
            .env("XDG_RUNTIME_DIR", self.broker.folder())
            .env("RUST_LOG", "warn")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null());
        if let Some(log) = copy_log {
            let counter =
                PathBuf::from(std::env::var("FERRY_BIN_DIR").unwrap()).join("../lib/libferry_copy_counter.so");
            command.env("LD_PRELOAD", counter.canonicalize().expect("the copy counter is built"));
            command.env("FERRY_COPY_LOG", log).env("FERRY_COPY_LARGER_THAN", COUNTED_BYTES.to_string());
        }
        Running(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    fn start_renderer(&self) -> Running {
        self.start(env!("CARGO_BIN_EXE_bevy_renderer"), &[], None)
    }

    fn start_viewer(&self) -> Running {
        self.start(env!("CARGO_BIN_EXE_gpui_viewer"), &[], None)
    }

    /// A program of the README's, or another example: cargo builds them beside the programs.
    fn start_example(&self, name: &str) -> Running {
        let program = Path::new(env!("CARGO_BIN_EXE_bevy_renderer")).with_file_name("examples").join(name);
        self.start(program.to_str().unwrap(), &[], None)
    }

    fn window(&self) -> Window<'_> {
        self.window_called(TITLE)
    }

    fn window_called(&self, title: &str) -> Window<'_> {
        let started = Instant::now();
        loop {
            if let Some(window) = self.screen.window(title) {
                return window;
            }
            assert!(started.elapsed() < PATIENCE, "there is no window");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the window shows of the stream, once the window has its size.
    fn viewport(&self) -> Picture {
        let (x, y, width, height) = VIEWPORT;
        let started = Instant::now();
        loop {
            match self.window().picture() {
                Some(picture) if (picture.width, picture.height) == WINDOW => {
                    return picture.crop(x, y, width, height);
                }
                _ => assert!(started.elapsed() < PATIENCE, "there is no window of {WINDOW:?}"),
            }
        }
    }

    /// The viewport, as soon as `good` says yes.
    fn viewport_when(&self, what: &str, good: impl Fn(&Picture) -> bool) -> Picture {
        let started = Instant::now();
        loop {
            let picture = self.viewport();
            if good(&picture) {
                return picture;
            }
            if started.elapsed() > PATIENCE {
                let kept = std::env::temp_dir().join("ferry-pipeline-failed.png");
                let _ = Command::new("convert").arg(self.broker.folder().join("window.ppm")).arg(&kept).status();
                panic!("the window never showed {what}; it is {}", kept.display());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The stream's newest frame by way of the command line: what the renderer drew.
    fn snapshot_of_any_size(&self) -> Option<Picture> {
        let file = self.broker.folder().join("snapshot.png");
        let ferry = PathBuf::from(std::env::var("FERRY_BIN_DIR").unwrap()).join("ferry");
        let taken = Command::new(ferry)
            .args(["snapshot", STREAM])
            .arg(&file)
            .env("FERRY_SOCKET", self.broker.socket())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        taken.success().then(|| Picture::load(&file))
    }

    fn snapshot(&self) -> Option<Picture> {
        self.snapshot_of_any_size().filter(|picture| (picture.width, picture.height) == (VIEWPORT.2, VIEWPORT.3))
    }

    /// The picture in the upper left corner of a window whose scene stands, as soon as it is the stream's, every pixel.
    fn corner_is_the_streams_picture(&self, title: &str, good: impl Fn(&Picture) -> bool) -> Picture {
        let started = Instant::now();
        loop {
            if let (Some(window), Some(drawn)) = (self.window_called(title).picture(), self.snapshot_of_any_size())
                && drawn.width <= window.width
                && drawn.height <= window.height
                && good(&drawn)
            {
                let shown = window.crop(0, 0, drawn.width, drawn.height);
                if shown.detail() > A_PICTURE && shown.pixels_off(&drawn, ROUNDING) == 0 {
                    return drawn;
                }
            }
            assert!(started.elapsed() < PATIENCE, "the window '{title}' never showed the stream's picture");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The window shows, pixel by pixel, what the renderer drew. Of a scene that stands.
    fn window_is_the_renderers_picture(&self, what: &str) -> Picture {
        self.viewport_when(what, |picture| {
            picture.detail() > A_PICTURE
                && self.snapshot().is_some_and(|drawn| picture.pixels_off(&drawn, ROUNDING) == 0)
        })
    }

    /// Presses the button until the scene stands: a viewer does not know of the renderer before.
    fn stop_scene(&self, listener: &Listener) -> FrameNote {
        for _ in 0..2 {
            self.window().click(PLAY_BUTTON.0, PLAY_BUTTON.1);
            if let Some(note) = listener.within(Duration::from_secs(10), |note| note.values[VALUE_PLAYING] == 0.0) {
                return note;
            }
        }
        panic!("the button does not stop the scene");
    }

    fn listen(&self) -> Listener {
        let options =
            ConnectOptions { socket_path: self.broker.socket(), application: "listener".into(), timeout: PATIENCE };
        let connection = Connection::with_options(&options).unwrap();
        let device = Device::create(&connection, &DeviceOptions::default()).unwrap();
        let options = AttachOptions { wait: PATIENCE.into(), ..AttachOptions::new(STREAM) };
        Listener(Consumer::attach(&connection, &device, &options).unwrap())
    }
}

/// Reads what the renderer says of its frames.
struct Listener(Consumer);

impl Listener {
    fn next(&self) -> (u64, FrameNote) {
        let frame = self.0.acquire(PATIENCE.into()).unwrap().expect("the renderer renders");
        (frame.sequence(), FrameNote::decode(frame.metadata().user()).expect("a note"))
    }

    fn until(&self, what: &str, good: impl Fn(&FrameNote) -> bool) -> FrameNote {
        self.within(PATIENCE, good).unwrap_or_else(|| panic!("{what}: {:?}", self.next()))
    }

    fn within(&self, patience: Duration, good: impl Fn(&FrameNote) -> bool) -> Option<FrameNote> {
        let started = Instant::now();
        while started.elapsed() < patience {
            let (_, note) = self.next();
            if good(&note) {
                return Some(note);
            }
        }
        None
    }
}

#[test]
fn the_window_shows_what_bevy_draws_and_either_side_may_die() {
    let stage = Stage::new();
    let mut viewer = stage.start_viewer();
    std::thread::sleep(Duration::from_secs(1)); // the viewer is there first, and waits
    let mut renderer = stage.start_renderer();
    stage.viewport_when("a picture", |picture| picture.detail() > A_PICTURE);

    // The scene moves until the button is pressed; then the window is the renderer's picture, pixel by pixel.
    let listener = stage.listen();
    assert!(listener.next().1.values[VALUE_PLAYING] > 0.0);
    let before = stage.viewport();
    stage.viewport_when("a scene that moves", |picture| picture.difference(&before) > DIFFERENT);
    let standing = stage.stop_scene(&listener);
    let before = stage.window_is_the_renderers_picture("the renderer's picture");

    // Dragging in the viewport moves Bevy's camera, and the window shows it from there.
    stage.window().drag((600, 300), (800, 340));
    let turned =
        listener.until("the camera moves", |note| (note.values[VALUE_YAW] - standing.values[VALUE_YAW]).abs() > 0.5);
    assert_ne!(turned.translation, standing.translation);
    let after = stage.window_is_the_renderers_picture("the scene from the other side");
    assert!(before.difference(&after) > DIFFERENT);

    // The renderer is killed: its last frame stays. The next one is picked up.
    renderer.kill();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(stage.viewport().pixels_off(&after, ROUNDING), 0, "the last frame went away");
    assert!(viewer.0.try_wait().unwrap().is_none(), "the viewer died with the renderer");
    renderer = stage.start_renderer();
    stage.viewport_when("the second renderer's picture", |picture| picture.difference(&after) > DIFFERENT);
    stage.stop_scene(&listener);
    stage.window_is_the_renderers_picture("the second renderer's picture, every pixel");

    // The viewer is killed: the renderer goes on. The next one shows it.
    viewer.kill();
    let (first, _) = listener.next();
    listener.until("frames without a viewer", |_| listener.next().0 > first + 3);
    assert!(renderer.0.try_wait().unwrap().is_none(), "the renderer died with the viewer");
    let _viewer = stage.start_viewer();
    stage.window_is_the_renderers_picture("the picture again, in the second viewer");
    stage.window().drag((600, 300), (500, 330));
    listener
        .until("the camera moves for the second viewer", |note| note.values[VALUE_YAW] != standing.values[VALUE_YAW]);
    stage.window_is_the_renderers_picture("the scene from the third side");
}

#[test]
fn the_window_waits_for_a_renderer_that_ended_and_needs_no_broker_for_frames() {
    let mut stage = Stage::new();
    let _viewer = stage.start_viewer();
    let renderer = stage.start_renderer();
    stage.viewport_when("a picture", |picture| picture.detail() > A_PICTURE);

    // A renderer that ends by itself ends its stream: there is no last frame to keep.
    interrupt(renderer);
    stage.viewport_when("a placeholder", |picture| picture.detail() < A_PICTURE / 2.0);
    let _renderer = stage.start_renderer();
    let before = stage.viewport_when("a picture again", |picture| picture.detail() > A_PICTURE);

    stage.broker.kill();
    stage.viewport_when("frames without a broker", |picture| picture.difference(&before) > DIFFERENT);
    stage.broker.start_again();
    let listener = stage.listen(); // the next broker knows the stream
    listener.until("frames for who came later", |_| true);
    let before = stage.viewport();
    stage.viewport_when("frames under the next broker", |picture| picture.difference(&before) > DIFFERENT);
}

/// What the copy counter has written: for each place in one of these that copies, how often and how many bytes. Not the
/// display's libraries and the driver, which is a CPU here.
fn copies(log: &Path) -> Vec<(u64, u64)> {
    let text = std::fs::read_to_string(log).expect("the program ended by itself and wrote its log");
    let is_ours = |line: &&str| ["bevy_renderer", "gpui_viewer", "libferry"].iter().any(|name| line.contains(name));
    let parse = |line: &str| {
        let mut words = line.rsplit(' ').map(|word| word.parse().expect("a number"));
        let (bytes, count) = (words.next().unwrap(), words.next().unwrap());
        (count, bytes)
    };
    text.lines().filter(is_ours).map(parse).collect()
}

/// Of them in rows of the picture, or in whole pictures.
fn picture_bytes(copies: &[(u64, u64)]) -> u64 {
    copies.iter().filter(|(count, bytes)| bytes % (count * ROW_BYTES) == 0).map(|(_, bytes)| bytes).sum()
}

/// Both end by themselves, as the copy counter needs.
fn end(stage: &Stage, mut viewer: Running, renderer: Running) {
    stage.window().press("ctrl+q");
    wait(&mut viewer);
    interrupt(renderer);
}

/// As from the keyboard.
fn interrupt(mut program: Running) {
    let done = Command::new("kill").args(["-INT", &program.0.id().to_string()]).status().unwrap();
    assert!(done.success());
    wait(&mut program);
}

fn wait(program: &mut Running) {
    let started = Instant::now();
    while program.0.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < PATIENCE, "the program does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The README's two programs, as they are.
#[test]
fn the_readmes_programs_show_the_same_picture() {
    let stage = Stage::new();
    let _viewer = stage.start_example("minimal_viewer");
    let _renderer = stage.start_example("minimal_renderer");
    let window = stage.window_called("").picture().expect("a window");
    let fills = |picture: &Picture| picture.width == window.width;
    let before = stage.corner_is_the_streams_picture("", fills);
    assert!(before.height > window.height / 2, "the picture has most of the window");
    let middle = (before.width as i32 / 2, before.height as i32 / 2);
    stage.window_called("").drag(middle, (middle.0 + 90, middle.1 + 40));
    let after = stage.corner_is_the_streams_picture("", |picture| fills(picture) && picture.difference(&before) > 0.5);
    assert_eq!((before.width, before.height), (after.width, after.height));
}

/// An app with a window of its own, which shows what its stream has.
#[test]
fn a_windowed_app_publishes_what_it_shows() {
    const TITLE: &str = "Bevy shows Bevy";
    let stage = Stage::new();
    let _app = stage.start_example("windowed_renderer");
    for (width, height) in [(640, 360), (500, 300)] {
        stage.window_called(TITLE).resize(width, height);
        stage.corner_is_the_streams_picture(TITLE, |picture| (picture.width, picture.height) == (width, height));
    }
}

/// Bytes of one copy from each place that copies, in renderer and viewer, Ferry's way, while pictures of that size are shown.
fn copied_by_ferry(stage: &Stage, (width, height): (u64, u64)) -> [u64; 2] {
    let log = |name: &str| stage.broker.folder().join(format!("{name}-{width}"));
    let size = format!("{width}x{height}");
    let renderer = stage.start(env!("CARGO_BIN_EXE_bevy_renderer"), &["--size", &size], Some(&log("renderer")));
    let viewer = stage.start(env!("CARGO_BIN_EXE_gpui_viewer"), &["--keep-size"], Some(&log("viewer")));
    stage.viewport_when("a picture", |picture| picture.detail() > A_PICTURE);
    let listener = stage.listen();
    let (first, _) = listener.next();
    let mut last = first;
    while last < first + 60 {
        last = listener.next().0;
    }
    drop(listener);
    end(stage, viewer, renderer);
    ["renderer", "viewer"].map(|name| {
        let copies = copies(&log(name));
        let rows: u64 = copies.iter().filter(|(count, bytes)| bytes % (count * width * 4) == 0).map(|(_, b)| b).sum();
        assert_eq!(rows, 0, "{name} copies pictures of {size}, or rows of them");
        let per_frame = copies.iter().map(|(_, bytes)| bytes).sum::<u64>() / last;
        println!("Ferry: {name} copied {per_frame} bytes a frame in all, of {} that a picture has", width * height * 4);
        // Not a frame's: a window is drawn more often for each frame of a renderer that draws larger ones.
        copies.iter().map(|(count, bytes)| bytes / count).sum()
    })
}

#[test]
fn no_pixel_is_copied_by_the_cpu_on_ferrys_way_and_every_one_on_the_other() {
    let stage = Stage::new();
    let folder = stage.broker.folder().to_owned();
    let log = |name: &str| folder.join(name);
    let (small, large) = (copied_by_ferry(&stage, SMALL), copied_by_ferry(&stage, LARGE));
    let growth_bytes = (LARGE.0 * LARGE.1 - SMALL.0 * SMALL.1) * 4;
    for (name, (small, large)) in ["renderer", "viewer"].iter().zip(small.into_iter().zip(large)) {
        let grown = large.saturating_sub(small);
        assert!(grown < growth_bytes / 50, "{name} copies {grown} bytes more of a picture {growth_bytes} bytes larger");
    }

    let renderer = stage.start(env!("CARGO_BIN_EXE_bevy_renderer"), &[], Some(&log("renderer-round-trip")));
    let viewer = stage.start(env!("CARGO_BIN_EXE_gpui_viewer"), &[], Some(&log("viewer-round-trip")));
    stage.viewport_when("a picture", |picture| picture.detail() > A_PICTURE);
    stage.window().click(WAY_BUTTON.0, WAY_BUTTON.1);
    let before = stage.viewport();
    for _ in 0..5 {
        let now = stage.viewport();
        stage.viewport_when("frames by the other way", |picture| picture.difference(&now) > 0.2);
    }
    assert!(before.detail() > A_PICTURE);
    end(&stage, viewer, renderer);
    for name in ["renderer-round-trip", "viewer-round-trip"] {
        let copied = picture_bytes(&copies(&log(name)));
        println!("CPU round trip: {name} copied {} pictures", copied / FRAME_BYTES);
        assert!(copied >= 5 * FRAME_BYTES, "{name} copies no pictures");
    }
}
