//! The demo's viewer: a GPUI window with panels around a viewport that another process renders.
//!
//!   gpui_viewer [--fit contain|cover|fill|none] [--keep-size]
//!
//! It asks the renderer for the viewport's size, unless the renderer is to keep its own.

use async_io::Async;
use ferry_demo::protocol::{COMMAND_PLAY, COMMAND_ROUND_TRIP, STREAM, VALUE_PITCH, VALUE_PLAYING, VALUE_YAW};
use gpui::{
    AnyElement, App, Application, Bounds, ClickEvent, Context, DevicePixels, Entity, IntoElement, KeyBinding,
    ObjectFit, QuitMode, Render, SharedString, SurfaceSource, Task, TitlebarOptions, Window, WindowBounds,
    WindowOptions, actions, div, prelude::*, px, rgb, size, surface,
};
use gpui_ferry::{FerryView, Fit, Meter, ViewerEvent};
use gpui_wgpu::WgpuContextHandle;
use round_trip::RoundTripReceiver;
use std::os::fd::AsFd as _;
use std::time::Duration;

actions!(viewer, [Quit]);

const TITLE: &str = "GPUI shows Bevy";
const WINDOW_PX: (f32, f32) = (1120.0, 640.0);
const PANEL_PX: f32 = 240.0;
/// How often the read-outs change.
const READ_OUT_EVERY: Duration = Duration::from_millis(250);

fn main() {
    ferry_demo::complaints::show();
    let arguments: Vec<String> = std::env::args().collect();
    let fit = match arguments.iter().position(|argument| argument == "--fit").and_then(|at| arguments.get(at + 1)) {
        None => Fit::default(),
        Some(name) => match name.as_str() {
            "contain" => Fit::Contain,
            "cover" => Fit::Cover,
            "fill" => Fit::Fill,
            "none" => Fit::None,
            other => panic!("no fit is called '{other}'"),
        },
    };
    let asks_for_size = !arguments.iter().any(|argument| argument == "--keep-size");
    Application::with_platform(gpui_linux::current_platform(false)).with_quit_mode(QuitMode::LastWindowClosed).run(
        move |cx: &mut App| {
            let bounds = Bounds::centered(None, size(px(WINDOW_PX.0), px(WINDOW_PX.1)), cx);
            let titlebar = TitlebarOptions { title: Some(TITLE.into()), ..Default::default() };
            let options = WindowOptions {
                window_bounds: Some(WindowBounds::Windowed(bounds)),
                titlebar: Some(titlebar),
                ..Default::default()
            };
            cx.bind_keys([KeyBinding::new("ctrl-q", Quit, None)]);
            cx.on_action(|_: &Quit, cx| cx.quit());
            cx.open_window(options, move |_, cx| cx.new(|cx| Demo::new(fit, asks_for_size, cx))).expect("a window");
            cx.activate(true);
        },
    );
}

struct Demo {
    viewport: Entity<FerryView>,
    playing: bool,
    round_trip: Option<RoundTrip>,
    _clock: Task<()>,
}

/// Frames that come through the CPU, while that is switched on.
struct RoundTrip {
    receiver: RoundTripReceiver,
    meter: Meter,
    taken: async_channel::Sender<()>,
    _watcher: Task<()>,
}

impl Demo {
    fn new(fit: Fit, asks_for_size: bool, cx: &mut Context<Self>) -> Self {
        let clock = cx.spawn(async move |this, cx| {
            loop {
                cx.background_executor().timer(READ_OUT_EVERY).await;
                if this.update(cx, |_, cx| cx.notify()).is_err() {
                    return;
                }
            }
        });
        let viewport = cx.new(|cx| {
            let mut view = FerryView::new(STREAM, cx);
            view.set_fit(fit);
            view.set_asks_for_size(asks_for_size);
            view
        });
        Self { viewport, playing: true, round_trip: None, _clock: clock }
    }

    fn tell(&self, id: u32, value: bool, cx: &Context<Self>) {
        self.viewport.read(cx).send(ViewerEvent::Command { id, value: value.into() });
    }

    fn toggle_play(&mut self, cx: &mut Context<Self>) {
        self.playing = !self.playing;
        self.tell(COMMAND_PLAY, self.playing, cx);
        cx.notify();
    }

    fn toggle_way(&mut self, cx: &mut Context<Self>) {
        self.round_trip = match self.round_trip {
            Some(_) => None,
            None => RoundTrip::start(cx),
        };
        self.tell(COMMAND_ROUND_TRIP, self.round_trip.is_some(), cx);
        cx.notify();
    }

    /// The other way's picture, over the viewport, which goes on taking the pointer.
    fn overlay(&mut self, window: &Window) -> Option<AnyElement> {
        let round_trip = self.round_trip.as_mut()?;
        let gpu = WgpuContextHandle::from_window(window)?;
        if round_trip.receiver.update(gpu.device(), gpu.queue()).unwrap_or(false) {
            round_trip.meter.count(round_trip.receiver.produced_ns);
        }
        let _ = round_trip.taken.try_send(());
        let texture = round_trip.receiver.texture()?.clone();
        let size = size(DevicePixels(texture.width() as i32), DevicePixels(texture.height() as i32));
        let picture = surface(SurfaceSource::Texture { texture, size }).object_fit(ObjectFit::Contain).size_full();
        Some(div().absolute().top_0().left_0().size_full().child(picture).into_any_element())
    }

