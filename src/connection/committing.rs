//! What a transaction of a group is checked against: the store as the commit under way sees it.

use std::cell::RefCell;

use annals_query::{Cardinality, Value};

use super::counters::Counters;
use crate::datom::{Datom, Partition};
use crate::db::snapshot::Snapshot;
use crate::error::Result;
use crate::index::life::{OPEN, continued};
use crate::redact::KEY_BYTES;
use crate::schema::{Placement, Schema};
use crate::store::Reader;
use crate::transact::Before;

/// The store with the transactions that stand before this one in the same commit.
pub(super) struct Committing<'a> {
    /// Reads what the commit under way sees.
    pub(super) reader: &'a Reader,
    /// The store before the commit.
    pub(super) committed: &'a Snapshot,
    /// The transactions before this one: t, instant and datoms.
    pub(super) earlier: &'a [(i64, i64, Vec<Datom>)],
    /// The store after those.
    pub(super) head: &'a Snapshot,
    /// What is remembered from commit to commit.
    pub(super) counters: RefCell<&'a mut Counters>,
}

impl Committing<'_> {
    /// Answers what needs columns, which know only what is committed.
    fn with_columns<R>(&self, answer: impl FnOnce(&Snapshot) -> R) -> R {
        let Some(((t, instant, datoms), later)) = self.earlier.split_first() else { return answer(self.committed) };
        let first = self.committed.with(*t, *instant, datoms);
        answer(&later.iter().fold(first, |before, (t, instant, datoms)| before.with(*t, *instant, datoms)))
    }

    /// True if entities with this attribute lie in the partition of its value.
    fn is_beside(&self, scope: i64) -> bool {
        let placement = self.schema().declaration(scope).and_then(|declaration| declaration.placement);
        placement == Some(Placement::WithValue)
    }
}

/// The datoms that added the facts which hold after these events.
fn holding(mut events: Vec<Datom>) -> Vec<Datom> {
    if events.len() == 1 {
        events.retain(|event| event.added);
        return events;
    }
    events.sort_unstable_by(|left, right| left.a.cmp(&right.a).then_with(|| left.cmp(right)));
    let by_attribute = events.chunk_by(|left, right| left.a == right.a);
    let holding = by_attribute.flat_map(|events| {
        let attribute = events[0].a;
        let lives = continued([], events).into_iter().filter(|life| life.t_retracted == OPEN);
        lives.map(move |life| life.addition(attribute))
    });
    holding.collect()
}

impl Before for Committing<'_> {
    fn basis(&self) -> i64 {
        self.head.basis()
    }

    fn instant(&self) -> i64 {
        self.head.instant()
    }

    fn schema(&self) -> &Schema {
        self.head.schema()
    }

    fn facts(&self, entity: i64) -> Result<Vec<Datom>> {
        Ok(holding(self.reader.datoms_of_entity(entity, self.basis())?))
    }

    fn values(&self, entity: i64, attribute: i64) -> Result<Vec<Datom>> {
        let declaration = self.schema().declaration(attribute);
        // Where one value holds at a time, it is the one that was added last, if nothing was retracted since.
        if declaration.is_some_and(|declaration| declaration.attribute.cardinality == Cardinality::One)
            && let Some(last) = self.reader.last_datom(entity, attribute)?.filter(|last| last.added)
        {
            return Ok(vec![last]);
        }
        Ok(holding(self.reader.datoms_of_entity_attribute(entity, attribute, self.basis())?))
    }

    fn holders(&self, attribute: i64, value: &Value) -> Result<Vec<Datom>> {
        if self.schema().declaration(attribute).is_some_and(|declaration| declaration.is_indexed) {
            return Ok(holding(self.reader.datoms_by_value(attribute, value, self.basis())?));
        }
        self.with_columns(|snapshot| snapshot.holders(attribute, value))
    }

    fn referrers(&self, entity: i64) -> Result<Vec<Datom>> {
        self.with_columns(|snapshot| snapshot.referrers(entity))
    }

    fn facts_of_attribute(&self, attribute: i64, limit: usize) -> Result<Vec<Datom>> {
        self.with_columns(|snapshot| snapshot.facts_of_attribute(attribute, limit))
    }

    fn redaction_key(&self) -> [u8; KEY_BYTES] {
        self.committed.redaction_key()
    }

    fn last_entity(&self, partition: Partition) -> Result<Option<i64>> {
        if let Some(last) = self.counters.borrow().last_entity(partition) {
            return Ok((last > 0).then_some(last));
        }
        let last = self.reader.last_entity(partition)?;
        self.counters.borrow_mut().set_last_entity(partition, last);
        Ok(last)
    }

    fn last_partition(&self) -> Result<Partition> {
        if let Some(last) = self.counters.borrow().last_partition() {
            return Ok(last);
        }
        let last = self.reader.last_partition()?;
        self.counters.borrow_mut().set_last_partition(last);
        Ok(last)
    }

    fn last_in_sequence(&self, attribute: i64, scope: i64, within: i64) -> Result<i64> {
        let sequence = (attribute, scope, within);
        if let Some(last) = self.counters.borrow().last_in_sequence(sequence) {
            return Ok(last);
        }
        let last = if self.is_beside(scope) {
            self.reader.last_in_sequence(attribute, scope, within)?
        } else {
            self.with_columns(|snapshot| snapshot.last_in_sequence(attribute, scope, within))?
        };
        self.counters.borrow_mut().set_last_in_sequence(sequence, last);
        Ok(last)
    }
}
