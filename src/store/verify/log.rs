//! The log against the list of transactions and its hash chain.

use std::collections::HashMap;

use annals_query::Value;
use rusqlite::Rows;

use super::{Problem, Sound, Stop};
use crate::datom::Datom;
use crate::schema::{Schema, SchemaBuilder, attribute};
use crate::store::failure::failure;
use crate::store::read::{Reader, TransactionRow};
use crate::store::record;
use crate::store::row::{COLUMNS, canonical_text, read_datom};

/// What one pass over the log learns for the checks of what is derived from it.
pub(super) struct Counts {
    /// Datoms of each attribute.
    pub(super) by_attribute: HashMap<i64, i64>,
    /// The schema as of the newest transaction.
    pub(super) schema: Schema,
}

/// Checks every transaction in order, and moves `sound` along.
pub(super) fn check(reader: &Reader, sound: &mut Sound) -> Result<Counts, Stop> {
    let mut pass =
        Pass { last_instant: i64::MIN, by_attribute: HashMap::new(), schema: SchemaBuilder::default(), record: Vec::new() };
    let connection = reader.connection();
    let mut log = connection.prepare(&format!("SELECT {COLUMNS}, d.id FROM datoms d ORDER BY d.id"))?;
    let mut log = log.query(())?;
    let mut transactions = connection.prepare("SELECT t, instant, datoms, hash, last FROM txs ORDER BY t")?;
    let mut transactions = transactions.query(())?;
    while let Some(row) = transactions.next()? {
        let wanted = sound.transactions + 1;
        let unreadable = |_| Problem::in_transaction("verify/transactions", wanted, "the row of the transaction cannot be read");
        let read =
            || Ok((TransactionRow { t: row.get(0)?, instant: row.get(1)?, datoms: row.get(2)?, hash: row.get(3)? }, row.get(4)?));
        let (transaction, last): (TransactionRow, i64) = read().map_err(|error: rusqlite::Error| unreadable(error))?;
        pass.check_transaction(&transaction, last, sound)?;
        pass.check_datoms(&transaction, &mut log, sound)?;
    }
    let t = sound.transactions;
    if log.next()?.is_some() {
        return Err(Problem::in_transaction("verify/transactions", t + 1, "datoms stand in the log after the last transaction"));
    }
    if t == 0 {
        return Err(Problem::in_transaction("verify/transactions", 1, "the store has no transaction, not even its first"));
    }
    Ok(Counts { by_attribute: pass.by_attribute, schema: pass.schema.build() })
}

struct Pass {
    last_instant: i64,
    by_attribute: HashMap<i64, i64>,
    schema: SchemaBuilder,
    record: Vec<u8>,
}

impl Pass {
    fn check_transaction(&mut self, row: &TransactionRow, last: i64, sound: &Sound) -> Result<(), Stop> {
        let wanted = sound.transactions + 1;
        if row.t != wanted {
            let what = format!("transaction {wanted} is missing: the next one in the list is {}", row.t);
            return Err(Problem::in_transaction("verify/transactions", wanted, what));
        }
        if row.instant < self.last_instant {
            let what = format!("the instant of transaction {wanted} lies before that of the one before");
            return Err(Problem::in_transaction("verify/instant", wanted, what));
        }
        if row.datoms < 1 || sound.datoms.checked_add(row.datoms) != Some(last) || u32::try_from(row.datoms).is_err() {
            let what = format!("transaction {wanted} has {} datoms up to number {last}, after {}", row.datoms, sound.datoms);
            return Err(Problem::in_transaction("verify/count", wanted, what));
        }
        self.last_instant = row.instant;
        Ok(())
    }

