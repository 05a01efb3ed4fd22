//! Everything that was said up to one moment: what database values look at, and what a transaction is checked against.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use annals_query::{Budget, Scan, Value, ValueType, Values};

use crate::datom::{Datom, Partition};
use crate::error::Result;
use crate::index::life::continued;
use crate::index::{AttributeNovelty, Cached, Index, Life, Lives, Novelty, Types, Window};
use crate::schema::{Schema, SchemaBuilder, attribute};

/// An end of the order by value is read by itself if there are so many times as many rows.
const ROWS_PER_END: usize = 16;

/// The log up to a moment: what the store holds until `stored_t`, and datoms that only this snapshot has.
#[derive(Debug)]
pub(crate) struct Snapshot {
    index: Arc<Index>,
    stored_t: i64,
    basis: i64,
    instant: i64,
    schema: Schema,
    builder: Arc<SchemaBuilder>,
    novelty: Novelty,
    /// Columns into which the novelty was merged.
    merged: Mutex<HashMap<i64, Arc<Lives>>>,
}

impl Snapshot {
    /// What the store holds until `t`.
    pub(crate) fn new(index: Arc<Index>, t: i64, instant: i64, builder: Arc<SchemaBuilder>, schema: Schema) -> Self {
        let (novelty, merged) = (Novelty::default(), Mutex::default());
        Self { index, stored_t: t, basis: t, instant, schema, builder, novelty, merged }
    }

    /// The same with one more transaction, which no store needs to hold. `t` follows this snapshot's basis.
    #[must_use]
    pub(crate) fn with(&self, t: i64, instant: i64, datoms: &[Datom]) -> Self {
        assert_eq!(t, self.basis + 1, "transactions are numbered without gaps");
        let mut novelty = self.novelty.clone();
        for datom in datoms {
            novelty.insert(datom);
        }
        let (builder, schema) = self.schema_after(datoms);
        Self {
            index: Arc::clone(&self.index),
            stored_t: self.stored_t,
            basis: t,
            instant,
            schema,
            builder,
            novelty,
            merged: Mutex::default(),
        }
    }

    /// The store until `t`, where it holds everything that this snapshot has and then these datoms.
    #[must_use]
    pub(crate) fn followed_by(&self, t: i64, instant: i64, datoms: &[Datom]) -> Self {
        let (builder, schema) = self.schema_after(datoms);
        Self::new(Arc::clone(&self.index), t, instant, builder, schema)
    }

    /// The snapshot as it would be had nothing happened after `t`; schema and idents stay as they are now.
    pub(crate) fn known_at(&self, t: i64) -> Result<Self> {
        let instant = if t >= self.basis { self.instant } else { self.instant_of(t)?.unwrap_or(0) };
        let index = Arc::clone(&self.index);
        let (builder, schema) = (Arc::clone(&self.builder), self.schema.clone());
        let (stored_t, basis) = (self.stored_t.min(t), self.basis.min(t));
        Ok(Self { index, stored_t, basis, instant, schema, builder, novelty: self.novelty.known_at(t), merged: Mutex::default() })
    }

    /// The newest transaction.
    pub(crate) fn basis(&self) -> i64 {
        self.basis
    }

    /// The newest transaction that the store holds.
    pub(crate) fn stored_t(&self) -> i64 {
        self.stored_t
    }

    /// The instant of the newest transaction, in microseconds.
    pub(crate) fn instant(&self) -> i64 {
        self.instant
    }

    /// Attributes and idents.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The columns that all snapshots of a connection share.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// What is beside the store.
    pub(crate) fn novelty(&self) -> &Novelty {
        &self.novelty
    }

    /// Every fact that an entity ever had, by attribute.
    pub(crate) fn lives_of_entity(&self, entity: i64) -> Result<Vec<(i64, Vec<Life>)>> {
        let mut events = self.index.store().datoms_of_entity(entity, self.stored_t)?;
        events.extend(self.novelty.of_entity(entity).cloned());
        events.sort_unstable();
        let by_attribute = events.chunk_by(|left, right| left.a == right.a);
        Ok(by_attribute.map(|events| (events[0].a, continued([], events))).collect())
    }

