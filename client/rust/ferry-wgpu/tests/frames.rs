//! wgpu renders in one process, wgpu reads in another: whole images, and a quiet validation layer.

mod gpu;
#[path = "../../ferry/tests/support/mod.rs"]
mod support;
mod vulkan;

use ferry::{
    AttachOptions, ConnectOptions, Connection, ConsumerMode, ErrorKind, Event, Format, FrameMetadata, ImageDesc,
    StreamOptions, SyncMode, Usage, Wait,
};
use ferry_wgpu::{Consumer, Gpu, OpenOptions, Producer};
use gpu::{clear, complaints, read_back, read_corner, write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::broker::{Broker, PATIENCE, Running};
use support::pattern;
use vulkan::gate::Gate;
use vulkan::submissions;

const SIZE_PX: (u32, u32) = (320, 180);
const LARGER_PX: (u32, u32) = (512, 300);

fn connect(socket: &str) -> Connection {
    let options = ConnectOptions { socket_path: socket.to_owned(), application: "test".into(), timeout: PATIENCE };
    Connection::with_options(&options).unwrap()
}

fn open(connection: &Connection) -> Gpu {
    gpu::listen_to_validation();
    let flags = wgpu::InstanceFlags::DEBUG | wgpu::InstanceFlags::VALIDATION;
    let mut gpu = ferry_wgpu::open(connection, &OpenOptions { flags, ..Default::default() }).unwrap();
    if std::env::var_os("FERRY_TEST_GPU_WAITS").is_some() {
        // SAFETY: each test's devices are its own, and it is one thread.
        gpu.interop = unsafe { gpu.interop.assume_sole_submitter() };
    }
    gpu
}

fn stream(size_px: (u32, u32)) -> StreamOptions {
    StreamOptions::new("textures", ImageDesc::new(size_px.0, size_px.1, Format::Rgba8Unorm).with_srgb_views())
}

fn publish(gpu: &Gpu, producer: &mut Producer, number: u64) {
    let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot that nobody reads");
    let mut pixels = vec![0; (target.size_px().0 * target.size_px().1 * 4) as usize];
    pattern::fill(&mut pixels, number);
    write(gpu, target.texture(), &pixels);
    let mut metadata = FrameMetadata::default();
    metadata.set_user(&number.to_le_bytes()).unwrap();
    producer.publish(target, &metadata).unwrap();
}

/// The number that the frame on show claims, after every pixel has been compared with that number's picture.
fn check(gpu: &Gpu, consumer: &Consumer) -> u64 {
    let frame = consumer.frame().unwrap();
    let number = u64::from_le_bytes(frame.metadata().user().try_into().unwrap());
    let wrong = pattern::count_wrong(&read_back(gpu, frame.texture()), number);
    assert_eq!(wrong, 0, "wrong pixels in frame {} of {:?}", frame.sequence(), frame.size_px());
    number
}

/// The other process: publishes pictures until it is killed.
#[test]
#[ignore = "a part that other tests start"]
fn play_producer() {
    let connection = Connection::open("textures").unwrap();
    let gpu = open(&connection);
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    for number in 1.. {
        publish(&gpu, &mut producer, number);
        assert_eq!(complaints(), Vec::<String>::new());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn textures_cross_whole_and_a_killed_producer_is_replaced() {
    let broker = Broker::start();
    let mut first = Running::part("play_producer", &broker.socket());
    let connection = connect(&broker.socket());
    let gpu = open(&connection);
    let options = AttachOptions { mode: ConsumerMode::Every, wait: PATIENCE.into(), ..AttachOptions::new("textures") };
    let mut consumer = Consumer::attach(&gpu.interop, &options).unwrap();
    let mut last = 0;
    for _ in 0..40 {
        assert!(consumer.update(PATIENCE.into()).unwrap(), "a frame");
        let number = check(&gpu, &consumer);
        assert!(number > last, "{number} after {last}");
        last = number;
    }

    first.kill();
    let started = Instant::now();
    while !matches!(consumer.next_event().unwrap(), Some(Event::Orphaned)) {
        assert!(started.elapsed() < PATIENCE, "nobody said that the producer is dead");
        std::thread::sleep(Duration::from_millis(5));
    }
    while consumer.update(Wait::No).unwrap() {}
    check(&gpu, &consumer); // the last frame stays on show, and can be read again
    let _second = Running::part("play_producer", &broker.socket());
    assert!(consumer.update(PATIENCE.into()).unwrap(), "a frame of the second producer");
    check(&gpu, &consumer);
    drop(consumer);
    assert_eq!(complaints(), Vec::<String>::new());
}

#[test]
fn a_render_pass_draws_into_the_slot_and_a_resize_follows() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let gpu = open(&connection);
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let mut consumer = Consumer::attach(&gpu.interop, &AttachOptions::new("textures")).unwrap();
    assert!(!consumer.update(Wait::No).unwrap());
    assert!(consumer.frame().is_none());

    for (round, size_px) in [SIZE_PX, LARGER_PX, SIZE_PX].into_iter().enumerate() {
        producer.reconfigure(&stream(size_px).image).unwrap();
        let old = consumer.frame().map(|frame| frame.texture().clone());
        for step in 0..12 {
            let colour = [(round * 80) as u8, step * 20, 255 - step, 255];
            let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
            assert_eq!(target.size_px(), size_px);
            clear(&gpu, target.texture(), colour);
            producer.publish(target, &FrameMetadata::default()).unwrap();
            assert!(consumer.update(PATIENCE.into()).unwrap());
            let pixels = read_back(&gpu, consumer.frame().unwrap().texture());
            assert_eq!(pixels.len(), (size_px.0 * size_px.1 * 4) as usize);
            let wrong = pixels.chunks_exact(4).filter(|pixel| **pixel != colour).count();
            assert_eq!(wrong, 0, "wrong pixels in step {step} of round {round}");
        }
        assert_eq!(complaints(), Vec::<String>::new());
        // A clone that somebody kept is an error of wgpu's now, not a dangling image.
        if let Some(old) = old {
            assert!(gpu::is_refused(&gpu, &old), "a texture of the generation before can still be used");
        }
    }
}

#[test]
fn a_target_that_is_dropped_gives_no_frame() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let gpu = open(&connection);
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let mut consumer = Consumer::attach(&gpu.interop, &AttachOptions::new("textures")).unwrap();
    publish(&gpu, &mut producer, 1);
    assert!(consumer.update(PATIENCE.into()).unwrap());
    for _ in 0..50 {
        let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
        clear(&gpu, target.texture(), [9, 9, 9, 9]);
        drop(target);
    }
    assert!(!consumer.update(Wait::No).unwrap());
    assert_eq!(check(&gpu, &consumer), 1);
    publish(&gpu, &mut producer, 2);
    assert!(consumer.update(PATIENCE.into()).unwrap());
    assert_eq!(check(&gpu, &consumer), 2);
    drop((producer, consumer));
    assert_eq!(complaints(), Vec::<String>::new());
}

/// Its textures stay for as long as somebody may draw into them.
#[test]
fn a_producer_may_go_before_its_targets() {
    let broker = Broker::start();
    let gpu = open(&connect(&broker.socket()));
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let (drawn, kept) = (producer.begin(PATIENCE.into()).unwrap(), producer.begin(PATIENCE.into()).unwrap());
    drop(producer);
    clear(&gpu, drawn.as_ref().unwrap().texture(), [1, 2, 3, 4]);
    let clone = kept.as_ref().unwrap().texture().clone();
    drop((drawn, kept));
    assert!(gpu::is_refused(&gpu, &clone), "the last target has gone, and its texture can still be used");
    assert_eq!(complaints(), Vec::<String>::new());
}

#[test]
fn a_target_of_another_producer_is_refused() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let (gpu, other) = (open(&connection), open(&connection));
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let options = StreamOptions { name: "others".into(), ..stream(SIZE_PX) };
    let mut stranger = Producer::create(&other.interop, &options).unwrap();
    let target = stranger.begin(PATIENCE.into()).unwrap().expect("a slot");
    let refused = producer.publish(target, &FrameMetadata::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert_eq!((producer.state().unwrap().frames, stranger.state().unwrap().frames), (0, 0));
    publish(&other, &mut stranger, 1); // its slot has come back
    publish(&gpu, &mut producer, 1);
    assert_eq!(complaints(), Vec::<String>::new());
}

#[test]
fn targets_of_the_size_before_may_still_be_published() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let gpu = open(&connection);
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let mut consumer = Consumer::attach(&gpu.interop, &AttachOptions::new("textures")).unwrap();
    let before = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
    producer.reconfigure(&stream(LARGER_PX).image).unwrap();
    let after = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
    for (target, colour) in [(before, [1, 2, 3, 4]), (after, [5, 6, 7, 8])] {
        let size_px = target.size_px();
        clear(&gpu, target.texture(), colour);
        producer.publish(target, None).unwrap();
        assert!(consumer.update(PATIENCE.into()).unwrap());
        let frame = consumer.frame().unwrap();
        assert_eq!(frame.size_px(), size_px);
        assert!(read_back(&gpu, frame.texture()).chunks_exact(4).all(|pixel| *pixel == colour));
    }
    assert_eq!(complaints(), Vec::<String>::new());
}

