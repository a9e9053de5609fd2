//! What a frame costs on its way from Bevy to another process's GPU, by Ferry and by the CPU round trip in one run: the
//! demo's renderer, and a wgpu device that reads a corner of every frame it takes. A frame's age is counted from the moment
//! when Bevy has submitted it, on both ways: the GPU's drawing is in it.
//!
//!   pipeline_cost [--frames N] [--sizes 1920x1080,3840x2160] [--rate HZ] [--warm-up SECONDS]
//!
//! Rate 0 is as fast as it can.
//!
//! A broker must run ($FERRY_SOCKET). A line of Markdown a way and size.

use ferry_demo::protocol::{COMMAND_ROUND_TRIP, STREAM};
use ferry_input::{InputSender, ViewerEvent};
use ferry_wgpu::ferry::{AttachOptions, Connection, Wait};
use ferry_wgpu::{Consumer, Gpu, OpenOptions, wgpu};
use round_trip::{Probe, RoundTripReceiver, cpu_time, cpu_time_of, now_ns};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1)).map(String::as_str)
    };
    let frames: usize = value("--frames").unwrap_or("500").parse()?;
    let plan = Plan {
        frames,
        rate: value("--rate").unwrap_or("0"),
        warm_up: Duration::from_secs(value("--warm-up").unwrap_or("8").parse()?),
    };
    let gpu = ferry_wgpu::open(&Connection::open("pipeline cost")?, &OpenOptions::default())?;
    println!("| size | way | per frame | submitted to read, median | 95 % | CPU time, renderer | CPU time, viewer |");
    println!("|---|---|---|---|---|---|---|");
    for size in value("--sizes").unwrap_or("1920x1080,3840x2160").split(',') {
        if gpu.interop.device_info()?.can_timeline {
            measure(&gpu, "Ferry, sync timeline", size, "timeline", &plan)?;
        }
        measure(&gpu, "Ferry, sync host", size, "host", &plan)?;
        measure(&gpu, "CPU round trip", size, "host", &plan)?;
    }
    Ok(())
}

struct Plan<'a> {
    frames: usize,
    rate: &'a str,
    /// Until Bevy has compiled its pipelines, which it does in the background.
    warm_up: Duration,
}

/// The renderer. It goes with this.
struct Renderer(Child);

impl Renderer {
    fn start(size: &str, sync: &str, rate: &str) -> Fallible<Self> {
        let program = std::env::current_exe()?.with_file_name("bevy_renderer");
        let child = Command::new(program)
            .args(["--size", size, "--rate", rate, "--sync", sync])
            .env("RUST_LOG", "ferry_wgpu=warn,bevy_ferry=warn,error")
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    fn cpu_time(&self) -> Fallible<Duration> {
        Ok(cpu_time_of(self.0.id()).ok_or("the renderer is gone")?)
    }
}

impl Drop for Renderer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

enum Way {
    Ferry(Consumer),
    RoundTrip(RoundTripReceiver),
}

struct Taken {
    texture: Arc<wgpu::Texture>,
    produced_ns: u64,
    /// Frames that the renderer has sent so far.
    sent: u64,
}

impl Way {
    /// Waits for a frame that is newer than the last one taken.
    fn take(&mut self, gpu: &Gpu) -> Fallible<Taken> {
        match self {
            Self::Ferry(consumer) => {
                while !consumer.update(Wait::For(PATIENCE))? {}
                let frame = consumer.frame().ok_or("no frame")?;
                Ok(Taken { texture: frame.texture().clone(), produced_ns: frame.produced_ns(), sent: frame.sequence() })
            }
            Self::RoundTrip(receiver) => {
                receiver.wait(PATIENCE)?;
                receiver.update(&gpu.device, &gpu.queue)?;
                let texture = receiver.texture().ok_or("no frame")?.clone();
                Ok(Taken { texture, produced_ns: receiver.produced_ns, sent: receiver.received })
            }
        }
    }
}

fn measure(gpu: &Gpu, name: &str, size: &str, sync: &str, plan: &Plan) -> Fallible<()> {
    let renderer = Renderer::start(size, sync, plan.rate)?;
    // Attached also for the round trip: the renderer hears its viewers when its stream is there.
    let options = AttachOptions { wait: PATIENCE.into(), ..AttachOptions::new(STREAM) };
    let mut consumer = Consumer::attach(&gpu.interop, &options)?;
    while !consumer.update(Wait::For(PATIENCE))? {}
    let mut way = if name == "CPU round trip" {
        drop(consumer);
        let receiver = RoundTripReceiver::bind(STREAM)?;
        if !InputSender::new(STREAM)?.send(ViewerEvent::Command { id: COMMAND_ROUND_TRIP, value: 1 }) {
            return Err("the renderer does not listen".into());
        }
        Way::RoundTrip(receiver)
    } else {
        Way::Ferry(consumer)
    };
    let probe = Probe::new(&gpu.device);
    let started = Instant::now();
    while started.elapsed() < plan.warm_up {
        let _ = probe.read(&gpu.device, &gpu.queue, &way.take(gpu)?.texture);
    }

    let began_at = way.take(gpu)?.sent;
    let (began_ns, ours, theirs) = (now_ns(), cpu_time(), renderer.cpu_time()?);
    let frames = plan.frames;
    let mut ages_ns = Vec::with_capacity(frames);
    let mut sent = began_at;
    for _ in 0..frames {
        let taken = way.take(gpu)?;
        let _ = probe.read(&gpu.device, &gpu.queue, &taken.texture);
        ages_ns.push(now_ns().saturating_sub(taken.produced_ns));
        sent = taken.sent;
    }
    let (lasted_ns, ours, theirs) = (now_ns() - began_ns, cpu_time() - ours, renderer.cpu_time()? - theirs);
    ages_ns.sort_unstable();
    let ms = |ns: f64| ns / 1e6;
    let age = |at: usize| format!("{:.2} ms", ms(ages_ns[at] as f64));
    let rendered = (sent - began_at).max(1) as f64;
    println!(
        "| {size} | {name} | {:.2} ms | {} | {} | {:.2} ms | {:.2} ms |",
        ms(lasted_ns as f64 / rendered),
        age(frames / 2),
        age(frames * 95 / 100),
        ms(theirs.as_nanos() as f64 / rendered),
        ms(ours.as_nanos() as f64 / frames as f64),
    );
    Ok(())
}
