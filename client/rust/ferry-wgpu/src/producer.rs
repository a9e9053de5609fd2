use crate::Interop;
use crate::barrier::Transfer;
use crate::slots::{SlotImage, Slots};
use ferry::{FrameMetadata, ImageDesc, Result, StreamOptions, StreamState, Wait};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// Frames that the GPU has not finished when the next one is begun, at most. Nothing else holds back a renderer that no
/// display paces: in sync mode timeline it would queue ever more work, and its newest frame would be ever older.
const FRAMES_AHEAD: usize = 2;

/// The right to publish wgpu textures into one stream.
#[derive(Debug)]
pub struct Producer {
    // In this order: the textures end before the images that they stand on.
    slots: Slots,
    begun: VecDeque<(u64, Weak<()>)>,
    /// What the last frames were published with.
    ahead: VecDeque<wgpu::SubmissionIndex>,
    producer: ferry::Producer,
    interop: Interop,
}

/// A slot to render into. Dropped unpublished it is given back without a frame.
#[derive(Debug)]
#[must_use = "a target that is dropped gives no frame"]
pub struct Target {
    texture: Arc<wgpu::Texture>,
    interop: Interop,
    /// `None` once it is published.
    target: Option<ferry::Target>,
    slot: u32,
    generation: u64,
    size_px: (u32, u32),
    _in_use: Arc<()>,
}

impl Target {
    /// Its content is what an earlier frame left: draw all of it.
    #[must_use]
    pub fn texture(&self) -> &Arc<wgpu::Texture> {
        &self.texture
    }

    #[must_use]
    pub fn size_px(&self) -> (u32, u32) {
        self.size_px
    }

    /// With [`Target::slot`] a name for what is made from the texture.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    #[must_use]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// The image as it crosses: its layout, and nobody's.
    fn hand_over(&self, target: &ferry::Target) -> [wgpu::CommandBuffer; 2] {
        [self.interop.settle(&self.texture), self.interop.record(&[Transfer::Release(target.image())])]
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let Some(target) = self.target.take() else { return };
        self.interop.queue.submit(self.hand_over(&target));
        // What may have been drawn has to be over before the slot is given back.
        let _ = self.interop.device.poll(wgpu::PollType::wait_indefinitely());
    }
}

impl Producer {
    /// Creates the stream, or takes over an orphaned one of that name.
    pub fn create(interop: &Interop, options: &StreamOptions) -> Result<Self> {
        let usage = wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::COPY_SRC
            | wgpu::TextureUsages::COPY_DST;
        Ok(Self {
            slots: Slots::new(usage, options.image.srgb_views),
            begun: VecDeque::new(),
            ahead: VecDeque::new(),
            producer: ferry::Producer::create(&interop.connection, &interop.ferry, options)?,
            interop: interop.clone(),
        })
    }

    /// A slot that nobody reads, or `None` when all were held for that long. Whatever is submitted from now on comes after
    /// its last reader. Sleeps while the GPU is more than two published frames behind.
    pub fn begin(&mut self, wait: Wait) -> Result<Option<Target>> {
        while self.ahead.len() >= FRAMES_AHEAD {
            self.interop.wait_until_done(self.ahead.pop_front())?;
        }
        let Some(target) = self.producer.begin(wait)? else { return Ok(None) };
        self.interop.wait_for(target.waits())?;
        self.begun.retain(|(_, in_use)| in_use.strong_count() != 0);
        let slot = SlotImage {
            generation: target.generation(),
            slot: target.slot(),
            image: target.image(),
            size_px: target.size_px(),
            format: target.format(),
        };
        let (texture, _) = self.slots.texture(&self.interop.device, &slot)?;
        let begun = &self.begun;
        self.slots.retire_before(slot.generation, |of| begun.iter().any(|(generation, _)| *generation == of));
        self.interop.queue.submit([self.interop.record(&[Transfer::Acquire(slot.image)])]);
        let in_use = Arc::new(());
        self.begun.push_back((slot.generation, Arc::downgrade(&in_use)));
        Ok(Some(Target {
            texture,
            interop: self.interop.clone(),
            slot: slot.slot,
            generation: slot.generation,
            size_px: slot.size_px,
            target: Some(target),
            _in_use: in_use,
        }))
    }

    /// Makes the target the stream's newest frame. What draws into it must have been submitted.
    pub fn publish(&mut self, mut target: Target, metadata: &FrameMetadata) -> Result<()> {
        let Some(begun) = target.target.take() else { return Ok(()) };
        let commands = target.hand_over(&begun);
        self.interop.signal_with_next_submission(begun.signal());
        self.ahead.push_back(self.interop.queue.submit(commands));
        begun.publish(metadata)
    }

    /// A new size, format or usage: the next [`Producer::begin`] has it. On an error the stream goes on as it was.
    pub fn reconfigure(&mut self, image: &ImageDesc) -> Result<()> {
        self.producer.reconfigure(image)?;
        self.slots.set_srgb_views(image.srgb_views);
        Ok(())
    }

    pub fn state(&self) -> Result<StreamState> {
        self.producer.state()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // libferry waits for what was submitted; wgpu must not destroy its side of the textures before.
        let _ = self.interop.device.poll(wgpu::PollType::wait_indefinitely());
    }
}
