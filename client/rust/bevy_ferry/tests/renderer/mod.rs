//! A Bevy app without a window: four quarters of the picture in a colour each.

use bevy::app::ScheduleRunnerPlugin;
use bevy::camera::ScalingMode;
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::prelude::*;
use bevy::window::{ExitCondition, WindowPlugin};
use bevy_ferry::{FerryCamera, FerryPlugin, ViewerEvent, ViewerMessage};
use std::time::Duration;

pub const STREAM: &str = "quarters";
/// Another camera's, at the same place.
pub const SECOND_STREAM: &str = "second";
/// Not a multiple of what rows are padded to.
pub const SIZE_PX: (u32, u32) = (322, 182);
pub const CAMERA_AT: [f32; 3] = [0.0, 0.0, 5.0];
pub const ALL: usize = 4;
/// From left to right, from top to bottom; sRGB.
pub const COLOURS: [[u8; 3]; ALL] = [[200, 40, 60], [30, 180, 90], [40, 80, 220], [240, 230, 20]];
/// Each quarter takes the next one's colour.
pub const COMMAND_TURN: u32 = 1;

#[derive(Component)]
struct Quarter(usize);

pub fn run() {
    let no_window = WindowPlugin { primary_window: None, exit_condition: ExitCondition::DontExit, ..default() };
    App::new()
        .add_plugins(FerryPlugin::default())
        .add_plugins(DefaultPlugins.set(no_window))
        .add_plugins(ScheduleRunnerPlugin::run_loop(Duration::from_millis(5)))
        .add_systems(Startup, build_scene)
        .add_systems(Update, turn)
        .run();
}

fn colour(index: usize) -> Color {
    let [r, g, b] = COLOURS[index % ALL];
    Color::srgb_u8(r, g, b)
}

fn build_scene(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    for (order, stream) in [STREAM, SECOND_STREAM].into_iter().enumerate() {
        // Two units high and wide, whatever the size in pixels.
        let projection = OrthographicProjection {
            scaling_mode: ScalingMode::Fixed { width: 2.0, height: 2.0 },
            ..OrthographicProjection::default_3d()
        };
        commands.spawn((
            Camera3d::default(),
            Camera { order: order as isize, ..default() },
            Projection::Orthographic(projection),
            Transform::from_translation(CAMERA_AT.into()),
            Tonemapping::None,
            DebandDither::Disabled,
            Msaa::Off,
            FerryCamera::new(stream, SIZE_PX.into()),
        ));
    }
    let square = meshes.add(Rectangle::new(1.0, 1.0));
    for number in 0..ALL {
        let material = StandardMaterial { base_color: colour(number), unlit: true, ..default() };
        let (right, down) = ((number % 2) as f32, (number / 2) as f32);
        commands.spawn((
            Mesh3d(square.clone()),
            MeshMaterial3d(materials.add(material)),
            Transform::from_xyz(right - 0.5, 0.5 - down, 0.0),
            Quarter(number),
        ));
    }
}

fn turn(
    mut messages: MessageReader<ViewerMessage>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut quarters: Query<(&mut Quarter, &MeshMaterial3d<StandardMaterial>)>,
) {
    for message in messages.read() {
        if !matches!(message.event, ViewerEvent::Command { id: COMMAND_TURN, .. }) {
            continue;
        }
        for (mut quarter, material) in &mut quarters {
            quarter.0 += 1;
            if let Some(mut material) = materials.get_mut(&material.0) {
                material.base_color = colour(quarter.0);
            }
        }
    }
}
