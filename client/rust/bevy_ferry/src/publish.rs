//! The render world: a slot before Bevy prepares its views, a frame after Bevy has submitted.

use crate::FerryPlugin;
use crate::camera::{FerryCamera, Refusal, VIEW_FORMAT};
use bevy::camera::{NormalizedRenderTarget, Projection};
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::render::renderer::{RenderDevice, RenderGraph, RenderGraphSystems, RenderQueue};
use bevy::render::texture::OutputColorAttachment;
use bevy::render::view::{ViewTargetAttachments, clear_view_attachments, prepare_view_attachments};
use bevy::render::{Extract, ExtractSchedule, Render, RenderApp, RenderSystems};
use ferry_input::FrameNote;
use ferry_wgpu::ferry::{Connection, Error, ErrorKind, Format, FrameMetadata, ImageDesc, Result, StreamOptions};
use ferry_wgpu::{Interop, Producer, Target, wgpu};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a frame waits for a slot. Longer than a viewer takes to give one back, short enough to go on without.
const SLOT_PATIENCE: Duration = Duration::from_millis(50);
/// Between two attempts to reach the broker.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the render world knows of a camera in this frame.
struct ExtractedStream {
    entity: Entity,
    camera: FerryCamera,
    /// Whether there is a frame to show at all.
    draws: bool,
    note: FrameNote,
}

impl ExtractedStream {
    fn render_target(&self) -> NormalizedRenderTarget {
        NormalizedRenderTarget::TextureView(self.camera.handle)
    }
}

#[derive(Resource, Default)]
struct ExtractedStreams(Vec<ExtractedStream>);

#[derive(Resource)]
struct Publisher {
    plugin: FerryPlugin,
    interop: Option<Interop>,
    streams: HashMap<Entity, Stream>,
    failures: HashMap<Entity, Failure>,
}

struct Stream {
    producer: Producer,
    image: ImageDesc,
    target: Option<Target>,
}

/// What a camera's stream could not do last: each thing is logged once, and tried again later.
struct Failure {
    complaint: String,
    retry_at: Instant,
}

pub(crate) fn build(app: &mut App, plugin: &FerryPlugin) {
    let Some(render_app) = app.get_sub_app_mut(RenderApp) else { return };
    render_app
        .insert_resource(Publisher {
            plugin: plugin.clone(),
            interop: None,
            streams: HashMap::default(),
            failures: HashMap::default(),
        })
        .init_resource::<ExtractedStreams>()
        .add_systems(ExtractSchedule, extract)
        .add_systems(
            Render,
            begin
                .in_set(RenderSystems::PrepareViews)
                .after(clear_view_attachments) // Bevy empties the table first, then fills what nobody else has
                .before(prepare_view_attachments),
        )
        // Nobody else submits between Bevy's submission and this.
        .add_systems(RenderGraph, publish.in_set(RenderGraphSystems::Finish));
}

#[expect(clippy::type_complexity, reason = "a query is a tuple")]
fn extract(
    cameras: Extract<Query<(Entity, &FerryCamera, &Camera, &GlobalTransform, Option<&Projection>)>>,
    time: Extract<Res<Time>>,
    mut streams: ResMut<ExtractedStreams>,
) {
    streams.0.clear();
    for (entity, ferry, camera, transform, projection) in &cameras {
        let (_, rotation, translation) = transform.to_scale_rotation_translation();
        let fov_y_rad = match projection {
            Some(Projection::Perspective(perspective)) => perspective.fov,
            _ => 0.0,
        };
        let note = FrameNote {
            time_s: time.elapsed_secs_f64(),
            translation: translation.to_array(),
            rotation: rotation.to_array(),
            fov_y_rad,
            values: ferry.values,
        };
        let draws = camera.is_active && ferry.publishes;
        streams.0.push(ExtractedStream { entity, camera: ferry.clone(), draws, note });
    }
}

fn begin(
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
    streams: Res<ExtractedStreams>,
    mut publisher: ResMut<Publisher>,
    mut attachments: ResMut<ViewTargetAttachments>,
) {
    let lives = |entity: &Entity| streams.0.iter().any(|stream| stream.entity == *entity);
    publisher.streams.retain(|entity, _| lives(entity));
    publisher.failures.retain(|entity, _| lives(entity));
    for extracted in &streams.0 {
        match publisher.begin(extracted, device.wgpu_device(), &queue) {
            Ok(true) => {}
            Ok(false) => _ = extracted.camera.counters.unseen.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                extracted.camera.counters.unseen.fetch_add(1, Ordering::Relaxed);
                publisher.fail(extracted, &error);
            }
        }
        let Some(target) = publisher.streams.get(&extracted.entity).and_then(|stream| stream.target.as_ref()) else {
            continue; // Bevy draws into the camera's own texture
        };
        let view = target
            .texture()
            .create_view(&wgpu::TextureViewDescriptor { format: Some(VIEW_FORMAT), ..Default::default() });
        attachments.insert(extracted.render_target(), OutputColorAttachment::new(view.into(), VIEW_FORMAT));
    }
}

