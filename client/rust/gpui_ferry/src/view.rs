use crate::attach::{News, attach};
use crate::fit::Fit;
use crate::input::{Drag, Picture, button, key};
use crate::stats::ViewStats;
use ferry_input::{FrameNote, InputSender, ViewerEvent};
use ferry_wgpu::Consumer;
use ferry_wgpu::ferry::{Event, Result, Wait};
use gpui::{
    AnyElement, App, Bounds, Context, DevicePixels, FocusHandle, Focusable, HoverListenerMode, IntoElement,
    KeyDownEvent, KeyUpEvent, MouseButton, MouseDownEvent, MouseMoveEvent, MouseUpEvent, ObjectFit, Pixels, Point,
    Render, ScrollDelta, ScrollWheelEvent, SurfaceSource, Task, Window, canvas, div, prelude::*, surface,
};
use gpui_wgpu::WgpuContextHandle;
use std::cell::Cell;
use std::rc::Rc;

/// Shows a stream. Make one with `cx.new(|cx| FerryView::new("name", cx))` and put it into a layout. The keyboard is the
/// renderer's while the view has the focus, which a click gives it.
pub struct FerryView {
    stream: String,
    fit: Fit,
    asks_for_size: bool,
    link: Link,
    /// The lease before, whose texture may be in the scene that the window still shows.
    retired: Option<Box<Consumer>>,
    input: Option<InputSender>,
    /// Where the view was laid out last.
    bounds: Rc<Cell<Bounds<Pixels>>>,
    asked_size_px: Option<(u32, u32)>,
    drag: Option<Drag>,
    focus: FocusHandle,
    stats: ViewStats,
}

enum Link {
    Idle,
    Attaching(#[expect(dead_code, reason = "ends with the link")] Task<()>),
    Live(Live),
}

struct Live {
    consumer: Box<Consumer>,
    /// Tells the watcher that everything has been taken, and the descriptor sleeps again.
    taken: async_channel::Sender<()>,
    _watcher: Task<()>,
}

impl FerryView {
    pub fn new(stream: &str, cx: &mut Context<Self>) -> Self {
        Self {
            stream: stream.to_owned(),
            fit: Fit::default(),
            asks_for_size: true,
            link: Link::Idle,
            retired: None,
            input: InputSender::new(stream).ok(),
            bounds: Rc::default(),
            asked_size_px: None,
            drag: None,
            focus: cx.focus_handle(),
            stats: ViewStats::default(),
        }
    }

    /// How the picture fits into the view: whole unless told otherwise.
    pub fn set_fit(&mut self, fit: Fit) {
        self.fit = fit;
    }

    /// Whether the renderer is asked for the size that the view has. It is, unless told otherwise.
    pub fn set_asks_for_size(&mut self, asks: bool) {
        self.asks_for_size = asks;
    }

    #[must_use]
    pub fn stats(&self) -> &ViewStats {
        &self.stats
    }

    /// Tells the renderer something; false when none listens.
    pub fn send(&self, event: ViewerEvent) -> bool {
        self.input.as_ref().is_some_and(|input| input.send(event))
    }

    fn start_attaching(&mut self, window: &Window, cx: &mut Context<Self>) {
        let Some(gpu) = WgpuContextHandle::from_window(window) else {
            self.stats.waiting_for = Some("this window is not drawn by wgpu".into());
            return;
        };
        let news = attach(&self.stream, gpu.device(), gpu.queue());
        self.link = Link::Attaching(cx.spawn(async move |this, cx| {
            while let Ok(news) = news.recv().await {
                let told = this.update(cx, |this, cx| {
                    match news {
                        News::Attached(consumer) => this.go_live(consumer, cx),
                        News::Waiting(why) => this.stats.waiting_for = Some(why),
                    }
                    cx.notify();
                });
                if told.is_err() {
                    return;
                }
            }
        }));
    }

