//! The main world: which cameras are streams, how large, and what viewers say.

use bevy::camera::{ManualTextureViewHandle, RenderTarget};
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::render::render_resource::{Extent3d, TextureDescriptor, TextureDimension, TextureFormat, TextureUsages};
use bevy::render::renderer::RenderDevice;
use bevy::render::texture::{ManualTextureView, ManualTextureViews};
use ferry_input::{InputReceiver, ViewerEvent};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What Bevy writes into; the stream itself is UNORM, so that viewers get the numbers as they are stored.
pub(crate) const VIEW_FORMAT: TextureFormat = TextureFormat::Rgba8UnormSrgb;
const SMALLEST_PX: u32 = 16;
const LARGEST_PX: u32 = 8192;

/// Makes the camera beside it a stream. Its `RenderTarget` is taken over.
#[derive(Component, Clone, Debug)]
#[require(RenderTarget)]
pub struct FerryCamera {
    /// The stream's name: 1 to 128 bytes.
    pub stream: String,
    pub size_px: UVec2,
    /// Whether the size follows what viewers ask for.
    pub follow_viewer: bool,
    /// Off: the camera draws into its own texture ([`FerryCamera::handle`]), the stream keeps its last frame.
    pub publishes: bool,
    /// Goes with every frame ([`FrameNote::values`](crate::FrameNote::values)).
    pub values: [f32; 4],
    pub(crate) handle: ManualTextureViewHandle,
    pub(crate) counters: Arc<Counters>,
    /// The size in which the camera draws now: the stream's, while it cannot have the one above.
    pub(crate) drawn_px: UVec2,
}

/// What the render world tells the main world.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub published: AtomicU64,
    pub unseen: AtomicU64,
    refusal: Mutex<Option<Refusal>>,
}

/// A size that the stream could not have, and the one that it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub wanted_px: UVec2,
    pub kept_px: UVec2,
}

impl Counters {
    pub fn set_refusal(&self, refusal: Option<Refusal>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    fn size_for(&self, wanted_px: UVec2) -> UVec2 {
        let refusal = *self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        refusal.filter(|refusal| refusal.wanted_px == wanted_px).map_or(wanted_px, |refusal| refusal.kept_px)
    }
}

/// What has become of a stream's frames so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FerryStats {
    /// Rendered into a slot and handed over.
    pub published: u64,
    /// Rendered for nobody: no slot was free, or there was no broker.
    pub unseen: u64,
}

impl FerryCamera {
    #[must_use]
    pub fn new(stream: &str, size_px: UVec2) -> Self {
        // Far from the small numbers that applications choose for views of their own.
        static NEXT: AtomicU32 = AtomicU32::new(0x4645_0000);
        Self {
            stream: stream.to_owned(),
            size_px,
            follow_viewer: true,
            publishes: true,
            values: [0.0; 4],
            handle: ManualTextureViewHandle(NEXT.fetch_add(1, Ordering::Relaxed)),
            counters: Arc::default(),
            drawn_px: size_px,
        }
    }

    /// The camera's own texture among Bevy's `ManualTextureViews`: what it draws into when there is no slot.
    #[must_use]
    pub fn handle(&self) -> ManualTextureViewHandle {
        self.handle
    }

    #[must_use]
    pub fn stats(&self) -> FerryStats {
        FerryStats {
            published: self.counters.published.load(Ordering::Relaxed),
            unseen: self.counters.unseen.load(Ordering::Relaxed),
        }
    }
}

/// What a viewer of `camera`'s stream said.
#[derive(Message, Clone, Copy, Debug)]
pub struct ViewerMessage {
    pub camera: Entity,
    pub event: ViewerEvent,
}

#[derive(Resource, Default)]
struct Receivers(HashMap<Entity, InputReceiver>);

pub(crate) fn build(app: &mut App) {
    app.add_message::<ViewerMessage>()
        .init_resource::<Receivers>()
        .add_systems(First, hear_viewers)
        .add_systems(PostUpdate, prepare_targets.before(bevy::render::camera::camera_system));
}