impl Publisher {
    /// Whether the camera has a slot for this frame.
    fn begin(&mut self, extracted: &ExtractedStream, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<bool> {
        if !self.streams.contains_key(&extracted.entity) {
            if !self.may_try(extracted) {
                return Ok(false);
            }
            let stream = self.create(extracted, device, queue)?;
            self.streams.insert(extracted.entity, stream);
        }
        self.follow_size(extracted);
        let stream = self.streams.get_mut(&extracted.entity).expect("just made");
        stream.target = None;
        if !extracted.draws {
            return Ok(false);
        }
        let Some(target) = stream.producer.begin(SLOT_PATIENCE.into())? else { return Ok(false) };
        // The slot may have another size: the camera hears of a refusal a frame later, and a generation that the broker
        // started for somebody else's sake may have the size before.
        if target.size_px() == <(u32, u32)>::from(extracted.camera.drawn_px) {
            stream.target = Some(target);
        }
        Ok(stream.target.is_some())
    }

    /// Gives the stream the size that the camera is to have. When it cannot have that (no memory, no broker), it goes on in
    /// its own, and this tries again.
    fn follow_size(&mut self, extracted: &ExtractedStream) {
        let wanted = image(&extracted.camera);
        let may_try = self.may_try(extracted);
        let stream = self.streams.get_mut(&extracted.entity).expect("the stream is there");
        if stream.image == wanted || !may_try {
            return;
        }
        let refusal = match stream.producer.reconfigure(&wanted) {
            Ok(()) => {
                stream.image = wanted;
                self.failures.remove(&extracted.entity);
                None
            }
            Err(error) => {
                let kept_px = UVec2::new(stream.image.width_px, stream.image.height_px);
                self.complain(extracted, &error);
                Some(Refusal { wanted_px: extracted.camera.size_px, kept_px })
            }
        };
        extracted.camera.counters.set_refusal(refusal);
    }

    fn create(&mut self, extracted: &ExtractedStream, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Stream> {
        if self.interop.is_none() {
            let connection = Connection::open(&self.plugin.application)?;
            self.interop = Some(Interop::new(&connection, device, queue)?);
        }
        let interop = self.interop.as_ref().expect("just made");
        let image = image(&extracted.camera);
        let options =
            StreamOptions { sync_mode: self.plugin.sync_mode, ..StreamOptions::new(&extracted.camera.stream, image) };
        let producer = Producer::create(interop, &options)?;
        let state = producer.state()?;
        self.failures.remove(&extracted.entity);
        extracted.camera.counters.set_refusal(None);
        info!(
            "ferry: stream '{}': {} x {} px, {}, {}",
            extracted.camera.stream, state.width_px, state.height_px, state.transport_reason, state.sync_reason
        );
        Ok(Stream { producer, image, target: None })
    }

    /// Tries again later, with a new connection if the old one is of no use. Other cameras' streams have theirs.
    fn fail(&mut self, extracted: &ExtractedStream, error: &Error) {
        self.complain(extracted, error);
        self.streams.remove(&extracted.entity);
        if matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::NoBroker) {
            self.interop = None;
        }
    }

    fn complain(&mut self, extracted: &ExtractedStream, error: &Error) {
        let complaint = format!("stream '{}': {error}", extracted.camera.stream);
        let retry_at = Instant::now() + RETRY_AFTER;
        let before = self.failures.insert(extracted.entity, Failure { complaint: complaint.clone(), retry_at });
        if before.is_none_or(|before| before.complaint != complaint) {
            warn!("ferry: {complaint}");
        }
    }

    fn may_try(&self, extracted: &ExtractedStream) -> bool {
        self.failures.get(&extracted.entity).is_none_or(|failure| Instant::now() >= failure.retry_at)
    }
}

fn image(camera: &FerryCamera) -> ImageDesc {
    ImageDesc::new(camera.size_px.x, camera.size_px.y, Format::Rgba8Unorm).with_srgb_views()
}

/// Exclusive: no other system of the render world submits meanwhile.
fn publish(world: &mut World) {
    world.resource_scope(|world, mut publisher: Mut<Publisher>| {
        let attachments = world.resource::<ViewTargetAttachments>();
        for extracted in &world.resource::<ExtractedStreams>().0 {
            let Some(stream) = publisher.streams.get_mut(&extracted.entity) else { continue };
            let Some(target) = stream.target.take() else { continue };
            // Without its pipelines, which compile in the background, Bevy draws nothing: the slot holds an older frame.
            if !attachments.get(&extracted.render_target()).is_some_and(OutputColorAttachment::needs_present) {
                continue;
            }
            let mut metadata = FrameMetadata::default();
            let noted = metadata.set_user(&extracted.note.encode());
            match noted.and_then(|()| stream.producer.publish(target, &metadata)) {
                Ok(()) => _ = extracted.camera.counters.published.fetch_add(1, Ordering::Relaxed),
                Err(error) => publisher.fail(extracted, &error),
            }
        }
    });
}
