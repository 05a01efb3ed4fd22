//! Writing: several transactions can be appended in one commit, and all of them are there or none.

use std::borrow::Cow;
use std::ops::Deref;

use rusqlite::{CachedStatement, Connection};

use super::failure::failure;
use super::read::{Basis, Reader, basis};
use super::record;
use super::row::{bind_value, stored};
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::LIMIT_TRANSACTION_DATOMS;

/// A commit under way. It reads what the writing connection sees: everything committed, and what was appended to it so far.
#[derive(Debug)]
pub struct WriteTransaction<'s> {
    reader: &'s Reader,
    appender: Appender<'s>,
    /// A statement failed for a reason that lies below this crate: nothing more may be written.
    has_failed: bool,
}

impl<'s> WriteTransaction<'s> {
    pub(super) fn new(reader: &'s Reader, scratch: &'s mut Vec<u8>) -> Result<Self> {
        let appender = Appender::new(reader.connection(), scratch)?;
        Ok(Self { reader, appender, has_failed: false })
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The newest transaction, those appended to this commit included.
    pub fn basis(&self) -> Basis {
        self.appender.basis
    }

    /// Appends one transaction. `t` follows the newest one, `instant` is not before its instant, every datom has this `t`, and
    /// `is_indexed` tells which attributes lead from values to entities. In the log retractions stand before additions.
    pub fn append(&mut self, t: i64, instant: i64, datoms: &[Datom], is_indexed: &dyn Fn(i64) -> bool) -> Result<()> {
        let outcome = self.appender.append(t, instant, datoms, is_indexed);
        self.note(outcome)
    }

    /// Makes every value of an attribute lead to its entity, for an attribute that becomes indexed or unique. Values that do
    /// already stay as they are.
    pub fn reindex(&mut self, attribute: i64) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO avet (a, type, v, id) SELECT a, type, v, id FROM datoms WHERE a = ?1";
        let outcome = self.reader.connection().execute(sql, (attribute,)).map(|_| ()).map_err(failure);
        self.note(outcome)
    }

    /// A refused value leaves the handle as it was; anything else that fails while writing does not.
    fn note(&mut self, outcome: Result<()>) -> Result<()> {
        if let Err(error) = &outcome {
            self.has_failed |= matches!(error.kind(), ErrorKind::Io | ErrorKind::Damaged | ErrorKind::ReadOnly | ErrorKind::Busy);
        }
        outcome
    }
}

impl Deref for WriteTransaction<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.reader
    }
}

/// Retractions come before additions, else as given. So the last datom of an entity's attribute that has one value says whether
/// there is a value, and which: the SQL views rely on it.
fn log_order(datoms: &[Datom]) -> Cow<'_, [Datom]> {
    if datoms.is_sorted_by_key(|datom| datom.added) {
        return Cow::Borrowed(datoms);
    }
    let (additions, mut ordered): (Vec<Datom>, Vec<Datom>) = datoms.iter().cloned().partition(|datom| datom.added);
    ordered.extend(additions);
    Cow::Owned(ordered)
}

/// Appends transactions to the log, knowing the newest one and the last datom.
#[derive(Debug)]
pub(super) struct Appender<'s> {
    connection: &'s Connection,
    scratch: &'s mut Vec<u8>,
    basis: Basis,
    last_id: i64,
}

impl<'s> Appender<'s> {
    pub(super) fn new(connection: &'s Connection, scratch: &'s mut Vec<u8>) -> Result<Self> {
        let mut last = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM datoms").map_err(failure)?;
        let last_id = last.query_row((), |row| row.get(0)).map_err(failure)?;
        Ok(Self { connection, scratch, basis: basis(connection)?, last_id })
    }