    /// Everything that was ever said of the entities from `first` to `last`, by entity, attribute, value and t.
    pub(crate) fn events_of_entities(&self, first: i64, last: i64) -> Result<Vec<Datom>> {
        let mut events = Vec::new();
        self.index.store().datoms_of_entities(first, last, self.stored_t, |datom| {
            events.push(datom);
            Ok(())
        })?;
        events.extend(self.novelty.iter().filter(|datom| (first..=last).contains(&datom.e)).cloned());
        events.sort_unstable();
        Ok(events)
    }

    /// Everything that was ever said through a unique or indexed attribute, by entity, value and t.
    pub(crate) fn events_of_indexed(&self, attribute: i64) -> Result<Vec<Datom>> {
        let mut events = self.index.store().reader()?.datoms_of_indexed(attribute, self.stored_t)?;
        events.extend(self.novelty.attribute(attribute).into_iter().flat_map(|novelty| novelty.iter().cloned()));
        events.sort_unstable();
        Ok(events)
    }

    /// The greatest entity of a partition.
    pub(crate) fn last_entity_of(&self, partition: Partition) -> Result<Option<i64>> {
        let stored = self.index.store().last_entity(partition)?;
        let own = self.novelty.last_entity(partition.last_entity()).filter(|entity| Partition::of(*entity) == partition);
        Ok(stored.max(own))
    }

    /// Every value that an entity ever had for an attribute.
    pub(crate) fn lives_of(&self, entity: i64, attribute: i64) -> Result<Vec<Life>> {
        let scan = Scan { attribute: Some(attribute), entities: Some(&[entity]), ..Scan::default() };
        if let Some(lives) = self.held(attribute, &scan) {
            return Ok(lives);
        }
        let mut events = self.index.store().datoms_of_entity_attribute(entity, attribute, self.stored_t)?;
        if let Some(novelty) = self.novelty.attribute(attribute) {
            events.extend(novelty.of_entity(entity, attribute).cloned());
        }
        events.sort_unstable();
        Ok(continued([], &events))
    }

    /// Every entity that ever had exactly this value for an attribute.
    pub(crate) fn lives_of_value(&self, attribute: i64, value: &Value) -> Result<Vec<Life>> {
        if !self.schema.declaration(attribute).is_some_and(|declaration| declaration.is_indexed) {
            let scan = Scan { attribute: Some(attribute), values: Values::Equal(value), ..Scan::default() };
            let lives = self.lives(attribute, &scan, &Budget::default())?;
            let rows = lives.select(&scan);
            return Ok(rows.iter().map(|row| lives.life(row)).filter(|life| life.v == *value).collect());
        }
        let scan = Scan { attribute: Some(attribute), values: Values::Equal(value), ..Scan::default() };
        if let Some(mut lives) = self.held(attribute, &scan) {
            lives.retain(|life| life.v == *value);
            return Ok(lives);
        }
        let mut events = self.index.store().datoms_by_value(attribute, value, self.stored_t)?;
        if let Some(novelty) = self.novelty.attribute(attribute) {
            events.extend(novelty.of_value(value, attribute).into_iter().filter(|datom| datom.v == *value).cloned());
        }
        events.sort_unstable();
        Ok(continued([], &events))
    }

    /// Columns that hold at least what the scan selects of an attribute. They may know facts after this snapshot's basis, if
    /// nothing is beside the store.
    pub(crate) fn lives(&self, attribute: i64, scan: &Scan<'_>, budget: &Budget) -> Result<Arc<Lives>> {
        self.lives_in(attribute, scan, Window::HISTORY, budget)
    }

