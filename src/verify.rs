//! Everything that a store says, computed again: `annals verify`.
//!
//! The store compares the file with its log and its chain; what stands on it is compared here: facts with what is declared of them,
//! columns on disk with the log, and what a database value answers with what the log says.

mod answers;
mod facts;

use std::path::Path;

use crate::connection::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Part, Problem, Store, VerifyReport};

/// Verifies the store in a file, however damaged: names the first thing wrong, and says what can be relied on. Nothing is changed, and
/// others may go on writing; nothing else in this process may have the file open.
///
/// `head` is what an earlier verification gave, or `annals verify --head` printed: all up to the transaction at which the chain is
/// found to have had it is then proven to be as it was.
///
/// ```
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("annals.db");
/// annals::Connection::open(&path)?.transact("[{:user/name \"Ada\"}]")?;
/// let noted = annals::verify(&path, None)?.head;
/// annals::Connection::open(&path)?.transact("[{:user/name \"Grace\"}]")?;
/// let report = annals::verify(&path, Some(&noted))?;
/// assert_eq!((report.problem, report.transactions, report.found_at), (None, 3, Some(2)));
/// # Ok::<(), annals::Error>(())
/// ```
pub fn verify(path: impl AsRef<Path>, head: Option<&str>) -> Result<VerifyReport> {
    let path = path.as_ref();
    let head = head.map(read_head).transpose()?;
    let mut report = Store::verify_file_since(path, head)?;
    if [Part::Schema, Part::Log, Part::File, Part::Entities, Part::Values].into_iter().any(|part| !report.is_sound(part))
        || report.problems().any(|problem| problem.code == "verify/wal")
    {
        return Ok(report);
    }
    match check_above(path, &mut report) {
        // What the store's own checks let pass, and reading does not.
        Err(error) if error.kind() == ErrorKind::Damaged => {
            report.found(Problem { code: "verify/answers", t: None, what: error.to_string(), remedy: Problem::RESCUE });
        }
        outcome => outcome?,
    }
    Ok(report)
}

/// What stands on the store: facts by their declarations, columns, answers.
fn check_above(path: &Path, report: &mut VerifyReport) -> Result<()> {
    let connection = Connection::open_read_only(path)?;
    let db = connection.db()?;
    let facts = facts::check(connection.store(), &db)?;
    let expected = note(report, Part::Facts, facts);
    let columns = crate::columns::verify(connection.store())?;
    note(report, Part::Columns, columns.map_or(Ok(()), Err));
    if let Some(expected) = expected {
        let answers = answers::check(&db, &expected)?;
        note(report, Part::Answers, answers);
    }
    Ok(())
}

fn note<T>(report: &mut VerifyReport, part: Part, outcome: std::result::Result<T, Problem>) -> Option<T> {
    match outcome {
        Ok(found) => {
            report.sound.push(part);
            Some(found)
        }
        Err(problem) => {
            report.found(problem);
            None
        }
    }
}

/// A head as it is printed: 64 hexadecimal digits.
fn read_head(text: &str) -> Result<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.trim().chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes = digits.map(|digits| digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect());
    match bytes.map(|bytes: Vec<u8>| <[u8; 32]>::try_from(bytes)) {
        Some(Ok(head)) if text.trim().len() == 64 => Ok(head),
        _ => Err(Error::new(ErrorKind::Usage, "a head of a chain is 64 hexadecimal digits")
            .with_value(text)
            .with_help("`annals verify --head` prints it")),
    }
}
