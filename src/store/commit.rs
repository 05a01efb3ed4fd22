//! Writing: several transactions can be appended in one commit, and all of them are there or none.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::OnceLock;

use annals_query::Value;
use rusqlite::{CachedStatement, Connection};

use super::failure::failure;
use super::read::{Basis, Reader, ends};
use super::record;
use super::row::{bind_value, stored};
use super::words;
use crate::datom::Datom;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::LIMIT_TRANSACTION_DATOMS;
use crate::schema::attribute;

/// Rows of the statements that write many rows; what is less than the small one has a statement of its own size.
const SMALL_BLOCK: usize = 16;
const LARGE_BLOCK: usize = 64;

/// Parameters that the rows of a block share: `t`, `added`, `m` of the first row, and `m` of all others. Most transactions say all they say
/// for one reason, but for their own instant, which comes first.
const SHARED_PLACES: usize = 4;

/// Parameters of a row of a block: all columns but the shared ones and `id`: SQLite gives the one after the last, and finds the end of
/// the table quicker than the place of an id.
const PLACES_A_ROW: usize = 4;

/// The statement that writes so many datoms, made when it is first wanted. OR FAIL keeps SQLite from copying pages in case that only this
/// statement fails: a commit in which a statement fails is taken back as a whole.
fn block_sql(rows: usize) -> &'static str {
    static BLOCKS: [OnceLock<String>; LARGE_BLOCK + 1] = [const { OnceLock::new() }; LARGE_BLOCK + 1];
    BLOCKS[rows].get_or_init(|| {
        let row = |row: usize| {
            let place = |column: usize| SHARED_PLACES + 1 + row * PLACES_A_ROW + column;
            let [e, a, v, kind] = [0, 1, 2, 3].map(place);
            let m = if row == 0 { 3 } else { 4 };
            format!("(?{e}, ?{a}, ?{v}, ?{kind}, ?1, ?{m}, ?2)")
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("INSERT OR FAIL INTO datoms (e, a, v, type, t, m, added) VALUES {}", rows.join(", "))
    })
}

/// The statement that says where so many entities have their datoms.
fn entity_block_sql(rows: usize) -> &'static str {
    static BLOCKS: [OnceLock<String>; LARGE_BLOCK + 1] = [const { OnceLock::new() }; LARGE_BLOCK + 1];
    BLOCKS[rows].get_or_init(|| format!("INSERT OR FAIL INTO entities (e, id, n) VALUES {}", vec!["(?, ?, ?)"; rows].join(", ")))
}

/// A commit under way. It reads what the writing connection sees: everything committed, and what was appended to it so far.
#[derive(Debug)]
pub struct WriteTransaction<'s> {
    reader: &'s Reader,
    appender: Appender<'s>,
    /// A statement failed for a reason that lies below this crate: nothing more may be written.
    has_failed: bool,
}

impl<'s> WriteTransaction<'s> {
    /// A commit that begins behind `ends`: the newest transaction and the last datom.
    pub(super) fn new(reader: &'s Reader, scratch: &'s mut Vec<u8>, ends: (Basis, i64)) -> Self {
        Self { reader, appender: Appender::behind(ends, reader.connection(), scratch), has_failed: false }
    }

    /// The newest transaction and the last datom, those appended to this commit included.
    pub(super) fn ends(&self) -> (Basis, i64) {
        (self.appender.basis, self.appender.last_id)
    }

