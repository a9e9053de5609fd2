//! Ferry: one process shows another process's GPU frames, without copying them.
//!
//! This crate is libferry's C ABI with Rust's ownership: raw Vulkan handles in, raw Vulkan handles out. Programs on wgpu
//! want `ferry-wgpu` instead, which needs no `unsafe`.
//!
//! - A [`Connection`] is a session with the broker `ferryd`, a [`Device`] a Vulkan device: clones share them, any thread
//!   may use them, and they stay open as long as anything made with them.
//! - A [`Producer`] gives [`Target`]s, a [`Consumer`] gives [`Frame`]s. Each goes back exactly once: publishing and
//!   releasing take it, dropping gives it back unused. The compiler's `must_use` does not look into an [`Option`]:
//!   `producer.begin(Wait::No)?;` is accepted, and gives the slot back at once.
//! - The contract is the same in every sync mode: *wait for this semaphore at this value, use the image, signal that
//!   semaphore at that value.* Images cross in `SHADER_READ_ONLY_OPTIMAL`, owned by their
//!   `peer_queue_family()`.
//!
//! ```no_run
//! use ferry::{Connection, Device, DeviceOptions, Format, FrameMetadata, ImageDesc, Producer, StreamOptions, Wait};
//!
//! # fn main() -> ferry::Result<()> {
//! let connection = Connection::open("my renderer")?;
//! let device = Device::create(&connection, &DeviceOptions::default())?;
//! let image = ImageDesc::new(1280, 720, Format::Rgba8Unorm);
//! let producer = Producer::create(&connection, &device, &StreamOptions::new("cam", image))?;
//! while let Some(target) = producer.begin(Wait::Forever)? {
//!     // Submit: wait for target.waits(), draw into target.image(), signal target.signal().
//!     target.publish(&FrameMetadata::default())?;
//! }
//! # Ok(())
//! # }
//! ```

mod colour;
mod connection;
mod consumer;
mod device;
mod error;
mod event;
mod image;
mod metadata;
mod producer;
mod state;
mod text;
mod turns;
mod wait;

pub use colour::{Alpha, Colour, Primaries, Range, Transfer};
pub use connection::{ConnectOptions, Connection, version};
pub use consumer::{AttachOptions, Consumer, ConsumerMode, Frame};
pub use device::{Device, DeviceInfo, DeviceOptions, VulkanHandles};
pub use error::{Conflict, Error, ErrorKind, Result};
pub use event::Event;
pub use image::{Format, ImageDesc, Usage};
pub use metadata::{FrameMetadata, Orientation, Rect};
pub use producer::{Producer, QueuePolicy, StreamOptions, Target};
pub use state::{StreamState, SyncMode, Transport};
pub use wait::Wait;

/// The C ABI, for what this crate does not wrap.
pub use ferry_sys as sys;
