//! What the renderer and the viewer agreed on beside the picture.

/// The stream's name.
pub const STREAM: &str = "viewport";

/// [`ViewerEvent::Command`](ferry_input::ViewerEvent::Command): whether the scene moves (1) or stands (0).
pub const COMMAND_PLAY: u32 = 1;
/// Which way frames go: 0 Ferry, 1 through the CPU.
pub const COMMAND_ROUND_TRIP: u32 = 2;

/// Indices into a frame note's values: whether the scene moves, and the camera's orbit in radians.
pub const VALUE_PLAYING: usize = 0;
pub const VALUE_YAW: usize = 1;
pub const VALUE_PITCH: usize = 2;
