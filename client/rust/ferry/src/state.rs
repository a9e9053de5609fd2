use crate::Format;
use crate::text::text_of;

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
}

impl SyncMode {
    fn of(value: u32) -> Self {
        match value {
            ferry_sys::SYNC_TIMELINE => Self::Timeline,
            ferry_sys::SYNC_HOST => Self::Host,
            _ => Self::Automatic,
        }
    }
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
    /// Producer: calls of begin without a slot. Consumer: frames skipped.
    pub starved: u64,
    pub transport: String,
    /// Why this sync mode, and nothing better.
    pub sync_reason: String,
    pub transport_reason: String,
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
        }
    }
}