    fn go_live(&mut self, consumer: Box<Consumer>, cx: &mut Context<Self>) {
        let (taken, wakes) = async_channel::bounded(1);
        let fd = consumer.fd().ok().and_then(|fd| fd.try_clone_to_owned().ok());
        self.stats.sync = consumer.state().map(|state| format!("{:?}", state.sync_mode)).unwrap_or_default();
        self.stats.waiting_for = None;
        self.stats.orphaned = false;
        self.asked_size_px = None;
        let watcher = cx.spawn(async move |this, cx| {
            let Some(fd) = fd.and_then(|fd| async_io::Async::new_nonblocking(fd).ok()) else { return };
            while wakes.recv().await.is_ok() && fd.readable().await.is_ok() {
                if this.update(cx, |_, cx| cx.notify()).is_err() {
                    return;
                }
            }
        });
        // Dropping the task that runs this is fine: it has nothing left to do.
        self.link = Link::Live(Live { consumer, taken, _watcher: watcher });
    }

    /// Takes the newest frame. Only while a new scene is made: the one before is in the scene that was drawn last, which
    /// has been submitted by now and is not drawn again.
    fn take_newest(&mut self) -> Result<()> {
        self.retired = None;
        let Link::Live(live) = &mut self.link else { return Ok(()) };
        while let Some(event) = live.consumer.next_event()? {
            match event {
                Event::Orphaned => self.stats.orphaned = true,
                Event::Resumed => {
                    self.stats.orphaned = false;
                    self.asked_size_px = None; // a new renderer does not know
                }
                _ => {}
            }
        }
        while live.consumer.update(Wait::No)? {
            let frame = live.consumer.frame().expect("there is a new one");
            self.stats.count(frame.produced_ns(), frame.skipped());
            self.stats.size_px = frame.size_px();
            self.stats.note = FrameNote::decode(frame.metadata().user());
        }
        let _ = live.taken.try_send(());
        Ok(())
    }

    fn picture(&self) -> Option<Picture> {
        let (width_px, height_px) = self.stats.size_px;
        if width_px == 0 || height_px == 0 {
            return None;
        }
        let bounds = ObjectFit::from(self.fit).get_bounds(self.bounds.get(), device_size((width_px, height_px)));
        Some(Picture { bounds, size_px: (width_px, height_px) })
    }

    fn ask_for_size(&mut self, scale_factor: f32) {
        let size = self.bounds.get().size;
        let in_px = |length: Pixels| (f32::from(length) * scale_factor).round() as u32;
        let wish = (in_px(size.width), in_px(size.height));
        if self.asks_for_size && wish.0 > 0 && wish.1 > 0 && self.asked_size_px != Some(wish) {
            let (width_px, height_px) = wish;
            if self.send(ViewerEvent::Resize { width_px, height_px }) {
                self.asked_size_px = Some(wish);
            }
        }
    }

    fn pressed(&mut self, event: &MouseDownEvent, window: &mut Window, cx: &mut Context<Self>) {
        window.focus(&self.focus, cx);
        let (Some(picture), Some(held)) = (self.picture(), button(event.button)) else { return };
        let (x, y) = picture.position(event.position);
        self.drag = Some(Drag { held, last: (x, y) });
        self.send(ViewerEvent::Pressed { button: held, x, y });
    }

    fn released(&mut self, event: &MouseUpEvent) {
        let (Some(picture), Some(button)) = (self.picture(), button(event.button)) else { return };
        self.drag = None;
        let (x, y) = picture.position(event.position);
        self.send(ViewerEvent::Released { button, x, y });
    }

    fn moved(&mut self, event: &MouseMoveEvent) {
        if event.pressed_button.is_none() {
            self.drag = None; // the button came up somewhere else
        }
        let Some(picture) = self.picture() else { return };
        let (x, y) = picture.position(event.position);
        match &mut self.drag {
            Some(drag) => {
                let moved = drag.move_to((x, y));
                self.send(moved);
            }
            None if picture.contains(event.position) => _ = self.send(ViewerEvent::Moved { x, y }),
            None => {}
        }
    }

