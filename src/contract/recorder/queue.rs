//! Lines on their way to the store: a bounded queue, and a thread of its own that writes what is due in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::pen::Pen;
use crate::contract::line::Line;
use crate::error::{Error, ErrorKind, Result};

/// Lines after which what waits is written, however young it is: enough that a commit's own cost no longer counts.
pub const FLUSH_LINES: usize = 256;

/// How old a line that waits becomes at the most before it is written: what a death of the process can lose.
pub const FLUSH_AGE: Duration = Duration::from_millis(50);

/// Lines that wait at the most; whoever comes with one more waits for the store.
pub const LIMIT_QUEUE_LINES: usize = 4_096;

/// Bytes of lines that wait at the most.
pub const LIMIT_QUEUE_BYTES: usize = 4 << 20;

/// A bounded queue of lines and the thread that empties it. Dropping it writes what waits.
#[derive(Debug)]
pub(super) struct Queue {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Something is there to be written, or to be done.
    work: Condvar,
    /// Lines were written, or could not be.
    outcome: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Line>,
    waiting_bytes: usize,
    /// Since when the first line waits.
    since: Option<Instant>,
    is_writing: bool,
    is_flush_wanted: bool,
    is_closing: bool,
    /// Why the last attempt to write failed. Until somebody was told, nothing more is tried.
    failure: Option<Error>,
}

impl State {
    fn is_full(&self) -> bool {
        self.waiting.len() >= LIMIT_QUEUE_LINES || self.waiting_bytes >= LIMIT_QUEUE_BYTES
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.is_writing
    }

    /// How long the lines that wait may go on waiting.
    fn patience(&self) -> Duration {
        if self.is_flush_wanted || self.is_closing || self.is_full() || self.waiting.len() >= FLUSH_LINES {
            return Duration::ZERO;
        }
        self.since.map_or(FLUSH_AGE, |since| FLUSH_AGE.saturating_sub(since.elapsed()))
    }

    /// Puts back what could not be written, before what came meanwhile.
    fn put_back(&mut self, mut lines: Vec<Line>, error: Error) {
        lines.append(&mut self.waiting);
        self.waiting_bytes = lines.iter().map(Line::len_bytes).sum();
        self.waiting = lines;
        self.since.get_or_insert_with(Instant::now);
        self.failure = Some(error);
    }
}

impl Queue {
    /// Begins a queue whose lines are written by `pen`.
    pub(super) fn start(pen: Pen) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || own.write(&pen)).map_err(|error| {
            Error::new(ErrorKind::Io, format!("no thread could be started to write lines: {error}"))
                .with_help("let the process have more threads, or write each line at once with Recorder::append")
                .caused_by(error)
        })?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Lets a line wait; waits itself while the queue is full. If lines before it could not be written this says why, and the
    /// line is not taken.
    pub(super) fn push(&self, line: Line) -> Result<()> {
        let mut state = self.shared.lock();
        loop {
            if let Some(error) = state.failure.take() {
                self.shared.work.notify_one();
                return Err(error);
            }
            if !state.is_full() {
                break;
            }
            state = self.shared.outcome.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting_bytes += line.len_bytes();
        state.waiting.push(line);
        // The writer sleeps until the first line comes, and then until that is old; unless there are enough before.
        let is_first = state.since.is_none();
        state.since.get_or_insert_with(Instant::now);
        if is_first || state.patience().is_zero() {
            self.shared.work.notify_one();
        }
        Ok(())
    }

    /// Returns when all lines are in the store. If they cannot be written this says why; they wait on.
    pub(super) fn flush(&self) -> Result<()> {
        let mut state = self.shared.lock();
        state.failure = None;
        state.is_flush_wanted = true;
        self.shared.work.notify_one();
        while !state.is_done() && state.failure.is_none() {
            state = self.shared.outcome.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_flush_wanted = false;
        state.failure.take().map_or(Ok(()), Err)
    }

    /// True if no line waits or is being written.
    pub(super) fn is_empty(&self) -> bool {
        self.shared.lock().is_done()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.is_closing = true;
            // Once more, whoever was told.
            state.failure = None;
        }
        self.shared.work.notify_one();
        if let Some(writer) = self.writer.take() {
            // Nobody is left to be told; a failure leaves the run as a crash would.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is due until the queue is closed: then once more, and over.
    fn write(&self, pen: &Pen) {
        let mut state = self.lock();
        loop {
            if state.waiting.is_empty() && state.is_closing {
                return;
            }
            if state.waiting.is_empty() || state.failure.is_some() {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let patience = state.patience();
            if !patience.is_zero() {
                state = self.work.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let lines = std::mem::take(&mut state.waiting);
            (state.waiting_bytes, state.since, state.is_writing) = (0, None, true);
            drop(state);
            let written = catch_unwind(AssertUnwindSafe(|| pen.write(&lines))).unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Io, "the thread that writes lines panicked").with_help("say the lines again"))
            });
            state = self.lock();
            state.is_writing = false;
            if let Err(error) = written {
                state.put_back(lines, error);
            }
            self.outcome.notify_all();
            if state.is_closing && state.failure.is_some() {
                return;
            }
        }
    }
}
