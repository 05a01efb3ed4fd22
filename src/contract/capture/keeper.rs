//! What comes from a program's streams, made into lines and written in batches.

use std::time::{Duration, Instant};

use super::detect::detect_level;
use super::lines::{LineSplitter, Piece};
use crate::contract::line::{Line, Stream};
use crate::contract::recorder::Recorder;
use crate::error::{Error, ErrorKind};
use crate::redact::{Redaction, open_secret};

/// A line is written at the latest so long after it came: what a death of this process can lose.
const FLUSH_AFTER: Duration = Duration::from_millis(50);

/// Lines that are written together at the most: one commit for all of them, little enough to be quick.
const LIMIT_BATCH_LINES: usize = 4096;

/// Bytes that are written together at the most.
const LIMIT_BATCH_BYTES: usize = 4 << 20;

/// After such a pause what has no newline yet is taken for a prompt, and shown in its place among the lines.
const PAUSE: Duration = Duration::from_millis(250);

/// Writes lines to a run, and stops writing, not reading, when the store fails.
pub(super) struct Keeper<'a> {
    recorder: &'a mut Recorder,
    redaction: Redaction,
    tracks: [Track; 2],
    pending: Vec<Line>,
    pending_bytes: usize,
    /// When the first pending line came.
    since: Option<Instant>,
    /// When lines were written last.
    written: Option<Instant>,
    count: Count,
    failure: Option<Error>,
}

/// How many lines came, and how many of them the store did not take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) recorded: u64,
    pub(super) lost: u64,
}

/// One stream on its way to lines.
#[derive(Default)]
struct Track {
    splitter: LineSplitter,
    /// When bytes came last, in microseconds since 1970.
    ts: i64,
    /// Since when bytes without a newline wait for a pause to show them.
    held_since: Option<Instant>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(recorder: &'a mut Recorder, redaction: Redaction) -> Self {
        let tracks = [Track::default(), Track::default()];
        Self {
            recorder,
            redaction,
            tracks,
            pending: Vec::new(),
            pending_bytes: 0,
            since: None,
            written: None,
            count: Count::default(),
            failure: None,
        }
    }

    /// Takes in what a stream gave at `ts`.
    pub(super) fn take(&mut self, stream: Stream, ts: i64, bytes: &[u8]) {
        let mut lines = Vec::new();
        let track = &mut self.tracks[stream as usize];
        track.splitter.push(bytes, |piece| lines.push(line_of(stream, ts, piece)));
        track.ts = ts;
        track.held_since = track.splitter.is_holding().then(Instant::now);
        self.add(lines);
    }

    /// A stream has ended: what it said last needs no newline.
    pub(super) fn end_of(&mut self, stream: Stream) {
        let mut lines = Vec::new();
        let track = &mut self.tracks[stream as usize];
        track.splitter.finish(|piece| lines.push(line_of(stream, track.ts, piece)));
        track.held_since = None;
        self.add(lines);
    }

    /// Nothing more is waiting to be taken in: what has had no newline for a while is shown as it is. (While something is waiting,
    /// the rest of the line may be among it, however long a slow store took.)
    pub(super) fn show_pauses(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut lines = Vec::new();
            let track = &mut self.tracks[stream as usize];
            if track.held_since.is_some_and(|since| since.elapsed() >= PAUSE) {
                // What may be the beginning of a secret waits for the rest of it.
                let held_back = |rest: &[u8]| if self.redaction == Redaction::On { open_secret(rest) } else { 0 };
                track.splitter.flush_but(held_back, |piece| lines.push(line_of(stream, track.ts, piece)));
                // If the beginning of a character is still held, only more bytes or the end will move it.
                track.held_since = None;
            }
            self.add(lines);
        }
    }

    /// Writes what has waited long enough, and at once what comes after a pause: what the program then says through another
    /// process, such as `annals log`, comes behind it.
    pub(super) fn keep_due(&mut self) {
        let was_pause = self.written.is_none_or(|written| written.elapsed() >= FLUSH_AFTER);
        if self.since.is_some_and(|since| was_pause || since.elapsed() >= FLUSH_AFTER) {
            self.flush();
        }
    }

    /// How long nothing needs to be done if nothing comes.
    pub(super) fn patience(&self) -> Duration {
        let flush = self.since.map(|since| since + FLUSH_AFTER);
        let pauses = self.tracks.iter().filter_map(|track| Some(track.held_since? + PAUSE));
        let next = flush.into_iter().chain(pauses).min();
        next.map_or(Duration::from_hours(1), |next| next.saturating_duration_since(Instant::now()))
    }

    /// Writes everything; gives how many lines there were, and why some were lost.
    pub(super) fn finish(mut self) -> (Count, Option<Error>) {
        self.end_of(Stream::Stdout);
        self.end_of(Stream::Stderr);
        self.flush();
        (self.count, self.failure)
    }

    fn add(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.since.get_or_insert_with(Instant::now);
            self.pending_bytes += line.len_bytes();
            self.pending.push(line);
            if self.pending.len() >= LIMIT_BATCH_LINES || self.pending_bytes >= LIMIT_BATCH_BYTES {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if self.failure.is_none() && !self.pending.is_empty() {
            self.failure = self.write().err();
        }
        let lines = self.pending.len() as u64;
        match self.failure {
            None => self.count.recorded += lines,
            Some(_) => self.count.lost += lines,
        }
        self.pending.clear();
        self.pending_bytes = 0;
        self.since = None;
        self.written = Some(Instant::now());
    }

    /// Another writer that holds the store for long is no reason to lose lines, so that is tried twice.
    fn write(&mut self) -> Result<(), Error> {
        match self.recorder.append_batch(&self.pending) {
            Err(error) if error.kind() == ErrorKind::Busy => self.recorder.append_batch(&self.pending),
            result => result,
        }
    }
}

fn line_of(stream: Stream, ts: i64, piece: Piece<'_>) -> Line {
    let line = Line::from_bytes(detect_level(piece.bytes), piece.bytes);
    Line { ts, stream: Some(stream), is_partial: piece.is_partial, ..line }
}
