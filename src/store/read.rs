//! What can be read. The log only grows, so any connection can serve any `until_t` that was ever committed: rows of later
//! transactions are left out.

use std::sync::LazyLock;

use annals_query::Value;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::failure::{damaged, failure};
use super::row::{COLUMNS, bind_value, read_datom, stored};
use super::sequence;
use crate::datom::{Datom, Partition};
use crate::error::Result;
use crate::schema::attribute;

/// The newest transaction: its number, its instant in microseconds and the head of the hash chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Transaction number, 0 where there is none.
    pub t: i64,
    /// When it was committed.
    pub instant: i64,
    /// Hash chained over every record up to this one.
    pub hash: [u8; 32],
}

impl Basis {
    /// Before the first transaction.
    const NONE: Self = Self { t: 0, instant: i64::MIN, hash: [0; 32] };
}

/// A row of the list of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// Transaction number.
    pub t: i64,
    /// When it was committed, in microseconds.
    pub instant: i64,
    /// How many datoms it has.
    pub datoms: i64,
    /// Hash chained over every record up to this one.
    pub hash: [u8; 32],
}

/// One connection's view of the store: what other processes committed shows as soon as it is committed.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The newest committed transaction.
    pub fn basis(&self) -> Result<Basis> {
        basis(&self.connection)
    }

    /// A number that is another one after every commit of another connection.
    pub(super) fn version(&self) -> Result<i64> {
        Ok(self.integer("PRAGMA data_version", ())?.unwrap_or(0))
    }

    /// All datoms of an entity, in the order of attribute and transaction.
    pub fn datoms_of_entity(&self, entity: i64, until_t: i64) -> Result<Vec<Datom>> {
        let mut found = self.own_instants(entity, entity, until_t)?;
        self.each(&select_said("WHERE n.e = ?1 AND d.t <= ?2 ORDER BY n.id, d.id"), (entity, until_t), |row| {
            found.push(read_datom(row)?);
            Ok(())
        })?;
        sort_entity(&mut found);
        Ok(found)
    }

    /// All datoms of an entity for one attribute, in the order of the log.
    pub fn datoms_of_entity_attribute(&self, entity: i64, attribute: i64, until_t: i64) -> Result<Vec<Datom>> {
        let mut found = Vec::new();
        if attribute == attribute::TX_INSTANT {
            found = self.own_instants(entity, entity, until_t)?;
        }
        let sql = select_said("WHERE n.e = ?1 AND d.a = ?2 AND d.t <= ?3 ORDER BY n.id, d.id");
        self.each(&sql, (entity, attribute, until_t), |row| {
            found.push(read_datom(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The newest datom of an entity for one attribute, whatever came before it: so an attribute that is said again and again costs no
    /// more than one that was said once.
    pub(crate) fn last_datom(&self, entity: i64, attribute: i64) -> Result<Option<Datom>> {
        let mut found = None;
        let sql = select_said("WHERE n.e = ?1 AND d.a = ?2 ORDER BY n.id DESC, d.id DESC LIMIT 1");
        self.each(&sql, (entity, attribute), |row| {
            found = Some(read_datom(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The newest datom of an entity for one attribute up to and including a transaction, however many came before it.
    pub fn last_datom_until(&self, entity: i64, attribute: i64, until_t: i64) -> Result<Option<Datom>> {
        let mut found = None;
        self.each(&LAST_SAID, (entity, attribute, until_t), |row| {
            found = Some(read_datom(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// All datoms of a range of entities, in the order of entity, attribute and transaction.
    pub fn datoms_of_entities(
        &self,
        first: i64,
        last: i64,
        until_t: i64,
        mut take: impl FnMut(Datom) -> Result<()>,
    ) -> Result<()> {
        let mut instants = self.own_instants(first, last, until_t)?.into_iter().peekable();
        let mut of_entity: Vec<Datom> = Vec::new();
        let mut hand_out = |of_entity: &mut Vec<Datom>| {
            sort_entity(of_entity);
            of_entity.drain(..).try_for_each(&mut take)
        };
        let sql = select_said("WHERE n.e BETWEEN ?1 AND ?2 AND d.t <= ?3 ORDER BY n.e, n.id, d.id");
        self.each(&sql, (first, last, until_t), |row| {
            let datom = read_datom(row)?;
            while let Some(instant) = instants.next_if(|instant| instant.e <= datom.e) {
                if of_entity.last().is_some_and(|before| before.e != instant.e) {
                    hand_out(&mut of_entity)?;
                }
                of_entity.push(instant);
            }
            if of_entity.last().is_some_and(|before| before.e != datom.e) {
                hand_out(&mut of_entity)?;
            }
            of_entity.push(datom);
            Ok(())
        })?;
        for instant in instants {
            if of_entity.last().is_some_and(|before| before.e != instant.e) {
                hand_out(&mut of_entity)?;
            }
            of_entity.push(instant);
        }
        hand_out(&mut of_entity)
    }

    /// What transactions say of themselves first, where that is their instant alone and has no row among the entities.
    pub(super) fn own_instants(&self, first: i64, last: i64, until_t: i64) -> Result<Vec<Datom>> {
        let last = last.min(until_t).min(Partition::TRANSACTIONS.last_entity());
        let mut found = Vec::new();
        if first <= last {
            let sql = format!(
                "SELECT {COLUMNS} FROM txs o CROSS JOIN datoms d ON d.id = o.last - o.datoms + 1 AND d.e = o.t
                 WHERE o.t BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM entities n WHERE n.e = d.e AND n.id = d.id)
                 ORDER BY o.t"
            );
            self.each(&sql, (first, last), |row| {
                found.push(read_datom(row)?);
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// All datoms with this attribute and exactly this value, in the order of the log. Only attributes that are unique or
    /// indexed are found.
    pub fn datoms_by_value(&self, attribute: i64, value: &Value, until_t: i64) -> Result<Vec<Datom>> {
        let Some(kind) = value.value_type() else { return Ok(Vec::new()) };
        let sql = format!(
            "SELECT {COLUMNS} FROM avet x CROSS JOIN datoms d ON d.id = x.id
             WHERE x.a = ?1 AND x.type = ?2 AND x.v = ?3 AND d.t <= ?4 ORDER BY x.id"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failure)?;
        let mut scratch = String::new();
        statement.raw_bind_parameter(1, attribute).map_err(failure)?;
        statement.raw_bind_parameter(2, i64::from(kind as u8)).map_err(failure)?;
        bind_value(&mut statement, 3, &stored(value), &mut scratch).map_err(failure)?;
        statement.raw_bind_parameter(4, until_t).map_err(failure)?;
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failure)? {
            found.push(read_datom(row)?);
        }
        Ok(found)
    }

    /// The datoms of the transactions after `after_t` up to and including `until_t`, in the order of the log; of these
    /// attributes only, if some are named.
    pub fn log(
        &self,
        after_t: i64,
        until_t: i64,
        attributes: Option<&[i64]>,
        mut take: impl FnMut(Datom) -> Result<()>,
    ) -> Result<()> {
        let (first, last) = (self.last_id(after_t)?, self.last_id(until_t)?);
        let chosen = attributes.map_or_else(String::new, |attributes| {
            let ids: Vec<String> = attributes.iter().map(i64::to_string).collect();
            format!(" AND d.a IN ({})", ids.join(", "))
        });
        let sql = select(&format!("WHERE d.id > ?1 AND d.id <= ?2{chosen} ORDER BY d.id"));
        self.each(&sql, (first, last), |row| take(read_datom(row)?))
    }

    /// The transactions after `after_t` up to and including `until_t`.
    pub fn transactions(&self, after_t: i64, until_t: i64) -> Result<Vec<TransactionRow>> {
        let sql = "SELECT t, instant, datoms, hash FROM txs WHERE t > ?1 AND t <= ?2 ORDER BY t";
        let mut found = Vec::new();
        self.each(sql, (after_t, until_t), |row| {
            let get = |column| row.get(column).map_err(failure);
            found.push(TransactionRow { t: get(0)?, instant: get(1)?, datoms: get(2)?, hash: row.get(3).map_err(failure)? });
            Ok(())
        })?;
        Ok(found)
    }

    /// The last transaction at or before an instant; 0 if there is none.
    pub fn last_t_at(&self, instant: i64) -> Result<i64> {
        // Instants rise with t, so the last of them is found by halving.
        let (mut low, mut high) = (0, self.basis()?.t);
        while low < high {
            let middle = low + (high - low + 1) / 2;
            let at = self.integer("SELECT instant FROM txs WHERE t = ?1", (middle,))?;
            let at = at.ok_or_else(|| damaged(format!("transaction {middle} is missing")).with_value(middle))?;
            if at <= instant {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    /// The greatest entity in a partition that any datom ever had.
    pub fn last_entity(&self, partition: Partition) -> Result<Option<i64>> {
        let sql = "SELECT e FROM entities WHERE e BETWEEN ?1 AND ?2 ORDER BY e DESC LIMIT 1";
        let found = self.integer(sql, (partition.entity(0), partition.last_entity()))?;
        if partition != Partition::TRANSACTIONS {
            return Ok(found);
        }
        Ok(found.max(self.integer("SELECT t FROM txs ORDER BY t DESC LIMIT 1", ())?))
    }

    /// The greatest partition that any datom's entity lies in.
    pub fn last_partition(&self) -> Result<Partition> {
        let last = self.integer("SELECT e FROM entities ORDER BY e DESC LIMIT 1", ())?;
        Ok(last.map_or(Partition::TRANSACTIONS, Partition::of))
    }

    /// The greatest long that any entity of the partition of `within` had for `attribute`, if that entity ever had `within`
    /// for `scope`; 0 if none had. Numbers are taken to be given in turn since `attribute` was declared to count within `scope`,
    /// as transactions do.
    pub fn last_in_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64> {
        sequence::last(self, &sequence::Sequence { attribute, scope, within })
    }

    /// How many datoms there are up to and including a transaction.
    pub fn datoms_until(&self, t: i64) -> Result<i64> {
        self.last_id(t)
    }

    /// All datoms of a unique or indexed attribute, in the order of value and log.
    pub fn datoms_of_indexed(&self, attribute: i64, until_t: i64) -> Result<Vec<Datom>> {
        let sql = format!("SELECT {COLUMNS} FROM avet x CROSS JOIN datoms d ON d.id = x.id WHERE x.a = ?1 AND d.t <= ?2");
        let mut found = Vec::new();
        self.each(&sql, (attribute, until_t), |row| {
            found.push(read_datom(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The id of the last datom of a transaction: ids count datoms without a gap.
    fn last_id(&self, t: i64) -> Result<i64> {
        if t <= 0 {
            return Ok(0);
        }
        // A t beyond the newest means everything there is.
        let found = self.integer("SELECT last FROM txs WHERE t <= ?1 ORDER BY t DESC LIMIT 1", (t,))?;
        Ok(found.unwrap_or(0))
    }

    pub(super) fn integer(&self, sql: &str, parameters: impl Params) -> Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failure)?;
        statement.query_row(parameters, |row| row.get(0)).optional().map_err(failure)
    }

    pub(super) fn each(&self, sql: &str, parameters: impl Params, mut take: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failure)?;
        let mut rows = statement.query(parameters).map_err(failure)?;
        while let Some(row) = rows.next().map_err(failure)? {
            take(row)?;
        }
        Ok(())
    }
}

/// The newest datom of an entity for one attribute among those of the transactions up to one.
static LAST_SAID: LazyLock<String> = LazyLock::new(|| {
    select_said(
        "WHERE n.e = ?1 AND d.a = ?2 AND n.id <= (SELECT last FROM txs WHERE t <= ?3 ORDER BY t DESC LIMIT 1)
         ORDER BY n.id DESC, d.id DESC LIMIT 1",
    )
});

fn select(tail: &str) -> String {
    format!("SELECT {COLUMNS} FROM datoms d {tail}")
}

/// Datoms by way of the entities that lead to them.
fn select_said(tail: &str) -> String {
    format!("SELECT {COLUMNS} FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1 {tail}")
}

/// Datoms of one entity from the order of the log into that of attribute and transaction.
fn sort_entity(datoms: &mut [Datom]) {
    datoms.sort_by_key(|datom| (datom.a, datom.t));
}

/// The newest transaction that a connection sees.
pub(super) fn basis(connection: &Connection) -> Result<Basis> {
    let mut statement = connection.prepare_cached("SELECT t, instant, hash FROM txs ORDER BY t DESC LIMIT 1").map_err(failure)?;
    let newest = statement
        .query_row((), |row| Ok(Basis { t: row.get(0)?, instant: row.get(1)?, hash: row.get(2)? }))
        .optional()
        .map_err(failure)?;
    Ok(newest.unwrap_or(Basis::NONE))
}

/// The newest transaction that a connection sees, and the id of the last datom.
pub(super) fn ends(connection: &Connection) -> Result<(Basis, i64)> {
    let sql = "SELECT t, instant, hash, (SELECT coalesce(max(id), 0) FROM datoms) FROM txs ORDER BY t DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let newest = statement
        .query_row((), |row| Ok((Basis { t: row.get(0)?, instant: row.get(1)?, hash: row.get(2)? }, row.get(3)?)))
        .optional()
        .map_err(failure)?;
    Ok(newest.unwrap_or((Basis::NONE, 0)))
}
