//! Two processes, a real broker, whole images: what the safe API promises.

#[path = "support/gpu.rs"]
mod gpu;
mod support;

use ferry::{
    Alpha, AttachOptions, Colour, ConnectOptions, Connection, Consumer, ConsumerMode, Device, DeviceOptions, ErrorKind,
    Event, Format, Frame, FrameMetadata, ImageDesc, Primaries, Producer, Range, StreamOptions, SyncMode, Target,
    Transfer, Transport, Wait,
};
use gpu::Gpu;
use std::ffi::{c_int, c_short, c_ulong};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::mpsc;
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

fn draw(producer: &Producer, gpu: &mut Gpu, number: u64) -> Target {
    let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot that nobody reads");
    let (width, height) = target.size_px();
    pattern::fill(&mut gpu.memory()[..(width * height * 4) as usize], number);
    let waits: Vec<_> = target.waits().collect();
    gpu.copy(true, (target.image(), target.peer_queue_family()), target.size_px(), &waits, target.signal());
    target
}

fn publish(producer: &Producer, gpu: &mut Gpu, number: u64) {
    let target = draw(producer, gpu, number);
    let mut metadata = FrameMetadata::default();
    metadata.set_user(&number.to_le_bytes()).unwrap();
    target.publish(&metadata).unwrap();
}

/// The number that the frame claims, after every pixel has been compared with that number's picture.
fn check(frame: Frame, gpu: &mut Gpu) -> u64 {
    let number = u64::from_le_bytes(frame.metadata().user().try_into().unwrap());
    let (width, height) = frame.size_px();
    gpu.memory().fill(0);
    gpu.copy(false, (frame.image(), frame.peer_queue_family()), frame.size_px(), &[frame.wait()], frame.signal());
    let wrong = pattern::count_wrong(&gpu.memory()[..(width * height * 4) as usize], number);
    assert_eq!(wrong, 0, "wrong pixels in frame {} of {width}x{height}", frame.sequence());
    frame.release_signalled().unwrap();
    number
}

fn is_readable(fd: &OwnedFd, patience: Duration) -> bool {
    #[repr(C)]
    struct PollFd {
        fd: c_int,
        events: c_short,
        revents: c_short,
    }
    unsafe extern "C" {
        fn poll(fds: *mut PollFd, count: c_ulong, timeout_ms: c_int) -> c_int;
    }
    const POLLIN: c_short = 1;
    let mut wait = PollFd { fd: fd.as_raw_fd(), events: POLLIN, revents: 0 };
    // SAFETY: poll(2), with one descriptor that lives.
    unsafe { poll(&mut wait, 1, patience.as_millis() as c_int) == 1 }
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

#[test]
fn a_conflict_says_who_lacks_what() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let not_found = Consumer::attach(&connection, &device, &AttachOptions::new("nowhere")).unwrap_err();
    assert_eq!(not_found.conflict(), None);
    if device.info().unwrap().can_timeline {
        return; // nothing to ask for that this driver lacks
    }
    let options = StreamOptions { sync_mode: SyncMode::Timeline, ..stream(SIZE_PX) };
    let error = Producer::create(&connection, &device, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    let conflict = error.conflict().expect("a conflict").clone();
    assert_eq!(conflict.constraint, "sync mode");
    assert!(!conflict.party.is_empty() && conflict.party_has != conflict.others_have, "{conflict:?}");
}

#[test]
fn a_device_has_the_extensions_that_were_asked_for() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let create = |name: &std::ffi::CStr| {
        Device::create(&connection, &DeviceOptions { device_extensions: vec![name.to_owned()], ..Default::default() })
    };
    create(c"VK_KHR_swapchain").unwrap();
    let error = create(c"VK_FERRY_none").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

/// What a program writes into the struct's size is not what the library reads.
#[test]
fn metadata_is_as_large_as_it_is() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    let consumer = Consumer::attach(&connection, &device, &AttachOptions::new("pictures")).unwrap();
    for (number, lie) in [0, 1 << 16, u32::MAX].into_iter().enumerate() {
        let mut metadata = FrameMetadata::default();
        metadata.set_user(&(number as u64).to_le_bytes()).unwrap();
        metadata.raw_mut().struct_size = lie;
        draw(&producer, &mut gpu, number as u64).publish(&metadata).unwrap();
        assert_eq!(check(consumer.acquire(PATIENCE.into()).unwrap().unwrap(), &mut gpu), number as u64);
    }
}

