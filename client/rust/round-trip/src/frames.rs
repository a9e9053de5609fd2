use crate::shared_memory::SharedMemory;
use std::io::{Error, Result};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const HALVES: usize = 2;
const MESSAGE_WORDS: usize = 6;

/// Where the viewer of `stream` listens.
fn socket_path(stream: &str) -> PathBuf {
    ferry_input::socket_path(&format!("{stream}-round-trip"))
}

/// The renderer's end.
#[derive(Debug)]
pub struct RoundTripSender {
    socket: UnixDatagram,
    path: PathBuf,
    memory: Option<SharedMemory>,
    staging: Option<wgpu::Buffer>,
    half: usize,
    /// Bytes that the CPU copied so far.
    pub copied_bytes: u64,
}

impl RoundTripSender {
    pub fn new(stream: &str) -> Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path: socket_path(stream), memory: None, staging: None, half: 0, copied_bytes: 0 })
    }

    /// Reads the texture back and tells the viewer. `produced_ns` goes with it.
    pub fn send(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        texture: &wgpu::Texture,
        produced_ns: u64,
    ) -> Result<()> {
        let row_bytes = (texture.width() * 4) as usize;
        let padded_bytes = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize);
        let frame_bytes = row_bytes * texture.height() as usize;
        let staging = self.staging(device, (padded_bytes * texture.height() as usize) as u64);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(padded_bytes as u32), rows_per_image: None };
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo { buffer: &staging, layout },
            texture.size(),
        );
        queue.submit([encoder.finish()]);
        staging.slice(..).map_async(wgpu::MapMode::Read, |_| ());
        device.poll(wgpu::PollType::wait_indefinitely()).map_err(Error::other)?;

        if self.memory.as_ref().is_none_or(|memory| memory.size_bytes() != HALVES * frame_bytes) {
            self.memory = Some(SharedMemory::create(HALVES * frame_bytes)?);
        }
        let memory = self.memory.as_mut().expect("just made");
        self.half = (self.half + 1) % HALVES;
        let rows = memory.bytes_mut()[self.half * frame_bytes..][..frame_bytes].chunks_exact_mut(row_bytes);
        for (to, from) in rows.zip(staging.slice(..).get_mapped_range().chunks_exact(padded_bytes)) {
            to.copy_from_slice(&from[..row_bytes]);
        }
        staging.unmap();
        self.copied_bytes += frame_bytes as u64;

        let words: [u64; MESSAGE_WORDS] = [
            u64::from(std::process::id()),
            memory.fd() as u64,
            self.half as u64,
            u64::from(texture.width()),
            u64::from(texture.height()),
            produced_ns,
        ];
        let message: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.socket.send_to(&message, &self.path).map(|_| ())
    }

    fn staging(&mut self, device: &wgpu::Device, size_bytes: u64) -> wgpu::Buffer {
        if self.staging.as_ref().is_none_or(|buffer| buffer.size() != size_bytes) {
            self.staging = Some(device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("round trip"),
                size: size_bytes,
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            }));
        }
        self.staging.clone().expect("just made")
    }
}

/// The viewer's end.
#[derive(Debug)]
pub struct RoundTripReceiver {
    socket: UnixDatagram,
    path: PathBuf,
    memory: Option<(u32, i32, SharedMemory)>,
    texture: Option<Arc<wgpu::Texture>>,
    /// Bytes that the CPU copied so far: wgpu's upload does it on our behalf.
    pub copied_bytes: u64,
    /// Frames that were sent here, taken or not.
    pub received: u64,
    /// Of the frame taken last.
    pub produced_ns: u64,
}

impl RoundTripReceiver {
    pub fn bind(stream: &str) -> Result<Self> {
        let path = socket_path(stream);
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path, memory: None, texture: None, copied_bytes: 0, received: 0, produced_ns: 0 })
    }

    /// Sleeps until there is a frame.
    pub fn wait(&self, patience: Duration) -> Result<()> {
        let mut wait = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor that lives.
        match unsafe { libc::poll(&mut wait, 1, patience.as_millis() as i32) } {
            1 => Ok(()),
            0 => Err(Error::other("no frame came")),
            _ => Err(Error::last_os_error()),
        }
    }

    /// Uploads the newest frame; whether there was one.
    pub fn update(&mut self, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<bool> {
        let mut newest = None;
        let mut message = [0; MESSAGE_WORDS * 8];
        while self.socket.recv(&mut message).is_ok_and(|length| length == message.len()) {
            newest = Some(message);
            self.received += 1;
        }
        let Some(message) = newest else { return Ok(false) };
        let word = |index: usize| u64::from_le_bytes(message[index * 8..index * 8 + 8].try_into().unwrap());
        let (pid, fd, half) = (word(0) as u32, word(1) as i32, word(2) as usize);
        let (width, height) = (word(3) as u32, word(4) as u32);
        let frame_bytes = width as usize * 4 * height as usize;
        let fits = |(of, number, memory): &(u32, i32, SharedMemory)| {
            (*of, *number, memory.size_bytes()) == (pid, fd, HALVES * frame_bytes)
        };
        if !self.memory.as_ref().is_some_and(fits) {
            self.memory = Some((pid, fd, SharedMemory::open(pid, fd, HALVES * frame_bytes)?));
        }
        let memory = &self.memory.as_ref().expect("just opened").2;
        let texture = match &self.texture {
            Some(texture) if (texture.width(), texture.height()) == (width, height) => texture.clone(),
            _ => Arc::new(device.create_texture(&wgpu::TextureDescriptor {
                label: Some("round trip"),
                size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba8Unorm,
                usage: wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_DST
                    | wgpu::TextureUsages::COPY_SRC,
                view_formats: &[],
            })),
        };
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None };
        let pixels = &memory.bytes()[(half % HALVES) * frame_bytes..][..frame_bytes];
        queue.write_texture(texture.as_image_copy(), pixels, layout, texture.size());
        self.copied_bytes += frame_bytes as u64;
        self.produced_ns = word(5);
        self.texture = Some(texture);
        Ok(true)
    }

    #[must_use]
    pub fn texture(&self) -> Option<&Arc<wgpu::Texture>> {
        self.texture.as_ref()
    }
}

impl AsFd for RoundTripReceiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for RoundTripReceiver {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
