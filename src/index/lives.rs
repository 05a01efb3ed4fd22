//! The lives of all facts of one attribute, in columns.

use std::cmp::Ordering;
use std::ops::{Deref, Range};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering as AtomicOrdering};

use annals_query::Value;

use super::by_value::ByValue;
use super::moments::Moments;
use super::value_types::Types;
use super::window::Window;
use crate::columns::life::{Life, OPEN, continued};
use crate::columns::table::gallop;
use crate::columns::{Ends, Table, TableBuilder};
use crate::datom::Datom;

/// Rows looked at to guess how many values there are.
const SAMPLE_ROWS: usize = 1024;

/// So often rows are looked through that the order by value would have found at once.
const MISSES_MAX: u32 = 4;

/// A table of lives, with what is asked of it often.
#[derive(Debug)]
pub(crate) struct Lives {
    table: Table,
    /// The first and the last t of any event.
    oldest_t: i64,
    newest_t: i64,
    distinct_e: usize,
    /// About how many values there are, by a sample.
    distinct_v: OnceLock<usize>,
    /// What the values take of memory: whoever takes in a commit asks.
    bytes_v: OnceLock<usize>,
    by_value: OnceLock<ByValue>,
    /// How often the order by value would have helped and was not there.
    missed_by_value: AtomicU32,
    moments: OnceLock<Moments>,
}

impl Deref for Lives {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

impl From<Table> for Lives {
    fn from(table: Table) -> Self {
        debug_assert!(table.e.is_sorted(), "lives are ascending by entity");
        let distinct_e = table.e.chunk_by(|a, b| a == b).count();
        let oldest_t = table.t_added.iter().copied().min().unwrap_or(0);
        let newest_t = table.newest_t();
        let (distinct_v, bytes_v) = (OnceLock::new(), OnceLock::new());
        let (by_value, moments) = (OnceLock::new(), OnceLock::new());
        let missed_by_value = AtomicU32::new(0);
        Self { table, oldest_t, newest_t, distinct_e, distinct_v, bytes_v, by_value, missed_by_value, moments }
    }
}

impl Lives {
    /// Shares arrays with another attribute's columns where they are equal: attributes of the same entities, said together, have the
    /// same entities, transactions and reasons.
    pub(super) fn share(&mut self, other: &Self) {
        if self.e[..] != other.e[..] {
            return;
        }
        let own = &mut self.table;
        own.e = other.e.clone();
        if own.t_added[..] == other.t_added[..] {
            own.t_added = other.t_added.clone();
        }
        if own.m_added.as_deref() == other.m_added.as_deref() {
            own.m_added.clone_from(&other.m_added);
        }
    }

    /// A few lives, in order.
    pub(crate) fn of(lives: &[Life]) -> Self {
        let mut table = TableBuilder::with_capacity(lives.len(), false);
        for life in lives {
            table.life(life);
        }
        table.finish().into()
    }

    /// The t of the last event.
    pub(crate) fn newest_t(&self) -> i64 {
        self.newest_t
    }

    /// Bytes of memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        let columns = 2 + usize::from(self.m_added.is_some()) + 2 * usize::from(self.ends.is_some());
        let order = self.by_value.get().map_or(0, ByValue::bytes);
        self.len() * columns * 8 + order + self.bytes_v.get_or_init(|| self.v.bytes())
    }

    /// Number of entities.
    pub(crate) fn distinct_e(&self) -> usize {
        self.distinct_e
    }

    /// Number of values: exact if the order by value is there or all are texts, otherwise from a sample.
    pub(crate) fn distinct_v(&self) -> usize {
        if let Some(by_value) = self.by_value.get() {
            return by_value.distinct();
        }
        if let annals_query::Column::Text(_, texts, _) = self.v.shown() {
            return texts.len();
        }
        *self.distinct_v.get_or_init(|| {
            let step = (self.len() / SAMPLE_ROWS).max(1);
            let sample: Vec<Value> = (0..self.len()).step_by(step).map(|row| self.v.shown().value(row)).collect();
            let distinct = sample.iter().collect::<rustc_hash::FxHashSet<_>>().len();
            if distinct * 2 < sample.len() { distinct } else { distinct * step }
        })
    }

    /// The rows in the order of their values, sorted when first asked for.
    pub(crate) fn by_value(&self) -> &ByValue {
        self.by_value.get_or_init(|| ByValue::of(&self.v, &self.e))
    }

    /// The value at this place of the order by value, as queries see it.
    pub(crate) fn value_in_order(&self, place: usize) -> Value {
        self.v.shown().value(self.by_value().rows(place..place + 1)[0] as usize)
    }

    /// True if the rows were sorted by value already.
    pub(crate) fn is_sorted_by_value(&self) -> bool {
        self.by_value.get().is_some()
    }

    /// True if they were, or if this has been asked so often that whoever asks now may sort them: looking through all of them a few times
    /// costs as much.
    pub(crate) fn pays_to_sort_by_value(&self) -> bool {
        self.is_sorted_by_value() || self.missed_by_value.fetch_add(1, AtomicOrdering::Relaxed) >= MISSES_MAX
    }

    /// Which types the values have.
    pub(crate) fn types(&self) -> Types {
        Types::of_column(self.v.shown())
    }

