use crate::text::text_of;

/// What happened to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Frames of a new generation will come.
    Generation { generation: u64, width_px: u32, height_px: u32, slot_count: u32 },
    /// The producer died; the last frame stays.
    Orphaned,
    /// Another producer took over.
    Resumed,
    /// The stream has ended for good.
    Closed,
    /// This lease has ended.
    Evicted { reason: String },
    /// The broker is gone; frames go on, and the library looks for the next one.
    BrokerLost,
    /// Another broker has taken everything back.
    BrokerBack,
    /// A new generation could not be imported; the last frame stays.
    GenerationFailed { reason: String },
    /// Something that a newer library tells.
    Unknown(u32),
}

impl Event {
    pub(crate) fn of(raw: &ferry_sys::Event) -> Self {
        let reason = || text_of(&raw.reason);
        match raw.r#type {
            ferry_sys::EVENT_GENERATION => Self::Generation {
                generation: raw.generation,
                width_px: raw.width_px,
                height_px: raw.height_px,
                slot_count: raw.slot_count,
            },
            ferry_sys::EVENT_ORPHANED => Self::Orphaned,
            ferry_sys::EVENT_RESUMED => Self::Resumed,
            ferry_sys::EVENT_CLOSED => Self::Closed,
            ferry_sys::EVENT_EVICTED => Self::Evicted { reason: reason() },
            ferry_sys::EVENT_BROKER_LOST => Self::BrokerLost,
            ferry_sys::EVENT_BROKER_BACK => Self::BrokerBack,
            ferry_sys::EVENT_GENERATION_FAILED => Self::GenerationFailed { reason: reason() },
            other => Self::Unknown(other),
        }
    }
}
