//! The lives of all facts of one attribute, in columns.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::OnceLock;

use annals_query::{Slice, Value};

use super::by_value::ByValue;
use super::life::{Life, OPEN};
use super::values::{ValueColumn, ValuesBuilder};
use super::window::Window;
use crate::datom::Datom;

/// Rows looked at to guess how many values there are.
const SAMPLE_ROWS: usize = 1024;

/// Lives ascending by e, v (exact order) and t added.
#[derive(Debug)]
pub(crate) struct Lives {
    pub(super) e: Slice<i64>,
    pub(super) v: ValueColumn,
    pub(super) t_added: Slice<i64>,
    /// Nothing if no addition names a reason.
    pub(super) m_added: Option<Slice<i64>>,
    /// Nothing while every fact holds.
    pub(super) ends: Option<Ends>,
    /// The first and the last t of any event.
    oldest_t: i64,
    newest_t: i64,
    distinct_e: usize,
    by_value: OnceLock<ByValue>,
}

/// How lives end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// The t of the retraction; [`OPEN`] while the fact holds.
    pub(super) t: Vec<i64>,
    /// Why it was retracted.
    pub(super) m: Vec<i64>,
}

impl Lives {
    /// Lives in columns; `newest_t` is the t of their last event.
    pub(super) fn new(
        e: Slice<i64>,
        v: ValueColumn,
        t_added: Slice<i64>,
        m_added: &Slice<i64>,
        ends: Option<Ends>,
        newest_t: i64,
    ) -> Self {
        debug_assert!(e.is_sorted(), "lives are ascending by entity");
        let m_added = m_added.iter().any(|m| *m != 0).then(|| m_added.clone());
        let distinct_e = e.chunk_by(|a, b| a == b).count();
        let oldest_t = t_added.iter().copied().min().unwrap_or(0);
        Self { e, v, t_added, m_added, ends, oldest_t, newest_t, distinct_e, by_value: OnceLock::new() }
    }

    /// Shares arrays with another attribute's columns where they are equal: attributes of the same entities, said together, have the
    /// same entities, transactions and reasons.
    pub(super) fn share(&mut self, other: &Self) {
        if self.e[..] != other.e[..] {
            return;
        }
        self.e = other.e.clone();
        if self.t_added[..] == other.t_added[..] {
            self.t_added = other.t_added.clone();
        }
        if self.m_added.as_deref() == other.m_added.as_deref() {
            self.m_added.clone_from(&other.m_added);
        }
    }

    /// A few lives, in order.
    pub(crate) fn of(lives: &[Life]) -> Self {
        let mut v = ValuesBuilder::default();
        for life in lives {
            v.push(&life.v);
        }
        let newest = |life: &Life| if life.t_retracted == OPEN { life.t_added } else { life.t_retracted };
        let ends = lives.iter().any(|life| life.t_retracted != OPEN).then(|| Ends {
            t: lives.iter().map(|life| life.t_retracted).collect(),
            m: lives.iter().map(|life| life.m_retracted).collect(),
        });
        Self::new(
            lives.iter().map(|life| life.e).collect(),
            v.finish(),
            lives.iter().map(|life| life.t_added).collect(),
            &lives.iter().map(|life| life.m_added).collect(),
            ends,
            lives.iter().map(newest).max().unwrap_or(0),
        )
    }

    /// Number of lives.
    pub(crate) fn len(&self) -> usize {
        self.e.len()
    }

    /// The t of the last event.
    pub(crate) fn newest_t(&self) -> i64 {
        self.newest_t
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
        let step = (self.len() / SAMPLE_ROWS).max(1);
        let sample: Vec<Value> = (0..self.len()).step_by(step).map(|row| self.v.shown().value(row)).collect();
        let distinct = sample.iter().collect::<rustc_hash::FxHashSet<_>>().len();
        if distinct * 2 < sample.len() { distinct } else { distinct * step }
    }

    /// The rows in the order of their values, sorted when first asked for.
    pub(crate) fn by_value(&self) -> &ByValue {
        self.by_value.get_or_init(|| ByValue::of(&self.v, &self.e))
    }

