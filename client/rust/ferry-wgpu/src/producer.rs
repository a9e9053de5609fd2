use crate::Interop;
use crate::barrier::Transfer;
use crate::format::check;
use crate::slots::{Purpose, SlotImage, Slots};
use ferry::{Error, ErrorKind, Event, FrameMetadata, ImageDesc, Result, StreamOptions, StreamState, SyncMode, Wait};
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Frames that the GPU has not finished when the next one is begun, at most. Nothing else holds back a renderer that no
/// display paces: in sync mode timeline it would queue ever more work, and its newest frame would be ever older.
const FRAMES_AHEAD: usize = 2;
/// How long libferry looks for a slot at once. It buries a generation when it looks the next time: before that the textures
/// of it have to end here.
const LOOK: Duration = Duration::from_millis(20);

/// The right to publish wgpu textures into one stream. It may go before its targets.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    interop: Interop,
    begun: VecDeque<(u64, Weak<()>)>,
    /// What the last frames were published with.
    ahead: VecDeque<wgpu::SubmissionIndex>,
}

/// What targets stand on.
#[derive(Debug)]
struct Shared {
    // In this order: the textures end before the images that they stand on.
    slots: Mutex<Slots>,
    producer: ferry::Producer,
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    shared: Arc<Shared>,
}

impl Target {
    /// Its content is what an earlier frame left: draw all of it. A clone that is kept after the target is published or
    /// dropped is somebody else's picture: do not draw into it. Once its generation has gone it is an error of wgpu's.
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
        let release = Transfer::Release { image: target.image(), peer_family: target.peer_queue_family() };
        [self.interop.settle(&self.texture), self.interop.record(&[release])]
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let Some(target) = self.target.take() else { return };
        self.interop.queue.submit(self.hand_over(&target));
        // What may have been drawn has to be over before the slot is given back.
        let _ = self.interop.wait_until_done(None);
    }
}

impl Producer {
    /// Creates the stream, or takes over an orphaned one of that name. [`SyncMode::Automatic`] is `host` here, unless
    /// [`Interop::assume_sole_submitter`] lets the GPU wait: this thread would have to, for readers in another process.
    pub fn create(interop: &Interop, options: &StreamOptions) -> Result<Self> {
        let sync_mode = match options.sync_mode {
            SyncMode::Automatic if !interop.gpu_waits => SyncMode::Host,
            asked => asked,
        };
        check(options.image.format)?;
        let options = StreamOptions { sync_mode, ..options.clone() };
        let shared = Shared {
            slots: Mutex::new(Slots::new(interop, Purpose::of(&options.image))),
            producer: ferry::Producer::create(&interop.connection, &interop.ferry, &options)?,
        };
        Ok(Self { shared: Arc::new(shared), interop: interop.clone(), begun: VecDeque::new(), ahead: VecDeque::new() })
    }

    /// A slot that nobody reads, or `None` when all were held for that long (the compiler does not warn of a [`Target`]
    /// that is thrown away in its `Option`). Whatever is submitted from now on comes after its last reader. Sleeps while
    /// the GPU is more than two published frames behind.
    pub fn begin(&mut self, wait: Wait) -> Result<Option<Target>> {
        while self.ahead.len() >= FRAMES_AHEAD {
            self.interop.wait_until_done(self.ahead.pop_front())?;
        }
        let Some(target) = self.look_for_target(wait)? else { return Ok(None) };
        self.interop.wait_for(target.waits())?;
        let slot = SlotImage {
            generation: target.generation(),
            slot: target.slot(),
            image: target.image(),
            size_px: target.size_px(),
            format: target.format(),
        };
        let (texture, _) = self.shared.slots().texture(&slot)?;
        let acquire = Transfer::Acquire { image: slot.image, peer_family: target.peer_queue_family() };
        self.interop.queue.submit([self.interop.record(&[acquire])]);
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
            shared: self.shared.clone(),
        }))
    }

    fn look_for_target(&mut self, wait: Wait) -> Result<Option<ferry::Target>> {
        let started = Instant::now();
        loop {
            self.retire()?;
            let left = match wait {
                Wait::No => Duration::ZERO,
                Wait::For(patience) => patience.saturating_sub(started.elapsed()),
                Wait::Forever => Duration::MAX,
            };
            let target = self.shared.producer.begin(left.min(LOOK).into())?;
            if target.is_some() || left <= LOOK {
                return Ok(target);
            }
        }
    }

    /// Ends the textures of generations that are over.
    fn retire(&mut self) -> Result<()> {
        self.begun.retain(|(_, in_use)| in_use.strong_count() != 0);
        let begun = &self.begun;
        let in_use = |of| begun.iter().any(|(generation, _)| *generation == of);
        self.shared.slots().retire_before(self.shared.producer.generation()?, in_use)
    }

    /// Makes the target the stream's newest frame. What draws into it must have been submitted. It has to be one of this
    /// producer's; another's is given back without a frame.
    pub fn publish<'a>(&mut self, mut target: Target, metadata: impl Into<Option<&'a FrameMetadata>>) -> Result<()> {
        if !Arc::ptr_eq(&self.shared, &target.shared) {
            return Err(Error::new(ErrorKind::InvalidArgument, "the target was begun by another producer"));
        }
        let Some(begun) = target.target.take() else { return Ok(()) };
        self.ahead.push_back(self.interop.submit_and_signal(target.hand_over(&begun), begun.signal()));
        begun.publish(metadata)
    }

    /// A new size, format or usage: the next [`Producer::begin`] has it. On an error the stream goes on as it was.
    pub fn reconfigure(&mut self, image: &ImageDesc) -> Result<()> {
        check(image.format)?;
        self.shared.producer.reconfigure(image)?;
        self.shared.slots().set_purpose(Purpose::of(image));
        Ok(())
    }

    /// The oldest event not yet seen: what became of the broker. [`Producer::fd`] rings for it.
    pub fn next_event(&self) -> Result<Option<Event>> {
        self.shared.producer.next_event()
    }

    /// For poll or epoll: readable when [`Producer::next_event`] has something; and, once a `begin` brought nothing, when the
    /// next one may find a slot, or fails. After each wake-up call `next_event()` until it brings nothing, and
    /// `begin(Wait::No)` if a slot is wanted.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.shared.producer.fd()
    }

    pub fn state(&self) -> Result<StreamState> {
        self.shared.producer.state()
    }
}
