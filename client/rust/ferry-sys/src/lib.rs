//! The C ABI of libferry, declared by hand from `ferry.h`. Nothing is added: use the crate `ferry`.
//!
//! Names are those of the header without their prefix: `ferry_stream_info` is [`StreamInfo`], `FERRY_ERROR_TIMEOUT` is
//! [`ERROR_TIMEOUT`]. `tests/layout.rs` compiles the header and compares every size, offset and constant; what the header has
//! and this crate lacks fails there too.
//!
//! Every struct starts with `struct_size`: [`Sized::sized`] gives a zeroed one with it filled in.
#![no_std]
#![allow(clippy::missing_safety_doc)] // ferry.h says it

mod constants;
mod functions;
mod structs;
mod vulkan;

pub use constants::*;
pub use functions::*;
pub use structs::*;
pub use vulkan::*;