    /// Reads the datoms of one transaction, makes its record, and compares the chain.
    fn check_datoms(&mut self, row: &TransactionRow, log: &mut Rows<'_>, sound: &mut Sound) -> Result<(), Stop> {
        self.record.clear();
        record::begin(row.t, row.instant, row.datoms as usize, &mut self.record);
        let mut order = Order::default();
        for id in sound.datoms + 1..=sound.datoms + row.datoms {
            let datom = next_datom(log, row.t, id)?;
            if !order.admits(&datom) {
                let what = format!("datom {id} stands where none of its entity belongs, or retracts after an addition");
                return Err(Problem::in_transaction("verify/log-order", row.t, what));
            }
            record::add(&datom, &mut self.record).map_err(|error| {
                Problem::in_transaction("verify/value", row.t, format!("datom {id} cannot be a fact: {error}"))
            })?;
            if (datom.e, datom.a) == (row.t, attribute::TX_INSTANT) && datom.added && datom.v != Value::Instant(row.instant) {
                let what = format!("transaction {} says another instant than the list of transactions", row.t);
                return Err(Problem::in_transaction("verify/instant", row.t, what));
            }
            self.learn(&datom, id)?;
        }
        let hash = record::chain(&sound.hash, &self.record);
        if hash != row.hash {
            let what = format!("the hash of transaction {} is not that of its datoms and of the hash before", row.t);
            return Err(Problem::in_transaction("verify/chain", row.t, what));
        }
        (sound.transactions, sound.datoms, sound.hash) = (row.t, sound.datoms + row.datoms, hash);
        if sound.expected == Some(hash) {
            sound.found_at = Some(row.t);
        }
        Ok(())
    }

    fn learn(&mut self, datom: &Datom, id: i64) -> Result<(), Stop> {
        *self.by_attribute.entry(datom.a).or_default() += 1;
        if SchemaBuilder::concerns(datom.a) {
            self.schema.apply(datom.e, datom.a, &datom.v, datom.added);
        }
        if datom.a == attribute::IDENT && !matches!(datom.v, Value::Keyword(_)) {
            let what = format!("datom {id} gives entity {} an ident that is no keyword", datom.e);
            return Err(Problem::in_transaction("verify/value", datom.t, what));
        }
        Ok(())
    }
}

/// The order of datoms in a transaction: entity by entity, of each the retractions first; or, in older ones, all retractions first.
struct Order {
    last: Option<(i64, bool)>,
    is_by_entity: bool,
    is_retractions_first: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { last: None, is_by_entity: true, is_retractions_first: true }
    }
}

impl Order {
    /// True if so far there is an order of both kinds or either.
    fn admits(&mut self, datom: &Datom) -> bool {
        let next = (datom.e, datom.added);
        if let Some(last) = self.last.replace(next) {
            self.is_by_entity &= last <= next;
            self.is_retractions_first &= last.1 <= next.1;
        }
        self.is_by_entity || self.is_retractions_first
    }
}

fn next_datom(log: &mut Rows<'_>, t: i64, id: i64) -> Result<Datom, Stop> {
    let Some(row) = log.next()? else {
        return Err(Problem::in_transaction("verify/count", t, format!("the log ends before datom {id} of transaction {t}")));
    };
    let found: i64 = row.get(7)?;
    if found != id {
        return Err(Problem::in_transaction("verify/log-order", t, format!("datom {id} is missing: the next one is {found}")));
    }
    let unreadable = |what: String| Problem::in_transaction("verify/value", t, format!("datom {id}: {what}"));
    let datom = read_datom(row).map_err(|error| unreadable(error.to_string()))?;
    if datom.t != t {
        let what = format!("datom {id} says transaction {}, but stands in transaction {t}", datom.t);
        return Err(Problem::in_transaction("verify/log-order", t, what));
    }
    // A text may mean the same and yet not be the one that is written: SQL would compare it differently.
    if let Some(written) = canonical_text(&datom.v)
        && row.get_ref(2).map_err(failure)?.as_bytes().ok() != Some(written.as_bytes())
    {
        return Err(unreadable("the value is not written in its canonical form".into()));
    }
    Ok(datom)
}
