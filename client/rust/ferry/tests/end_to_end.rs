//! Two processes, a real broker, whole images: what the safe API promises.

#[path = "support/gpu.rs"]
mod gpu;
mod support;

use ferry::{
    AttachOptions, ConnectOptions, Connection, Consumer, ConsumerMode, Device, DeviceOptions, ErrorKind, Event, Format,
    Frame, FrameMetadata, ImageDesc, Producer, StreamOptions, Wait,
};
use gpu::Gpu;
use std::time::{Duration, Instant};
use support::broker::{Broker, PATIENCE, Running};
use support::pattern;

const SIZE_PX: (u32, u32) = (320, 180);
const SIZE_BYTES: usize = 320 * 180 * 4;
const LARGER_PX: (u32, u32) = (500, 300);
const LARGER_BYTES: usize = 500 * 300 * 4;

fn connect(socket: &str) -> Connection {
    let options = ConnectOptions { socket_path: socket.to_owned(), application: "test".into(), timeout: PATIENCE };
    Connection::with_options(&options).unwrap()
}

fn device(connection: &Connection) -> Device {
    Device::create(connection, &DeviceOptions { enable_validation: true, ..Default::default() }).unwrap()
}

fn stream(size_px: (u32, u32)) -> StreamOptions {
    StreamOptions::new("pictures", ImageDesc::new(size_px.0, size_px.1, Format::Rgba8Unorm))
}

fn publish(producer: &Producer, gpu: &mut Gpu, number: u64) {
    let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot that nobody reads");
    let (width, height) = target.size_px();
    pattern::fill(&mut gpu.memory()[..(width * height * 4) as usize], number);
    let waits: Vec<_> = target.waits().collect();
    gpu.copy(true, target.image(), target.size_px(), &waits, target.signal());
    let mut metadata = FrameMetadata::default();
    metadata.set_user(&number.to_le_bytes()).unwrap();
    target.publish(&metadata).unwrap();
}

/// The number that the frame claims, after every pixel has been compared with that number's picture.
fn check(frame: Frame, gpu: &mut Gpu) -> u64 {
    let number = u64::from_le_bytes(frame.metadata().user().try_into().unwrap());
    let (width, height) = frame.size_px();
    gpu.memory().fill(0);
    gpu.copy(false, frame.image(), frame.size_px(), &[frame.wait()], frame.signal());
    let wrong = pattern::count_wrong(&gpu.memory()[..(width * height * 4) as usize], number);
    assert_eq!(wrong, 0, "wrong pixels in frame {} of {width}x{height}", frame.sequence());
    frame.release_signalled().unwrap();
    number
}

fn next_event(consumer: &Consumer, wanted: impl Fn(&Event) -> bool) -> Event {
    let started = Instant::now();
    loop {
        match consumer.next_event().unwrap() {
            Some(event) if wanted(&event) => return event,
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(5)),
        }
        assert!(started.elapsed() < PATIENCE, "the event never came");
    }
}

/// The other process: publishes pictures until it is killed.
#[test]
#[ignore = "a part that other tests start"]
fn play_producer() {
    let connection = Connection::open("pictures").unwrap();
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    for number in 1.. {
        publish(&producer, &mut gpu, number);
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn pictures_cross_whole_and_a_killed_producer_is_replaced() {
    let broker = Broker::start();
    let mut producer = Running::part("play_producer", &broker.socket());
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let options = AttachOptions { mode: ConsumerMode::Every, wait: PATIENCE.into(), ..AttachOptions::new("pictures") };
    let consumer = Consumer::attach(&connection, &device, &options).unwrap();

    let mut last = 0;
    for _ in 0..40 {
        let frame = consumer.acquire(PATIENCE.into()).unwrap().expect("a frame");
        let number = check(frame, &mut gpu);
        assert!(number > last, "{number} after {last}");
        last = number;
    }

    producer.kill();
    next_event(&consumer, |event| *event == Event::Orphaned);
    while let Some(frame) = consumer.acquire(Wait::No).unwrap() {
        check(frame, &mut gpu);
    }
    let _second = Running::part("play_producer", &broker.socket());
    next_event(&consumer, |event| *event == Event::Resumed);
    let frame = consumer.acquire(PATIENCE.into()).unwrap().expect("a frame of the second producer");
    assert!(check(frame, &mut gpu) < last, "the second one counts anew");

    let state = consumer.state().unwrap();
    assert!(state.connected);
    assert_eq!((state.width_px, state.height_px), SIZE_PX);
    assert!(connection.status_json().unwrap().contains("\"pictures\""));
    assert_eq!(device.info().unwrap().validation_errors, 0);
}

#[test]
fn a_resize_reaches_the_consumer_and_nothing_is_held_twice() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, LARGER_BYTES);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    let consumer = Consumer::attach(&connection, &device, &AttachOptions::new("pictures")).unwrap();
    assert!(consumer.acquire(Wait::No).unwrap().is_none());

    publish(&producer, &mut gpu, 1);
    assert_eq!(check(consumer.acquire(PATIENCE.into()).unwrap().unwrap(), &mut gpu), 1);
    producer.reconfigure(&stream(LARGER_PX).image).unwrap();
    publish(&producer, &mut gpu, 2);
    let frame = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
    assert_eq!(frame.size_px(), LARGER_PX);
    assert_eq!(check(frame, &mut gpu), 2);

    // A target that is dropped is a slot given back: far more than there are slots can be begun one after another.
    for _ in 0..200 {
        assert!(producer.begin(Wait::No).unwrap().is_some());
    }
    // So is a frame.
    for number in 3..60 {
        publish(&producer, &mut gpu, number);
        drop(consumer.acquire(PATIENCE.into()).unwrap().expect("the frame just published"));
    }
    assert_eq!(device.info().unwrap().validation_errors, 0);
}

#[test]
fn errors_say_what_they_are() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let not_found = Consumer::attach(&connection, &device, &AttachOptions::new("nowhere")).unwrap_err();
    assert_eq!(not_found.kind(), ErrorKind::NotFound);
    assert!(not_found.message().contains("nowhere"), "{not_found}");

    let _producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    let taken = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::NameTaken);

    let nobody = ConnectOptions { socket_path: "/nonexistent/ferryd.sock".into(), ..Default::default() };
    assert_eq!(Connection::with_options(&nobody).unwrap_err().kind(), ErrorKind::NoBroker);
}

/// Order of destruction does not matter.
#[test]
fn a_frame_keeps_what_it_stands_on() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    let consumer = Consumer::attach(&connection, &device, &AttachOptions::new("pictures")).unwrap();
    publish(&producer, &mut gpu, 9);
    let frame = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
    drop((producer, consumer, connection));
    assert_eq!(check(frame, &mut gpu), 9);
}