    /// The same for a window, where what it does not show may be missing.
    pub(crate) fn lives_in(&self, attribute: i64, scan: &Scan<'_>, window: Window, budget: &Budget) -> Result<Arc<Lives>> {
        let cached = match self.index.cached(attribute, self.stored_t, budget)? {
            Some(cached) => cached,
            None if self.index.deserves_columns(attribute, self.stored_t)? => {
                self.index.column(attribute, self.stored_t, budget)?
            }
            None => match self.read_points(attribute, scan, window, budget)? {
                Some(lives) => return Ok(Arc::new(Lives::of(&lives))),
                None => match self.read_blocks(attribute, scan, budget)? {
                    Some(lives) => return Ok(Arc::new(lives)),
                    None => self.index.column(attribute, self.stored_t, budget)?,
                },
            },
        };
        let is_complete = cached.tail.is_empty() && self.novelty.attribute(attribute).is_none();
        if is_complete && self.shows_as_is(&cached.lives) {
            return Ok(cached.lives);
        }
        if !picks_some(scan) {
            return self.whole(attribute, budget);
        }
        let later = self.later(attribute, scan, &cached.tail);
        if later.is_empty() && self.shows_as_is(&cached.lives) {
            return Ok(cached.lives);
        }
        match self.picked(scan, &cached, later) {
            Some(lives) => Ok(Arc::new(Lives::of(&lives))),
            None => self.whole(attribute, budget),
        }
    }