    /// True if the window shows every row as a fact that holds.
    pub(super) fn all_hold_in(&self, window: Window) -> bool {
        !window.is_history && self.ends.is_none() && window.until >= self.newest_t && window.since < self.oldest_t
    }

    /// When the fact in a row was retracted; [`OPEN`] while it holds.
    #[inline]
    pub(super) fn t_retracted(&self, row: usize) -> i64 {
        self.ends.as_ref().map_or(OPEN, |ends| ends.t[row])
    }

    /// The row as a life.
    pub(crate) fn life(&self, row: usize) -> Life {
        Life {
            e: self.e[row],
            v: self.v.stored(row),
            t_added: self.t_added[row],
            m_added: self.m_added.as_ref().map_or(0, |m| m[row]),
            t_retracted: self.t_retracted(row),
            m_retracted: self.ends.as_ref().map_or(0, |ends| ends.m[row]),
        }
    }

    /// The rows of one entity, looked for from `start` on.
    pub(super) fn rows_of(&self, entity: i64, start: usize) -> Range<usize> {
        let from = start + gallop(&self.e[start..], |e| *e < entity);
        from..from + gallop(&self.e[from..], |e| *e == entity)
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
        let mut copy = Copy::with_capacity(self.len() + changes.begun.len(), is_any_over);
        let mut next = 0;
        for (place, life) in &changes.begun {
            copy.rows(self, ends.as_ref(), next..*place);
            copy.life(life);
            next = *place;
        }
        copy.rows(self, ends.as_ref(), next..self.len());
        let newest_t = events.iter().map(|event| event.t).max().unwrap_or(0).max(self.newest_t);
        copy.finish(newest_t)
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
            let lives = super::life::continued(known.clone(), same.iter().copied());
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

/// New columns in the making.
struct Copy {
    e: Vec<i64>,
    v: ValuesBuilder,
    t_added: Vec<i64>,
    m_added: Vec<i64>,
    ends: Option<Ends>,
}

impl Copy {
    fn with_capacity(rows: usize, is_any_over: bool) -> Self {
        let column = || Vec::with_capacity(rows);
        let ends = is_any_over.then(|| Ends { t: column(), m: column() });
        Self { e: column(), v: ValuesBuilder::default(), t_added: column(), m_added: column(), ends }
    }

    fn rows(&mut self, lives: &Lives, ends: Option<&Ends>, rows: Range<usize>) {
        self.v.extend(&lives.v, rows.clone());
        self.e.extend_from_slice(&lives.e[rows.clone()]);
        self.t_added.extend_from_slice(&lives.t_added[rows.clone()]);
        extend_or_fill(&mut self.m_added, lives.m_added.as_deref(), rows.clone(), 0);
        if let Some(copy) = &mut self.ends {
            extend_or_fill(&mut copy.t, ends.map(|ends| &ends.t[..]), rows.clone(), OPEN);
            extend_or_fill(&mut copy.m, ends.map(|ends| &ends.m[..]), rows, 0);
        }
    }

    fn life(&mut self, life: &Life) {
        self.e.push(life.e);
        self.v.push(&life.v);
        self.t_added.push(life.t_added);
        self.m_added.push(life.m_added);
        if let Some(ends) = &mut self.ends {
            ends.t.push(life.t_retracted);
            ends.m.push(life.m_retracted);
        }
    }

    fn finish(self, newest_t: i64) -> Lives {
        Lives::new(self.e.into(), self.v.finish(), self.t_added.into(), &self.m_added.into(), self.ends, newest_t)
    }
}

fn extend_or_fill(target: &mut Vec<i64>, source: Option<&[i64]>, rows: Range<usize>, filling: i64) {
    match source {
        Some(source) => target.extend_from_slice(&source[rows]),
        None => target.resize(target.len() + rows.len(), filling),
    }
}

/// How many of the first items hold `is_before`, found in steps that double: cheap when the answer is near.
pub(super) fn gallop<T>(items: &[T], is_before: impl Fn(&T) -> bool) -> usize {
    let mut end = 1;
    while end < items.len() && is_before(&items[end]) {
        end *= 2;
    }
    let start = end / 2;
    let end = (end + 1).min(items.len());
    if items.is_empty() || !is_before(&items[0]) {
        return 0;
    }
    start + items[start..end].partition_point(is_before)
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
