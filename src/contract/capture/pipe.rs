//! One stream of a running program: read as it comes, passed through, handed on to be recorded.

use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::session::Event;
use crate::contract::line::Stream;
use crate::db::now_micros;

/// Bytes read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// How long a pipe that other processes hold open is read after the program itself has ended and nothing is left in it.
const GRACE: Duration = Duration::from_millis(500);

/// Bytes still read after the grace time from a process that writes without a pause: more than any pipe holds, so what the
/// program itself wrote is among them.
const LIMIT_GRACE_BYTES: usize = 4 << 20;

/// What became of passing a stream through.
#[derive(Debug)]
pub(super) enum PassedThrough {
    /// All of it reached its reader.
    Wholly,
    /// The reader went away, so the program's pipe was closed too.
    ReaderGone,
    /// Writing failed; the stream was recorded all the same.
    Failed(io::Error),
}

/// Reads `source` until it ends and hands on every chunk; writes each to `sink` first.
///
/// `ended` becomes ready when the program has ended. Other processes may hold the pipe open then: what is in it is still read, and
/// what comes within [`GRACE`].
pub(super) fn pump(
    stream: Stream,
    mut source: impl Read + AsFd,
    ended: PipeReader,
    mut sink: Option<Box<dyn Write + Send>>,
    events: &SyncSender<Event>,
) {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut wait = Wait { ended: Some(ended), until: None, bytes_left: LIMIT_GRACE_BYTES };
    let mut passed = PassedThrough::Wholly;
    while wait.for_data(&source) {
        let length = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        wait.spend(length);
        let (ts, bytes) = (now_micros(), &buffer[..length]);
        if let Some(Err(error)) = sink.as_mut().map(|sink| sink.write_all(bytes).and_then(|()| sink.flush())) {
            sink = None;
            passed = match error.kind() {
                ErrorKind::BrokenPipe => PassedThrough::ReaderGone,
                _ => PassedThrough::Failed(error),
            };
        }
        let is_heard = events.send(Event::Chunk { stream, ts, bytes: bytes.into() }).is_ok();
        if !is_heard || matches!(passed, PassedThrough::ReaderGone) {
            break;
        }
    }
    // Closed before it is told, so that the program feels it first.
    drop(source);
    let _ = events.send(Event::Closed { stream, passed });
}

/// How long to wait for the next chunk.
struct Wait {
    ended: Option<PipeReader>,
    until: Option<Instant>,
    bytes_left: usize,
}

impl Wait {
    /// True once there is something to read (or the end); false when it is no use to wait any longer.
    fn for_data(&mut self, source: &impl AsFd) -> bool {
        loop {
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) && self.bytes_left == 0 {
                return false;
            }
            let (has_data, has_ended) = match self.poll(source, left) {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(_) => return false,
            };
            if has_ended {
                self.ended = None;
                self.until = Some(Instant::now() + GRACE);
            }
            if has_data {
                return true;
            }
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
        }
    }

    /// Waits on the source and on the end of the program; says which is ready.
    fn poll(&self, source: &impl AsFd, left: Option<Duration>) -> Result<(bool, bool), Errno> {
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut waited = vec![PollFd::new(source, PollFlags::IN)];
        waited.extend(self.ended.as_ref().map(|ended| PollFd::new(ended, PollFlags::IN)));
        poll(&mut waited, timeout.as_ref())?;
        let is_ready = |index: usize| waited.get(index).is_some_and(|fd| !fd.revents().is_empty());
        Ok((is_ready(0), is_ready(1)))
    }

    fn spend(&mut self, length: usize) {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.bytes_left = self.bytes_left.saturating_sub(length);
        }
    }
}