    pub(super) fn append(&mut self, t: i64, instant: i64, datoms: &[Datom], is_indexed: &dyn Fn(i64) -> bool) -> Result<()> {
        self.check(t, instant, datoms)?;
        let datoms = &*log_order(datoms);
        self.scratch.clear();
        // Encoding refuses what cannot be stored, so it comes before the first row is written.
        record::encode_record(t, instant, datoms, self.scratch)?;
        let hash = record::chain(&self.basis.hash, self.scratch);
        let last_id = self.last_id + datoms.len() as i64;
        self.insert_transaction(t, instant, datoms.len() as i64, last_id, &hash).map_err(failure)?;
        self.insert_datoms(datoms, is_indexed).map_err(failure)?;
        self.last_id = last_id;
        self.basis = Basis { t, instant, hash };
        Ok(())
    }

    fn check(&self, t: i64, instant: i64, datoms: &[Datom]) -> Result<()> {
        let Basis { t: newest, instant: last_instant, .. } = self.basis;
        if t != newest + 1 {
            return Err(Error::new(ErrorKind::Conflict, format!("transaction {t} does not follow transaction {newest}"))
                .with_value(t)
                .with_help(format!("the next transaction is {}", newest + 1)));
        }
        if instant < last_instant {
            let message = format!("the instant {instant} lies before that of transaction {newest}, {last_instant}");
            return Err(Error::new(ErrorKind::InstantOrder, message)
                .with_value(instant)
                .with_help("leave :db/txInstant out, or give an instant that is not before the previous one"));
        }
        if datoms.is_empty() || datoms.len() > LIMIT_TRANSACTION_DATOMS {
            let message =
                format!("a transaction has between 1 and {LIMIT_TRANSACTION_DATOMS} datoms, and this one has {}", datoms.len());
            return Err(Error::new(ErrorKind::TransactionLimit, message)
                .with_value(datoms.len())
                .with_help("split it into several transactions"));
        }
        match datoms.iter().find(|datom| datom.t != t || datom.e <= 0 || datom.a <= 0 || datom.m < 0) {
            None => Ok(()),
            Some(wrong) => Err(Error::new(ErrorKind::Entity, "a datom has an id below 1 or belongs to another transaction")
                .with_value(format!("[{} {} {} {} {}]", wrong.e, wrong.a, wrong.v, wrong.t, wrong.m))
                .with_help("entity ids are greater than 0")),
        }
    }

    fn insert_transaction(&self, t: i64, instant: i64, datoms: i64, last: i64, hash: &[u8; 32]) -> rusqlite::Result<()> {
        let sql = "INSERT INTO txs (t, instant, datoms, last, hash) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute((t, instant, datoms, last, &hash[..])).map(|_| ())
    }

    fn insert_datoms(&self, datoms: &[Datom], is_indexed: &dyn Fn(i64) -> bool) -> rusqlite::Result<()> {
        let insert = "INSERT INTO datoms (id, e, a, v, type, t, m, added) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let mut insert = self.connection.prepare_cached(insert)?;
        let mut index: Option<CachedStatement<'_>> = None;
        let mut scratch = String::new();
        for (datom, id) in datoms.iter().zip(self.last_id + 1..) {
            let value = stored(&datom.v);
            let code = value.value_type().map_or(0, |kind| i64::from(kind as u8));
            insert.raw_bind_parameter(1, id)?;
            insert.raw_bind_parameter(2, datom.e)?;
            insert.raw_bind_parameter(3, datom.a)?;
            bind_value(&mut insert, 4, &value, &mut scratch)?;
            insert.raw_bind_parameter(5, code)?;
            insert.raw_bind_parameter(6, datom.t)?;
            insert.raw_bind_parameter(7, datom.m)?;
            insert.raw_bind_parameter(8, i64::from(datom.added))?;
            insert.raw_execute()?;
            if is_indexed(datom.a) {
                let index = match &mut index {
                    Some(index) => index,
                    none => {
                        none.insert(self.connection.prepare_cached("INSERT INTO avet (a, type, v, id) VALUES (?1, ?2, ?3, ?4)")?)
                    }
                };
                index.raw_bind_parameter(1, datom.a)?;
                index.raw_bind_parameter(2, code)?;
                bind_value(index, 3, &value, &mut scratch)?;
                index.raw_bind_parameter(4, id)?;
                index.raw_execute()?;
            }
        }
        Ok(())
    }
}
