//! What a process has used of the machine.

use std::time::Duration;

/// `CLOCK_MONOTONIC` in nanoseconds.
#[must_use]
pub fn now_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC).as_nanos() as u64
}

/// CPU time of this process so far, in user mode and in the kernel, all threads.
#[must_use]
pub fn cpu_time() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// The same of another process; `None` when it is gone.
#[must_use]
pub fn cpu_time_of(pid: u32) -> Option<Duration> {
    let mut clock = 0;
    // SAFETY: writes the clock's number.
    let found = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) };
    (found == 0).then(|| read(clock))
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the struct; a clock that is gone leaves it as it is.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