    fn key_pressed(&self, event: &KeyDownEvent) {
        if let Some((key, modifiers)) = key(&event.keystroke) {
            self.send(ViewerEvent::KeyPressed { key, modifiers, repeats: event.is_held });
        }
    }

    fn key_released(&self, event: &KeyUpEvent) {
        if let Some((key, modifiers)) = key(&event.keystroke) {
            self.send(ViewerEvent::KeyReleased { key, modifiers });
        }
    }

    fn hovered(&self, is_over: bool) {
        if !is_over && self.picture().is_some() {
            self.send(ViewerEvent::Left);
        }
    }

    fn scrolled(&mut self, position: Point<Pixels>, delta: ScrollDelta) {
        let Some(picture) = self.picture() else { return };
        let lines = match delta {
            ScrollDelta::Lines(lines) => lines.y,
            ScrollDelta::Pixels(pixels) => f32::from(pixels.y) / 20.0,
        };
        let (x, y) = picture.position(position);
        self.send(ViewerEvent::Scrolled { x, y, lines });
    }

    fn content(&self) -> AnyElement {
        let frame = match &self.link {
            Link::Live(live) => live.consumer.frame(),
            _ => None,
        };
        if let Some(frame) = frame {
            let source =
                SurfaceSource::Texture { texture: frame.texture().clone(), size: device_size(frame.size_px()) };
            return surface(source).object_fit(self.fit.into()).size_full().into_any_element();
        }
        let why = self.stats.waiting_for.clone().unwrap_or_else(|| format!("waiting for '{}'", self.stream));
        div().size_full().flex().items_center().justify_center().child(why).into_any_element()
    }
}

impl Render for FerryView {
    fn render(&mut self, window: &mut Window, cx: &mut Context<Self>) -> impl IntoElement {
        if matches!(self.link, Link::Idle) {
            self.start_attaching(window, cx);
        }
        if let Err(error) = self.take_newest() {
            // This lease has ended. Its last texture stays until the scene that shows it is gone.
            self.stats.waiting_for = Some(error.to_string());
            if let Link::Live(live) = std::mem::replace(&mut self.link, Link::Idle) {
                self.retired = Some(live.consumer);
            }
            self.start_attaching(window, cx);
        }
        self.ask_for_size(window.scale_factor());
        let bounds = self.bounds.clone();
        let this = cx.weak_entity();
        let measure = canvas(
            move |laid_out, _, cx| {
                if bounds.replace(laid_out) != laid_out {
                    _ = this.update(cx, |_, cx| cx.notify());
                }
            },
            |_, (), _, _| {},
        );
        let mut root = div()
            .id("ferry view")
            .size_full()
            .relative()
            .overflow_hidden() // fits that are larger than the view
            .track_focus(&self.focus)
            .child(measure.absolute().size_full())
            .child(self.content());
        for button in [MouseButton::Left, MouseButton::Right, MouseButton::Middle] {
            root = root
                .on_mouse_down(button, cx.listener(|this, event, window, cx| this.pressed(event, window, cx)))
                .on_mouse_up(button, cx.listener(|this, event, _, _| this.released(event)))
                .on_mouse_up_out(button, cx.listener(|this, event, _, _| this.released(event)));
        }
        root.on_mouse_move(cx.listener(|this, event, _, _| this.moved(event)))
            .hover_listener_mode(HoverListenerMode::InputModalityIndependent)
            .on_hover(cx.listener(|this, is_over, _, _| this.hovered(*is_over)))
            .on_key_down(cx.listener(|this, event, _, _| this.key_pressed(event)))
            .on_key_up(cx.listener(|this, event, _, _| this.key_released(event)))
            .on_scroll_wheel(
                cx.listener(|this, event: &ScrollWheelEvent, _, _| this.scrolled(event.position, event.delta)),
            )
    }
}

impl Focusable for FerryView {
    fn focus_handle(&self, _: &App) -> FocusHandle {
        self.focus.clone()
    }
}

fn device_size((width_px, height_px): (u32, u32)) -> gpui::Size<DevicePixels> {
    gpui::size(DevicePixels(width_px as i32), DevicePixels(height_px as i32))
}
