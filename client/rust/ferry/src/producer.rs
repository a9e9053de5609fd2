use crate::error::{check, check_ready};
use crate::text::c_string;
use crate::turns::Turns;
use crate::{
    Connection, Device, Error, ErrorKind, Event, Format, FrameMetadata, ImageDesc, Result, StreamState, SyncMode,
    Transport, Wait,
};
use ferry_sys::Sized as _;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::Arc;

/// What happens when the queue of a consumer that wants every frame is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum QueuePolicy {
    /// Its oldest unread frames are dropped and counted.
    #[default]
    Drop = ferry_sys::QUEUE_DROP,
    /// [`Producer::begin`] waits.
    Block = ferry_sys::QUEUE_BLOCK,
}

#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// 1 to 128 bytes of UTF-8, no control characters.
    pub name: String,
    pub image: ImageDesc,
    pub sync_mode: SyncMode,
    pub queue_policy: QueuePolicy,
    /// Targets begun and not yet published at once, 1 to 8. 0: 2.
    pub frames_in_flight: u32,
    /// 0: the broker's choice.
    pub min_slots: u32,
    pub transport: Transport,
}

impl StreamOptions {
    #[must_use]
    pub fn new(name: &str, image: ImageDesc) -> Self {
        Self {
            name: name.to_owned(),
            image,
            sync_mode: SyncMode::Automatic,
            queue_policy: QueuePolicy::Drop,
            frames_in_flight: 0,
            min_slots: 0,
            transport: Transport::Automatic,
        }
    }
}

/// The right to publish into one stream. The stream ends with this object and the [`Target`]s that it gave out.
///
/// May be shared between threads: calls take turns, and one that waits lets the others in between.
#[derive(Debug)]
pub struct Producer {
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
struct Handle(NonNull<ferry_sys::Producer>);

// SAFETY: ferry.h: a ferry_producer is used by one thread at a time, any thread. Turns sees to the first half.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the last owner.
        unsafe { ferry_sys::ferry_producer_destroy(self.0.as_ptr()) };
    }
}

impl Producer {
    /// Creates the stream, or takes over an orphaned one of that name.
    pub fn create(connection: &Connection, device: &Device, options: &StreamOptions) -> Result<Self> {
        let name = c_string(&options.name, "the stream's name")?;
        let mut info = ferry_sys::StreamInfo::sized();
        info.sync_mode = options.sync_mode as u32;
        info.name = name.as_ptr();
        info.image = options.image.raw();
        info.queue_policy = options.queue_policy as u32;
        info.frames_in_flight = options.frames_in_flight;
        info.min_slots = options.min_slots;
        info.transport = options.transport as u32;
        let mut handle = std::ptr::null_mut();
        // SAFETY: the handles live, the text outlives the call.
        check(unsafe { ferry_sys::ferry_producer_create(connection.raw(), device.raw(), &info, &mut handle) })?;
        let handle = Handle(NonNull::new(handle).expect("libferry gave a producer"));
        Ok(Self {
            shared: Arc::new(Shared {
                handle: Turns::new(handle),
                _connection: connection.clone(),
                _device: device.clone(),
            }),
        })
    }

    /// A slot that nobody reads, or `None` when all were held for that long. The compiler does not warn of a [`Target`]
    /// that is thrown away in its `Option`.
    pub fn begin(&self, wait: Wait) -> Result<Option<Target>> {
        let mut raw = ferry_sys::Target::sized();
        let begun = self.shared.handle.wait(wait, |handle, timeout_ns| {
            // SAFETY: the handle lives, and is ours while it is locked.
            unsafe { ferry_sys::ferry_producer_begin(handle.0.as_ptr(), timeout_ns, &mut raw) }
        })?;
        if !begun {
            return Ok(None);
        }
        Ok(Some(Target { raw, producer: Some(self.shared.clone()) }))
    }

