//! `run`: records a program, and exits as it did.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use annals::contract::capture::{CaptureOptions, Output, Signals, record_program};
use annals::contract::{Setting, Status, Stream};

use super::arguments::RunArguments;
use super::failure::{Failure, Outcome, tell};
use super::runs::redaction;
use super::session::Session;

/// `annals run`: the run's id is the last line on standard error.
pub(super) fn run(session: &Session, arguments: &RunArguments) -> Outcome<ExitCode> {
    let settings = arguments.settings.iter().map(|text| text.parse::<Setting>()).collect::<annals::Result<Vec<_>>>()?;
    let connection = session.connection_or_create()?;
    let parent = session.enclosing_run(&connection)?.map(|run| run.entity);
    let options = CaptureOptions {
        name: arguments.name.clone(),
        mode: arguments.mode.clone(),
        settings,
        parent,
        output: Output::PassedThrough,
        signals: Signals::HandedOn,
        redaction: redaction(arguments.no_redact),
        ..CaptureOptions::default()
    };
    let outcome = record_program(&connection, options, &arguments.command)?;
    end_line(&outcome.unfinished, &outcome.status);
    for error in [outcome.start_error, outcome.recording_error, outcome.output_error].into_iter().flatten() {
        Failure::from(error).report(session.errors_as_json());
    }
    tell(&outcome.run_id);
    Ok(ExitCode::from(u8::try_from(outcome.ending.exit_code()).unwrap_or(1)))
}

/// Begins a new line on standard error where the program left one open, so that the id has a line of its own. On a terminal
/// standard output ends in the same place, and Ctrl-C leaves `^C`.
fn end_line(unfinished: &[Stream], status: &Status) {
    let is_terminal = io::stderr().is_terminal();
    let stdout_is_open = unfinished.contains(&Stream::Stdout) && io::stdout().is_terminal();
    if unfinished.contains(&Stream::Stderr) || (is_terminal && (stdout_is_open || *status == Status::Cancelled)) {
        tell("");
    }
}
