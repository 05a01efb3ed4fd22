//! Recording a program: every line of its output in order, passed through as it comes.
//!
//! ```text
//! program -> pipes -> pump (one for both, passes through) -> queue -> keeper (lines, levels, batches) -> recorder -> store
//! ```
//!
//! - The run is committed before the program starts, and lines at the latest 50 ms after they came: if this process is killed, the run stays
//!   `running` with its host and process id, with all lines but the last few.
//! - The queue between reading and writing is bounded and nothing is dropped: with a slow store the program waits, as it would for a slow terminal.
//! - If whoever reads our output goes away (`| head -1`), the program's pipe is closed, so that it ends as it would have without us.
//! - Processes that the program leaves behind may hold its output open: after its end we read on for half a second, then finish.
//! - A signal for us is handed on to the program, and recording goes on until that ends; a second one ends recording at once.
//! - If the store fails, the program goes on and its output passes through; what could not be recorded is counted and said at the end.
//!
//! The environment is not recorded, and the program's input is ours. Its output being a pipe, a program may choose to write without colours.

mod detect;
mod keeper;
mod lines;
mod pipe;
mod program;
mod quote;
mod session;
mod signals;
mod structured;

pub use detect::{LIMIT_EXAMINED_BYTES, detect_level};
pub use lines::{LIMIT_LINE_BYTES, LineSplitter, Piece};
pub use program::Ending;
pub use quote::quote_command;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use crate::connection::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::redact::{Redaction, Redactor};
use crate::schema::attribute as a;

use super::line::Stream;
use super::recorder::{Recorder, RunOptions};
use super::setting::Setting;
use super::status::Status;
use session::{LIMIT_QUEUE_CHUNKS, Session};
use signals::Forwarder;

/// How a program is recorded.
#[derive(Clone, Debug, Default)]
pub struct CaptureOptions {
    /// What people call the run.
    pub name: Option<String>,
    /// How it is executed; `:exec` if nothing is said.
    pub mode: Option<String>,
    /// Facts to begin with.
    pub settings: Vec<Setting>,
    /// The run inside which this one is started.
    pub parent: Option<i64>,
    /// The folder to run in; the present one if nothing is said.
    pub directory: Option<PathBuf>,
    /// Where the program's output goes beside the store.
    pub output: Output,
    /// What happens to signals for this process.
    pub signals: Signals,
    /// Whether secrets are taken out of what is recorded. What is passed through stays as it is.
    pub redaction: Redaction,
}

/// Where a recorded program's output goes beside the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// To the store alone.
    #[default]
    Recorded,
    /// Also to our own standard output and error, byte for byte, as it comes.
    PassedThrough,
}

/// What happens to SIGINT, SIGTERM, SIGHUP and SIGQUIT while a program is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signals {
    /// They do what they do.
    #[default]
    Untouched,
    /// The first is handed on to the program, unless the terminal sent it to both; the second ends recording.
    HandedOn,
}

/// What became of a recorded program.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The run's id.
    pub run_id: String,
    /// How the program ended.
    pub ending: Ending,
    /// The status the run was given.
    pub status: Status,
    /// Lines that were recorded.
    pub lines: u64,
    /// Lines that were not, because the store failed.
    pub lines_lost: u64,
    /// Why the program could not be started.
    pub start_error: Option<Error>,
    /// Why recording failed although the program ran.
    pub recording_error: Option<Error>,
    /// Why output could not be passed through although it was recorded.
    pub output_error: Option<Error>,
    /// Streams that were passed through and whose last line has no newline.
    pub unfinished: Vec<Stream>,
}

/// Runs a program and records it; comes back when it has ended.
///
/// An error means that the run could not be begun, so that the program was not started. Whatever happens later is said in the
/// [`Outcome`].
pub fn record_program(connection: &Connection, options: CaptureOptions, command: &[OsString]) -> Result<Outcome> {
    let directory = match &options.directory {
        Some(directory) => directory.clone(),
        None => std::env::current_dir().map_err(|error| io_error("the present folder cannot be told", error))?,
    };
    let (sender, receiver) = sync_channel(LIMIT_QUEUE_CHUNKS);
    let forwarder = match options.signals {
        Signals::Untouched => None,
        Signals::HandedOn => Some(Forwarder::start(sender.clone()).map_err(|error| io_error("signals cannot be taken", error))?),
    };
    let mut recorder = Recorder::start(
        connection,
        RunOptions {
            name: options.name,
            mode: Some(options.mode.unwrap_or_else(|| "exec".into())),
            parent: options.parent,
            project_path: Some(directory.to_string_lossy().into_owned()),
            command: Some(command_line(connection, options.redaction, command)),
            settings: options.settings,
            redaction: options.redaction,
            ..RunOptions::default()
        },
    )?;
    let environment =
        [("ANNALS_RUN", OsString::from(recorder.run_id())), ("ANNALS_DB", connection.store().path().as_os_str().to_owned())];
    let began = Instant::now();
    let started = program::start(command, &directory, &environment);
    let session = Session::new(options.output, options.redaction, forwarder, sender, receiver);
    let mut outcome = match started {
        Ok(child) => session.record(&mut recorder, child),
        Err(error) => not_started(&recorder, command, error),
    };
    let redactor = (options.redaction == Redaction::On).then(|| connection.redactor());
    finish(recorder, &mut outcome, began, redactor.as_ref());
    Ok(outcome)
}

/// The command line as it is recorded.
fn command_line(connection: &Connection, redaction: Redaction, command: &[OsString]) -> String {
    if redaction == Redaction::Off {
        return quote_command(command);
    }
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    quote_command(connection.redactor().command(&words))
}

/// Writes how the run ended, if the store still takes it: where recording failed, through a handle that did not.
fn finish(recorder: Recorder, outcome: &mut Outcome, began: Instant, redactor: Option<&Redactor>) {
    let anew = outcome.recording_error.as_ref().and_then(|_| recorder.reopened().ok());
    let mut recorder = anew.unwrap_or(recorder);
    match outcome.ending {
        Ending::Exited(code) | Ending::NotStarted(code) => recorder.say_at_end(a::RUN_EXIT_CODE, i64::from(code)),
        Ending::Signalled(signal) => recorder.say_at_end(a::RUN_SIGNAL, i64::from(signal)),
        Ending::StillRunning => {}
    }
    if let Some(error) = outcome.start_error.as_ref().or(outcome.recording_error.as_ref()) {
        // What cannot be started may be a secret that came first by mistake.
        let message = error.message();
        recorder
            .say_at_end(a::RUN_ERROR, redactor.map_or_else(|| message.into(), |redactor| redactor.text(message).into_owned()));
    }
    recorder.say_at_end(a::RUN_DURATION_US, began.elapsed().as_micros() as i64);
    if let Err(error) = recorder.finish(&outcome.status) {
        outcome.recording_error.get_or_insert(error);
    }
}

fn not_started(recorder: &Recorder, command: &[OsString], error: io::Error) -> Outcome {
    let (error, code) = program::start_failure(command, error);
    Outcome { start_error: Some(error), ..Outcome::new(recorder, Ending::NotStarted(code), Status::Failed) }
}

impl Outcome {
    fn new(recorder: &Recorder, ending: Ending, status: Status) -> Self {
        Self {
            run_id: recorder.run_id().to_owned(),
            ending,
            status,
            lines: 0,
            lines_lost: 0,
            start_error: None,
            recording_error: None,
            output_error: None,
            unfinished: Vec::new(),
        }
    }
}

fn io_error(what: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{what}: {error}")).caused_by(error)
}
