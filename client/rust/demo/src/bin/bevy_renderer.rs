//! The demo's renderer: a lit, moving scene without a window. Its camera is the Ferry stream "viewport".
//!
//!   bevy_renderer [--size 1280x720] [--rate 60] [--sync host|timeline]      rate 0: as fast as it can
//!
//! Viewers drag to orbit, scroll to come nearer, and may stop the scene. `COMMAND_ROUND_TRIP` sends frames through the CPU
//! instead, to see what that costs.

use bevy::app::ScheduleRunnerPlugin;
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::light::{CascadeShadowConfigBuilder, DirectionalLightShadowMap};
use bevy::prelude::*;
use bevy::render::renderer::{RenderDevice, RenderGraph, RenderGraphSystems, RenderQueue};
use bevy::render::texture::ManualTextureViews;
use bevy::render::{Extract, ExtractSchedule, RenderApp};
use bevy::window::{ExitCondition, WindowPlugin};
use bevy_ferry::{Button, FerryCamera, FerryPlugin, SyncMode, ViewerEvent, ViewerMessage};
use ferry_demo::protocol::{COMMAND_PLAY, COMMAND_ROUND_TRIP, STREAM, VALUE_PITCH, VALUE_PLAYING, VALUE_YAW};
use round_trip::{RoundTripSender, now_ns};
use std::f32::consts::{PI, TAU};
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).cloned().unwrap_or_else(|| default.into())
    };
    let size = value("--size", "1280x720");
    let (width, height) = size.split_once('x').expect("--size WIDTHxHEIGHT");
    let size_px = UVec2::new(width.parse().expect("a width"), height.parse().expect("a height"));
    let rate: f64 = value("--rate", "60").parse().expect("a rate");
    let period = if rate > 0.0 { Duration::from_secs_f64(1.0 / rate) } else { Duration::ZERO };
    let sync_mode = match value("--sync", "host").as_str() {
        "host" => SyncMode::Host, // GPUI's device can import no semaphores
        "timeline" => SyncMode::Timeline,
        other => panic!("no sync mode is called '{other}'"),
    };

    let window = WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() };
    let mut app = App::new();
    app.add_plugins(FerryPlugin { application: "bevy demo".into(), sync_mode })
        .add_plugins(DefaultPlugins.set(window))
        .add_plugins(ScheduleRunnerPlugin::run_loop(period))
        .insert_resource(ClearColor(Color::srgb(0.05, 0.07, 0.1)))
        .insert_resource(DirectionalLightShadowMap { size: 1024 }) // for machines without a GPU
        .insert_resource(Orbit { yaw: 0.6, pitch: 0.45, distance: 9.0 })
        .insert_resource(Playing(true))
        .insert_resource(CameraSize(size_px))
        .add_systems(Startup, build_scene)
        .add_systems(Update, (follow_viewers, animate, place_camera).chain());
    add_round_trip(&mut app);
    app.run();
}

#[derive(Resource)]
struct Orbit {
    yaw: f32,
    pitch: f32,
    distance: f32,
}

#[derive(Resource)]
struct Playing(bool);

#[derive(Resource)]
struct CameraSize(UVec2);

/// Turns about its own axis and around the middle.
#[derive(Component)]
struct Dancer {
    phase: f32,
    radius: f32,
}

fn build_scene(
    mut commands: Commands,
    size: Res<CameraSize>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    commands.spawn((
        Camera3d::default(),
        Tonemapping::Reinhard, // needs no table of colours
        DebandDither::Disabled,
        Msaa::Off,
        FerryCamera::new(STREAM, size.0),
    ));
    commands.spawn((
        DirectionalLight { illuminance: 9_000.0, shadow_maps_enabled: true, ..default() },
        CascadeShadowConfigBuilder { num_cascades: 1, maximum_distance: 30.0, ..default() }.build(),
        Transform::from_xyz(4.0, 8.0, 3.0).looking_at(Vec3::ZERO, Vec3::Y),
    ));
    commands.spawn((
        PointLight { intensity: 600_000.0, color: Color::srgb(1.0, 0.7, 0.4), ..default() },
        Transform::from_xyz(-4.0, 3.0, -2.0),
    ));
    commands.spawn((
        Mesh3d(meshes.add(Plane3d::default().mesh().size(14.0, 14.0))),
        MeshMaterial3d(materials.add(StandardMaterial {
            base_color: Color::srgb(0.32, 0.36, 0.4),
            perceptual_roughness: 0.9,
            ..default()
        })),
    ));
    commands.spawn((
        Mesh3d(meshes.add(Torus::new(0.5, 1.2))),
        MeshMaterial3d(materials.add(StandardMaterial {
            base_color: Color::srgb(0.95, 0.75, 0.3),
            metallic: 0.9,
            perceptual_roughness: 0.3,
            ..default()
        })),
        Transform::from_xyz(0.0, 1.6, 0.0),
        Dancer { phase: 0.0, radius: 0.0 },
    ));
    let shapes = [
        meshes.add(Cuboid::from_length(1.0)),
        meshes.add(Sphere::new(0.6)),
        meshes.add(Capsule3d::new(0.4, 0.7)),
        meshes.add(Cylinder::new(0.5, 1.0)),
    ];
    for number in 0..8 {
        let part = number as f32 / 8.0;
        commands.spawn((
            Mesh3d(shapes[number % shapes.len()].clone()),
            MeshMaterial3d(materials.add(StandardMaterial {
                base_color: Color::hsl(part * 360.0, 0.75, 0.55),
                perceptual_roughness: 0.5,
                ..default()
            })),
            Transform::default(),
            Dancer { phase: part * TAU, radius: 3.6 },
        ));
    }
}

