//! One program being recorded: its streams, its end and signals come together here.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;

use super::keeper::{Count, Keeper};
use super::pipe::{self, PassedThrough, Tap};
use super::program::{self, Ending};
use super::signals::Forwarder;
use super::{Outcome, Output, io_error};
use crate::contract::line::Stream;
use crate::contract::recorder::Recorder;
use crate::contract::status::Status;
use crate::error::Error;
use crate::redact::Redaction;

/// Chunks between reading and writing: at 64 KiB each, what a slow store may hold in memory.
pub(super) const LIMIT_QUEUE_CHUNKS: usize = 256;

/// What the threads around a program tell the one that records it.
pub(super) enum Event {
    Chunk { stream: Stream, ts: i64, bytes: Box<[u8]> },
    Closed { stream: Stream, passed: PassedThrough },
    Ended,
    Signal,
}

/// One program being recorded.
pub(super) struct Session {
    output: Output,
    redaction: Redaction,
    forwarder: Option<Forwarder>,
    sender: SyncSender<Event>,
    receiver: Receiver<Event>,
}

/// What a session saw.
#[derive(Default)]
struct Seen {
    has_ended: bool,
    closed: usize,
    unfinished: Vec<Stream>,
    output_error: Option<Error>,
}

impl Session {
    pub(super) fn new(
        output: Output,
        redaction: Redaction,
        forwarder: Option<Forwarder>,
        sender: SyncSender<Event>,
        receiver: Receiver<Event>,
    ) -> Self {
        Self { output, redaction, forwarder, sender, receiver }
    }

    /// Records a program from its start to its end.
    pub(super) fn record(self, recorder: &mut Recorder, mut child: Child) -> Outcome {
        if let Some(forwarder) = &self.forwarder {
            forwarder.program_started(child.id());
        }
        let mut keeper = Keeper::new(recorder, self.redaction);
        let (seen, failure) = match self.start_threads(&mut child) {
            Ok(ended) => (self.listen(&mut keeper, ended), None),
            Err(error) => (Seen { has_ended: true, ..Seen::default() }, Some(io_error("no thread could be started", error))),
        };
        let (count, keeping_failure) = keeper.finish();
        if let Some(forwarder) = &self.forwarder {
            forwarder.program_ended();
        }
        let ending = match child.try_wait() {
            _ if failure.is_some() => child.wait().map_or(Ending::StillRunning, Ending::from),
            Ok(Some(status)) => Ending::from(status),
            Ok(None) | Err(_) => Ending::StillRunning,
        };
        let status = self.status(&ending);
        Outcome {
            lines: count.recorded,
            lines_lost: count.lost,
            recording_error: failure.or(keeping_failure.map(|error| lost(&error, count))),
            output_error: seen.output_error,
            unfinished: seen.unfinished,
            ..Outcome::new(recorder, ending, status)
        }
    }

    /// Starts a thread for the streams and one that waits for the program. What is given tells the streams, once it is dropped, that the
    /// program has ended.
    fn start_threads(&self, child: &mut Child) -> io::Result<io::PipeWriter> {
        let (ended, end) = io::pipe()?;
        let mut taps = Vec::new();
        if let Some(source) = child.stdout.take() {
            taps.push(self.tap(Stream::Stdout, source.into(), Box::new(io::stdout())));
        }
        if let Some(source) = child.stderr.take() {
            taps.push(self.tap(Stream::Stderr, source.into(), Box::new(io::stderr())));
        }
        let sender = self.sender.clone();
        thread::Builder::new().name("output".into()).spawn(move || pipe::pump(taps, ended, &sender))?;
        program::watch(child, self.sender.clone())?;
        Ok(end)
    }

    fn tap(&self, stream: Stream, source: OwnedFd, sink: Box<dyn Write + Send>) -> Tap {
        Tap::new(stream, source.into(), (self.output == Output::PassedThrough).then_some(sink))
    }

    /// Takes in what comes until the program has ended and its streams are closed, or a second signal came.
    fn listen(&self, keeper: &mut Keeper<'_>, ended: io::PipeWriter) -> Seen {
        let (mut seen, mut ended) = (Seen::default(), Some(ended));
        while !self.is_broken_off() && !seen.is_over() {
            match self.receiver.recv_timeout(keeper.patience()) {
                Ok(event) => seen.take(event, keeper),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => keeper.show_pauses(),
            }
            if seen.has_ended {
                ended = None;
            }
            keeper.keep_due();
        }
        drop(ended);
        // What was read is recorded, but a program that never stops writing does not keep us.
        for event in self.receiver.try_iter().take(LIMIT_QUEUE_CHUNKS) {
            seen.take(event, keeper);
        }
        seen
    }

    fn is_broken_off(&self) -> bool {
        self.forwarder.as_ref().is_some_and(|forwarder| forwarder.count() >= 2)
    }

    /// Ended by itself and well: succeeded. Otherwise cancelled if someone asked us to end, else failed.
    fn status(&self, ending: &Ending) -> Status {
        match ending {
            Ending::Exited(0) => Status::Succeeded,
            Ending::StillRunning => Status::Cancelled,
            _ if self.forwarder.as_ref().is_some_and(|forwarder| forwarder.count() > 0) => Status::Cancelled,
            _ => Status::Failed,
        }
    }
}

impl Seen {
    fn is_over(&self) -> bool {
        self.has_ended && self.closed == 2
    }

    fn take(&mut self, event: Event, keeper: &mut Keeper<'_>) {
        match event {
            Event::Chunk { stream, ts, bytes } => keeper.take(stream, ts, &bytes),
            Event::Closed { stream, passed } => {
                keeper.end_of(stream);
                self.closed += 1;
                match passed {
                    PassedThrough::Failed(error) => {
                        let error = io_error(&format!("{stream} could not be passed on"), error);
                        self.output_error.get_or_insert(error.with_help("everything is in the store: `annals logs last`"));
                    }
                    PassedThrough::WithoutNewline => self.unfinished.push(stream),
                    PassedThrough::Wholly | PassedThrough::ReaderGone => {}
                }
            }
            Event::Ended => self.has_ended = true,
            Event::Signal => {}
        }
    }
}

/// The store's error, with how much it cost.
fn lost(error: &Error, count: Count) -> Error {
    let message = format!("recording stopped after {} lines, {} more are lost: {}", count.recorded, count.lost, error.message());
    let help = error.help().unwrap_or("the program itself was not disturbed; see to the disk that holds the store");
    Error::new(error.kind(), message).with_help(help)
}
