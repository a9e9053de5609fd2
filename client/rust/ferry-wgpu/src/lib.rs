//! Ferry's frames as wgpu textures: render into a slot and publish it, or sample the newest frame of another process.
//!
//! - [`open`] makes a wgpu device that has what Ferry needs, on the GPU that the broker uses. [`Interop::new`] takes a
//!   device that is there already: Bevy's or GPUI's.
//! - [`Producer::begin`] gives a [`Target`] whose texture is rendered to; [`Producer::publish`] hands it over.
//! - [`Consumer::update`] takes the newest frame, [`Consumer::frame`] has its texture.
//!
//! Nothing is copied: the textures are the stream's slots. Handing over costs two small submissions on either side: the
//! barriers of the contract, and the signal behind them.
//!
//! # Who waits
//!
//! In sync mode `host` a frame is complete when it arrives, and nobody waits; [`Producer::create`] makes this of
//! [`SyncMode::Automatic`](ferry::SyncMode). In sync mode `timeline` a point of the other process's GPU comes with it. wgpu
//! 29 has a hook for signals but none for waits. [`Interop::assume_sole_submitter`] makes the GPU wait, for programs that
//! know who submits and when; without it this thread sleeps until the point is reached (in naps that grow, where the driver
//! would keep a processor busy: NVIDIA's). It has to for a stream of somebody else's that is in mode `timeline`.
//!
//! # What wgpu 29 cannot say
//!
//! Streams of YUV ([`Format::Nv12`](ferry::Format), `P010`) are refused by name: a view of theirs needs a conversion, which wgpu
//! does not have. The `ferry` crate has their images for Vulkan.
//!
//! It takes every imported texture for uninitialised, so its first use of a slot goes through
//! `VK_IMAGE_LAYOUT_UNDEFINED`, where Vulkan lets a driver discard what is in the image. NVIDIA's and lavapipe keep it (the
//! tests compare whole images from the first frame on). From wgpu 30 the state can be given.
//!
//! ```no_run
//! use ferry::{Connection, Format, FrameMetadata, ImageDesc, StreamOptions, Wait};
//!
//! # fn main() -> ferry::Result<()> {
//! let connection = Connection::open("my renderer")?;
//! let gpu = ferry_wgpu::open(&connection, &Default::default())?;
//! let image = ImageDesc::new(1280, 720, Format::Rgba8Unorm).with_srgb_views();
//! let mut producer = ferry_wgpu::Producer::create(&gpu.interop, &StreamOptions::new("cam", image))?;
//! while let Some(target) = producer.begin(Wait::Forever)? {
//!     // Render to target.texture() on gpu.device, submit to gpu.queue.
//!     producer.publish(target, &FrameMetadata::default())?;
//! }
//! # Ok(())
//! # }
//! ```
#![cfg(feature = "wgpu-29")]

mod barrier;
mod consumer;
mod format;
mod host_wait;
mod interop;
mod open;
mod producer;
mod slots;

pub use consumer::{Consumer, Frame};
pub use format::{format_of, texture_format};
pub use interop::Interop;
pub use open::{Gpu, OpenOptions, add_extensions, open};
pub use producer::{Producer, Target};

pub use ferry;
pub use wgpu;