    /// The type of all values that an attribute has here and ever had, as queries see them, if its columns are in memory or on disk.
    pub(crate) fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        let stored = match self.index.fresh(attribute, self.stored_t) {
            Some(cached) => cached.lives.types().and(cached.tail.types()),
            None if self.index.has(attribute) => return None,
            None => Types::One(self.index.type_on_disk(attribute, self.stored_t)?),
        };
        let own = self.novelty.attribute(attribute).map(AttributeNovelty::types).unwrap_or_default();
        stored.and(own).only()
    }

    /// A value with so many rows at it or beyond in the order by value, if that is there and has many times as many.
    pub(crate) fn value_near_end(&self, attribute: i64, is_greatest: bool, count: usize) -> Option<Value> {
        let lives = self.index.fresh(attribute, self.stored_t)?.lives;
        let place = count.checked_sub(1).filter(|_| count.saturating_mul(ROWS_PER_END) <= lives.len())?;
        lives.pays_to_sort_by_value().then(|| lives.value_in_order(if is_greatest { lives.len() - count } else { place }))
    }

    /// Columns may know more than the store did at this value's time. A window leaves that out; but datoms that only this snapshot has
    /// are numbered as what came later is, so beside them columns must not know it.
    pub(super) fn shows_as_is(&self, lives: &Lives) -> bool {
        self.novelty.is_empty() || lives.newest_t() <= self.stored_t
    }

    /// What the scan selects, read from the blocks on disk that can hold it, if those are few.
    fn read_blocks(&self, attribute: i64, scan: &Scan<'_>, budget: &Budget) -> Result<Option<Lives>> {
        let is_all = matches!(scan.values, Values::Any | Values::Range(Bound::Unbounded, Bound::Unbounded));
        if scan.entities.is_none() && scan.within.is_none() && is_all {
            return Ok(None);
        }
        let Some((lives, tail)) = self.index.picked(attribute, scan, self.stored_t, budget)? else { return Ok(None) };
        let mut events = self.later(attribute, scan, &tail);
        if events.is_empty() && self.shows_as_is(&lives) {
            return Ok(Some(lives));
        }
        events.sort_unstable();
        let known = (0..lives.len()).filter_map(|row| lives.life(row).known_at(self.stored_t));
        Ok(Some(Lives::of(&continued(known, events))))
    }

    /// What a scan selects of what is beside the columns, in no particular order.
    pub(super) fn later<'s>(&'s self, attribute: i64, scan: &Scan<'_>, tail: &'s AttributeNovelty) -> Vec<&'s Datom> {
        let mut events = tail.select(attribute, scan);
        events.retain(|datom| datom.t <= self.stored_t);
        events.extend(self.novelty.attribute(attribute).into_iter().flat_map(|novelty| novelty.select(attribute, scan)));
        events
    }

    /// Takes more events into account than the columns do, for a scan that picks few rows.
    pub(super) fn picked(&self, scan: &Scan<'_>, cached: &Cached, mut later: Vec<&Datom>) -> Option<Vec<Life>> {
        let rows = cached.lives.select(scan);
        let tuning = self.index.tuning();
        if rows.len() > tuning.small_pick.max(cached.lives.len() / tuning.rows_per_pick.max(1)) {
            return None;
        }
        let known = rows.iter().filter_map(|row| cached.lives.life(row).known_at(self.stored_t));
        later.sort_unstable();
        Some(continued(known, later))
    }

    /// What the scan selects, if columns that know everything are in memory, in the order that it takes, and it is little. A transaction that
    /// is being checked asks too, and others wait for it: so nothing is read or sorted here.
    fn held(&self, attribute: i64, scan: &Scan<'_>) -> Option<Vec<Life>> {
        let cached = self.index.fresh(attribute, self.stored_t)?;
        let is_ready = scan.entities.is_some() || cached.lives.is_sorted_by_value();
        if is_ready { self.picked(scan, &cached, self.later(attribute, scan, &cached.tail)) } else { None }
    }

    /// All columns of an attribute with everything in them.
    fn whole(&self, attribute: i64, budget: &Budget) -> Result<Arc<Lives>> {
        if self.novelty.is_empty() {
            return self.index.whole(attribute, self.stored_t, budget);
        }
        if let Some(lives) = self.merged().get(&attribute) {
            return Ok(Arc::clone(lives));
        }
        let mut lives = self.index.whole(attribute, self.stored_t, budget)?;
        if lives.newest_t() > self.stored_t {
            lives = Arc::new(lives.known_at(self.stored_t));
        }
        if let Some(novelty) = self.novelty.attribute(attribute) {
            let events: Vec<&Datom> = novelty.iter().collect();
            lives = Arc::new(lives.continued(&events));
        }
        self.merged().insert(attribute, Arc::clone(&lives));
        Ok(lives)
    }

    fn merged(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Arc<Lives>>> {
        self.merged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one stored value that can be the same as `wanted` for an indexed attribute, if there is just one.
    pub(crate) fn exact(&self, attribute: i64, wanted: &Value) -> Option<Value> {
        let declaration = self.schema.declaration(attribute).filter(|declaration| declaration.is_indexed)?;
        match (declaration.attribute.value_type, wanted) {
            (Some(ValueType::Ref), Value::Long(id) | Value::Ref(id)) => Some(Value::Ref(*id)),
            (Some(ValueType::Long), Value::Long(_)) => Some(wanted.clone()),
            (_, Value::Vector(parts)) => parts.iter().all(is_only_itself).then(|| wanted.clone()),
            (_, wanted) => is_only_itself(wanted).then(|| wanted.clone()),
        }
    }

    /// The instant of a transaction up to the basis; `None` before the first.
    pub(crate) fn instant_of(&self, t: i64) -> Result<Option<i64>> {
        if t == self.basis {
            return Ok(Some(self.instant));
        }
        let lives = self.lives_of(t, attribute::TX_INSTANT)?;
        Ok(lives.first().and_then(|life| if let Value::Instant(instant) = life.v { Some(instant) } else { None }))
    }

    /// The last transaction at or before an instant; 0 before the first.
    pub(crate) fn last_t_at(&self, instant: i64) -> Result<i64> {
        for t in (self.stored_t + 1..=self.basis).rev() {
            if self.instant_of(t)?.is_some_and(|at| at <= instant) {
                return Ok(t);
            }
        }
        Ok(self.index.store().last_t_at(instant)?.min(self.stored_t))
    }

    fn schema_after(&self, datoms: &[Datom]) -> (Arc<SchemaBuilder>, Schema) {
        if !datoms.iter().any(|datom| SchemaBuilder::concerns(datom.a)) {
            return (Arc::clone(&self.builder), self.schema.clone());
        }
        let mut builder = SchemaBuilder::clone(&self.builder);
        for datom in datoms.iter().filter(|datom| SchemaBuilder::concerns(datom.a)) {
            builder.apply(datom.e, datom.a, &datom.v, datom.added);
        }
        let schema = builder.build();
        (Arc::new(builder), schema)
    }
}

/// True if a scan may pick so little of an attribute that what is beside its columns need not be merged into them.
fn picks_some(scan: &Scan<'_>) -> bool {
    scan.entities.is_some() || scan.within.is_some() || matches!(scan.values, Values::Equal(_) | Values::Among(_))
}

/// True if no other value is the same as this one, as it is for numbers, and for references, which queries write as longs.
fn is_only_itself(value: &Value) -> bool {
    !value.is_number() && !matches!(value, Value::Ref(_) | Value::Vector(_) | Value::List(_))
}
