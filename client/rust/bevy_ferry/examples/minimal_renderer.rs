//! A Bevy app without a window whose camera is the Ferry stream "viewport".
use bevy::app::ScheduleRunnerPlugin;
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::prelude::*;
use bevy::window::{ExitCondition, WindowPlugin};
use bevy_ferry::{FerryCamera, FerryPlugin, SyncMode, ViewerEvent, ViewerMessage};
use std::time::Duration;

fn main() {
    let no_window = WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() };
    App::new()
        // First: it has a word in making the device. Mode host: GPUI's device can import no semaphores.
        .add_plugins(FerryPlugin { sync_mode: SyncMode::Host, ..default() })
        .add_plugins(DefaultPlugins.set(no_window))
        .add_plugins(ScheduleRunnerPlugin::run_loop(Duration::from_millis(16)))
        .add_systems(Startup, build_scene)
        .add_systems(Update, turn)
        .run();
}

fn build_scene(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    let camera = FerryCamera::new("viewport", UVec2::new(1280, 720));
    let above = Transform::from_xyz(0.0, 2.0, 5.0).looking_at(Vec3::ZERO, Vec3::Y);
    commands.spawn((Camera3d::default(), Tonemapping::Reinhard, camera, above));
    commands.spawn((DirectionalLight::default(), above));
    let gold = materials.add(Color::srgb(0.9, 0.7, 0.2));
    commands.spawn((Mesh3d(meshes.add(Torus::new(0.5, 1.2))), MeshMaterial3d(gold)));
}

/// Whoever drags in the viewer turns the thing.
fn turn(mut messages: MessageReader<ViewerMessage>, mut things: Query<&mut Transform, With<Mesh3d>>) {
    for message in messages.read() {
        if let ViewerEvent::Dragged { dx, dy, .. } = message.event {
            for mut thing in &mut things {
                thing.rotate(Quat::from_euler(EulerRot::YXZ, dx * 0.01, dy * 0.01, 0.0));
            }
        }
    }
}