    fn read_outs(&self, cx: &Context<Self>) -> Vec<(&'static str, String)> {
        let stats = self.viewport.read(cx).stats();
        let mut lines = vec![("stream", STREAM.to_owned())];
        let pace = |meter: &Meter| format!("{:.2} ms, {:.0} /s", meter.latency_ms(), meter.frames_per_second());
        if let Some(round_trip) = &self.round_trip {
            lines.push(("way", "CPU round trip".into()));
            lines.push(("from submitted to taken", pace(&round_trip.meter)));
            lines.push(("copied here", format!("{:.0} MB", round_trip.receiver.copied_bytes as f64 / 1e6)));
        } else {
            lines.push(("way", format!("Ferry, sync {}", stats.sync)));
            lines.push(("from submitted to taken", pace(&stats.meter)));
            lines.push(("copied here", "nothing".into()));
        }
        lines.push(("picture", format!("{} x {}", stats.size_px.0, stats.size_px.1)));
        lines.push(("shown, skipped", format!("{}, {}", stats.shown, stats.skipped)));
        let renderer = match (&stats.waiting_for, stats.orphaned) {
            (Some(why), _) => why.clone(),
            (None, true) => "gone; its last frame".into(),
            (None, false) => "alive".into(),
        };
        lines.push(("renderer", renderer));
        if let Some(note) = &stats.note {
            let state = if note.values[VALUE_PLAYING] > 0.0 { "moving" } else { "standing" };
            lines.push(("scene", format!("{state}, {:.1} s", note.time_s)));
            lines.push(("camera", format!("yaw {:.2}, pitch {:.2}", note.values[VALUE_YAW], note.values[VALUE_PITCH])));
        }
        lines
    }
}

impl RoundTrip {
    fn start(cx: &mut Context<Demo>) -> Option<Self> {
        let receiver = RoundTripReceiver::bind(STREAM).ok()?;
        let fd = receiver.as_fd().try_clone_to_owned().ok()?;
        let (taken, wakes) = async_channel::bounded(1);
        let watcher = cx.spawn(async move |this, cx| {
            let Ok(fd) = Async::new_nonblocking(fd) else { return };
            while wakes.recv().await.is_ok() && fd.readable().await.is_ok() {
                if this.update(cx, |_, cx| cx.notify()).is_err() {
                    return;
                }
            }
        });
        Some(Self { receiver, meter: Meter::default(), taken, _watcher: watcher })
    }
}

fn button(
    label: impl Into<SharedString>,
    id: &'static str,
    on_click: impl Fn(&ClickEvent, &mut Window, &mut App) + 'static,
) -> impl IntoElement {
    div()
        .id(id)
        .px_3()
        .py_2()
        .rounded_md()
        .bg(rgb(0x2f6f9f))
        .hover(|style| style.bg(rgb(0x3a86bd)))
        .cursor_pointer()
        .child(label.into())
        .on_click(on_click)
}

impl Render for Demo {
    fn render(&mut self, window: &mut Window, cx: &mut Context<Self>) -> impl IntoElement {
        let overlay = self.overlay(window);
        let lines = self.read_outs(cx).into_iter().map(|(name, value)| {
            div()
                .flex()
                .flex_col()
                .child(div().text_xs().text_color(rgb(0x8a96a3)).child(name))
                .child(div().text_sm().child(value))
        });
        let play = if self.playing { "Pause" } else { "Play" };
        let way = if self.round_trip.is_some() { "Back to Ferry" } else { "Try the CPU round trip" };
        let panel = div()
            .w(px(PANEL_PX))
            .h_full()
            .flex_none()
            .flex()
            .flex_col()
            .gap_2()
            .p_3()
            .bg(rgb(0x1d232a))
            .child(div().text_xl().child(TITLE))
            .child(button(play, "play", cx.listener(|this, _, _, cx| this.toggle_play(cx))))
            .child(button(way, "way", cx.listener(|this, _, _, cx| this.toggle_way(cx))))
            .children(lines);
        let viewport = div().relative().flex_1().h_full().child(self.viewport.clone()).children(overlay);
        let footer = div().h(px(28.0)).flex_none().px_4().py_1().bg(rgb(0x161b21)).text_sm().text_color(rgb(0x8a96a3));
        div()
            .size_full()
            .flex()
            .flex_col()
            .bg(rgb(0x101419))
            .text_color(rgb(0xdfe6ee))
            .child(div().flex().flex_1().min_h_0().child(panel).child(viewport))
            .child(footer.child("Drag to orbit, scroll to come nearer. The picture is another process's texture."))
    }
}
