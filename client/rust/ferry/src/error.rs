use crate::text::text_of;
use ferry_sys::Sized as _;
use std::ffi::CStr;
use std::fmt;

/// What went wrong, as `ferry.h` names it. "Nothing yet" (would block, timed out) is no error here but `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    InvalidArgument,
    InvalidState,
    StaleHandle,
    /// Only from [`Consumer::attach`](crate::Consumer::attach): the stream did not appear in time.
    Timeout,
    WouldBlock,
    NoBroker,
    Disconnected,
    VersionMismatch,
    PermissionDenied,
    NotFound,
    NameTaken,
    LimitExceeded,
    /// No transport, sync mode or device in common: [`Error::conflict`] says who lacks what.
    Incompatible,
    Unsupported,
    StreamClosed,
    /// The broker retired this lease. Drop the consumer and attach again.
    Evicted,
    DeviceLost,
    OutOfMemory,
    ProtocolViolation,
    System,
    Internal,
    /// A code that a newer library returned.
    Unknown(i32),
}

impl ErrorKind {
    pub(crate) fn of(code: i32) -> Self {
        match code {
            ferry_sys::ERROR_INVALID_ARGUMENT => Self::InvalidArgument,
            ferry_sys::ERROR_INVALID_STATE => Self::InvalidState,
            ferry_sys::ERROR_STALE_HANDLE => Self::StaleHandle,
            ferry_sys::ERROR_TIMEOUT => Self::Timeout,
            ferry_sys::ERROR_WOULD_BLOCK => Self::WouldBlock,
            ferry_sys::ERROR_NO_BROKER => Self::NoBroker,
            ferry_sys::ERROR_DISCONNECTED => Self::Disconnected,
            ferry_sys::ERROR_VERSION_MISMATCH => Self::VersionMismatch,
            ferry_sys::ERROR_PERMISSION_DENIED => Self::PermissionDenied,
            ferry_sys::ERROR_NOT_FOUND => Self::NotFound,
            ferry_sys::ERROR_NAME_TAKEN => Self::NameTaken,
            ferry_sys::ERROR_LIMIT_EXCEEDED => Self::LimitExceeded,
            ferry_sys::ERROR_INCOMPATIBLE => Self::Incompatible,
            ferry_sys::ERROR_UNSUPPORTED => Self::Unsupported,
            ferry_sys::ERROR_STREAM_CLOSED => Self::StreamClosed,
            ferry_sys::ERROR_EVICTED => Self::Evicted,
            ferry_sys::ERROR_DEVICE_LOST => Self::DeviceLost,
            ferry_sys::ERROR_OUT_OF_MEMORY => Self::OutOfMemory,
            ferry_sys::ERROR_PROTOCOL_VIOLATION => Self::ProtocolViolation,
            ferry_sys::ERROR_SYSTEM => Self::System,
            ferry_sys::ERROR_INTERNAL => Self::Internal,
            other => Self::Unknown(other),
        }
    }
}

/// Why parties have nothing in common, for programs: what an error of kind [`ErrorKind::Incompatible`] was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who does not fit: "consumer 'viewer' (pid 4211)".
    pub party: String,
    /// By what: "transport", "device", "modifier", "sync mode".
    pub constraint: String,
    /// Its list, separated by ", ".
    pub party_has: String,
    /// The list that it does not meet.
    pub others_have: String,
}

impl Conflict {
    /// Of this thread's last failed call.
    fn last() -> Option<Self> {
        let mut raw = ferry_sys::Conflict::sized();
        // SAFETY: writes the struct, which says its size.
        let found = unsafe { ferry_sys::ferry_last_conflict(&mut raw) } == ferry_sys::OK;
        found.then(|| Self {
            party: text_of(&raw.party),
            constraint: text_of(&raw.constraint),
            party_has: text_of(&raw.party_has),
            others_have: text_of(&raw.others_have),
        })
    }
}

/// A call failed: its kind, and the library's one line of text that names the value, the limit and the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    conflict: Option<Box<Conflict>>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of a crate on top of this one, told as the library tells its own.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), conflict: None }
    }

    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    #[must_use]
    pub fn conflict(&self) -> Option<&Conflict> {
        self.conflict.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() { write!(f, "{:?}", self.kind) } else { f.write_str(&self.message) }
    }
}

impl std::error::Error for Error {}

/// The result of a call that this thread has just made.
pub(crate) fn check(code: i32) -> Result<()> {
    if code == ferry_sys::OK {
        return Ok(());
    }
    // SAFETY: never NULL, and valid until this thread's next failing call.
    let message = unsafe { CStr::from_ptr(ferry_sys::ferry_last_error()) };
    let error = Error::new(ErrorKind::of(code), message.to_string_lossy());
    Err(Error { conflict: Conflict::last().map(Box::new), ..error })
}

/// Whether a call brought something: `false` for "nothing yet".
pub(crate) fn check_ready(code: i32) -> Result<bool> {
    match code {
        ferry_sys::ERROR_WOULD_BLOCK | ferry_sys::ERROR_TIMEOUT => Ok(false),
        code => check(code).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_kind_of_its_own() {
        let kinds: Vec<_> =
            (ferry_sys::ERROR_INTERNAL..=ferry_sys::ERROR_INVALID_ARGUMENT).map(ErrorKind::of).collect();
        for (index, kind) in kinds.iter().enumerate() {
            assert!(!matches!(kind, ErrorKind::Unknown(_)), "{kind:?}");
            assert!(!kinds[..index].contains(kind), "{kind:?} twice");
        }
        assert_eq!(ErrorKind::of(-999), ErrorKind::Unknown(-999));
    }

    #[test]
    fn nothing_yet_is_no_error() {
        assert_eq!(check_ready(ferry_sys::OK), Ok(true));
        assert_eq!(check_ready(ferry_sys::ERROR_TIMEOUT), Ok(false));
        assert_eq!(check_ready(ferry_sys::ERROR_WOULD_BLOCK), Ok(false));
        assert_eq!(check_ready(ferry_sys::ERROR_EVICTED).unwrap_err().kind(), ErrorKind::Evicted);
    }
}
