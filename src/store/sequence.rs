//! The last number of a sequence such as `:log/seq` within a run.
//!
//! A transaction gives numbers to entities that join the sequence in it, and only numbers greater than every one before. So
//! once one entity is known whose number was given as it joined, only entities of which something was said in that
//! transaction or later can have a greater one. It is looked for from the end of the partition, where new entities lie.

use rusqlite::Params;

use super::failure::failure;
use super::read::Reader;
use crate::datom::Partition;
use crate::error::Result;
use crate::schema::attribute;

/// How many entities from the end are asked whether they are such an anchor, before all of the partition is looked through.
const LIMIT_ENTITIES_ASKED: i64 = 64;

/// About how many datoms an entity of a partition has, to tell which is shorter: the log since the anchor, or the partition.
const DATOMS_OF_ENTITY: i64 = 5;

/// The attribute that counts, the attribute that says within what, and the entity within which it counts.
pub(super) struct Sequence {
    pub(super) attribute: i64,
    pub(super) scope: i64,
    pub(super) within: i64,
}

/// Looks through the partition of `within`, where entities that belong to it lie. Numbers that were retracted count too.
pub(super) fn last(reader: &Reader, sequence: &Sequence) -> Result<i64> {
    let mut entities = match sequence.anchor(reader)? {
        Some(t) => sequence.entities_since(reader, t)?,
        None => sequence.entities(reader)?,
    };
    entities.sort_unstable();
    entities.dedup();
    let mut greatest = 0;
    for entity in entities {
        greatest = greatest.max(sequence.greatest_of(reader, entity)?);
    }
    Ok(greatest)
}

impl Sequence {
    fn first_entity(&self) -> i64 {
        Partition::of(self.within).entity(0)
    }

    fn last_entity(&self) -> i64 {
        Partition::of(self.within).last_entity()
    }

    /// The transaction in which one of the last entities joined the sequence and got its number.
    ///
    /// The entity has one datom for the scope and one for the number, of the same transaction: so the number was given for this
    /// sequence. Before the attribute was declared to count, numbers followed no order.
    fn anchor(&self, reader: &Reader) -> Result<Option<i64>> {
        let declaration = "SELECT CASE WHEN d.added = 1 AND d.v = ?3 THEN d.t END
             FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
             WHERE n.e = ?1 AND d.a = ?2 ORDER BY n.id DESC, d.id DESC LIMIT 1";
        let parameters = (self.attribute, attribute::SEQUENCE_WITHIN, self.scope);
        let Some(declared) = integers(reader, declaration, parameters)?.first().copied().flatten() else { return Ok(None) };
        let last = "SELECT n.e FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
             WHERE n.e BETWEEN ?1 AND ?2 AND d.a = ?3 ORDER BY n.e DESC LIMIT ?4";
        let parameters = (self.first_entity(), self.last_entity(), self.attribute, LIMIT_ENTITIES_ASKED);
        let joined = "SELECT CASE WHEN count(*) = 2 AND sum(d.added) = 2 AND count(DISTINCT d.a) = 2 AND min(d.t) = max(d.t)
               AND max(d.a = ?3 AND d.type = 1 AND d.v = ?4) THEN max(d.t) END
             FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
             WHERE n.e = ?1 AND d.a IN (?2, ?3)";
        for entity in integers(reader, last, parameters)?.into_iter().flatten() {
            let joined = integers(reader, joined, (entity, self.attribute, self.scope, self.within))?;
            if let Some(t) = joined.first().copied().flatten().filter(|t| *t > declared) {
                return Ok(Some(t));
            }
        }
        Ok(None)
    }

    /// The entities of which a number or a scope was said in transaction `t` or later, found in the log or in the index,
    /// whichever is shorter.
    fn entities_since(&self, reader: &Reader, t: i64) -> Result<Vec<i64>> {
        let before = reader.datoms_until(t - 1)?;
        let in_log = reader.datoms_until(i64::MAX)? - before;
        let last = reader.last_entity(Partition::of(self.within))?.unwrap_or(0);
        let in_index = (last - self.first_entity()).saturating_mul(DATOMS_OF_ENTITY);
        let (first, last) = (self.first_entity(), self.last_entity());
        let found = if in_log <= in_index {
            let sql = "SELECT d.e FROM datoms d WHERE d.id > ?1 AND d.e BETWEEN ?2 AND ?3 AND d.a IN (?4, ?5)";
            integers(reader, sql, (before, first, last, self.attribute, self.scope))?
        } else {
            let sql = "SELECT n.e FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
                 WHERE n.e BETWEEN ?1 AND ?2 AND n.id > ?5 AND d.a IN (?3, ?4)";
            integers(reader, sql, (first, last, self.attribute, self.scope, before))?
        };
        Ok(found.into_iter().flatten().collect())
    }

    /// All entities of the partition that ever had a number.
    fn entities(&self, reader: &Reader) -> Result<Vec<i64>> {
        let sql = "SELECT n.e FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
             WHERE n.e BETWEEN ?1 AND ?2 AND d.a = ?3";
        let found = integers(reader, sql, (self.first_entity(), self.last_entity(), self.attribute))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The greatest number that an entity ever had, 0 if it never had any or never belonged.
    fn greatest_of(&self, reader: &Reader, entity: i64) -> Result<i64> {
        let sql = "SELECT max(d.v) FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
             WHERE n.e = ?1 AND d.a = ?2 AND d.type = 3 AND d.added = 1
               AND EXISTS (SELECT 1 FROM entities k CROSS JOIN datoms s ON s.id BETWEEN k.id AND k.id + k.n - 1
                 WHERE k.e = ?1 AND s.a = ?3 AND s.v = ?4 AND s.type = 1 AND s.added = 1)";
        let found = integers(reader, sql, (entity, self.attribute, self.scope, self.within))?;
        Ok(found.first().copied().flatten().unwrap_or(0))
    }
}

fn integers(reader: &Reader, sql: &str, parameters: impl Params) -> Result<Vec<Option<i64>>> {
    let mut found = Vec::new();
    reader.each(sql, parameters, |row| {
        found.push(row.get(0).map_err(failure)?);
        Ok(())
    })?;
    Ok(found)
}
