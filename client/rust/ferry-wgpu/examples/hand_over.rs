//! Measures one hand-over: a texture that one process has rendered, until another process's GPU has read from it. By Ferry
//! and by the CPU round trip, frame by frame in turn, nothing else going on.
//!
//!   cargo run --release -p ferry-wgpu --example hand_over -- [--frames N] [--sizes 1920x1080,3840x2160]
//!       [--copy-counter libferry_copy_counter.so]
//!
//! A broker must run ($FERRY_SOCKET). Every frame's colour is checked. A line of Markdown a way and size. With the copy
//! counter both processes run a second time under it (LD_PRELOAD), and what it has counted is told: bytes a frame in copies
//! of half a row of the picture or more, those of the driver apart.

use ferry_wgpu::ferry::{AttachOptions, Connection, Format, FrameMetadata, ImageDesc, StreamOptions, Wait};
use ferry_wgpu::{Consumer, Gpu, OpenOptions, Producer, wgpu};
use round_trip::{Probe, RoundTripReceiver, RoundTripSender, cpu_time, now_ns};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

const STREAM: &str = "hand-over";
const PATIENCE: Duration = Duration::from_secs(60);
const WARM_UP: usize = 20;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Ferry,
    RoundTrip,
}

impl Way {
    fn name(self) -> &'static str {
        if self == Self::Ferry { "Ferry" } else { "CPU round trip" }
    }
}

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1)).map(String::as_str)
    };
    let frames: usize = value("--frames").unwrap_or("200").parse()?;
    if let Some(size) = value("--render") {
        let way = if value("--way") == Some(Way::Ferry.name()) { Way::Ferry } else { Way::RoundTrip };
        return render(way, parse_size(size)?, frames + WARM_UP);
    }
    if let Some(size) = value("--count") {
        let way = if value("--way") == Some(Way::Ferry.name()) { Way::Ferry } else { Way::RoundTrip };
        return measure(way, parse_size(size)?, frames).map(|_| ());
    }
    println!(
        "| size | way | per frame, median | 95 % | CPU time, renderer | CPU time, viewer | copied by the CPU | \
         by the driver |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for size in value("--sizes").unwrap_or("1920x1080,3840x2160").split(',') {
        for way in [Way::Ferry, Way::RoundTrip] {
            let row = measure(way, parse_size(size)?, frames)?;
            let copied = match value("--copy-counter") {
                Some(counter) => count_copies(counter, way, size, frames)?,
                None => "not counted | not counted".into(),
            };
            println!("{row} {copied} |");
        }
    }
    Ok(())
}

/// Both processes again, under the copy counter.
fn count_copies(counter: &str, way: Way, size: &str, frames: usize) -> Fallible<String> {
    let log = std::env::temp_dir().join(format!("hand-over-copies.{}", std::process::id()));
    let _ = std::fs::remove_file(&log);
    let half_a_row = parse_size(size)?.0 * 4 / 2;
    let status = Command::new(std::env::current_exe()?)
        .args(["--count", size, "--way", way.name(), "--frames", &frames.to_string()])
        .env("LD_PRELOAD", std::fs::canonicalize(counter)?)
        .env("FERRY_COPY_LOG", &log)
        .env("FERRY_COPY_LARGER_THAN", (half_a_row - 1).to_string())
        .status()?;
    if !status.success() {
        return Err(format!("counting copies: {status}").into());
    }
    let (mut ours, mut drivers) = (0, 0);
    for line in std::fs::read_to_string(&log)?.lines() {
        let bytes: u64 = line.rsplit(' ').next().ok_or("an empty line")?.parse()?;
        *(if ["libvulkan_", "libnvidia", "libLLVM"].iter().any(|name| line.contains(name)) {
            &mut drivers
        } else {
            &mut ours
        }) += bytes;
    }
    std::fs::remove_file(&log)?;
    let per_frame = |bytes: u64| format!("{:.2} MB", bytes as f64 / 1e6 / (frames + WARM_UP) as f64);
    Ok(format!("{} | {}", per_frame(ours), per_frame(drivers)))
}

fn parse_size(text: &str) -> Fallible<(u32, u32)> {
    let (width, height) = text.split_once('x').ok_or("a size is WIDTHxHEIGHT")?;
    Ok((width.parse()?, height.parse()?))
}

fn colour(frame: usize) -> [u8; 4] {
    [(frame * 7) as u8, (frame * 13) as u8, (frame / 256) as u8, 255]
}

// ---- the renderer ----------------------------------------------------------------------------------------------------