fn follow_viewers(
    mut messages: MessageReader<ViewerMessage>,
    mut orbit: ResMut<Orbit>,
    mut playing: ResMut<Playing>,
    mut cameras: Query<&mut FerryCamera>,
) {
    for message in messages.read() {
        match message.event {
            ViewerEvent::Dragged { held: Button::Left, dx, dy, .. } => {
                orbit.yaw -= dx * 0.008;
                orbit.pitch = (orbit.pitch + dy * 0.008).clamp(0.05, PI / 2.0 - 0.05);
            }
            ViewerEvent::Scrolled { lines, .. } => {
                orbit.distance = (orbit.distance * (-lines * 0.1).exp()).clamp(3.0, 30.0);
            }
            ViewerEvent::Command { id: COMMAND_PLAY, value } => playing.0 = value != 0,
            ViewerEvent::Command { id: COMMAND_ROUND_TRIP, value } => {
                if let Ok(mut camera) = cameras.get_mut(message.camera) {
                    camera.publishes = value == 0;
                }
            }
            _ => {}
        }
    }
}

fn animate(
    time: Res<Time>,
    playing: Res<Playing>,
    mut moved_s: Local<f32>,
    mut dancers: Query<(&Dancer, &mut Transform)>,
) {
    if playing.0 {
        *moved_s += time.delta_secs();
    }
    for (dancer, mut transform) in &mut dancers {
        let angle = dancer.phase + *moved_s * 0.5;
        if dancer.radius > 0.0 {
            let height = 0.9 + 0.35 * (*moved_s * 2.0 + dancer.phase * 3.0).sin();
            transform.translation = Vec3::new(angle.cos() * dancer.radius, height, angle.sin() * dancer.radius);
        }
        transform.rotation = Quat::from_euler(EulerRot::YXZ, angle * 2.0, angle, 0.0);
    }
}

fn place_camera(orbit: Res<Orbit>, playing: Res<Playing>, mut cameras: Query<(&mut Transform, &mut FerryCamera)>) {
    for (mut transform, mut camera) in &mut cameras {
        let rotation = Quat::from_euler(EulerRot::YXZ, orbit.yaw, -orbit.pitch, 0.0);
        let middle = Vec3::Y;
        *transform =
            Transform::from_translation(middle + rotation * Vec3::Z * orbit.distance).looking_at(middle, Vec3::Y);
        camera.values[VALUE_PLAYING] = f32::from(playing.0);
        camera.values[VALUE_YAW] = orbit.yaw;
        camera.values[VALUE_PITCH] = orbit.pitch;
    }
}

// ---- the other way ---------------------------------------------------------------------------------------------------

#[derive(Resource)]
struct RoundTrip {
    sender: RoundTripSender,
    camera: Option<FerryCamera>,
}

fn add_round_trip(app: &mut App) {
    let sender = RoundTripSender::new(STREAM).expect("a socket");
    let Some(render_app) = app.get_sub_app_mut(RenderApp) else { return };
    render_app
        .insert_resource(RoundTrip { sender, camera: None })
        .add_systems(ExtractSchedule, |cameras: Extract<Query<&FerryCamera>>, mut round_trip: ResMut<RoundTrip>| {
            round_trip.camera = cameras.iter().find(|camera| !camera.publishes).cloned();
        })
        .add_systems(RenderGraph, send_round_trip.in_set(RenderGraphSystems::Finish));
}

fn send_round_trip(
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
    views: Res<ManualTextureViews>,
    mut round_trip: ResMut<RoundTrip>,
) {
    let Some(view) = round_trip.camera.as_ref().and_then(|camera| views.get(&camera.handle())) else { return };
    // Its way begins where a frame of Ferry's does, when Bevy has submitted it. Nobody to send to is fine: the viewer may be
    // gone.
    _ = round_trip.sender.send(device.wgpu_device(), &queue, view.texture_view.texture(), now_ns());
}
