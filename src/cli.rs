//! The command line: a table of commands, a file for each family, and one place that prints errors.

mod arguments;
mod ask;
mod backup;
mod capture;
mod demo;
mod explain;
mod failure;
mod inspect;
mod library;
mod manual;
mod moment;
mod output;
mod place;
mod prove;
mod runs;
mod session;
mod shell;
mod state;
mod tell;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use annals::store::Access;
use annals::{Error, ErrorKind};
use clap::Parser as _;
use clap::error::ErrorKind as UsageKind;

use arguments::{Arguments, Command};
use failure::{Failure, Outcome, usage};
use session::Session;

/// Reads the command line, does what it says, reports errors, and gives the exit code.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&error),
    };
    let mut global = arguments.global;
    // A variable that is set to nothing names no store.
    global.db = global.db.or_else(|| std::env::var_os("ANNALS_DB").filter(|path| !path.is_empty()).map(Into::into));
    let only_reads = reads(&arguments.command) && !matches!(arguments.command, Command::Shell);
    let mut session = Session::new(global, if only_reads { Access::ReadOnly } else { Access::ReadWrite });
    let as_json = session.errors_as_json();
    dispatch(&mut session, arguments.command).unwrap_or_else(|failure| failure.report(as_json))
}

fn dispatch(session: &mut Session, command: Command) -> Outcome<ExitCode> {
    if session.looks_back() && !reads(&command) {
        return Err(usage("--as-of and --since are for commands that read", "leave them out: what is written is written now"));
    }
    if session.global.lens.is_some() && !sees_lens(&command) {
        return Err(usage(
            "--lens is for q, watch, explain, pull, entity and shell",
            "leave it out: this command reads the facts as they are stored",
        ));
    }
    if let Command::Run(arguments) = &command {
        return capture::run(session, arguments);
    }
    if stops_gently(&command) {
        stop_on_interrupt(session)?;
    }
    match command {
        Command::Init { dir } => tell::init(session, &dir),
        Command::Run(_) => unreachable!("answered above"),
        Command::Start(arguments) => runs::start(session, &arguments),
        Command::Finish { run, status } => runs::finish(session, &run, &status),
        Command::Log { run, level, no_redact, message } => {
            runs::log(session, &run, level.as_deref(), &message, runs::redaction(no_redact))
        }
        Command::Runs { status, limit } => runs::runs(session, status.as_deref(), limit),
        Command::Logs(arguments) => runs::logs(session, &arguments),
        Command::Show { run } => runs::show(session, &run),
        Command::State(command) => state::state(session, &command),
        Command::Transact { file } => tell::transact(session, &file),
        Command::Q(arguments) => ask::q(session, &arguments),
        Command::Watch(arguments) => watch::watch(session, &arguments),
        Command::Explain(arguments) => ask::explain(session, &arguments),
        Command::Pull { pattern, entities } => ask::pull(session, &pattern, &entities),
        Command::Entity { entity } => inspect::entity(session, &entity),
        Command::History { entity, attribute } => inspect::history(session, &entity, attribute.as_deref()),
        Command::Schema => inspect::schema(session),
        Command::Tx { t, limit } => inspect::tx(session, t.as_deref(), limit),
        Command::Import { file } => tell::import(session, &file),
        Command::Export { form, redact } => tell::export(session, form, redact),
        Command::Backup { out, force } => backup::backup(session, &out, force),
        Command::Verify { head, expect } => prove::verify(session, head, expect.as_deref()),
        Command::Rescue { file, out } => prove::rescue(session, &file, &out),
        Command::Shell => shell::shell(session),
        Command::Demo => demo::demo(session),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man => manual::man(),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// True for commands that look at facts without adding any.
fn reads(command: &Command) -> bool {
    use arguments::StateCommand as State;
    matches!(
        command,
        Command::Runs { .. }
            | Command::Logs(_)
            | Command::Show { .. }
            | Command::State(State::Get { .. } | State::List { .. } | State::History { .. })
            | Command::Q(_)
            | Command::Watch(_)
            | Command::Explain(_)
            | Command::Pull { .. }
            | Command::Entity { .. }
            | Command::History { .. }
            | Command::Schema
            | Command::Tx { .. }
            | Command::Export { .. }
            | Command::Shell
    )
}

/// True for commands that can read facts through a lens.
fn sees_lens(command: &Command) -> bool {
    use Command::{Entity, Explain, Pull, Q, Shell, Watch};
    matches!(command, Q(_) | Watch(_) | Explain(_) | Pull { .. } | Entity { .. } | Shell)
}

/// True for commands in which Ctrl-C ends a question or a wait, and not the program at once.
fn stops_gently(command: &Command) -> bool {
    matches!(command, Command::Q(_) | Command::Watch(_) | Command::Explain(_) | Command::Pull { .. } | Command::Shell)
        || matches!(command, Command::Logs(arguments) if arguments.follow)
}

/// The first Ctrl-C stops what is in progress; the second ends the program as usual.
fn stop_on_interrupt(session: &Session) -> Outcome {
    let interrupted = Arc::clone(&session.interrupted);
    ctrlc::set_handler(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|error| Failure::from(std::io::Error::other(error)))
}

/// Help and version go to standard output; a wrong usage is an error like any other where JSON was asked for.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    let told_as_json = asks_for_json(std::env::args_os());
    if matches!(error.kind(), UsageKind::DisplayHelp | UsageKind::DisplayVersion) || !told_as_json {
        // Whoever reads the help may be gone.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    }
    Failure::from(Error::new(ErrorKind::Usage, usage_sentence(&error.to_string())).with_help("annals --help shows the usage"))
        .report(true)
}

/// What clap says before it shows the usage, on one line.
fn usage_sentence(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    words.iter().any(|word| word.starts_with("--format=json"))
        || words.windows(2).any(|pair| pair[0] == "--format" && pair[1].starts_with("json"))
}
