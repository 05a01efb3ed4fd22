//! Facts in and out as streams: every transaction with its t, instant, ids and metadata, one a line, so that applying a
//! stream twice is the same as once; and plain entities from EDN or JSON Lines.

mod datoms;
mod entities;
mod jsonl;
mod line;
mod redacting;
mod taking;

use std::io::{BufRead, Write};

use crate::connection::Connection;
use crate::db::{Db, Transaction};
use crate::error::{Error, ErrorKind, Result};
use crate::transact::TxData;

use redacting::Redacting;

/// Transactions written to a stream from one reading of the store.
const TRANSACTIONS_AT_ONCE: usize = 256;

/// Entities of JSON Lines taken in with one transaction.
const ENTITIES_AT_ONCE: usize = 1000;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Transactions added.
    pub transactions: usize,
    /// Datoms added.
    pub datoms: usize,
    /// Transactions that the store had already, to the letter.
    pub already_there: usize,
}

/// Writes every transaction that the view shows as one EDN map a line.
///
/// ```text
/// ;; annals datoms 1
/// {:t 2, :instant #inst "2026-11-20T10:00:00Z", :datoms [[8589934593 4294968296 "Ada" 0 true]]}
/// ```
pub fn export_datoms(db: &Db, out: &mut dyn Write) -> Result<()> {
    write_line(out, datoms::HEADER)?;
    each_transaction(db, |transaction| write_line(out, &datoms::write(transaction)))
}

/// The same with secrets taken out of texts, as they are taken out of lines that are recorded; see [`redact`](crate::redact). The stream
/// says so in its second line. It can be taken in by a new store, whose chain is another one, and not by the store it came from.
pub fn export_datoms_redacted(db: &Db, out: &mut dyn Write) -> Result<()> {
    let mut redacting = Redacting::new(db);
    write_line(out, datoms::HEADER)?;
    write_line(out, datoms::REDACTED)?;
    each_transaction(db, |transaction| write_line(out, &datoms::write(&redacting.transaction(transaction)?)))
}

/// The same with secrets taken out as [`export_datoms_redacted`] takes them out.
pub fn export_jsonl_redacted(db: &Db, out: &mut dyn Write) -> Result<()> {
    let mut redacting = Redacting::new(db);
    each_transaction(db, |transaction| write_line(out, &jsonl::write(db, &redacting.transaction(transaction)?)?))
}

/// Writes every transaction that the view shows as one JSON object a line, each datom with its attribute's keyword and type.
pub fn export_jsonl(db: &Db, out: &mut dyn Write) -> Result<()> {
    each_transaction(db, |transaction| write_line(out, &jsonl::write(db, transaction)?))
}

/// Takes in a stream: what either export wrote, EDN transaction data, or JSON Lines of entities. Each transaction is atomic;
/// those before a faulty one stay.
pub fn import(connection: &Connection, input: &mut dyn BufRead) -> Result<Imported> {
    let mut first = String::new();
    loop {
        first.clear();
        if read_line(input, &mut first, 1)? == 0 {
            return Ok(Imported::default());
        }
        if !first.trim().is_empty() {
            break;
        }
    }
    if first.trim_end() == datoms::HEADER {
        let mut lines = line::LineReader::default();
        let read = |line: &str| lines.read(line).map_or_else(|| datoms::read_edn(line), Ok);
        return import_transactions(connection, input, 1, None, read);
    }
    if first.starts_with(";; annals datoms") {
        let message = format!("this stream has a form that is not known: {}", first.trim_end());
        return Err(Error::new(ErrorKind::Import, message).with_help("a newer version wrote it; take it in with that version"));
    }
    if let Some(object) = jsonl::object(&first) {
        if jsonl::is_transaction(&object) {
            return import_transactions(connection, input, 0, Some(first), jsonl::read);
        }
        return import_entities(connection, input, first);
    }
    import_transaction_data(connection, input, first)
}

fn each_transaction(db: &Db, mut write: impl FnMut(&Transaction) -> Result<()>) -> Result<()> {
    for first in (1..=db.until_t()).step_by(TRANSACTIONS_AT_ONCE) {
        let last = (first + TRANSACTIONS_AT_ONCE as i64 - 1).min(db.until_t());
        db.tx_range(first..=last)?.iter().try_for_each(&mut write)?;
    }
    Ok(())
}

fn import_transactions(
    connection: &Connection,
    input: &mut dyn BufRead,
    lines_before: usize,
    first: Option<String>,
    mut read: impl FnMut(&str) -> Result<Transaction>,
) -> Result<Imported> {
    taking::take_in(connection, |take| {
        let mut number = lines_before;
        let mut line = first.unwrap_or_default();
        loop {
            // A comment stands where an export says what it is.
            if !line.trim().is_empty() && !line.starts_with(";;") {
                number += usize::from(number == 0);
                let transaction = read(line.trim_end()).map_err(|error| in_line(error, number))?;
                if !take(transaction) {
                    return Ok(());
                }
            }
            line.clear();
            number += 1;
            if read_line(input, &mut line, number)? == 0 {
                return Ok(());
            }
        }
    })
}

fn import_entities(connection: &Connection, input: &mut dyn BufRead, first: String) -> Result<Imported> {
    let mut imported = Imported::default();
    let mut data = TxData::new();
    let mut number = 1;
    let mut line = first;
    loop {
        if !line.trim().is_empty() {
            entities::read(&line, &mut data).map_err(|error| in_line(error, number))?;
        }
        line.clear();
        number += 1;
        let is_last = read_line(input, &mut line, number)? == 0;
        if is_last || data.len() >= ENTITIES_AT_ONCE {
            let report = connection.transact_data(&std::mem::take(&mut data))?;
            imported.transactions += usize::from(report.t.is_some());
            imported.datoms += report.datoms.len();
        }
        if is_last {
            return Ok(imported);
        }
    }
}

fn import_transaction_data(connection: &Connection, input: &mut dyn BufRead, first: String) -> Result<Imported> {
    let mut text = first;
    input.read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    let mut imported = Imported::default();
    for data in TxData::read_many(&text).map_err(|error| error.located_in(&text))? {
        let report = connection.transact_data(&data).map_err(|error| error.located_in(&text))?;
        imported.transactions += usize::from(report.t.is_some());
        imported.datoms += report.datoms.len();
    }
    Ok(imported)
}

fn read_line(input: &mut dyn BufRead, line: &mut String, number: usize) -> Result<usize> {
    input.read_line(line).map_err(|error| in_line(unreadable(&error), number))
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Import, format!("the stream cannot be read: {error}")).with_help("it must be UTF-8 text")
}

fn in_line(error: Error, number: usize) -> Error {
    let sentence = format!("line {number}: {}", error.message());
    let told =
        Error::new(error.kind(), sentence).with_help(error.help().unwrap_or("the lines before it were taken in").to_owned());
    told.caused_by(error)
}

fn write_line(out: &mut dyn Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(|error| Error::new(ErrorKind::Io, format!("writing failed: {error}")).caused_by(error))
}
