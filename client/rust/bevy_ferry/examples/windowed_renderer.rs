//! A Bevy app with a window of its own, and beside it the Ferry stream "viewport": the same scene from the same place, in the
//! window's size.
use bevy::core_pipeline::tonemapping::{DebandDither, Tonemapping};
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::window::{PrimaryWindow, WindowPlugin, WindowResolution};
use bevy_ferry::{FerryCamera, FerryPlugin, SyncMode};
use bevy_winit::WinitPlugin;

const SIZE_PX: (u32, u32) = (640, 360);

fn main() {
    let window = Window {
        title: "Bevy shows Bevy".into(),
        resolution: WindowResolution::new(SIZE_PX.0, SIZE_PX.1).with_scale_factor_override(1.0),
        ..default()
    };
    let windows = WindowPlugin { primary_window: Some(window), ..default() };
    // Where Bevy's feature `bevy_winit` is on, its plugin is among the default ones already.
    let plugins = DefaultPlugins.set(windows).add_before::<RenderPlugin>(WinitPlugin::default());
    App::new()
        .add_plugins(FerryPlugin { sync_mode: SyncMode::Host, ..default() })
        .add_plugins(plugins)
        .add_systems(Startup, build_scene)
        .add_systems(Update, follow_window)
        .run();
}

fn build_scene(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    let above = Transform::from_xyz(0.0, 2.0, 5.0).looking_at(Vec3::ZERO, Vec3::Y);
    let camera = || (Camera3d::default(), Tonemapping::Reinhard, DebandDither::Disabled, Msaa::Off, above);
    commands.spawn(camera());
    let mut stream = FerryCamera::new("viewport", SIZE_PX.into());
    stream.follow_viewer = false; // the window's size counts
    commands.spawn((camera(), Camera { order: 1, ..default() }, stream));
    commands.spawn((DirectionalLight::default(), above));
    let shapes = [meshes.add(Torus::new(0.5, 1.2)), meshes.add(Sphere::new(0.5)), meshes.add(Cuboid::from_length(0.9))];
    for (number, shape) in shapes.into_iter().enumerate() {
        let colour = materials.add(Color::hsl(number as f32 * 120.0 + 40.0, 0.8, 0.5));
        commands.spawn((
            Mesh3d(shape),
            MeshMaterial3d(colour),
            Transform::from_xyz(number as f32 * 2.0 - 2.0, 0.0, 0.0),
        ));
    }
}

fn follow_window(windows: Query<&Window, With<PrimaryWindow>>, mut cameras: Query<&mut FerryCamera>) {
    let Ok(window) = windows.single() else { return };
    for mut camera in &mut cameras {
        if camera.size_px != window.physical_size() {
            camera.size_px = window.physical_size();
        }
    }
}
