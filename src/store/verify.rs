//! Finds damage and names the first of it; repairs and deletes nothing.
//!
//! SQLite can tell whether pages and indexes fit together. It knows nothing of what rows mean, so the hash chain, the order
//! of transactions, the life of each fact and what is derived are computed again from the log.

mod derived;
mod entities;
mod log;
mod words;

use std::fmt::Write as _;

use super::failure::failure;
use super::migrate;
use super::read::Reader;
use crate::error::{Error, ErrorKind, Result};

/// What a verification saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Transactions found in order, up to the first problem.
    pub transactions: i64,
    /// Datoms of these transactions.
    pub datoms: i64,
    /// The head of the hash chain over them, in hexadecimal. Kept elsewhere, it tells whether somebody rewrote the whole file.
    pub head: String,
    /// The first problem, `None` if the store is sound.
    pub problem: Option<Problem>,
}

/// Something that contradicts what a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of check failed: `verify/chain`.
    pub code: &'static str,
    /// The first transaction that is concerned, if one is known.
    pub t: Option<i64>,
    /// A sentence.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl Problem {
    const RESTORE: &str =
        "keep the file as it is, and restore a copy from before; every transaction before the one named is sound";
    const REBUILD: &str = "the log itself is sound: export it and import it into a new store";

    const REDECLARE: &str = "the log itself is sound: retract :db/fulltext of the attributes that have it, and declare it again: their words are then indexed anew";

    fn words(t: Option<i64>, what: impl Into<String>) -> Stop {
        Stop::Found(Self { code: "verify/words", t, what: what.into(), remedy: Self::REDECLARE })
    }

    fn in_transaction(code: &'static str, t: i64, what: impl Into<String>) -> Stop {
        Stop::Found(Self { code, t: Some(t), what: what.into(), remedy: Self::RESTORE })
    }

    fn derived(code: &'static str, t: Option<i64>, what: impl Into<String>) -> Stop {
        Stop::Found(Self { code, t, what: what.into(), remedy: Self::REBUILD })
    }
}

/// Why a check ended before its end.
enum Stop {
    Found(Problem),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Damaged | ErrorKind::NotAStore => {
                Self::Found(Problem { code: "verify/file", t: None, what: error.to_string(), remedy: Problem::RESTORE })
            }
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
}

/// Verifies what a reader sees at this moment, while others may go on writing.
pub(super) fn verify(reader: &Reader) -> Result<VerifyReport> {
    reader.connection().execute_batch("BEGIN").map_err(failure)?;
    let mut sound = Sound::default();
    let outcome = check(reader, &mut sound);
    reader.connection().execute_batch("ROLLBACK").map_err(failure)?;
    let problem = match outcome {
        Ok(()) => None,
        Err(Stop::Found(problem)) => Some(problem),
        Err(Stop::Failed(error)) => return Err(error),
    };
    let head = hexadecimal(&sound.hash);
    Ok(VerifyReport { transactions: sound.transactions, datoms: sound.datoms, head, problem })
}

/// A hash as people read it.
pub(super) fn hexadecimal(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes any text");
        hex
    })
}

fn check(reader: &Reader, sound: &mut Sound) -> std::result::Result<(), Stop> {
    let version = migrate::check_schema(reader.connection()).map_err(|error| {
        Stop::Found(Problem { code: "verify/schema", t: None, what: error.to_string(), remedy: Problem::RESTORE })
    })?;
    migrate::adapt(reader.connection(), version)?;
    let counts = log::check(reader, sound)?;
    check_pages(reader)?;
    if migrate::has_entities(version) {
        entities::check(reader)?;
    }
    derived::check_lives(reader)?;
    derived::check_values(reader, &counts)?;
    words::check(reader, &counts, sound.datoms)
}

/// SQLite's own check of pages, keys and indexes. After the log, which can name the transaction.
fn check_pages(reader: &Reader) -> std::result::Result<(), Stop> {
    let first: String = reader.connection().query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if first == "ok" {
        return Ok(());
    }
    let what = format!("SQLite finds: {}", first.trim_start_matches("*** in database main ***\n"));
    let is_index = ["datoms_by_entity", "entities", "state_keys", "avet"].iter().any(|name| first.contains(name));
    Err(if first.contains("words") {
        Problem::words(None, what)
    } else if is_index {
        Problem::derived("verify/index", None, what)
    } else {
        Stop::Found(Problem { code: "verify/file", t: None, what, remedy: Problem::RESTORE })
    })
}