    /// A new size, format or usage: the next [`Producer::begin`] has it. On an error the stream goes on as it was.
    pub fn reconfigure(&self, image: &ImageDesc) -> Result<()> {
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_producer_reconfigure(handle.0.as_ptr(), &image.raw()) })
    }

    /// The oldest event not yet seen: the broker went away or came back, or no broker takes the stream back (closed).
    /// [`Producer::fd`] rings for it.
    pub fn next_event(&self) -> Result<Option<Event>> {
        let mut raw = ferry_sys::Event::sized();
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        let ready = check_ready(unsafe { ferry_sys::ferry_producer_next_event(handle.0.as_ptr(), &mut raw) })?;
        Ok(ready.then(|| Event::of(&raw)))
    }

    /// For poll or epoll: readable when [`Producer::next_event`] has something; and, once a `begin` brought nothing, when the
    /// next one may find a slot, or fails. After each wake-up call `next_event()` until it brings nothing, and
    /// `begin(Wait::No)` if a slot is wanted. It may wake for nothing. The library's: neither read nor close it.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        let mut fd = -1;
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives; the descriptor lives as long as the producer.
        unsafe {
            check(ferry_sys::ferry_producer_get_fd(handle.0.as_ptr(), &mut fd))?;
            Ok(BorrowedFd::borrow_raw(fd))
        }
    }

    /// Of the slots that the next target comes from. Changes only while [`Producer::begin`] looks for one: once, when it
    /// waits no longer than 20 ms.
    pub fn generation(&self) -> Result<u64> {
        let mut raw = ferry_sys::StreamState::sized();
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_producer_get_state(handle.0.as_ptr(), &mut raw) })?;
        Ok(raw.generation)
    }

    pub fn state(&self) -> Result<StreamState> {
        let mut raw = ferry_sys::StreamState::sized();
        let handle = self.shared.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_producer_get_state(handle.0.as_ptr(), &mut raw) })?;
        Ok(StreamState::of(&raw))
    }
}

/// A slot to draw into. Submit work that waits for [`Target::waits`] and signals [`Target::signal`], then publish.
/// Dropped unpublished it is given back without a frame: nothing that was submitted may then still write it.
#[must_use = "a target that is dropped gives no frame"]
pub struct Target {
    raw: ferry_sys::Target,
    /// `None` once it is published.
    producer: Option<Arc<Shared>>,
}

// SAFETY: the pointers inside are read-only until publish or cancel, which take the target away.
unsafe impl Send for Target {}
unsafe impl Sync for Target {}

impl Target {
    /// Makes this the stream's newest frame. Only after the submission that signals [`Target::signal`]; in the order in
    /// which the targets were begun. With `None` the frame has the stream's colour, and otherwise the default.
    pub fn publish<'a>(mut self, metadata: impl Into<Option<&'a FrameMetadata>>) -> Result<()> {
        let metadata = metadata.into().map(FrameMetadata::for_library);
        let metadata = metadata.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let producer = self.producer.take().ok_or_else(|| Error::new(ErrorKind::InvalidState, "published already"))?;
        let handle = producer.handle.lock();
        // SAFETY: the handle lives, and is ours while it is locked.
        check(unsafe { ferry_sys::ferry_producer_publish(handle.0.as_ptr(), self.raw.id, metadata) })
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

    /// Crosses in `SHADER_READ_ONLY_OPTIMAL`, owned by [`Target::peer_queue_family`].
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

    /// Timeline semaphores and values to wait for before the first write; none in sync mode host.
    pub fn waits(&self) -> impl ExactSizeIterator<Item = (ferry_sys::VkSemaphore, u64)> + '_ {
        let (semaphores, values): (&[_], &[_]) = match self.raw.wait_count as usize {
            0 => (&[], &[]),
            // SAFETY: valid until publish or cancel, which take the target away.
            count => unsafe {
                (
                    std::slice::from_raw_parts(self.raw.wait_semaphores, count),
                    std::slice::from_raw_parts(self.raw.wait_values, count),
                )
            },
        };
        semaphores.iter().copied().zip(values.iter().copied())
    }

    /// The timeline semaphore, and the value that the submission which finishes the frame signals.
    #[must_use]
    pub fn signal(&self) -> (ferry_sys::VkSemaphore, u64) {
        (self.raw.signal_semaphore, self.raw.signal_value)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(producer) = &self.producer {
            let handle = producer.handle.lock();
            // SAFETY: the handle lives, and is ours while it is locked.
            unsafe { ferry_sys::ferry_producer_cancel(handle.0.as_ptr(), self.raw.id) };
        }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("generation", &self.generation()).field("slot", &self.slot()).finish()
    }
}