#[test]
fn a_frame_without_metadata_has_the_streams_colour() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let colour = Colour {
        primaries: Primaries::Bt2020,
        transfer: Transfer::Pq,
        range: Range::Limited,
        alpha: Alpha::Premultiplied,
    };
    let options = StreamOptions { transport: Transport::HostMemory, ..stream(SIZE_PX) };
    let options = StreamOptions { image: options.image.with_colour(colour), ..options };
    let producer = Producer::create(&connection, &device, &options).unwrap();
    let consumer = Consumer::attach(&connection, &device, &AttachOptions::new("pictures")).unwrap();
    draw(&producer, &mut gpu, 1).publish(None).unwrap();
    let frame = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
    assert_eq!((frame.metadata().colour(), frame.metadata().user()), (Some(colour), &[][..]));
    drop(frame);
    draw(&producer, &mut gpu, 2).publish(&FrameMetadata::default()).unwrap();
    let frame = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
    assert_eq!(frame.metadata().colour(), Some(Colour::default()), "a frame's own goes before");
    for state in [producer.state().unwrap(), consumer.state().unwrap()] {
        assert_eq!((state.colour, state.transport.as_str()), (Some(colour), "host-memory"));
    }
}

#[test]
fn a_producer_hears_of_its_broker() {
    let mut broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    assert_eq!(producer.next_event().unwrap(), None);
    let hears = |wanted: Event| {
        let started = Instant::now();
        while producer.next_event().unwrap().as_ref() != Some(&wanted) {
            assert!(started.elapsed() < PATIENCE, "nobody said {wanted:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let fd = producer.fd().unwrap().try_clone_to_owned().unwrap();
    assert!(!is_readable(&fd, Duration::ZERO));
    broker.kill();
    assert!(is_readable(&fd, PATIENCE), "nothing rings when the broker goes");
    hears(Event::BrokerLost);
    broker.start_again();
    hears(Event::BrokerBack);
}

/// Two frames are held, and what was acquired last is read first.
#[test]
fn frames_may_be_read_in_any_order() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    let options = AttachOptions { mode: ConsumerMode::Every, ..AttachOptions::new("pictures") };
    let consumer = Consumer::attach(&connection, &device, &options).unwrap();
    // The producer hears of a consumer a moment after it has attached; what it published before need not come.
    let a_moment = || consumer.acquire(Duration::from_millis(300).into()).unwrap();
    let frame = (0..100).find_map(|_| {
        publish(&producer, &mut gpu, 77);
        a_moment()
    });
    drop(frame.expect("a frame"));
    while let Some(another) = a_moment() {
        drop(another);
    }
    for round in 0..20 {
        publish(&producer, &mut gpu, 2 * round);
        publish(&producer, &mut gpu, 2 * round + 1);
        let mut first = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
        let second = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
        let above = second.signal().1;
        assert_eq!(check(second, &mut gpu), 2 * round + 1);
        first.renew_signal().unwrap();
        assert!(first.signal().1 > above, "{} after {above}", first.signal().1);
        assert_eq!(check(first, &mut gpu), 2 * round);
    }
    assert_eq!(device.info().unwrap().validation_errors, 0);
}

/// One thread waits for a frame without end, another gives one back.
#[test]
fn who_waits_lets_others_in_between() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let device = device(&connection);
    let mut gpu = Gpu::new(&device, SIZE_BYTES);
    let producer = Producer::create(&connection, &device, &stream(SIZE_PX)).unwrap();
    let consumer = Consumer::attach(&connection, &device, &AttachOptions::new("pictures")).unwrap();
    publish(&producer, &mut gpu, 1);
    let first = consumer.acquire(PATIENCE.into()).unwrap().unwrap();
    std::thread::scope(|scope| {
        let (took, taken) = mpsc::channel();
        scope.spawn(move || took.send(consumer.acquire(Wait::Forever)).is_ok());
        std::thread::sleep(Duration::from_millis(50)); // it waits by now, or this shows nothing
        let (gave, given) = mpsc::channel();
        scope.spawn(move || gave.send(first.release_unused()));
        let given = given.recv_timeout(Duration::from_secs(20));
        publish(&producer, &mut gpu, 2);
        let second = taken.recv_timeout(PATIENCE).unwrap().unwrap().unwrap();
        assert_eq!(check(second, &mut gpu), 2);
        assert_eq!(given, Ok(Ok(())), "giving back waited for the frame");
    });
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
