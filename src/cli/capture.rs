//! `run`: records a program, and exits as it did.

use std::process::ExitCode;

use annals::contract::capture::{CaptureOptions, Output, Signals, record_program};
use annals::contract::{Setting, enclosing_run};

use super::arguments::RunArguments;
use super::failure::{Failure, Outcome};
use super::session::Session;

/// `annals run`: the run's id is the last line on standard error.
pub(super) fn run(session: &Session, arguments: &RunArguments) -> Outcome<ExitCode> {
    let settings = arguments.settings.iter().map(|text| text.parse::<Setting>()).collect::<annals::Result<Vec<_>>>()?;
    let connection = session.connection_or_create()?;
    let parent = enclosing_run(&connection.db()?)?.map(|run| run.entity);
    let options = CaptureOptions {
        name: arguments.name.clone(),
        mode: arguments.mode.clone(),
        settings,
        parent,
        output: Output::PassedThrough,
        signals: Signals::HandedOn,
        ..CaptureOptions::default()
    };
    let outcome = record_program(&connection, options, &arguments.command)?;
    for error in [outcome.start_error, outcome.recording_error, outcome.output_error].into_iter().flatten() {
        Failure::from(error).report(session.errors_as_json());
    }
    if outcome.lines_lost > 0 {
        eprintln!("{} lines could not be recorded", outcome.lines_lost);
    }
    eprintln!("{}", outcome.run_id);
    Ok(ExitCode::from(u8::try_from(outcome.ending.exit_code()).unwrap_or(1)))
}
