//! `start`, `finish`, `log`, `runs`, `logs`, `show`: runs and what they said.

use std::io::{self, BufRead as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use annals::contract::capture::detect_level;
use annals::contract::{Level, Line, LogFilter, LogLine, RecordedBy, Recorder, Run, RunFilter, RunOptions, Status, find_run};
use annals::redact::Redaction;
use annals::{Connection, Db, Error, ErrorKind, Input, Order, Result, Value, contract};

use super::arguments::{Format, LogsArguments, StartArguments};
use super::failure::{Outcome, usage};
use super::output::{RowShape, RowWriter, line, print_rows, print_value, printable};
use super::session::{Session, known_as};

const LINE_COLUMNS: [&str; 5] = ["seq", "ts", "level", "stream", "message"];

/// How long a line of standard input may wait for company before it is written.
const LINGER: Duration = Duration::from_millis(50);

/// How often `logs --follow` looks for new lines.
const GLANCE: Duration = Duration::from_millis(100);

/// Lines that `show` prints.
const LAST_LINES: usize = 10;

/// `annals start`: prints the id.
pub(super) fn start(session: &Session, arguments: &StartArguments) -> Outcome {
    let connection = session.connection_or_create()?;
    let here = std::env::current_dir()?;
    let options = RunOptions {
        name: arguments.name.clone(),
        mode: arguments.mode.clone(),
        parent: session.enclosing_run(&connection)?.map(|run| run.entity),
        project_path: Some(here.to_string_lossy().into_owned()),
        recorded_by: RecordedBy::Anyone,
        ..RunOptions::default()
    };
    let recorder = Recorder::start(&connection, options)?;
    line(recorder.run_id())
}

/// `annals finish`.
pub(super) fn finish(session: &Session, run: &str, status: &str) -> Outcome {
    let connection = session.connection()?;
    let run = find_run(&connection.db()?, run)?;
    Ok(Recorder::resume(&connection, &run).finish(&Status::named(status))?)
}

/// What `--no-redact` says.
pub(super) fn redaction(no_redact: bool) -> Redaction {
    if no_redact { Redaction::Off } else { Redaction::On }
}

/// `annals log`: one message, or a line for each line of standard input.
pub(super) fn log(session: &Session, run: &str, level: Option<&str>, message: &str, redaction: Redaction) -> Outcome {
    let connection = session.connection()?;
    let run = find_run(&connection.db()?, run)?;
    let mut recorder = Recorder::resume(&connection, &run).with_redaction(redaction);
    let level = level.map(|name| Level::from_word(name).unwrap_or_else(|| Level::named(name)));
    let line_of = |bytes: &[u8]| Line::from_bytes(level.clone().unwrap_or_else(|| detect_level(bytes)), bytes);
    if message == "-" {
        return log_standard_input(&mut recorder, line_of);
    }
    Ok(recorder.append_batch(&[line_of(message.as_bytes())])?)
}

/// Lines that come together are written together; a line that comes alone is written soon.
fn log_standard_input(recorder: &mut Recorder, line_of: impl Fn(&[u8]) -> Line) -> Outcome {
    let (sender, receiver) = sync_channel::<io::Result<Vec<u8>>>(4096);
    thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut lines = Vec::new();
    while let Some(is_open) = gather(&receiver, &mut lines, &line_of)? {
        recorder.append_batch(&lines)?;
        lines.clear();
        if !is_open {
            break;
        }
    }
    Ok(())
}

/// Waits for a line, then takes what comes within [`LINGER`], up to 1,000 lines. `None` at the end, `Some(false)` with the last lines.
fn gather(
    receiver: &Receiver<io::Result<Vec<u8>>>,
    lines: &mut Vec<Line>,
    line_of: &impl Fn(&[u8]) -> Line,
) -> Outcome<Option<bool>> {
    let Ok(first) = receiver.recv() else { return Ok(None) };
    lines.push(line_of(&first?));
    while lines.len() < 1_000 {
        match receiver.recv_timeout(LINGER) {
            Ok(line) => lines.push(line_of(&line?)),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return Ok(Some(false)),
        }
    }
    Ok(Some(true))
}

/// `annals runs`: the newest first.
pub(super) fn runs(session: &Session, status: Option<&str>, limit: Option<usize>) -> Outcome {
    let filter = RunFilter { status: status.map(str::to_owned), limit, ..RunFilter::default() };
    print_runs(session, &contract::runs(&session.db()?, &filter)?)
}

fn print_runs(session: &Session, runs: &[Run]) -> Outcome {
    let columns = ["id", "name", "status", "mode", "created_at", "updated_at", "exit_code", "project_path", "command"];
    let rows: Vec<Vec<Value>> = runs
        .iter()
        .map(|run| {
            vec![
                Value::from(&*run.id),
                text(run.name.as_deref()),
                Value::from(run.status_name()),
                text(run.mode.as_deref()),
                run.created_at.map_or(Value::Nil, Value::Instant),
                Value::Instant(run.updated_at),
                run.exit_code.map_or(Value::Nil, Value::Long),
                text(run.project_path.as_deref()),
                text(run.command.as_deref()),
            ]
        })
        .collect();
    let mut writer = RowWriter::stdout(session.format(), RowShape::Objects, &columns).sparing(&[
        "updated_at",
        "mode",
        "project_path",
        "exit_code",
    ]);
    rows.iter().try_for_each(|row| writer.row(row))?;
    writer.finish()
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Nil, Value::from)
}

