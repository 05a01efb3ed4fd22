//! Signals that come while a program is recorded: handed on to it, and counted.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Origin};

use super::session::Event;

/// Takes the signals that would end this process, so that recording goes on until the program has ended.
///
/// A signal from the terminal reaches the program by itself, as it is of the same process group; one that another process sent to
/// this process alone is handed on.
#[derive(Debug)]
pub(super) struct Forwarder {
    shared: Arc<Shared>,
    handle: Handle,
}

#[derive(Debug, Default)]
struct Shared {
    target: Mutex<Target>,
    count: AtomicU32,
}

/// Whom signals are handed on to.
#[derive(Debug, Default)]
enum Target {
    /// The program is not started yet: these came before.
    Awaited(Vec<Signal>),
    /// The program.
    Program(Pid),
    /// The program has been waited for, and its id may be another's.
    #[default]
    Nobody,
}

impl Forwarder {
    /// Starts taking signals. A thread waits for them until this is dropped.
    pub(super) fn start(events: SyncSender<Event>) -> io::Result<Self> {
        let mut signals = SignalsInfo::<WithOrigin>::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        let shared = Arc::new(Shared { target: Mutex::new(Target::Awaited(Vec::new())), ..Shared::default() });
        let handle = signals.handle();
        let forwarder = Self { shared: shared.clone(), handle };
        thread::Builder::new().name("signals".into()).spawn(move || {
            for origin in signals.forever() {
                shared.take(&origin);
                // If the queue is full, whoever empties it will look at the count anyway.
                let _ = events.try_send(Event::Signal);
            }
        })?;
        Ok(forwarder)
    }

    /// The program is running: from now on signals are handed on to it, at once those that came before.
    pub(super) fn program_started(&self, id: u32) {
        let Some(pid) = i32::try_from(id).ok().filter(|id| *id > 0).and_then(Pid::from_raw) else { return };
        if let Target::Awaited(signals) = self.shared.replace_target(Target::Program(pid)) {
            for signal in signals {
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// The program is about to be waited for: no signal is handed on any more.
    pub(super) fn program_ended(&self) {
        self.shared.replace_target(Target::Nobody);
    }

    /// How many signals came.
    pub(super) fn count(&self) -> u32 {
        self.shared.count.load(Ordering::Acquire)
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Shared {
    fn replace_target(&self, target: Target) -> Target {
        std::mem::replace(&mut *self.target.lock().unwrap_or_else(PoisonError::into_inner), target)
    }

    fn take(&self, origin: &Origin) {
        self.count.fetch_add(1, Ordering::AcqRel);
        let Some(signal) = Signal::from_named_raw(origin.signal) else { return };
        match &mut *self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Awaited(signals) => signals.push(signal),
            // The program may have ended just now, which is what was wanted.
            Target::Program(pid) if origin.cause != Cause::Kernel => drop(kill_process(*pid, signal)),
            Target::Program(_) | Target::Nobody => {}
        }
    }
}
