//! A Bevy camera as a Ferry stream: another process shows what it sees, and nothing is copied on the way.
//!
//! A whole renderer:
//!
//! ```no_run
#![doc = include_str!("../examples/minimal_renderer.rs")]
//! ```
//!
//! Bevy's last pass of the camera writes straight into a slot of the stream. When there is no slot (every one is held) or
//! no broker, the camera draws into a texture of its own and nobody sees that frame; the app runs on. Each frame carries
//! the camera's pose and Bevy's time as a [`FrameNote`].
//!
//! An app with windows of its own is built the same way: `examples/windowed_renderer.rs`.
//!
//! Viewers' wishes arrive as [`ViewerMessage`]s; a [`ViewerEvent::Resize`] is followed unless
//! [`FerryCamera::follow_viewer`] is off.

mod camera;
mod publish;

use bevy::prelude::*;
use bevy::render::renderer::raw_vulkan_init::RawVulkanInitSettings;
pub use camera::{FerryCamera, FerryStats, ViewerMessage};
pub use ferry_input::{Button, FrameNote, Key, Modifiers, ViewerEvent};
pub use ferry_wgpu;
pub use ferry_wgpu::ferry::SyncMode;

/// Turns cameras with a [`FerryCamera`] into streams. Add it before `DefaultPlugins`.
#[derive(Clone, Debug)]
pub struct FerryPlugin {
    /// What `ferry status` calls this program.
    pub application: String,
    /// How points cross. [`SyncMode::Automatic`] is [`SyncMode::Host`] here, which also serves viewers whose device cannot
    /// import semaphores, GPUI's for one. [`SyncMode::Timeline`] hands a frame over while the GPU still draws it; then
    /// Bevy's render thread sleeps until viewers' GPUs have given a slot back.
    pub sync_mode: SyncMode,
}

impl Default for FerryPlugin {
    fn default() -> Self {
        Self { application: "bevy".into(), sync_mode: SyncMode::Automatic }
    }
}

impl Plugin for FerryPlugin {
    fn build(&self, app: &mut App) {
        assert!(
            !app.is_plugin_added::<bevy::render::RenderPlugin>(),
            "add FerryPlugin before DefaultPlugins: Bevy's device has to be made with what Ferry needs"
        );
        let mut settings = app.world_mut().get_resource_or_init::<RawVulkanInitSettings>();
        // SAFETY: only adds extensions that the physical device has.
        unsafe {
            settings.add_create_device_callback(|args, adapter, _| ferry_wgpu::add_extensions(args, adapter));
        }
        camera::build(app);
    }

    fn finish(&self, app: &mut App) {
        publish::build(app, self);
    }
}