/// What `:logs RUN` of the shell asks for.
pub(super) fn plain_logs(run: &str) -> LogsArguments {
    LogsArguments { run: run.to_owned(), level: None, grep: None, tail: None, follow: false }
}

/// `annals logs`.
pub(super) fn logs(session: &Session, arguments: &LogsArguments) -> Outcome {
    if arguments.follow && session.global.as_of.is_some() {
        return Err(usage(
            "a run as of a moment has no lines to come",
            "leave --as-of out, or --follow; --since T begins with the lines after T",
        ));
    }
    let connection = session.connection()?;
    let now = connection.db()?;
    let db = session.view(&now)?;
    let run = find_run(&session.until(&now)?, &arguments.run)?;
    let mut filter = filter(arguments)?;
    let lines = contract::logs(&db, &run, &filter)?;
    if !arguments.follow {
        return print_lines(session.format(), &lines);
    }
    // Lines that are there and were not asked for, by --tail or --since, are not to come either.
    let newest = contract::logs(&now, &run, &LogFilter { tail: Some(1), ..LogFilter::default() })?;
    filter.after_seq = newest.last().map_or(0, |line| line.seq);
    filter.tail = None;
    follow(session, &connection, &run, &mut filter, lines)
}

fn filter(arguments: &LogsArguments) -> Result<LogFilter> {
    let grep = arguments.grep.as_deref().map(|pattern| {
        regex::Regex::new(pattern).map_err(|error| {
            Error::new(ErrorKind::Usage, format!("the regular expression cannot be read: {error}")).with_value(pattern).with_help(
                "see the syntax of the Rust crate `regex`; put a backslash before ( ) [ ] . * + ? to mean the character",
            )
        })
    });
    let levels = arguments.level.iter().map(|name| Level::from_word(name).unwrap_or_else(|| Level::named(name))).collect();
    Ok(LogFilter { levels, grep: grep.transpose()?, tail: arguments.tail, ..LogFilter::default() })
}

fn print_lines(format: Format, lines: &[LogLine]) -> Outcome {
    let mut rows = RowWriter::stdout(format, RowShape::Objects, &LINE_COLUMNS);
    lines.iter().try_for_each(|line| rows.row(&row(line)))?;
    rows.finish()
}

fn row(line: &LogLine) -> [Value; 5] {
    [
        Value::Long(line.seq),
        Value::Instant(line.ts),
        Value::from(line.level.name()),
        line.stream.map_or(Value::Nil, |stream| Value::from(stream.name())),
        Value::from(&*line.message),
    ]
}

