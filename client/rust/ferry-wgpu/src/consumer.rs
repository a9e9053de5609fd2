use crate::Interop;
use crate::barrier::Transfer;
use crate::slots::{Purpose, SlotImage, Slots};
use ferry::{AttachOptions, Event, FrameMetadata, Result, StreamState, Wait};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// The newest frame of a stream as a wgpu texture.
#[derive(Debug)]
pub struct Consumer {
    // In this order: the textures end before the images that they stand on.
    slots: Slots,
    current: Option<Frame>,
    consumer: ferry::Consumer,
    interop: Interop,
}

/// The frame on show. It is held until the next one comes.
#[derive(Debug)]
pub struct Frame {
    texture: Arc<wgpu::Texture>,
    frame: ferry::Frame,
}

impl Frame {
    /// To sample or to copy from. Submit what reads it before the next [`Consumer::update`]; a clone that is kept longer
    /// shows whatever the slot holds then, and is an error of wgpu's once its generation has gone.
    #[must_use]
    pub fn texture(&self) -> &Arc<wgpu::Texture> {
        &self.texture
    }

    #[must_use]
    pub fn size_px(&self) -> (u32, u32) {
        self.frame.size_px()
    }

    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.frame.sequence()
    }

    /// Frames published since the one before, and never seen.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.frame.skipped()
    }

    /// When the producer published it (`CLOCK_MONOTONIC`).
    #[must_use]
    pub fn produced_ns(&self) -> u64 {
        self.frame.produced_ns()
    }

    #[must_use]
    pub fn metadata(&self) -> FrameMetadata {
        self.frame.metadata()
    }

    /// With [`Frame::slot`] a name for what is made from the texture.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.frame.generation()
    }

    #[must_use]
    pub fn slot(&self) -> u32 {
        self.frame.slot()
    }

    fn release(&self) -> Transfer {
        Transfer::Release { image: self.frame.image(), peer_family: self.frame.peer_queue_family() }
    }
}

impl Consumer {
    /// `options.max_holds` must leave room for two: the frame on show and the next one.
    pub fn attach(interop: &Interop, options: &AttachOptions) -> Result<Self> {
        Ok(Self {
            slots: Slots::new(interop, Purpose::READING),
            current: None,
            consumer: ferry::Consumer::attach(&interop.connection, &interop.ferry, options)?,
            interop: interop.clone(),
        })
    }

    /// Takes the next frame (mode latest: the newest), if there is one that is newer, and gives the one before back. True
    /// when there was. Whatever reads the one before must have been submitted.
    pub fn update(&mut self, wait: Wait) -> Result<bool> {
        // The one before is held until the next one is: its generation cannot go in between.
        let Some(frame) = self.consumer.acquire(wait)? else { return Ok(false) };
        self.interop.wait_for(std::iter::once(frame.wait()))?;
        let slot = SlotImage {
            generation: frame.generation(),
            slot: frame.slot(),
            image: frame.image(),
            size_px: frame.size_px(),
            format: frame.format(),
        };
        let (texture, is_new) = self.slots.texture(&slot)?;
        let previous = self.current.take();
        let mut commands = Vec::with_capacity(3);
        let mut transfers = Vec::with_capacity(2);
        if let Some(previous) = &previous {
            commands.push(self.interop.settle(&previous.texture));
            transfers.push(previous.release());
        }
        transfers.push(Transfer::Acquire { image: slot.image, peer_family: frame.peer_queue_family() });
        commands.push(self.interop.record(&transfers));
        if is_new {
            commands.push(self.interop.settle(&texture)); // wgpu's first use, before anybody samples
        }
        match &previous {
            Some(previous) => self.interop.submit_and_signal(commands, previous.frame.signal()),
            None => self.interop.queue.submit(commands),
        };
        self.current = Some(Frame { texture, frame });
        let retired = self.slots.retire_before(slot.generation, |_| false);
        if let Some(previous) = previous {
            previous.frame.release_signalled()?;
        }
        retired.map(|()| true)
    }

    /// The frame on show, `None` before the first.
    #[must_use]
    pub fn frame(&self) -> Option<&Frame> {
        self.current.as_ref()
    }

    /// The oldest event not yet seen.
    pub fn next_event(&self) -> Result<Option<Event>> {
        self.consumer.next_event()
    }

    /// For poll or epoll: readable when [`Consumer::update`] or [`Consumer::next_event`] has something. Once asked for,
    /// call both after each wake-up, `next_event()` and `update(Wait::No)`, until they bring nothing: events that nobody
    /// takes keep it readable.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.consumer.fd()
    }

    pub fn state(&self) -> Result<StreamState> {
        self.consumer.state()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Some(current) = self.current.take() {
            let released = self.interop.record(&[current.release()]);
            let Frame { texture, frame } = current;
            let settled = self.interop.settle(&texture);
            self.interop.submit_and_signal([settled, released], frame.signal());
            let _ = frame.release_signalled();
        }
    }
}