/// Whatever a program does with a clone of a texture, the image under it lives until the GPU is through with that.
#[test]
fn a_generation_ends_after_the_work_on_its_textures() {
    let broker = Broker::start();
    // Without validation: the layer of Debian 12 loses patience with a GPU that waits for a point of this test's.
    let gpu = ferry_wgpu::open(&connect(&broker.socket()), &Default::default()).unwrap();
    let opens = |gate: Gate, opened: &Arc<AtomicBool>| {
        let opened = opened.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            opened.store(true, Ordering::SeqCst);
            gate.open();
        })
    };
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
    let clone = target.texture().clone();
    producer.publish(target, None).unwrap();
    producer.reconfigure(&stream(LARGER_PX).image).unwrap();
    let gate = Gate::close(&gpu);
    read_corner(&gpu, &clone);
    let opened = Arc::new(AtomicBool::new(false));
    let opener = opens(gate, &opened);
    // The second one buries what the first one has left. (A target that is dropped waits for the GPU.)
    let targets = [producer.begin(Wait::No).unwrap(), producer.begin(Wait::No).unwrap()];
    assert!(opened.load(Ordering::SeqCst), "the textures ended while the GPU read from one");
    opener.join().unwrap();
    drop(targets);
    assert!(gpu::is_refused(&gpu, &clone), "a texture of the generation before can still be used");

    let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
    let clone = target.texture().clone();
    producer.publish(target, None).unwrap();
    let gate = Gate::close(&gpu);
    read_corner(&gpu, &clone);
    let opened = Arc::new(AtomicBool::new(false));
    let opener = opens(gate, &opened);
    drop(producer);
    assert!(opened.load(Ordering::SeqCst), "the producer ended while the GPU read from its texture");
    opener.join().unwrap();
    assert!(gpu::is_refused(&gpu, &clone), "a texture of a producer that has gone can still be used");
}

