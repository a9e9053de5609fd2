use crate::error::{check, check_ready};
use crate::text::c_string;
use crate::turns::Turns;
use crate::{Connection, Device, Event, Format, FrameMetadata, Result, StreamState, Wait};
use ferry_sys::Sized as _;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum ConsumerMode {
    /// The newest frame wins; the producer never waits.
    #[default]
    Latest = ferry_sys::CONSUMER_LATEST,
    /// In order, up to `queue_depth` unread frames.
    Every = ferry_sys::CONSUMER_EVERY,
}

#[derive(Clone, Debug)]
pub struct AttachOptions {
    pub name: String,
    pub mode: ConsumerMode,
    /// Frames held at once, 1 to 16. 0: 2.
    pub max_holds: u32,
    /// Mode [`ConsumerMode::Every`]: 1 to 32. 0: 4.
    pub queue_depth: u32,
    /// How long to wait for the stream to appear.
    pub wait: Wait,
}

impl AttachOptions {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), mode: ConsumerMode::Latest, max_holds: 0, queue_depth: 0, wait: Wait::No }
    }
}

/// One lease: the right to read one stream. It ends with this object and the [`Frame`]s that it gave out.
///
/// May be shared between threads: calls take turns, and one that waits lets the others in between.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    handle: Turns<Handle>,
    // Dropped after the handle.
    _connection: Connection,
    _device: Device,
}

#[derive(Debug)]
struct Handle(NonNull<ferry_sys::Consumer>);

// SAFETY: ferry.h: a ferry_consumer is used by one thread at a time, any thread. Turns sees to the first half.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the last owner.
        unsafe { ferry_sys::ferry_consumer_destroy(self.0.as_ptr()) };
    }
}

impl Consumer {
    pub fn attach(connection: &Connection, device: &Device, options: &AttachOptions) -> Result<Self> {
        let name = c_string(&options.name, "the stream's name")?;
        let mut info = ferry_sys::AttachInfo::sized();
        info.mode = options.mode as u32;
        info.name = name.as_ptr();
        info.max_holds = options.max_holds;
        info.queue_depth = options.queue_depth;
        info.timeout_ns = options.wait.timeout_ns();
        let mut handle = std::ptr::null_mut();
        // SAFETY: the handles live, the text outlives the call.
        check(unsafe { ferry_sys::ferry_consumer_attach(connection.raw(), device.raw(), &info, &mut handle) })?;
        let handle = Handle(NonNull::new(handle).expect("libferry gave a consumer"));
        Ok(Self {
            shared: Arc::new(Shared {
                handle: Turns::new(handle),
                _connection: connection.clone(),
                _device: device.clone(),
            }),
        })
    }

    /// The next frame (mode latest: the newest) that is newer than the last one acquired, or `None`. The
    /// compiler does not warn of a [`Frame`] that is thrown away in its `Option`.
    pub fn acquire(&self, wait: Wait) -> Result<Option<Frame>> {
        let mut raw = ferry_sys::Frame::sized();
        let acquired = self.shared.handle.wait(wait, |handle, timeout_ns| {
            // SAFETY: the handle lives, and is ours while it is locked.
            unsafe { ferry_sys::ferry_consumer_acquire(handle.0.as_ptr(), timeout_ns, &mut raw) }
        })?;
        if !acquired {
            return Ok(None);
        }
        Ok(Some(Frame { raw, consumer: Some(self.shared.clone()) }))
    }

    /// The oldest event not yet seen.
    pub fn next_event(&self) -> Result<Option<Event>> {
        let mut raw = ferry_sys::Event::sized();
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        let ready = check_ready(unsafe { ferry_sys::ferry_consumer_next_event(handle.0.as_ptr(), &mut raw) })?;
        Ok(ready.then(|| Event::of(&raw)))
    }

    /// For poll or epoll: readable when [`Consumer::acquire`] or [`Consumer::next_event`] has something. Once asked
    /// for, call both after each wake-up, `next_event()` and `acquire(Wait::No)`, until they bring nothing: events that
    /// nobody takes keep it readable. With `max_holds` frames held it is quiet. The library's: neither read nor close it.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        let mut fd = -1;
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives; the descriptor lives as long as the consumer.
        unsafe {
            check(ferry_sys::ferry_consumer_get_fd(handle.0.as_ptr(), &mut fd))?;
            Ok(BorrowedFd::borrow_raw(fd))
        }
    }

    pub fn state(&self) -> Result<StreamState> {
        let mut raw = ferry_sys::StreamState::sized();
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_consumer_get_state(handle.0.as_ptr(), &mut raw) })?;
        Ok(StreamState::of(&raw))
    }
}

