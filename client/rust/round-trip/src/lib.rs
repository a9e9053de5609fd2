//! The way that Ferry replaces: GPU to CPU to GPU. The renderer copies its texture into a buffer, maps it and copies it into
//! shared memory; the viewer uploads that into a texture of its own. Two processes, as good as it gets with two halves
//! of memory in turn and a datagram a frame. For measurements and for the demo's switch, beside Ferry's way.

mod frames;
mod probe;
mod shared_memory;
mod usage;

pub use frames::{RoundTripReceiver, RoundTripSender};
pub use probe::Probe;
pub use usage::{cpu_time, cpu_time_of, now_ns};
