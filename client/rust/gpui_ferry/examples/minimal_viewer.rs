//! A GPUI window that shows the Ferry stream "viewport", and sends the pointer back.
use gpui::{
    App, Application, Context, Entity, IntoElement, QuitMode, Render, Window, WindowOptions, div, prelude::*, rgb,
};
use gpui_ferry::FerryView;

struct Example {
    viewport: Entity<FerryView>,
}

impl Render for Example {
    fn render(&mut self, _: &mut Window, cx: &mut Context<Self>) -> impl IntoElement {
        let meter = &self.viewport.read(cx).stats().meter;
        let line = format!("{:.0} frames/s, {:.2} ms", meter.frames_per_second(), meter.latency_ms());
        div()
            .size_full()
            .flex()
            .flex_col()
            .bg(rgb(0x101419))
            .text_color(rgb(0xdfe6ee))
            .child(div().flex_1().min_h_0().child(self.viewport.clone()))
            .child(div().p_2().child(line))
    }
}

fn main() {
    Application::with_platform(gpui_linux::current_platform(false)).with_quit_mode(QuitMode::LastWindowClosed).run(
        |cx: &mut App| {
            cx.open_window(WindowOptions::default(), |_, cx| {
                let viewport = cx.new(|cx| FerryView::new("viewport", cx));
                cx.new(|cx| {
                    cx.observe(&viewport, |_, _, cx| cx.notify()).detach(); // the line below follows the picture
                    Example { viewport }
                })
            })
            .expect("a window");
        },
    );
}
