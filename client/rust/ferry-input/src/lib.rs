//! The way back: what a viewer tells the renderer of a Ferry stream. Datagrams on a Unix socket beside the broker's, so
//! that either side can die and come back without the other noticing more than silence.
//!
//! [`FrameNote`] is what goes the other way beside the picture, in the frame's metadata.
//!
//! Only the standard library.

mod event;
mod key;
mod note;
mod socket;

pub use event::{Button, ViewerEvent};
pub use key::{Key, Modifiers};
pub use note::FrameNote;
pub use socket::{InputReceiver, InputSender, socket_path};
