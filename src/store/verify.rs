//! Finds damage and names the first of it; repairs and deletes nothing.
//!
//! SQLite can tell whether pages and indexes fit together. It knows nothing of what rows mean, so the hash chain, the order
//! of transactions, the life of each fact and what is derived are computed again from the log.

mod derived;
mod entities;
mod log;
mod report;
mod views;
mod words;

use std::path::Path;

pub(super) use self::report::hexadecimal;
pub use self::report::{Part, Problem, VerifyReport};

use super::failure::failure;
use super::migrate::{self, Shape};
use super::read::Reader;
use super::wal;
use crate::error::{Error, ErrorKind, Result};

/// Why a check ended before its end.
enum Stop {
    Found(Problem),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Damaged | ErrorKind::NotAStore => Self::Found(Problem::in_file(error.to_string())),
            _ => Self::Failed(error),
        }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        failure(error).into()
    }
}

/// How far the log was found sound.
#[derive(Default)]
struct Sound {
    transactions: i64,
    datoms: i64,
    hash: [u8; 32],
    /// The hash that is looked for, and the transaction at which the chain had it.
    expected: Option<[u8; 32]>,
    found_at: Option<i64>,
}

/// Verifies what a reader sees at this moment, while others may go on writing; and that the chain once had the hash `expected`.
pub(super) fn verify(reader: &Reader, expected: Option<[u8; 32]>) -> Result<VerifyReport> {
    reader.connection().execute_batch("BEGIN").map_err(failure)?;
    let mut pass = Pass { sound: Sound { expected, ..Sound::default() }, report: VerifyReport::default() };
    let outcome = pass.run(reader);
    // A connection that cannot read the file may have given its transaction up already.
    let _ = reader.connection().execute_batch("ROLLBACK");
    outcome?;
    Ok(pass.finish())
}

/// What is said of a file that cannot even be looked at; an error that is not about what it holds is passed on.
pub(super) fn unreadable(error: Error) -> Result<VerifyReport> {
    let mut report = VerifyReport::default();
    match Stop::from(error) {
        Stop::Found(problem) => report.found(problem),
        Stop::Failed(error) => return Err(error),
    }
    report.head = hexadecimal(&[0; 32]);
    Ok(report)
}

/// Looks for commits that the write-ahead log has lost. `is_alone` says that nothing else in this process has the store open.
pub(super) fn check_log_beside(path: &Path, is_alone: bool, report: &mut VerifyReport) {
    if let Ok(Some(lost)) = wal::lost_commits(path, is_alone) {
        let what = format!("the write-ahead log beside the store is damaged: {lost}");
        report.found(Problem { code: "verify/wal", t: Some(report.transactions + 1), what, remedy: Problem::RESCUE });
    }
}

struct Pass {
    sound: Sound,
    report: VerifyReport,
}

impl Pass {
    /// Every check whose ground holds. What rests on something damaged would only repeat it, and is said to be unchecked.
    fn run(&mut self, reader: &Reader) -> Result<()> {
        let shape = match migrate::shape(reader.connection()) {
            Ok(shape) => shape,
            Err(error) if error.kind() == ErrorKind::NewerStore || migrate::is_of_another_program(&error) => return Err(error),
            Err(error) => {
                self.note::<()>(Part::File, Err(error.into()))?;
                return Ok(());
            }
        };
        let Shape { version, problem, has_log } = shape;
        self.note(Part::Schema, problem.map_or(Ok(()), |error| Err(Stop::Found(Problem::in_schema(error.to_string())))))?;
        if !has_log {
            return Ok(());
        }
        let outcome = log::check(reader, &mut self.sound);
        let counts = self.note(Part::Log, outcome)?;
        let is_whole = self.note(Part::File, check_pages(reader))?.is_some();
        let (Some(counts), true) = (counts, self.report.is_sound(Part::Schema)) else { return Ok(()) };
        migrate::adapt(reader.connection(), version)?;
        let entities = if migrate::has_entities(version) { entities::check(reader) } else { Ok(()) };
        let has_entities = self.note(Part::Entities, entities)?.is_some();
        let values = derived::check_values(reader, &counts);
        let has_values = self.note(Part::Values, values)?.is_some();
        self.note(Part::Words, words::check(reader, &counts, self.sound.datoms))?;
        if !has_entities {
            return Ok(());
        }
        let expected = derived::check_lives(reader, version);
        let expected = self.note(Part::Lives, expected)?;
        if let (Some(expected), true, true) = (expected, is_whole, has_values) {
            self.note(Part::Views, views::check(reader, version, &expected))?;
        }
        Ok(())
    }

    /// Writes down what came of a check; a failure to check at all is passed on.
    fn note<T>(&mut self, part: Part, outcome: std::result::Result<T, Stop>) -> Result<Option<T>> {
        match outcome {
            Ok(found) => {
                self.report.sound.push(part);
                Ok(Some(found))
            }
            Err(Stop::Found(problem)) => {
                self.report.found(problem);
                Ok(None)
            }
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn finish(self) -> VerifyReport {
        let Self { sound, mut report } = self;
        (report.transactions, report.datoms, report.found_at) = (sound.transactions, sound.datoms, sound.found_at);
        report.head = hexadecimal(&sound.hash);
        if let (Some(expected), None) = (sound.expected, sound.found_at) {
            report.found(Problem::no_head(&expected, sound.transactions));
        }
        report
    }
}

/// SQLite's own check of pages, keys and indexes. After the log, which can name the transaction.
fn check_pages(reader: &Reader) -> std::result::Result<(), Stop> {
    let first: String = reader.connection().query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if first != "ok" {
        let what = format!("SQLite finds: {}", first.trim_start_matches("*** in database main ***\n"));
        let is_index = ["datoms_by_entity", "entities", "state_keys", "avet"].iter().any(|name| first.contains(name));
        return Err(if first.contains("words") {
            Problem::words(None, what)
        } else if is_index {
            Problem::derived("verify/index", None, what)
        } else {
            Stop::Found(Problem::in_file(what))
        });
    }
    match reader.integer("SELECT count(*) FROM pragma_foreign_key_check", ())? {
        Some(0) | None => Ok(()),
        Some(rows) => {
            Err(Stop::Found(Problem::in_file(format!("SQLite finds {rows} rows that refer to rows that are not there"))))
        }
    }
}
