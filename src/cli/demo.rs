//! `demo`: records a real build that fails and is mended, and asks five questions about it.

mod project;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use annals::contract::capture::{CaptureOptions, Outcome as Captured, record_program};
use annals::contract::{Border, LogFilter, Run, find_run, logs, run_border};
use annals::{Connection, Db, Error, ErrorKind, Input, Result, Uuid, Value};
use indicatif::{ProgressBar, ProgressStyle};

use super::failure::Outcome;
use super::output::{line, plain, table_text};
use super::session::Session;

/// Questions of which the demo asks each once.
const LINES_BY_LEVEL: &str = "[:find ?level (count ?line)
  :in $ ?run
  :where [?line :log/run ?run] [?line :log/level ?level]
  :order-by ?level]";

const BEFORE_FIRST_ERROR: &str = "[:find ?seq ?message
  :in $ ?run
  :where [?error :log/run ?run] [?error :log/level :error]
         [?error :log/seq ?first]
         (not-join [?run ?first]
           [?earlier :log/run ?run] [?earlier :log/level :error]
           [?earlier :log/seq ?n] [(< ?n ?first)])
         [?line :log/run ?run] [?line :log/seq ?seq] [(< ?seq ?first)]
         [?line :log/message ?message]
  :order-by [?seq :desc] :limit 1]";

const STATE_THEN: &str = "[:find ?value .
  :where [?state :state/namespace \"build\"] [?state :state/key \"stage\"]
         [?state :state/value ?value]]";

const SAID_BETWEEN: &str = "[:find ?attribute (count ?fact)
  :in $ ?from ?until
  :where [?fact ?a _ ?t] [?a :db/ident ?attribute]
         [?t :db/txInstant ?when] [(<= ?from ?when)] [(<= ?when ?until)]
  :order-by [(count ?fact) :desc ?attribute] :limit 8]";

const WHO_WROTE: &str = "[:find ?name ?value
  :where [?state :state/namespace \"build\"] [?state :state/key \"stage\"]
         [?state :state/value ?value _ ?run] [?run :run/name ?name]]";

/// `annals demo`.
pub(super) fn demo(session: &Session) -> Outcome {
    let cargo = cargo()?;
    let folder = env::temp_dir().join(format!("annals-demo-{}", Uuid::now_v7()));
    let path = session.global.db.clone().unwrap_or_else(|| folder.join("annals.db"));
    let connection = Connection::open(&path)?;
    project::write(&folder.join("project"), project::Health::Broken)?;
    let broken = build(&connection, &folder, &cargo, "first build")?;
    project::write(&folder.join("project"), project::Health::Sound)?;
    let sound = build(&connection, &folder, &cargo, "second build")?;
    let db = connection.db()?;
    summarize(&db, &broken)?;
    summarize(&db, &sound)?;
    ask_five(&db, &find_run(&db, &broken.run_id)?)?;
    clean_up(&folder)?;
    line("")?;
    line("The store stays for you to ask:")?;
    line(&format!("    export ANNALS_DB={}", connection.path().display()))?;
    line("Try: annals runs; annals logs last~1 --level error; annals shell")
}

/// Removes what was built, and the folder too if the store does not lie in it.
fn clean_up(folder: &Path) -> Result<()> {
    ["project", "target"]
        .iter()
        .try_for_each(|part| fs::remove_dir_all(folder.join(part)))
        .map_err(|error| Error::new(ErrorKind::Io, format!("the demo's project stays behind: {error}")).caused_by(error))?;
    // With the store in it, the folder is not empty and stays.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// Builds the project under `annals run`'s own recorder; a bar counts the lines as they are committed.
fn build(connection: &Connection, folder: &Path, cargo: &Path, name: &str) -> Result<Captured> {
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} {msg} [{elapsed_precise}]").expect("the template is right"));
    bar.enable_steady_tick(Duration::from_millis(80));
    let options =
        CaptureOptions { name: Some(name.to_owned()), directory: Some(folder.join("project")), ..CaptureOptions::default() };
    let command = build_command(cargo, &folder.join("target"))?;
    let captured = std::thread::scope(|scope| {
        let recording = scope.spawn(|| record_program(connection, options, &command));
        while !recording.is_finished() {
            let lines = lines_so_far(connection).unwrap_or(0);
            bar.set_message(format!("{name}: {lines} lines recorded"));
            std::thread::sleep(Duration::from_millis(100));
        }
        recording.join().expect("recording reports its errors")
    });
    bar.finish_and_clear();
    captured
}