    /// True once nothing more may be written in this commit.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed || self.reader.connection().is_autocommit()
    }

    /// Fails if SQLite has taken the commit back by itself, as it does when it cannot read or gets no memory: what would be written
    /// then would be a commit of its own, statement by statement.
    pub(super) fn check_open(&mut self) -> Result<()> {
        if !self.reader.connection().is_autocommit() {
            return Ok(());
        }
        self.has_failed = true;
        Err(Error::new(ErrorKind::Io, "the store could not be read while a transaction was written, so it was taken back")
            .with_help("see to the disk and open the store again; everything acknowledged is there"))
    }

    /// The newest transaction, those appended to this commit included.
    pub fn basis(&self) -> Basis {
        self.appender.basis
    }

    /// Appends one transaction. `t` follows the newest one, `instant` is not before its instant, every datom has this `t`, and
    /// `is_indexed` tells which attributes lead from values to entities. In the log the datoms of an entity stand together, its
    /// retractions before its additions; an order in which all retractions come first is kept, as older logs have it.
    pub fn append(&mut self, t: i64, instant: i64, datoms: &[Datom], is_indexed: &dyn Fn(i64) -> bool) -> Result<()> {
        self.check_open()?;
        let outcome = self.appender.append(t, instant, datoms, is_indexed);
        self.note(outcome)
    }

    /// Makes every value of an attribute lead to its entity, for an attribute that becomes indexed or unique. Values that do
    /// already stay as they are.
    pub fn reindex(&mut self, attribute: i64) -> Result<()> {
        self.check_open()?;
        let outcome = index_values(self.reader.connection(), attribute).map_err(failure);
        self.note(outcome)
    }

    /// Indexes the words of the texts that the transaction appended last added through an attribute.
    pub fn append_words(&mut self, attribute: i64) -> Result<()> {
        let Appender { first_id, last_id, .. } = self.appender;
        self.words(|connection| words::index(connection, attribute, first_id, last_id))
    }

    /// Indexes the words of all texts that were ever added through an attribute, for one that becomes `:db/fulltext`.
    pub fn index_words(&mut self, attribute: i64) -> Result<()> {
        let last_id = self.appender.last_id;
        self.words(|connection| words::index(connection, attribute, 0, last_id))
    }

    /// Writes the index of words anew, with these attributes in it.
    pub fn rewrite_words(&mut self, attributes: &[i64]) -> Result<()> {
        self.words(words::clear)?;
        attributes.iter().try_for_each(|attribute| self.index_words(*attribute))
    }

    fn words(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
        self.check_open()?;
        let outcome = work(self.reader.connection()).map_err(failure);
        self.note(outcome)
    }

    /// A refused value leaves the handle as it was; anything else that fails while writing does not.
    fn note(&mut self, outcome: Result<()>) -> Result<()> {
        if let Err(error) = &outcome {
            self.has_failed |= error.kind().lies_below() || error.kind() == ErrorKind::Busy || self.appender.is_torn;
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

/// Entity by entity, of each the retractions before the additions, else as given. So what is said of an entity is one range of
/// the log, and the last datom of an entity's attribute that has one value says whether there is a value, and which: the SQL
/// views rely on it. That holds too where all retractions come first, which is the order of older logs: a transaction taken in
/// from one stays as it is, since its hash is that of its order.
fn log_order(datoms: &[Datom]) -> Cow<'_, [Datom]> {
    let is_by_entity = datoms.is_sorted_by_key(|datom| (datom.e, datom.added));
    if is_by_entity || datoms.is_sorted_by_key(|datom| datom.added) {
        return Cow::Borrowed(datoms);
    }
    let mut ordered = datoms.to_vec();
    ordered.sort_by_key(|datom| (datom.e, datom.added));
    Cow::Owned(ordered)
}

/// Makes every value that an attribute has and had lead to its datoms.
pub(super) fn index_values(connection: &Connection, attribute: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO avet (a, type, v, id) SELECT a, type, v, id FROM datoms WHERE a = ?1";
    connection.execute(sql, (attribute,)).map(|_| ())
}

/// Appends transactions to the log, knowing the newest one and the last datom.
#[derive(Debug)]
pub(super) struct Appender<'s> {
    connection: &'s Connection,
    scratch: &'s mut Vec<u8>,
    basis: Basis,
    /// The datom before the first one of the last transaction.
    first_id: i64,
    last_id: i64,
    /// The last transaction was begun to be written and not finished.
    is_torn: bool,
}

impl<'s> Appender<'s> {
    pub(super) fn new(connection: &'s Connection, scratch: &'s mut Vec<u8>) -> Result<Self> {
        Ok(Self::behind(ends(connection)?, connection, scratch))
    }

    /// The same where the newest transaction and the last datom are known.
    fn behind((basis, last_id): (Basis, i64), connection: &'s Connection, scratch: &'s mut Vec<u8>) -> Self {
        Self { connection, scratch, basis, first_id: last_id, last_id, is_torn: false }
    }