/// A slot that was not made for rendering is no render attachment.
#[test]
fn textures_are_for_what_their_images_were_made() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let gpu = open(&connection);
    let always = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::COPY_DST;
    let render = wgpu::TextureUsages::RENDER_ATTACHMENT;
    let shape = |usage| ImageDesc { usage, ..ImageDesc::new(SIZE_PX.0, SIZE_PX.1, Format::Rgba8Unorm) };
    let options = StreamOptions { image: shape(Usage::TransferOnly), ..stream(SIZE_PX) };
    let mut producer = Producer::create(&gpu.interop, &options).unwrap();
    let mut consumer = Consumer::attach(&gpu.interop, &AttachOptions::new("textures")).unwrap();
    for (number, (usage, uses)) in [
        (Usage::TransferOnly, always),
        (Usage::Render, always | render),
        (Usage::RenderAndStorage, always | render | wgpu::TextureUsages::STORAGE_BINDING),
    ]
    .into_iter()
    .enumerate()
    {
        producer.reconfigure(&shape(usage)).unwrap();
        let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
        assert_eq!(target.texture().usage(), uses, "{usage:?}");
        if usage == Usage::TransferOnly {
            assert!(gpu::refuses(&gpu, || clear(&gpu, target.texture(), [1; 4])), "a render pass takes it");
        }
        drop(target);
        publish(&gpu, &mut producer, number as u64);
        assert!(consumer.update(PATIENCE.into()).unwrap());
        assert_eq!(check(&gpu, &consumer), number as u64);
    }
    assert_eq!(complaints(), Vec::<String>::new());
}

/// wgpu 29 cannot have its submissions wait: without the program's promise nobody has to.
#[test]
fn automatic_is_host_unless_the_gpu_may_wait() {
    let broker = Broker::start();
    let gpu = open(&connect(&broker.socket()));
    let why = |interop: &ferry_wgpu::Interop| {
        let producer = Producer::create(interop, &stream(SIZE_PX)).unwrap();
        let state = producer.state().unwrap();
        (state.sync_mode, state.sync_reason)
    };
    let plain = ferry_wgpu::Interop::new(&connect(&broker.socket()), &gpu.device, &gpu.queue).unwrap();
    let (mode, reason) = why(&plain);
    assert_eq!(mode, SyncMode::Host);
    assert!(reason.contains("the producer asked for it"), "{reason}");
    // SAFETY: one thread.
    let (_, reason) = why(&unsafe { plain.assume_sole_submitter() });
    assert!(!reason.contains("the producer asked for it"), "{reason}");
}

