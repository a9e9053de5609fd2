use crate::text::text_of;
use crate::{Colour, Format};

/// How points cross.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum SyncMode {
    /// The best that both sides can.
    #[default]
    Automatic = ferry_sys::SYNC_AUTOMATIC,
    /// Exported timeline semaphores: GPU waits for GPU.
    Timeline = ferry_sys::SYNC_TIMELINE,
    /// Frames are handed over when they are complete, and nobody's GPU waits.
    Host = ferry_sys::SYNC_HOST,
    /// A kernel fence a frame: GPU waits for GPU across drivers. All have to lend a queue (`ferry_device_lend_queue`).
    SyncFd = ferry_sys::SYNC_FD,
}

impl SyncMode {
    fn of(value: u32) -> Self {
        match value {
            ferry_sys::SYNC_TIMELINE => Self::Timeline,
            ferry_sys::SYNC_HOST => Self::Host,
            ferry_sys::SYNC_FD => Self::SyncFd,
            _ => Self::Automatic,
        }
    }
}

/// How texture memory crosses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Transport {
    /// The best that all consumers can use; changes over, in a new generation, when one joins that needs another.
    #[default]
    Automatic = ferry_sys::TRANSPORT_AUTOMATIC,
    /// Same device and driver on all sides: nothing is copied.
    OpaqueFd = ferry_sys::TRANSPORT_OPAQUE_FD,
    /// Devices and drivers that agree on a DRM format modifier: nothing is copied.
    DmaBuf = ferry_sys::TRANSPORT_DMA_BUF,
    /// Any devices: the GPU copies each frame out to the host's memory and in again.
    HostMemory = ferry_sys::TRANSPORT_HOST_MEMORY,
}

/// A stream as one of its clients sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    pub sync_mode: SyncMode,
    pub generation: u64,
    /// The newest sequence number.
    pub frames: u64,
    pub slot_count: u32,
    /// Producer only.
    pub consumer_count: u32,
    pub width_px: u32,
    pub height_px: u32,
    /// `None`: a format that this crate does not know.
    pub format: Option<Format>,
    /// False: the broker is gone; frames go on.
    pub connected: bool,
    /// Producer: how often there was no slot; a begin that waits looks several times. Consumer: frames skipped.
    pub starved: u64,
    pub transport: String,
    /// Why this sync mode, and nothing better.
    pub sync_reason: String,
    pub transport_reason: String,
    /// `None`: one that this crate does not know. A frame's own goes before it.
    pub colour: Option<Colour>,
}

impl StreamState {
    pub(crate) fn of(raw: &ferry_sys::StreamState) -> Self {
        Self {
            sync_mode: SyncMode::of(raw.sync_mode),
            generation: raw.generation,
            frames: raw.frames,
            slot_count: raw.slot_count,
            consumer_count: raw.consumer_count,
            width_px: raw.width_px,
            height_px: raw.height_px,
            format: Format::of(raw.format),
            connected: raw.connected != 0,
            starved: raw.starved,
            transport: text_of(&raw.transport),
            sync_reason: text_of(&raw.sync_reason),
            transport_reason: text_of(&raw.transport_reason),
            colour: Colour::of(raw.primaries, raw.transfer, raw.range, raw.alpha),
        }
    }
}
