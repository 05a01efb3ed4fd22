//! What an evaluation read of the store: a transaction that says nothing about it cannot have changed the answer.
//!
//! The engine is a function of what its sources give it. If every fact that it asked for in one evaluation is as it was, then
//! another evaluation may ask the same and find the same; so the answer, which does not depend on the plan, is the same. What
//! concerns attributes and idents is left out here: a transaction that touches those is always taken as one that matters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_query::{Attribute, Batch, Budget, Estimate, Fact, Facts, Match, Result, Scan, Value, ValueType};
use rustc_hash::FxHashSet;

use crate::datom::Datom;
use crate::db::Db;

/// Entities remembered one by one: beyond that, all of them count as read.
const LIMIT_ENTITIES: usize = 100_000;

/// What was asked for, of all sources that move along with the store.
#[derive(Debug, Default)]
pub(super) struct Reads(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    attributes: FxHashSet<i64>,
    entities: FxHashSet<i64>,
    /// Attributes by which entities were looked up.
    looked_up: FxHashSet<i64>,
    is_everything: bool,
}

impl Reads {
    /// True if one of these datoms may have been among what was asked for.
    pub(super) fn may_concern(&self, datoms: &[Datom]) -> bool {
        let noted = self.noted();
        noted.is_everything || datoms.iter().any(|datom| noted.attributes.contains(&datom.a) || noted.entities.contains(&datom.e))
    }

    /// True if entities were looked up by this attribute, or anything may have been read.
    pub(super) fn is_looked_up(&self, attribute: i64) -> bool {
        let noted = self.noted();
        noted.is_everything || noted.looked_up.contains(&attribute)
    }

    /// Says that anything may have been read.
    pub(super) fn note_everything(&self) {
        self.noted().is_everything = true;
    }

    fn note_attribute(&self, attribute: i64) {
        self.noted().attributes.insert(attribute);
    }

    fn note_lookup(&self, attribute: i64) {
        let mut noted = self.noted();
        noted.attributes.insert(attribute);
        noted.looked_up.insert(attribute);
    }

    fn note_entities(&self, entities: &[i64]) {
        let mut noted = self.noted();
        noted.entities.extend(entities);
        if noted.entities.len() > LIMIT_ENTITIES {
            noted.is_everything = true;
        }
    }

    fn note_scan(&self, scan: &Scan<'_>) {
        match scan {
            Scan { attribute: Some(attribute), .. } => self.note_attribute(*attribute),
            Scan { entities: Some(entities), .. } => self.note_entities(entities),
            _ => self.note_everything(),
        }
    }

    /// Also after a panic elsewhere: there is nothing that could be half noted.
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database value, with a note of what is asked of it.
pub(super) struct Noticed {
    db: Db,
    reads: Arc<Reads>,
}

impl Noticed {
    /// Looks over the shoulder of whoever asks this value. What a lens or a filter asks on its own is not seen here.
    pub(super) fn new(db: Db, reads: &Arc<Reads>) -> Self {
        if db.lens().is_some() || !db.through_view().filters.is_empty() || !db.snapshot().novelty().is_empty() {
            reads.note_everything();
        }
        Self { db, reads: Arc::clone(reads) }
    }
}

impl Facts for Noticed {
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>> {
        self.db.attribute(ident)
    }

    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>> {
        self.db.attribute_by_id(id)
    }

    fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        self.db.type_of_values(attribute)
    }

    fn value_near_end(&self, attribute: i64, is_greatest: bool, count: usize) -> Option<Value> {
        self.db.value_near_end(attribute, is_greatest, count)
    }

    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>> {
        self.db.entity_by_ident(ident)
    }

    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>> {
        Facts::ident_of(&self.db, entity)
    }

    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>> {
        self.reads.note_lookup(attribute.id);
        if value.as_items().is_some() {
            // A reference inside the reference is looked up on its own.
            self.reads.note_everything();
        }
        self.db.lookup(attribute, value)
    }

    fn names_near(&self, ident: &str) -> Vec<String> {
        self.db.names_near(ident)
    }

    fn announce(&self, attributes: &[i64], budget: &Budget) -> Result<()> {
        self.db.announce(attributes, budget)
    }

    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch> {
        self.reads.note_scan(scan);
        self.db.scan(scan, budget)
    }

    fn estimate(&self, scan: &Scan<'_>) -> Estimate {
        self.db.estimate(scan)
    }

    fn entity(&self, entity: i64, budget: &Budget) -> Result<Vec<Fact>> {
        self.reads.note_entities(&[entity]);
        Facts::entity(&self.db, entity, budget)
    }

    fn facts_of(&self, entities: &[i64], attribute: i64, budget: &Budget) -> Result<Option<Vec<Fact>>> {
        self.reads.note_entities(entities);
        self.db.facts_of(entities, attribute, budget)
    }

    fn referrers(&self, entity: i64, attribute: i64, budget: &Budget) -> Result<Vec<i64>> {
        self.reads.note_attribute(attribute);
        self.db.referrers(entity, attribute, budget)
    }

    fn fulltext(&self, attribute: &Attribute, search: &str, budget: &Budget) -> Result<Vec<Match>> {
        // Scores depend on the length of the log, which every transaction changes.
        self.reads.note_everything();
        self.db.fulltext(attribute, search, budget)
    }

    fn transactions(&self, from: &Value, until: &Value) -> Result<Vec<i64>> {
        self.reads.note_everything();
        self.db.transactions(from, until)
    }

    fn said(&self, t: i64, budget: &Budget) -> Result<Vec<Fact>> {
        // A transaction that is there says the same for ever, but for one that is still to come.
        if t > self.db.basis_t() {
            self.reads.note_everything();
        }
        self.db.said(t, budget)
    }

    fn is_history(&self) -> bool {
        self.db.is_history()
    }
}
