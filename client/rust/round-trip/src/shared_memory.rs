//! Memory of two processes, without a name that could be left behind: an anonymous file, opened through /proc by who is
//! told its number.

use std::fs::File;
use std::io::{Error, Result};
use std::os::fd::{AsRawFd as _, FromRawFd as _};

#[derive(Debug)]
pub struct SharedMemory {
    file: File,
    at: *mut u8,
    size_bytes: usize,
}

// SAFETY: plain memory; who may write when is the round trip's business.
unsafe impl Send for SharedMemory {}
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    pub fn create(size_bytes: usize) -> Result<Self> {
        // SAFETY: a new descriptor, owned from here on.
        let file = unsafe {
            let fd = libc::memfd_create(c"ferry-round-trip".as_ptr(), libc::MFD_CLOEXEC);
            if fd < 0 {
                return Err(Error::last_os_error());
            }
            File::from_raw_fd(fd)
        };
        file.set_len(size_bytes as u64)?;
        Self::map(file, size_bytes)
    }

    /// The memory of another process of the same user.
    pub fn open(pid: u32, fd: i32, size_bytes: usize) -> Result<Self> {
        let file = File::options().read(true).write(true).open(format!("/proc/{pid}/fd/{fd}"))?;
        if file.metadata()?.len() < size_bytes as u64 {
            return Err(Error::other(format!("the shared memory is smaller than {size_bytes} bytes")));
        }
        Self::map(file, size_bytes)
    }

    fn map(file: File, size_bytes: usize) -> Result<Self> {
        // SAFETY: a fresh mapping of a file that is ours and large enough.
        let at = unsafe {
            let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
            libc::mmap(std::ptr::null_mut(), size_bytes, read_write, shared, file.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        Ok(Self { file, at: at.cast(), size_bytes })
    }

    #[must_use]
    pub fn fd(&self) -> i32 {
        self.file.as_raw_fd()
    }

    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped as long as self lives.
        unsafe { std::slice::from_raw_parts(self.at, self.size_bytes) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; the other side reads another half meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.at, self.size_bytes) }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping that map() made.
        unsafe { libc::munmap(self.at.cast(), self.size_bytes) };
    }
}
