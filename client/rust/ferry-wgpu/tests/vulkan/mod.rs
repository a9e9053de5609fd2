//! Below wgpu: what these tests do to its queue, and see of it.

pub mod gate;
pub mod submissions;