    /// When the rows of every stretch were said, looked up when a view of another time is first asked.
    pub(super) fn moments(&self) -> &Moments {
        self.moments.get_or_init(|| Moments::of(&self.table))
    }

    /// True if the window shows every row as a fact that holds.
    pub(super) fn all_hold_in(&self, window: Window) -> bool {
        !window.is_history && self.ends.is_none() && window.until >= self.newest_t && window.since < self.oldest_t
    }

    /// The first entity, if every entity from the first to the last has one row: then rows are counted, and no entity is looked at. In a large
    /// attribute these looks are what takes long, as each is at another place of memory.
    pub(super) fn first_of_gapless(&self) -> Option<i64> {
        let (first, last) = (*self.e.first()?, *self.e.last()?);
        let is_gapless = self.distinct_e == self.len() && last.wrapping_sub(first) as u64 == self.len() as u64 - 1;
        is_gapless.then_some(first)
    }

    /// The rows of one entity.
    pub(super) fn rows_of_one(&self, entity: i64) -> Range<usize> {
        let Some(first) = self.first_of_gapless() else {
            return self.rows_of(entity, self.e.partition_point(|e| *e < entity));
        };
        let row = entity.wrapping_sub(first) as u64;
        if row < self.len() as u64 { row as usize..row as usize + 1 } else { 0..0 }
    }

    /// The rows of one entity, looked for from `start` on.
    pub(super) fn rows_of(&self, entity: i64, start: usize) -> Range<usize> {
        let from = start + gallop(&self.e[start..], |e| *e < entity);
        from..from + gallop(&self.e[from..], |e| *e == entity)
    }

    /// The rows of one entity, where the rows from `start` on are those behind the entity `before`. Where every entity has one row, an entity
    /// lies at most as many rows on as ids; mostly just there, as ids are given out one after the other.
    #[inline]
    pub(super) fn rows_near(&self, entity: i64, start: usize, before: Option<i64>) -> Range<usize> {
        if let Some(before) = before.filter(|_| self.distinct_e == self.len()) {
            let place = start.saturating_add(entity.wrapping_sub(before).wrapping_sub(1) as usize);
            if self.e.get(place) == Some(&entity) {
                return place..place + 1;
            }
        }
        self.rows_of(entity, start)
    }

    /// The lives as they were known at `t`.
    pub(crate) fn known_at(&self, t: i64) -> Self {
        let lives: Vec<Life> = (0..self.len()).filter_map(|row| self.life(row).known_at(t)).collect();
        Self::of(&lives)
    }

    /// These lives and what later events, ascending by e, v and t, made of them. Whole runs of rows are copied at once.
    pub(crate) fn continued(&self, events: &[&Datom]) -> Self {
        let changes = self.changes(events);
        let mut ends = self.ends.clone();
        if !changes.ended.is_empty() {
            let ends = ends.get_or_insert_with(|| Ends { t: vec![OPEN; self.len()], m: vec![0; self.len()] });
            for &(row, t, m) in &changes.ended {
                (ends.t[row], ends.m[row]) = (t, m);
            }
        }
        let is_any_over = ends.is_some() || changes.begun.iter().any(|(_, life)| life.t_retracted != OPEN);
        let mut copy = TableBuilder::with_capacity(self.len() + changes.begun.len(), is_any_over);
        let mut next = 0;
        for (place, life) in &changes.begun {
            copy.rows_ending(self, ends.as_ref(), next..*place);
            copy.life(life);
            next = *place;
        }
        copy.rows_ending(self, ends.as_ref(), next..self.len());
        copy.finish().into()
    }

    /// What events change: rows that end, and lives that begin before a row.
    fn changes(&self, events: &[&Datom]) -> Changes {
        let mut changes = Changes::default();
        let mut start = 0;
        for same in events.chunk_by(|a, b| a.e == b.e && a.v == b.v) {
            let first = same[0];
            let rows = self.rows_of(first.e, start);
            start = rows.start;
            let place = rows.start + partition(rows.clone(), |row| self.v.stored(row).cmp(&first.v) != Ordering::Greater);
            let current = place.checked_sub(1).filter(|row| rows.contains(row) && self.v.stored(*row) == first.v);
            let known = current.map(|row| self.life(row));
            let lives = continued(known.clone(), same.iter().copied());
            let is_ended = |life: &Life| known.as_ref().is_some_and(|known| known.t_retracted != life.t_retracted);
            let (old, begun) = lives.split_at(usize::from(known.is_some()));
            if let (Some(row), Some(life)) = (current, old.first().filter(|life| is_ended(life))) {
                changes.ended.push((row, life.t_retracted, life.m_retracted));
            }
            changes.begun.extend(begun.iter().map(|life| (place, life.clone())));
        }
        changes
    }
}

/// What events make of columns.
#[derive(Debug, Default)]
struct Changes {
    /// Row, t and m of each end.
    ended: Vec<(usize, i64, i64)>,
    /// New lives, each with the row before which it comes.
    begun: Vec<(usize, Life)>,
}

/// How many of the first rows of a range hold `is_before`.
fn partition(rows: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (rows.start, rows.end);
    while low < high {
        let middle = usize::midpoint(low, high);
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low - rows.start
}
