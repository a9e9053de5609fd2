//! What an application does with wgpu, and what the validation layer says of it.

use ferry_wgpu::Gpu;
use std::sync::{Mutex, Once};

static COMPLAINTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::Level::Warn
    }
    fn log(&self, record: &log::Record) {
        // wgpu-hal tells there what the validation layer says.
        if self.enabled(record.metadata()) && record.target().starts_with("wgpu_hal::vulkan::instance") {
            COMPLAINTS.lock().unwrap().push(record.args().to_string());
        }
    }
    fn flush(&self) {}
}

pub fn listen_to_validation() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Listener).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
}

/// What the validation layer has said so far. The message that the layer itself is missing counts too.
pub fn complaints() -> Vec<String> {
    COMPLAINTS.lock().unwrap().clone()
}

/// Another device on the same adapter, made by wgpu alone.
pub fn plain_device(gpu: &Gpu) -> (wgpu::Device, wgpu::Queue) {
    at_once(gpu.adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap()
}

/// wgpu's native backends answer at once: its futures are for the web.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("wgpu's native backends answer at once"),
    }
}

/// Fills the texture by a copy, as an upload would.
pub fn write(gpu: &Gpu, texture: &wgpu::Texture, pixels: &[u8]) {
    let layout =
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(texture.width() * 4), rows_per_image: None };
    gpu.queue.write_texture(texture.as_image_copy(), pixels, layout, texture.size());
    gpu.queue.submit([]);
}

/// Fills the texture by a render pass.
pub fn clear(gpu: &Gpu, texture: &wgpu::Texture, [r, g, b, a]: [u8; 4]) {
    let part = |value: u8| f64::from(value) / 255.0;
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load: wgpu::LoadOp::Clear(wgpu::Color { r: part(r), g: part(g), b: part(b), a: part(a) }),
                store: wgpu::StoreOp::Store,
            },
        })],
        ..Default::default()
    });
    gpu.queue.submit([encoder.finish()]);
}

/// Every pixel, without the padding that wgpu's rows have.
pub fn read_back(gpu: &Gpu, texture: &wgpu::Texture) -> Vec<u8> {
    let row_bytes = texture.width() * 4;
    let padded_bytes = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(padded_bytes) * u64::from(texture.height()),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let to = wgpu::TexelCopyBufferInfo {
        buffer: &buffer,
        layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(padded_bytes), rows_per_image: None },
    };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
    gpu.queue.submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.unwrap());
    gpu.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let mapped = buffer.slice(..).get_mapped_range();
    mapped.chunks_exact(padded_bytes as usize).flat_map(|row| &row[..row_bytes as usize]).copied().collect()
}

/// Whether wgpu refuses to read from the texture.
pub fn is_refused(gpu: &Gpu, texture: &wgpu::Texture) -> bool {
    refuses(gpu, || read_corner(gpu, texture))
}

/// Whether wgpu finds a mistake in what is done.
pub fn refuses(gpu: &Gpu, act: impl FnOnce()) -> bool {
    let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
    act();
    at_once(scope.pop()).is_some()
}

/// Has the GPU read from the texture, and does not wait for it.
pub fn read_corner(gpu: &Gpu, texture: &wgpu::Texture) {
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 256,
        usage: wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let to = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout: wgpu::TexelCopyBufferLayout::default() };
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        to,
        wgpu::Extent3d { width: 1, height: 1, depth_or_array_layers: 1 },
    );
    gpu.queue.submit([encoder.finish()]);
}
