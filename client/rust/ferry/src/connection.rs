use crate::Result;
use crate::error::check;
use crate::text::{optional_c_string, pointer_of};
use ferry_sys::Sized as _;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// How to reach the broker. The default is right for most programs.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Empty: `$FERRY_SOCKET`, else `$XDG_RUNTIME_DIR/ferry/ferryd.sock`, else `/run/ferry/ferryd.sock`.
    pub socket_path: String,
    /// What `ferry status` calls this program, at most 64 bytes. Empty: the process's name.
    pub application: String,
    /// For each question to the broker. Zero: 5 s.
    pub timeout: Duration,
}

/// A session with the broker. Clones share it; it ends with the last of them and of what was made with it.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Owned>);

#[derive(Debug)]
struct Owned(NonNull<ferry_sys::Connection>);

// SAFETY: ferry.h: a ferry_connection may be used from any number of threads.
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the last owner; every producer and consumer holds a clone, so none is left.
        unsafe { ferry_sys::ferry_disconnect(self.0.as_ptr()) };
    }
}

impl Connection {
    /// Connects as `application` to the broker at the usual place.
    pub fn open(application: &str) -> Result<Self> {
        Self::with_options(&ConnectOptions { application: application.to_owned(), ..Default::default() })
    }

    pub fn with_options(options: &ConnectOptions) -> Result<Self> {
        let socket_path = optional_c_string(&options.socket_path, "the socket's path")?;
        let application = optional_c_string(&options.application, "the application's name")?;
        let mut info = ferry_sys::ConnectInfo::sized();
        info.socket_path = pointer_of(socket_path.as_ref());
        info.application = pointer_of(application.as_ref());
        info.timeout_ns = i64::try_from(options.timeout.as_nanos()).unwrap_or(i64::MAX);
        let mut handle = std::ptr::null_mut();
        // SAFETY: the texts outlive the call.
        check(unsafe { ferry_sys::ferry_connect(&info, &mut handle) })?;
        Ok(Self(Arc::new(Owned(NonNull::new(handle).expect("ferry_connect gave a handle")))))
    }

    /// What the broker knows: itself, its devices, every stream and lease, as JSON (docs/status.md).
    pub fn status_json(&self) -> Result<String> {
        let mut text = std::ptr::null_mut();
        // SAFETY: the handle lives; the text is freed by the function made for it.
        unsafe {
            check(ferry_sys::ferry_query_status(self.raw(), &mut text))?;
            let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
            ferry_sys::ferry_free(text.cast());
            Ok(owned)
        }
    }

    pub(crate) fn raw(&self) -> *mut ferry_sys::Connection {
        self.0.0.as_ptr()
    }
}

/// The version of the library that is loaded: "0.1.0".
#[must_use]
pub fn version() -> &'static str {
    // SAFETY: static text.
    unsafe { CStr::from_ptr(ferry_sys::ferry_version()) }.to_str().unwrap_or("")
}