/// The cargo to build with, tried before anything is written.
fn cargo() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    match Command::new(&cargo).arg("--version").output() {
        Ok(told) if told.status.success() => Ok(cargo),
        _ => Err(Error::new(ErrorKind::NotFound, format!("the demo builds with cargo, and {} does not run", cargo.display()))
            .with_value(cargo.display().to_string())
            .with_help("install Rust from https://rustup.rs, or record a program of your own: annals run -- CMD")),
    }
}

/// `cargo build`, told which program to call for state; nothing is fetched and nothing outside the folder is touched.
fn build_command(cargo: &Path, target: &Path) -> Result<Vec<OsString>> {
    let annals = env::current_exe()
        .map_err(|error| Error::new(ErrorKind::Io, format!("this program's own path is unknown: {error}")).caused_by(error))?;
    let setting = |name: &str, value: &Path| {
        let mut setting = OsString::from(name);
        setting.push(value);
        setting
    };
    Ok(vec![
        "env".into(),
        setting("ANNALS_PROGRAM=", &annals),
        setting("CARGO_TARGET_DIR=", target),
        cargo.into(),
        "build".into(),
        "--offline".into(),
        "--keep-going".into(),
    ])
}

fn lines_so_far(connection: &Connection) -> Result<i64> {
    let db = connection.db()?;
    let last = logs(&db, &find_run(&db, "last")?, &LogFilter { tail: Some(1), ..LogFilter::default() })?;
    Ok(last.first().map_or(0, |line| line.seq))
}

fn summarize(db: &Db, captured: &Captured) -> Outcome {
    let run = find_run(db, &captured.run_id)?;
    let seconds = run.duration_us.unwrap_or(0) as f64 / 1e6;
    line(&format!(
        "{}: {} after {seconds:.1} s, {} lines",
        run.name.as_deref().unwrap_or_default(),
        run.status_name(),
        captured.lines
    ))
}

fn ask_five(db: &Db, run: &Run) -> Outcome {
    let entity = Value::Long(run.entity);
    ask(db, "1. How many lines of each level?", LINES_BY_LEVEL, std::slice::from_ref(&entity))?;
    ask(db, "2. What was said last before the first error?", BEFORE_FIRST_ERROR, &[entity])?;
    let Some(error) =
        logs(db, run, &LogFilter { levels: vec![annals::contract::Level::Error], ..LogFilter::default() })?.into_iter().next()
    else {
        return Err(Error::new(ErrorKind::NotFound, "the build said no error")
            .with_help("`annals logs last~1` shows what it said; is cargo installed?")
            .into());
    };
    let then = db.as_of(error.t)?;
    ask(
        &then,
        &format!("3. At which stage was the build when line {} was written? (as of t {})", error.seq, error.t),
        STATE_THEN,
        &[],
    )?;
    let from = db.instant_of(run_border(db, run, Border::Start)?)?.unwrap_or(0);
    let until = db.instant_of(run_border(db, run, Border::End)?)?.unwrap_or(0);
    let borders = [Value::Instant(from), Value::Instant(until)];
    ask(db, "4. What was said between the start and the end of the first build?", SAID_BETWEEN, &borders)?;
    ask(db, "5. Which run wrote the stage last?", WHO_WROTE, &[])
}

fn ask(db: &Db, question: &str, query: &str, inputs: &[Value]) -> Outcome {
    line("")?;
    line(question)?;
    for text in query.lines() {
        line(&format!("    {text}"))?;
    }
    let inputs: Vec<Input> = inputs.iter().cloned().map(Input::from).collect();
    let answer = db.q(query, &inputs)?;
    let rows: Vec<Vec<String>> = answer.rows.iter().map(|row| row.iter().map(plain).collect()).collect();
    line(&table_text(&answer.header, &rows))
}
