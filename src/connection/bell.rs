//! Wakes those of this process who wait for the next transaction. Nobody waiting costs a commit one atomic addition.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rung after each commit.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicU64,
    waiting: AtomicUsize,
    asleep: Mutex<()>,
    changed: Condvar,
}

impl Bell {
    /// Wakes everybody who waits.
    pub(crate) fn ring(&self) {
        self.rung.fetch_add(1, Ordering::SeqCst);
        // Who counts itself as waiting after this look sees the new number, and does not wait.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
            self.changed.notify_all();
        }
    }

    /// How often it was rung: to be read before one looks for what is new.
    pub(crate) fn rung(&self) -> u64 {
        self.rung.load(Ordering::SeqCst)
    }

    /// Waits until it is rung once more than `heard`, at most so long.
    pub(crate) fn wait(&self, heard: u64, timeout: Duration) {
        let asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let waited = self.changed.wait_timeout_while(asleep, timeout, |()| self.rung() == heard);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        drop(waited);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn whoever_waits_is_woken_whenever_the_bell_was_rung_since_the_last_look() {
        let bell = Arc::new(Bell::default());
        let heard = bell.rung();
        let ringing = {
            let bell = Arc::clone(&bell);
            std::thread::spawn(move || (0..1_000).for_each(|_| bell.ring()))
        };
        let started = Instant::now();
        let mut heard = heard;
        while heard < 1_000 {
            bell.wait(heard, Duration::from_secs(30));
            heard = bell.rung();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "it slept through a ring");
        ringing.join().expect("nobody panicked");
    }

    #[test]
    fn a_wait_ends_when_its_time_is_over() {
        let bell = Bell::default();
        bell.wait(bell.rung(), Duration::from_millis(5));
        assert_eq!(bell.waiting.load(Ordering::SeqCst), 0);
    }
}