fn hear_viewers(
    mut receivers: ResMut<Receivers>,
    mut cameras: Query<(Entity, &mut FerryCamera)>,
    mut messages: MessageWriter<ViewerMessage>,
) {
    receivers.0.retain(|camera, _| cameras.contains(*camera));
    for (entity, mut camera) in &mut cameras {
        if !receivers.0.contains_key(&entity) {
            match InputReceiver::bind(&camera.stream) {
                Ok(receiver) => _ = receivers.0.insert(entity, receiver),
                Err(_) => continue, // the broker's folder is not there yet, or another renderer listens
            }
        }
        while let Some(event) = receivers.0[&entity].next() {
            if let ViewerEvent::Resize { width_px, height_px } = event
                && camera.follow_viewer
            {
                let wish = UVec2::new(width_px, height_px).clamp(UVec2::splat(SMALLEST_PX), UVec2::splat(LARGEST_PX));
                if camera.size_px != wish {
                    camera.size_px = wish;
                }
            }
            messages.write(ViewerMessage { camera: entity, event });
        }
    }
}

/// Gives each camera a target of the right size: what it draws into when there is no slot.
fn prepare_targets(
    device: Res<RenderDevice>,
    mut views: ResMut<ManualTextureViews>,
    mut cameras: Query<(&mut FerryCamera, &mut RenderTarget)>,
) {
    for (mut camera, mut target) in &mut cameras {
        let size_px = camera.counters.size_for(camera.size_px);
        camera.bypass_change_detection().drawn_px = size_px;
        if views.get(&camera.handle).is_some_and(|view| view.size == size_px) {
            continue;
        }
        let texture = device.create_texture(&TextureDescriptor {
            label: Some("ferry: frames for nobody"),
            size: Extent3d { width: size_px.x, height: size_px.y, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: TextureDimension::D2,
            format: VIEW_FORMAT,
            usage: TextureUsages::RENDER_ATTACHMENT | TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let texture_view = texture.create_view(&Default::default());
        views.insert(camera.handle, ManualTextureView { texture_view, size: size_px, view_format: VIEW_FORMAT });
        *target = RenderTarget::TextureView(camera.handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry_input::InputSender;

    #[derive(Resource, Default)]
    struct Heard(Vec<ViewerEvent>);

    #[test]
    fn a_viewers_wish_is_followed_within_limits() {
        let folder = std::env::temp_dir().join(format!("bevy-ferry.{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // SAFETY: the only test of this crate that reads or writes the environment.
        unsafe { std::env::set_var("FERRY_SOCKET", folder.join("ferryd.sock")) };
        let mut app = App::new();
        app.add_message::<ViewerMessage>().init_resource::<Receivers>().init_resource::<Heard>().add_systems(
            First,
            (hear_viewers, |mut messages: MessageReader<ViewerMessage>, mut heard: ResMut<Heard>| {
                heard.0.extend(messages.read().map(|message| message.event));
            })
                .chain(),
        );
        let camera = app.world_mut().spawn(FerryCamera::new("test", UVec2::new(640, 360))).id();
        app.world_mut().run_schedule(First);
        let sender = InputSender::new("test").unwrap();
        let wish = ViewerEvent::Resize { width_px: 1_000_000, height_px: 1 };
        let size = |app: &App| app.world().get::<FerryCamera>(camera).unwrap().size_px;

        assert!(sender.send(wish));
        app.world_mut().run_schedule(First);
        assert_eq!(size(&app), UVec2::new(LARGEST_PX, SMALLEST_PX));
        assert_eq!(app.world().resource::<Heard>().0, [wish]);

        app.world_mut().get_mut::<FerryCamera>(camera).unwrap().follow_viewer = false;
        assert!(sender.send(ViewerEvent::Resize { width_px: 100, height_px: 100 }));
        app.world_mut().run_schedule(First);
        assert_eq!(size(&app), UVec2::new(LARGEST_PX, SMALLEST_PX));

        // A size that the stream cannot have is not drawn in; the next wish counts.
        let kept = UVec2::new(640, 360);
        let counters = app.world().get::<FerryCamera>(camera).unwrap().counters.clone();
        counters.set_refusal(Some(Refusal { wanted_px: size(&app), kept_px: kept }));
        assert_eq!(counters.size_for(size(&app)), kept);
        assert_eq!(counters.size_for(UVec2::splat(50)), UVec2::splat(50));
        counters.set_refusal(None);
        assert_eq!(counters.size_for(size(&app)), size(&app));

        app.world_mut().despawn(camera);
        app.world_mut().run_schedule(First);
        assert!(!sender.send(wish), "nobody listens for a camera that is gone");
        std::fs::remove_dir(&folder).unwrap();
    }
}