    pub(super) fn append(&mut self, t: i64, instant: i64, datoms: &[Datom], is_indexed: &dyn Fn(i64) -> bool) -> Result<()> {
        self.check(t, instant, datoms)?;
        let datoms = &*log_order(datoms);
        self.scratch.clear();
        // Encoding refuses what cannot be stored, so it comes before the first row is written.
        record::encode_record(t, instant, datoms, self.scratch)?;
        let hash = record::chain(&self.basis.hash, self.scratch);
        let last_id = self.last_id + datoms.len() as i64;
        self.is_torn = true;
        self.insert_transaction(t, instant, datoms.len() as i64, last_id, &hash).map_err(failure)?;
        self.insert_datoms(datoms, is_indexed).map_err(failure)?;
        self.insert_entities(datoms).map_err(failure)?;
        self.is_torn = false;
        (self.first_id, self.last_id) = (self.last_id, last_id);
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
        let mut scratch = String::new();
        for mut rest in datoms.chunk_by(|left, right| left.added == right.added) {
            while let (block, later) = rest.split_at(block_rows(rows_of_block(rest)))
                && !block.is_empty()
            {
                self.insert_block(block, &mut scratch)?;
                rest = later;
            }
        }
        let mut index: Option<CachedStatement<'_>> = None;
        for (datom, id) in datoms.iter().zip(self.last_id + 1..).filter(|(datom, _)| is_indexed(datom.a)) {
            let index = match &mut index {
                Some(index) => index,
                none => none.insert(self.connection.prepare_cached("INSERT INTO avet (a, type, v, id) VALUES (?1, ?2, ?3, ?4)")?),
            };
            let value = stored(&datom.v);
            index.raw_bind_parameter(1, datom.a)?;
            index.raw_bind_parameter(2, type_code(&value))?;
            bind_value(index, 3, &value, &mut scratch)?;
            index.raw_bind_parameter(4, id)?;
            index.raw_execute()?;
        }
        Ok(())
    }

    /// Says where each entity has its datoms, in blocks as the datoms themselves.
    fn insert_entities(&self, datoms: &[Datom]) -> rusqlite::Result<()> {
        let first = self.last_id + 1;
        let mut id = first;
        let mut rows: Vec<(i64, i64, i64)> = Vec::new();
        for of_entity in datoms.chunk_by(|left, right| left.e == right.e) {
            if !is_own_instant(of_entity, id == first) {
                rows.push((of_entity[0].e, id, of_entity.len() as i64));
            }
            id += of_entity.len() as i64;
        }
        let mut rest = &rows[..];
        while let (block, later) = rest.split_at(block_rows(rest.len()))
            && !block.is_empty()
        {
            let mut insert = self.connection.prepare_cached(entity_block_sql(block.len()))?;
            for ((e, id, n), place) in block.iter().zip((1..).step_by(3)) {
                insert.raw_bind_parameter(place, e)?;
                insert.raw_bind_parameter(place + 1, id)?;
                insert.raw_bind_parameter(place + 2, n)?;
            }
            insert.raw_execute()?;
            rest = later;
        }
        Ok(())
    }

    /// Writes datoms of one transaction, all added or all retracted, as one statement: most of what a row costs is the statement around it.
    fn insert_block(&self, block: &[Datom], scratch: &mut String) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(block_sql(block.len()))?;
        insert.raw_bind_parameter(1, block[0].t)?;
        insert.raw_bind_parameter(2, i64::from(block[0].added))?;
        insert.raw_bind_parameter(3, block[0].m)?;
        if let Some(second) = block.get(1) {
            insert.raw_bind_parameter(4, second.m)?;
        }
        for (datom, place) in block.iter().zip((SHARED_PLACES + 1..).step_by(PLACES_A_ROW)) {
            let value = stored(&datom.v);
            insert.raw_bind_parameter(place, datom.e)?;
            insert.raw_bind_parameter(place + 1, datom.a)?;
            bind_value(&mut insert, place + 2, &value, scratch)?;
            insert.raw_bind_parameter(place + 3, type_code(&value))?;
        }
        insert.raw_execute().map(|_| ())
    }
}

/// True for what nearly every transaction says of itself: its instant and nothing else. `txs` leads there, so it needs no row.
pub(super) fn is_own_instant(of_entity: &[Datom], is_first: bool) -> bool {
    is_first && matches!(of_entity, [datom] if datom.e == datom.t && datom.a == attribute::TX_INSTANT)
}

fn type_code(value: &Value) -> i64 {
    value.value_type().map_or(0, |kind| i64::from(kind as u8))
}

/// How many of these datoms can stand in one block: all behind the first have one `m`.
fn rows_of_block(datoms: &[Datom]) -> usize {
    let Some([_, rest @ ..]) = datoms.get(..datoms.len().min(LARGE_BLOCK)) else { return 0 };
    1 + rest.iter().take_while(|datom| datom.m == rest[0].m).count()
}

/// How many of so many rows the next statement takes. Few sizes, so that each is compiled once.
fn block_rows(left: usize) -> usize {
    match left {
        0..SMALL_BLOCK => left,
        SMALL_BLOCK..LARGE_BLOCK => SMALL_BLOCK,
        _ => LARGE_BLOCK,
    }
}