/// For each line on standard input one frame; then what it cost.
fn render(way: Way, size_px: (u32, u32), frames: usize) -> Fallible<()> {
    let gpu = ferry_wgpu::open(&Connection::open("hand-over renderer")?, &OpenOptions::default())?;
    // SAFETY: one thread.
    let interop = unsafe { gpu.interop.clone().assume_sole_submitter() };
    let image = ImageDesc::new(size_px.0, size_px.1, Format::Rgba8Unorm);
    let mut producer = match way {
        Way::Ferry => Some(Producer::create(&interop, &StreamOptions::new(STREAM, image))?),
        Way::RoundTrip => None,
    };
    let mut sender = RoundTripSender::new(STREAM)?;
    let own = gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: size_px.0, height: size_px.1, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    });
    println!("ready");
    let mut turns = std::io::stdin().lock();
    let mut turn = [0];
    let mut started = cpu_time();
    for frame in 0..frames {
        if turns.read(&mut turn)? == 0 {
            break;
        }
        if frame == WARM_UP {
            started = cpu_time();
        }
        if let Some(producer) = &mut producer {
            let target = producer.begin(PATIENCE.into())?.ok_or("no slot")?;
            clear(&gpu, target.texture(), colour(frame));
            let mut metadata = FrameMetadata::default();
            metadata.set_user(&now_ns().to_le_bytes())?;
            producer.publish(target, &metadata)?;
        } else {
            clear(&gpu, &own, colour(frame));
            sender.send(&gpu.device, &gpu.queue, &own, now_ns())?;
        }
    }
    let used = cpu_time() - started;
    println!("{}", used.as_nanos());
    Ok(())
}

fn clear(gpu: &Gpu, texture: &wgpu::Texture, [r, g, b, a]: [u8; 4]) {
    let part = |value: u8| f64::from(value) / 255.0;
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load: wgpu::LoadOp::Clear(wgpu::Color { r: part(r), g: part(g), b: part(b), a: part(a) }),
                store: wgpu::StoreOp::Store,
            },
        })],
        ..Default::default()
    });
    gpu.queue.submit([encoder.finish()]);
}

// ---- the viewer ------------------------------------------------------------------------------------------------------

/// A row of the table, without its end.
fn measure(way: Way, size_px: (u32, u32), frames: usize) -> Fallible<String> {
    let connection = Connection::open("hand-over viewer")?;
    let gpu = ferry_wgpu::open(&connection, &OpenOptions::default())?;
    // SAFETY: one thread.
    let interop = unsafe { gpu.interop.clone().assume_sole_submitter() };
    let mut receiver = RoundTripReceiver::bind(STREAM)?;
    let mut renderer = Command::new(std::env::current_exe()?)
        .args(["--render", &format!("{}x{}", size_px.0, size_px.1), "--way", way.name()])
        .args(["--frames", &frames.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut turns = renderer.stdin.take().ok_or("no pipe")?;
    let mut said = BufReader::new(renderer.stdout.take().ok_or("no pipe")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    let mut consumer = match way {
        Way::Ferry => {
            let options = AttachOptions { wait: PATIENCE.into(), ..AttachOptions::new(STREAM) };
            Some(Consumer::attach(&interop, &options)?)
        }
        Way::RoundTrip => None,
    };
    let probe = Probe::new(&gpu.device);
    let mut times_ns = Vec::with_capacity(frames);
    let mut started = cpu_time();
    for frame in 0..frames + WARM_UP {
        if frame == WARM_UP {
            started = cpu_time();
        }
        turns.write_all(b"\n")?;
        turns.flush()?;
        let (texture, produced_ns) = if let Some(consumer) = &mut consumer {
            while !consumer.update(Wait::For(PATIENCE))? {}
            let frame = consumer.frame().ok_or("no frame")?;
            (frame.texture().clone(), u64::from_le_bytes(frame.metadata().user().try_into()?))
        } else {
            receiver.wait(PATIENCE)?;
            receiver.update(&gpu.device, &gpu.queue)?;
            (receiver.texture().ok_or("no texture")?.clone(), receiver.produced_ns)
        };
        let pixels = probe.read(&gpu.device, &gpu.queue, &texture);
        if frame >= WARM_UP {
            times_ns.push(now_ns() - produced_ns);
        }
        if pixels.chunks_exact(4).any(|pixel| pixel != colour(frame)) {
            return Err(
                format!("frame {frame} has the wrong colour {:?}, not {:?}", &pixels[..4], colour(frame)).into()
            );
        }
    }
    let used = cpu_time() - started;
    drop(turns);
    line.clear();
    said.read_line(&mut line)?;
    renderer.wait()?;
    let renderer_ns: u64 = line.trim().parse().map_err(|_| format!("the renderer said '{line}'"))?;
    times_ns.sort_unstable();
    let ms = |ns: u64| ns as f64 / 1e6;
    let per_frame = |total: u64| total / frames as u64;
    if let Some(consumer) = &consumer {
        let state = consumer.state()?;
        eprintln!("hand_over: {} on {}", state.sync_reason, gpu.adapter.get_info().name);
    }
    Ok(format!(
        "| {}x{} | {} | {:.2} ms | {:.2} ms | {:.2} ms | {:.2} ms |",
        size_px.0,
        size_px.1,
        way.name(),
        ms(times_ns[frames / 2]),
        ms(times_ns[frames * 95 / 100]),
        ms(per_frame(renderer_ns)),
        ms(per_frame(used.as_nanos() as u64)),
    ))
}
