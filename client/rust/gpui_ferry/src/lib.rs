//! A GPUI view that shows a Ferry stream: the frames of a renderer in another process, sampled where they are.
//!
//! A whole viewer:
//!
//! ```no_run
#![doc = include_str!("../examples/minimal_viewer.rs")]
//! ```
//!
//! - The newest frame fills the view as [`FerryView::set_fit`] says. Until there is one a placeholder is shown; when the
//!   renderer dies its last frame stays, and the next renderer of that name is picked up without a word.
//! - Pointer events go back to the renderer in pixels of its picture, keys while the view has the focus, and the size that
//!   the view has, as a wish.
//! - GPUI is the community edition (`gpui-ce` 0.3), as it is on crates.io: its Linux renderer is wgpu, and a surface may be
//!   any wgpu texture. Nothing is patched. Its device is made without `VK_KHR_external_semaphore_fd`, so the stream has to
//!   be in sync mode `host`: frames are complete when they arrive, and GPUI's GPU queue never waits for the renderer.

mod attach;
mod clock;
mod fit;
mod input;
mod stats;
mod view;

pub use ferry_input::{Button, FrameNote, Key, Modifiers, ViewerEvent};
pub use fit::Fit;
pub use stats::{Meter, ViewStats};
pub use view::FerryView;
