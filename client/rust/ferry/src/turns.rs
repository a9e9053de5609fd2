//! Objects of the C ABI that one thread at a time may use.

use crate::error::check_ready;
use crate::{Result, Wait};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a waiting call keeps the others waiting. They may be what it waits for: a target that another thread publishes.
const SLICE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Turns<T> {
    /// Held by whoever is next. Without it a thread that waits in slices would take every turn.
    next: Mutex<()>,
    object: Mutex<T>,
}

impl<T> Turns<T> {
    pub fn new(object: T) -> Self {
        Self { next: Mutex::new(()), object: Mutex::new(object) }
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        let _next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        self.object.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls until there is something or `wait` is over, with the object to itself for a slice of time each. `call` takes
    /// the object and a timeout in nanoseconds as the C ABI has them, and returns its code.
    pub fn wait(&self, wait: Wait, mut call: impl FnMut(&T, i64) -> i32) -> Result<bool> {
        let started = Instant::now();
        loop {
            let left = match wait {
                Wait::No => Duration::ZERO,
                Wait::For(patience) => patience.saturating_sub(started.elapsed()),
                Wait::Forever => Duration::MAX,
            };
            let object = self.lock();
            let ready = check_ready(call(&object, Wait::For(left.min(SLICE)).timeout_ns()))?;
            if ready || left <= SLICE {
                return Ok(ready);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// As the library does: waits with the object in use.
    fn wait_in_c(timeout_ns: i64) -> i32 {
        let endless = timeout_ns < 0;
        std::thread::sleep(if endless { PATIENCE } else { Duration::from_nanos(timeout_ns as u64) });
        if timeout_ns == 0 { ferry_sys::ERROR_WOULD_BLOCK } else { ferry_sys::ERROR_TIMEOUT }
    }

    #[test]
    fn what_a_thread_waits_for_may_come_from_another_one() {
        for wait in [Wait::Forever, Wait::For(PATIENCE)] {
            let turns = Turns::new(Mutex::new(false));
            let (waits, waiting) = mpsc::channel();
            let started = Instant::now();
            let other = &turns;
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    waiting.recv_timeout(PATIENCE).unwrap();
                    *other.lock().lock().unwrap() = true;
                });
                let came = turns.wait(wait, |there, timeout_ns| {
                    _ = waits.send(());
                    if *there.lock().unwrap() { ferry_sys::OK } else { wait_in_c(timeout_ns) }
                });
                assert_eq!(came, Ok(true));
            });
            assert!(started.elapsed() < PATIENCE, "the other thread had its turn only when the wait was over");
        }
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        let turns = Turns::new(());
        let mut calls = Vec::new();
        let nothing = turns.wait(Wait::For(3 * SLICE), |(), timeout_ns| {
            calls.push(timeout_ns);
            wait_in_c(timeout_ns)
        });
        assert_eq!(nothing, Ok(false));
        assert!(calls.iter().all(|timeout_ns| *timeout_ns <= SLICE.as_nanos() as i64), "{calls:?}");
        assert!((1..=4).contains(&calls.len()), "{calls:?}");

        for short in [Wait::No, Wait::For(SLICE)] {
            let mut calls = 0;
            let nothing = turns.wait(short, |(), timeout_ns| {
                calls += 1;
                wait_in_c(timeout_ns)
            });
            assert_eq!((nothing, calls), (Ok(false), 1));
        }
        let failed = turns.wait(Wait::Forever, |(), _| ferry_sys::ERROR_EVICTED);
        assert_eq!(failed.unwrap_err().kind(), crate::ErrorKind::Evicted);
    }
}
