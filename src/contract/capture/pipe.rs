//! The streams of a running program: read as they come, passed through, handed on to be recorded.
//!
//! One thread waits for both, as two would race for the place of their lines: what was written apart by more than it takes to
//! wake that thread is recorded in the order in which it was written.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::session::Event;
use crate::contract::line::Stream;
use crate::db::now_micros;

/// Bytes read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// How long pipes that other processes hold open are read after the program itself has ended and nothing is left in them.
const GRACE: Duration = Duration::from_millis(500);

/// Bytes still read after the grace time from processes that write without a pause: more than two pipes hold, so what the
/// program itself wrote is among them.
const LIMIT_GRACE_BYTES: usize = 4 << 20;

/// What became of passing a stream through.
#[derive(Debug)]
pub(super) enum PassedThrough {
    /// All of it reached its reader.
    Wholly,
    /// All of it reached its reader, and its last line has no newline.
    WithoutNewline,
    /// The reader went away, so the program's pipe was closed too.
    ReaderGone,
    /// Writing failed; the stream was recorded all the same.
    Failed(io::Error),
}

/// One stream of the program, and where it goes beside the store.
pub(super) struct Tap {
    stream: Stream,
    source: File,
    sink: Option<Box<dyn Write + Send>>,
    passed: PassedThrough,
}

impl Tap {
    pub(super) fn new(stream: Stream, source: File, sink: Option<Box<dyn Write + Send>>) -> Self {
        Self { stream, source, sink, passed: PassedThrough::Wholly }
    }

    /// Reads what is there, writes it to the sink and then tells it; `None` for the length at the end of the stream, or once there is
    /// nobody left who wants more of it.
    fn forward(&mut self, buffer: &mut [u8], events: &SyncSender<Event>) -> Option<usize> {
        let length = match self.source.read(buffer) {
            Ok(0) => return None,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Some(0),
            Err(_) => return None,
        };
        let (ts, bytes) = (now_micros(), &buffer[..length]);
        self.pass_through(bytes);
        let is_heard = events.send(Event::Chunk { stream: self.stream, ts, bytes: bytes.into() }).is_ok();
        (is_heard && !matches!(self.passed, PassedThrough::ReaderGone)).then_some(length)
    }

    fn pass_through(&mut self, bytes: &[u8]) {
        let Some(sink) = &mut self.sink else { return };
        self.passed = match sink.write_all(bytes).and_then(|()| sink.flush()) {
            Ok(()) if bytes.ends_with(b"\n") => PassedThrough::Wholly,
            Ok(()) => PassedThrough::WithoutNewline,
            Err(error) => {
                self.sink = None;
                if error.kind() == ErrorKind::BrokenPipe { PassedThrough::ReaderGone } else { PassedThrough::Failed(error) }
            }
        };
    }

    /// Closes the pipe before that is told, so that the program feels it first.
    fn close(self, events: &SyncSender<Event>) {
        let Self { stream, source, passed, .. } = self;
        drop(source);
        let _ = events.send(Event::Closed { stream, passed });
    }
}

/// Reads the streams until they end and hands on every chunk. Where several have something, the first is read first.
///
/// `ended` becomes ready when the program has ended. Other processes may hold the pipes open then: what is in them is still read, and
/// what comes within [`GRACE`].
pub(super) fn pump(mut taps: Vec<Tap>, ended: PipeReader, events: &SyncSender<Event>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut wait = Wait { ended: Some(ended), until: None, bytes_left: LIMIT_GRACE_BYTES };
    while !taps.is_empty()
        && let Some(ready) = wait.for_data(&taps)
    {
        let mut open = Vec::with_capacity(taps.len());
        for (mut tap, is_ready) in taps.into_iter().zip(ready) {
            let length = if is_ready { tap.forward(&mut buffer, events) } else { Some(0) };
            match length {
                Some(length) => {
                    wait.spend(length);
                    open.push(tap);
                }
                None => tap.close(events),
            }
        }
        taps = open;
    }
    for tap in taps {
        tap.close(events);
    }
}

/// How long to wait for the next chunk.
struct Wait {
    ended: Option<PipeReader>,
    until: Option<Instant>,
    bytes_left: usize,
}

impl Wait {
    /// Which streams have something to read (or their end); `None` when it is no use to wait any longer.
    fn for_data(&mut self, taps: &[Tap]) -> Option<Vec<bool>> {
        loop {
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            let is_late = left.is_some_and(|left| left.is_zero());
            if is_late && self.bytes_left == 0 {
                return None;
            }
            let (ready, has_ended) = match self.poll(taps, left) {
                Ok(seen) => seen,
                Err(Errno::INTR) => continue,
                Err(_) => return None,
            };
            if has_ended {
                self.ended = None;
                self.until = Some(Instant::now() + GRACE);
            }
            if ready.contains(&true) {
                return Some(ready);
            }
            if is_late {
                return None;
            }
        }
    }

    /// Waits on the streams and on the end of the program; says which are ready.
    fn poll(&self, taps: &[Tap], left: Option<Duration>) -> Result<(Vec<bool>, bool), Errno> {
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut waited: Vec<_> = taps.iter().map(|tap| PollFd::new(&tap.source, PollFlags::IN)).collect();
        waited.extend(self.ended.as_ref().map(|ended| PollFd::new(ended, PollFlags::IN)));
        poll(&mut waited, timeout.as_ref())?;
        let mut ready: Vec<bool> = waited.iter().map(|fd| !fd.revents().is_empty()).collect();
        let has_ended = ready.split_off(taps.len()).contains(&true);
        Ok((ready, has_ended))
    }

    fn spend(&mut self, length: usize) {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.bytes_left = self.bytes_left.saturating_sub(length);
        }
    }
}