/// One frame, held. Submit work that waits for [`Frame::wait`] and signals [`Frame::signal`], then
/// [`Frame::release_signalled`]. Dropped it is released as unused: nothing that was submitted may then still read it.
#[must_use = "a frame that is dropped is released"]
pub struct Frame {
    raw: ferry_sys::Frame,
    /// `None` once it is released.
    consumer: Option<Arc<Shared>>,
}

impl Frame {
    /// Gives the frame back: work that signals [`Frame::signal`] has been submitted.
    pub fn release_signalled(mut self) -> Result<()> {
        self.release(ferry_sys::RELEASE_SIGNALLED)
    }

    /// Gives the frame back: no submitted work reads it any more, and none signals. As dropping it, but says what failed.
    pub fn release_unused(mut self) -> Result<()> {
        self.release(ferry_sys::RELEASE_UNUSED)
    }

    /// Gives the frame the highest value of all to signal, for programs that hold several and do not submit their reads in
    /// the order in which they acquired them: call it for each right before its submission, and ask for
    /// [`Frame::signal`] then. Nothing submitted may signal the old value.
    pub fn renew_signal(&mut self) -> Result<()> {
        let Some(consumer) = &self.consumer else { return Ok(()) };
        let handle = consumer.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_consumer_renew_signal(handle.0.as_ptr(), &mut self.raw) })
    }

    fn release(&mut self, flags: u32) -> Result<()> {
        let Some(consumer) = self.consumer.take() else { return Ok(()) };
        let handle = consumer.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_consumer_release(handle.0.as_ptr(), self.raw.sequence, flags) })
    }

    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.raw.sequence
    }

    /// Frames published since the one acquired before, and never seen.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.raw.skipped
    }

    /// When the producer published it (`CLOCK_MONOTONIC`).
    #[must_use]
    pub fn produced_ns(&self) -> u64 {
        self.raw.produced_ns
    }

    #[must_use]
    pub fn slot(&self) -> u32 {
        self.raw.slot
    }

    /// Grows when size, format or number of slots change. What is derived from the image is cached by (generation, slot).
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.raw.generation
    }

    #[must_use]
    pub fn size_px(&self) -> (u32, u32) {
        (self.raw.width_px, self.raw.height_px)
    }

    #[must_use]
    pub fn format(&self) -> Option<Format> {
        Format::of(self.raw.format)
    }

    #[must_use]
    pub fn metadata(&self) -> FrameMetadata {
        FrameMetadata::from_raw(self.raw.metadata)
    }

    /// Crosses in `SHADER_READ_ONLY_OPTIMAL`, owned by [`Frame::peer_queue_family`].
    #[must_use]
    pub fn image(&self) -> ferry_sys::VkImage {
        self.raw.image
    }

    /// Who owns the image before and after: `QUEUE_FAMILY_EXTERNAL`, or `QUEUE_FAMILY_FOREIGN_EXT` where another driver is
    /// on the other side.
    #[must_use]
    pub fn peer_queue_family(&self) -> u32 {
        self.raw.peer_queue_family
    }

    #[must_use]
    pub fn view(&self) -> ferry_sys::VkImageView {
        self.raw.view
    }

    /// The timeline semaphore and value to wait for before the first read.
    #[must_use]
    pub fn wait(&self) -> (ferry_sys::VkSemaphore, u64) {
        (self.raw.wait_semaphore, self.raw.wait_value)
    }

    /// The timeline semaphore, and the value that the submission with the last read signals.
    #[must_use]
    pub fn signal(&self) -> (ferry_sys::VkSemaphore, u64) {
        (self.raw.signal_semaphore, self.raw.signal_value)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let _ = self.release(ferry_sys::RELEASE_UNUSED);
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("sequence", &self.sequence())
            .field("generation", &self.generation())
            .field("slot", &self.slot())
            .finish()
    }
}
