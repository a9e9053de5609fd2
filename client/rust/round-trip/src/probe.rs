/// A corner of the texture, read by the GPU: the frame is there when that has happened.
#[derive(Debug)]
pub struct Probe {
    buffer: wgpu::Buffer,
}

impl Probe {
    const SIDE_PX: u32 = 16;

    #[must_use]
    pub fn new(device: &wgpu::Device) -> Self {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("probe"),
            size: u64::from(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT * Self::SIDE_PX),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        Self { buffer }
    }

    /// The corner's pixels, when the GPU has read them.
    #[must_use]
    pub fn read(&self, device: &wgpu::Device, queue: &wgpu::Queue, texture: &wgpu::Texture) -> Vec<u8> {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let corner = wgpu::TexelCopyTextureInfo {
            origin: wgpu::Origin3d { x: texture.width() - Self::SIDE_PX, y: texture.height() - Self::SIDE_PX, z: 0 },
            ..texture.as_image_copy()
        };
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT),
            rows_per_image: None,
        };
        encoder.copy_texture_to_buffer(
            corner,
            wgpu::TexelCopyBufferInfo { buffer: &self.buffer, layout },
            wgpu::Extent3d { width: Self::SIDE_PX, height: Self::SIDE_PX, depth_or_array_layers: 1 },
        );
        queue.submit([encoder.finish()]);
        self.buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("the probe can be mapped"));
        device.poll(wgpu::PollType::wait_indefinitely()).expect("the GPU answers");
        let pixels = self
            .buffer
            .slice(..)
            .get_mapped_range()
            .chunks_exact(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize)
            .flat_map(|row| &row[..Self::SIDE_PX as usize * 4])
            .copied()
            .collect();
        self.buffer.unmap();
        pixels
    }
}
