//! What the demo's two programs share.

pub mod complaints;
pub mod protocol;