/// Prints lines as they come, until the run has ended and all of it was printed. A table cannot be drawn line by line, so on
/// a terminal each line is printed as itself.
fn follow(session: &Session, connection: &Connection, run: &Run, filter: &mut LogFilter, mut lines: Vec<LogLine>) -> Outcome {
    let format = session.format();
    let mut rows = RowWriter::stdout(format, RowShape::Objects, &LINE_COLUMNS);
    loop {
        for entry in &lines {
            filter.after_seq = filter.after_seq.max(entry.seq);
            if format == Format::Table { line(&plain_line(entry))? } else { rows.row(&row(entry))? }
        }
        rows.flush()?;
        let db = connection.db()?;
        let now = Run::read(&db, run.entity)?;
        let has_ended = now.is_none_or(|run| run.status != Some(Status::Running) || run.is_lost());
        lines = contract::logs(&db, run, filter)?;
        if !lines.is_empty() {
            continue;
        }
        if has_ended || session.is_interrupted() {
            return if format == Format::Table { Ok(()) } else { rows.finish() };
        }
        thread::sleep(GLANCE);
    }
}

fn plain_line(line: &LogLine) -> String {
    format!("{:>6} {:5} {}", line.seq, line.level.name(), printable(&line.message))
}

/// `annals show`.
pub(super) fn show(session: &Session, run: &str) -> Outcome {
    let now = session.connection()?.db()?;
    let db = session.view(&now)?;
    let run = find_run(&session.until(&now)?, run)?;
    let facts = facts(&db, &run)?;
    let state = state_changed(&db, &run)?;
    let lines = contract::logs(&db, &run, &LogFilter { tail: Some(LAST_LINES), ..LogFilter::default() })?;
    let children = contract::runs(&db, &RunFilter { parent: Some(run.entity), ..RunFilter::default() })?;
    let format = session.format();
    if matches!(format, Format::Edn | Format::Json | Format::Jsonl) {
        let lines = lines.iter().map(|line| object(&LINE_COLUMNS, &row(line))).collect();
        let children = children.iter().map(|run| Value::from(&*run.id)).collect();
        let parts = [
            ("run", facts),
            ("state", Value::Vector(state)),
            ("lines", Value::Vector(lines)),
            ("children", Value::Vector(children)),
        ];
        let names = parts.each_ref().map(|(name, _)| *name);
        return print_value(&object(&names, &parts.map(|(_, part)| part)), format);
    }
    print_value(&facts, format)?;
    if !state.is_empty() {
        let rows: Vec<_> = state.iter().filter_map(|state| state.as_items().map(<[Value]>::to_vec)).collect();
        print_rows(format, RowShape::Objects, ["namespace", "key", "value"].map(str::to_owned).to_vec(), &rows)?;
    }
    print_lines(format, &lines)?;
    if children.is_empty() { Ok(()) } else { print_runs(session, &children) }
}

fn object(names: &[&str], values: &[Value]) -> Value {
    let entries = names.iter().zip(values).map(|(name, value)| (Value::from(*name), value.clone()));
    Value::Map(std::sync::Arc::new(entries.collect()))
}

/// Everything that is known of the run's entity, references by the names people know.
fn facts(db: &Db, run: &Run) -> Result<Value> {
    let mut entries = std::collections::BTreeMap::new();
    for datom in db.datoms(Order::Eavt, &[Value::Long(run.entity)])? {
        let value = if let Value::Ref(entity) = datom.v { known_as(db, entity)? } else { datom.v };
        entries.insert(known_as(db, datom.a)?, value);
    }
    if run.is_lost() {
        entries.insert(Value::keyword("run/status"), Value::keyword("lost"));
    }
    Ok(Value::Map(std::sync::Arc::new(entries)))
}

/// `[namespace key value]` for each key whose value this run wrote last.
fn state_changed(db: &Db, run: &Run) -> Result<std::sync::Arc<[Value]>> {
    let answer = db.q(
        "[:find ?namespace ?key ?value :in $ ?run
          :where [?state :state/value ?value _ ?run] [?state :state/namespace ?namespace] [?state :state/key ?key]
          :order-by [?namespace ?key]]",
        &[Input::from(run.entity)],
    )?;
    Ok(answer.rows.into_iter().map(Value::vector).collect())
}