/// Another thread's submission takes along whatever signal is staged. So none is before what it follows has been submitted:
/// it comes with no commands of its own.
#[test]
fn a_point_is_signalled_behind_the_commands_that_it_follows() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let gpu = submissions::open(&connection);
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let mut consumer = Consumer::attach(&gpu.interop, &AttachOptions::new("textures")).unwrap();
    let mut points = Vec::new(); // what follows from the promises of either side
    for number in 0..6 {
        let before = submissions::seen().len();
        publish(&gpu, &mut producer, number);
        assert!(consumer.update(PATIENCE.into()).unwrap());
        assert_eq!(check(&gpu, &consumer), number);
        let submissions = &submissions::seen()[before..];
        // wgpu's own: one to relay each submission to the next, one to know when it is done.
        let ours = submissions.iter().filter(|submission| submission.signals.len() > 2);
        points.extend(ours.map(|submission| submission.command_buffers));
    }
    assert_eq!(points.len(), 6 + 5, "a point for each frame published, and for each given back");
    assert!(points.iter().all(|command_buffers| *command_buffers == 0), "{points:?}");
}

/// Nothing else paces a renderer without a display. It can fail on a GPU only: lavapipe draws while it is given the work.
#[test]
fn a_renderer_is_at_most_two_frames_ahead_of_its_gpu() {
    let broker = Broker::start();
    let gpu = open(&connect(&broker.socket()));
    let mut producer = Producer::create(&gpu.interop, &stream(SIZE_PX)).unwrap();
    let much = gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: 2048, height: 2048, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    });
    let done = Arc::new(AtomicUsize::new(0));
    for begun in 1..=6 {
        let target = producer.begin(PATIENCE.into()).unwrap().expect("a slot");
        assert!(
            done.load(Ordering::Relaxed) + 2 >= begun,
            "{} done when {begun} are begun",
            done.load(Ordering::Relaxed)
        );
        for step in 0..20 {
            clear(&gpu, &much, [step; 4]);
        }
        clear(&gpu, target.texture(), [1, 2, 3, 4]);
        producer.publish(target, &FrameMetadata::default()).unwrap();
        let done = done.clone();
        gpu.queue.on_submitted_work_done(move || _ = done.fetch_add(1, Ordering::Relaxed));
    }
}

/// A device that somebody else made, without the extension that timelines need: GPUI's.
#[test]
fn a_plain_wgpu_device_takes_part_in_sync_mode_host() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let ours = open(&connection);
    let (device, queue) = gpu::plain_device(&ours);
    let interop = ferry_wgpu::Interop::new(&connection, &device, &queue).unwrap();
    assert!(!interop.device_info().unwrap().can_timeline);
    let options = StreamOptions { sync_mode: SyncMode::Host, ..stream(SIZE_PX) };
    let mut producer = Producer::create(&ours.interop, &options).unwrap();
    let mut consumer = Consumer::attach(&interop, &AttachOptions::new("textures")).unwrap();
    let plain = Gpu { device, queue, interop, ..ours.clone() };
    for number in 1..10 {
        publish(&ours, &mut producer, number);
        assert!(consumer.update(PATIENCE.into()).unwrap());
        assert_eq!(check(&plain, &consumer), number);
    }
    assert_eq!(consumer.state().unwrap().sync_mode, SyncMode::Host);
    drop((producer, consumer));
    assert_eq!(complaints(), Vec::<String>::new());
}

#[test]
fn a_selector_that_fits_nothing_is_named() {
    let broker = Broker::start();
    let connection = connect(&broker.socket());
    let options = OpenOptions { selector: "no such device".into(), ..Default::default() };
    let error = ferry_wgpu::open(&connection, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("no such device"), "{error}");
}

/// The other tests' silence means something: a mistake is heard.
#[test]
fn the_validation_layer_listens() {
    let broker = Broker::start();
    let mut part = Running::part("play_mistake", &broker.socket());
    assert!(part.0.wait().unwrap().success());
}

#[test]
#[ignore = "a part that another test starts"]
fn play_mistake() {
    use ash::vk;
    let gpu = open(&Connection::open("mistaken").unwrap());
    // SAFETY: none; a buffer of no bytes is what the layer should complain of. lavapipe takes it.
    unsafe {
        let device = gpu.device.as_hal::<wgpu::hal::api::Vulkan>().unwrap();
        if let Ok(buffer) = device.raw_device().create_buffer(&vk::BufferCreateInfo::default(), None) {
            device.raw_device().destroy_buffer(buffer, None);
        }
    }
    assert!(complaints().iter().any(|text| text.contains("VkBufferCreateInfo")), "{:?}", complaints());
}
