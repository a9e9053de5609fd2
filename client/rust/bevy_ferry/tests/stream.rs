//! Bevy renders in one process, wgpu reads in another: every pixel of a scene whose colours are known.

#[path = "../../ferry-wgpu/tests/gpu/mod.rs"]
#[allow(dead_code)]
mod gpu;
mod renderer;
#[path = "../../ferry/tests/support/mod.rs"]
mod support;

use ferry_input::{FrameNote, InputSender, ViewerEvent};
use ferry_wgpu::ferry::{AttachOptions, ConnectOptions, Connection, Event};
use ferry_wgpu::{Consumer, Gpu};
use renderer::{ALL, COLOURS, COMMAND_TURN, SIZE_PX};
use std::time::{Duration, Instant};
use support::broker::{Broker, PATIENCE, Running};

const LARGER_PX: (u32, u32) = (500, 300);

/// The other process: a Bevy app that runs until it is killed.
#[test]
#[ignore = "a part that another test starts"]
fn play_renderer() {
    renderer::run();
}

struct Viewer {
    gpu: Gpu,
    consumer: Consumer,
    input: InputSender,
}

impl Viewer {
    fn attach(broker: &Broker, stream: &str) -> Self {
        let options = ConnectOptions { socket_path: broker.socket(), application: "test".into(), timeout: PATIENCE };
        let connection = Connection::with_options(&options).unwrap();
        let gpu = ferry_wgpu::open(&connection, &Default::default()).unwrap();
        let options = AttachOptions { wait: PATIENCE.into(), ..AttachOptions::new(stream) };
        let consumer = Consumer::attach(&gpu.interop, &options).unwrap();
        // SAFETY: the tests of this program run one after the other.
        unsafe { std::env::set_var("FERRY_SOCKET", broker.socket()) };
        Self { gpu, consumer, input: InputSender::new(stream).unwrap() }
    }

    fn tell(&self, event: ViewerEvent) {
        assert!(self.input.send(event), "the renderer listens");
    }

    /// The first frame from now on that is whole, in the size and with the colours turned as often as said.
    fn wait_for(&mut self, size_px: (u32, u32), turns: usize) -> FrameNote {
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < PATIENCE, "no frame of {size_px:?} with {turns} turns");
            if !self.consumer.update(PATIENCE.into()).unwrap() {
                continue;
            }
            let frame = self.consumer.frame().unwrap();
            let note = FrameNote::decode(frame.metadata().user()).expect("a note goes with every frame");
            if frame.size_px() == size_px && self.wrong_pixels(turns) == 0 {
                return note;
            }
        }
    }

    /// How many pixels of the frame on show are not as drawn: a colour a quarter, one off for rounding.
    fn wrong_pixels(&self, turns: usize) -> usize {
        let frame = self.consumer.frame().unwrap();
        let (width, height) = frame.size_px();
        let is_wrong = |(at, pixel): (usize, &[u8])| {
            let (x, y) = (at as u32 % width, at as u32 / width);
            let quarter = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
            let expected = COLOURS[(quarter + turns) % ALL];
            pixel[..3].iter().zip(expected).any(|(is, should)| is.abs_diff(should) > 1)
        };
        gpu::read_back(&self.gpu, frame.texture()).chunks_exact(4).enumerate().filter(|pixel| is_wrong(*pixel)).count()
    }
}

#[test]
fn a_camera_is_a_stream_that_outlives_its_renderer() {
    let broker = Broker::start();
    let mut first = Running::part("play_renderer", &broker.socket());
    let mut viewer = Viewer::attach(&broker, renderer::STREAM);

    let note = viewer.wait_for(SIZE_PX, 0);
    assert_eq!(note.translation, renderer::CAMERA_AT);
    let later = viewer.wait_for(SIZE_PX, 0);
    assert!(later.time_s > note.time_s, "{} after {}", later.time_s, note.time_s);

    // What a viewer says reaches the scene, and its wish the size.
    viewer.tell(ViewerEvent::Command { id: COMMAND_TURN, value: 1 });
    viewer.wait_for(SIZE_PX, 1);
    viewer.tell(ViewerEvent::Resize { width_px: LARGER_PX.0, height_px: LARGER_PX.1 });
    viewer.wait_for(LARGER_PX, 1);

    // Killed: its last frame stays. The next one takes over, and nobody attaches again.
    first.kill();
    let started = Instant::now();
    while !matches!(viewer.consumer.next_event().unwrap(), Some(Event::Orphaned)) {
        assert!(started.elapsed() < PATIENCE, "nobody said that the renderer is dead");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(viewer.wrong_pixels(1), 0, "the last frame");
    let _second = Running::part("play_renderer", &broker.socket());
    viewer.wait_for(SIZE_PX, 0);
}

/// A wish that cannot be met now, because the broker is away, costs no stream. It is met when it can be.
#[test]
fn a_resize_that_fails_is_tried_again_and_no_stream_ends() {
    let mut broker = Broker::start();
    let _renderer = Running::part("play_renderer", &broker.socket());
    let mut viewer = Viewer::attach(&broker, renderer::STREAM);
    let mut second = Viewer::attach(&broker, renderer::SECOND_STREAM);
    viewer.wait_for(SIZE_PX, 0);
    second.wait_for(SIZE_PX, 0);

    broker.kill();
    viewer.tell(ViewerEvent::Resize { width_px: LARGER_PX.0, height_px: LARGER_PX.1 });
    viewer.tell(ViewerEvent::Command { id: COMMAND_TURN, value: 1 });
    let note = viewer.wait_for(SIZE_PX, 1); // drawn after the wish was heard
    let started = Instant::now();
    while viewer.wait_for(SIZE_PX, 1).time_s < note.time_s + 1.5 {
        assert!(started.elapsed() < PATIENCE, "no frames while the broker is away");
    }
    second.wait_for(SIZE_PX, 1);

    broker.start_again();
    viewer.wait_for(LARGER_PX, 1);
    second.wait_for(SIZE_PX, 1);
    for viewer in [&viewer, &second] {
        while let Some(event) = viewer.consumer.next_event().unwrap() {
            assert!(!matches!(event, Event::Closed | Event::Orphaned), "{event:?}: a stream ended");
        }
    }
}
