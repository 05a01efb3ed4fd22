//! Lives of one attribute in plain columns, and how older and newer ones come together.

use std::cmp::Ordering;
use std::ops::Range;

use annals_query::Slice;

use super::builder::ValuesBuilder;
use super::life::{Life, OPEN};
use super::values::{ValueColumn, gather_items};

/// The t of an addition that lies before a table's first transaction: the row tells only how the life ended.
pub(crate) const BEFORE: i64 = 0;

/// Lives ascending by e, v (exact order) and t added.
///
/// A table of later transactions may end lives that an earlier one began. It then holds a row whose t added is [`BEFORE`].
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Entities.
    pub(crate) e: Slice<i64>,
    /// Values.
    pub(crate) v: ValueColumn,
    /// Transactions that added the facts.
    pub(crate) t_added: Slice<i64>,
    /// Why; nothing if no addition names a reason.
    pub(crate) m_added: Option<Slice<i64>>,
    /// Nothing while every fact holds.
    pub(crate) ends: Option<Ends>,
}

/// How lives end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// The t of the retraction; [`OPEN`] while the fact holds.
    pub(crate) t: Vec<i64>,
    /// Why it was retracted.
    pub(crate) m: Vec<i64>,
}

impl Table {
    /// Number of lives.
    pub(crate) fn len(&self) -> usize {
        self.e.len()
    }

    /// The t of the last event.
    pub(crate) fn newest_t(&self) -> i64 {
        let ends = self.ends.iter().flat_map(|ends| &ends.t).filter(|t| **t != OPEN);
        self.t_added.iter().chain(ends).copied().max().unwrap_or(0)
    }

    /// When the fact in a row was retracted; [`OPEN`] while it holds.
    #[inline]
    pub(crate) fn t_retracted(&self, row: usize) -> i64 {
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

    /// These rows, ascending.
    pub(crate) fn gather(&self, rows: &[u32]) -> Self {
        let pick = |items: &[i64]| rows.iter().map(|row| items[*row as usize]).collect::<Vec<_>>();
        let ends = self.ends.as_ref().map(|ends| Ends { t: pick(&ends.t), m: pick(&ends.m) });
        Self {
            e: gather_items(&self.e, rows),
            v: self.v.gather(rows),
            t_added: gather_items(&self.t_added, rows),
            m_added: self.m_added.as_ref().map(|m| gather_items(m, rows)),
            ends: ends.filter(|ends| ends.t.iter().any(|t| *t != OPEN)),
        }
    }

    /// Without rows whose beginning nobody knows: a sound log has none of them once everything before is taken in.
    pub(crate) fn begun(self) -> Self {
        if !self.t_added.contains(&BEFORE) {
            return self;
        }
        let rows: Vec<u32> = (0..self.len() as u32).filter(|row| self.t_added[*row as usize] != BEFORE).collect();
        self.gather(&rows)
    }

    /// These lives, and what a table of the transactions after them made of them. Whole runs of rows are copied at once.
    pub(crate) fn followed_by(&self, newer: &Self) -> Self {
        if newer.len() == 0 {
            return self.clone();
        }
        if self.len() == 0 {
            return newer.clone();
        }
        let is_any_over = self.ends.is_some() || newer.ends.is_some();
        let mut all = TableBuilder::with_capacity(self.len() + newer.len(), is_any_over);
        let (mut old, mut new) = (0, 0);
        while old < self.len() && new < newer.len() {
            let olds = old..old + gallop(&self.e[old..], |e| *e < newer.e[new]);
            all.rows(self, olds.clone());
            old = olds.end;
            let Some(next) = self.e.get(old) else { break };
            let news = new..new + gallop(&newer.e[new..], |e| e < next);
            all.rows(newer, news.clone());
            new = news.end;
            if newer.e.get(new) == Some(next) {
                let olds = old..old + gallop(&self.e[old..], |e| e == next);
                let news = new..new + gallop(&newer.e[new..], |e| e == next);
                (old, new) = (olds.end, news.end);
                self.join_entity(olds, newer, news, &mut all);
            }
        }
        all.rows(self, old..self.len());
        all.rows(newer, new..newer.len());
        all.finish()
    }

    /// The lives of one entity in both tables. What follows an open life ends it.
    fn join_entity(&self, olds: Range<usize>, newer: &Self, news: Range<usize>, all: &mut TableBuilder) {
        let (mut old, mut new) = (olds.start, news.start);
        while new < news.end {
            let value = newer.v.stored(new);
            let before = old;
            while old < olds.end && self.v.stored(old).cmp(&value) != Ordering::Greater {
                old += 1;
            }
            all.rows(self, before..old);
            let is_known = old > before && self.v.stored(old - 1) == value;
            let first = newer.life(new);
            if is_known && self.t_retracted(old - 1) == OPEN {
                all.end_last(first.t_retracted, first.m_retracted);
            } else if !is_known || first.t_added != BEFORE {
                all.rows(newer, new..new + 1);
            }
            new += 1;
            let rest = new;
            while new < news.end && newer.v.stored(new) == value {
                new += 1;
            }
            all.rows(newer, rest..new);
        }
        all.rows(self, old..olds.end);
    }
}

/// A table in the making.
#[derive(Debug, Default)]
pub(crate) struct TableBuilder {
    pub(super) e: Vec<i64>,
    pub(super) v: ValuesBuilder,
    pub(super) t_added: Vec<i64>,
    pub(super) m_added: Vec<i64>,
    /// Empty while no life is over.
    pub(super) t_retracted: Vec<i64>,
    pub(super) m_retracted: Vec<i64>,
}

impl TableBuilder {
    /// Room for so many rows.
    pub(crate) fn with_capacity(rows: usize, is_any_over: bool) -> Self {
        let column = || Vec::with_capacity(rows);
        let end = || if is_any_over { Vec::with_capacity(rows) } else { Vec::new() };
        Self {
            e: column(),
            v: ValuesBuilder::default(),
            t_added: column(),
            m_added: column(),
            t_retracted: end(),
            m_retracted: end(),
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.e.len()
    }

    /// Copies rows of a table, with these ends instead of its own.
    pub(crate) fn rows_ending(&mut self, table: &Table, ends: Option<&Ends>, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        if let Some(ends) = ends {
            self.open_all();
            self.t_retracted.extend_from_slice(&ends.t[rows.clone()]);
            self.m_retracted.extend_from_slice(&ends.m[rows.clone()]);
        }
        self.v.extend(&table.v, rows.clone());
        self.e.extend_from_slice(&table.e[rows.clone()]);
        self.t_added.extend_from_slice(&table.t_added[rows.clone()]);
        match &table.m_added {
            Some(m) => self.m_added.extend_from_slice(&m[rows]),
            None => self.m_added.resize(self.e.len(), 0),
        }
        if ends.is_none() && !self.t_retracted.is_empty() {
            self.open_all();
        }
    }

    /// Copies rows of a table.
    pub(crate) fn rows(&mut self, table: &Table, rows: Range<usize>) {
        self.rows_ending(table, table.ends.as_ref(), rows);
    }

    /// Adds a life.
    pub(crate) fn life(&mut self, life: &Life) {
        if life.t_retracted != OPEN || !self.t_retracted.is_empty() {
            self.open_all();
            self.t_retracted.push(life.t_retracted);
            self.m_retracted.push(life.m_retracted);
        }
        self.e.push(life.e);
        self.v.push(&life.v);
        self.t_added.push(life.t_added);
        self.m_added.push(life.m_added);
    }

    /// The table.
    pub(crate) fn finish(self) -> Table {
        let m_added = self.m_added.iter().any(|m| *m != 0).then(|| self.m_added.into());
        let is_any_over = self.t_retracted.iter().any(|t| *t != OPEN);
        let ends = is_any_over.then_some(Ends { t: self.t_retracted, m: self.m_retracted });
        Table { e: self.e.into(), v: self.v.finish(), t_added: self.t_added.into(), m_added, ends }
    }

    /// Says how the last life ended, if it did.
    fn end_last(&mut self, t: i64, m: i64) {
        if t == OPEN {
            return;
        }
        self.open_all();
        if let (Some(last_t), Some(last_m)) = (self.t_retracted.last_mut(), self.m_retracted.last_mut()) {
            (*last_t, *last_m) = (t, m);
        }
    }

    /// Writes down that all rows so far are open, where nothing is written.
    pub(super) fn open_all(&mut self) {
        self.t_retracted.resize(self.e.len(), OPEN);
        self.m_retracted.resize(self.e.len(), 0);
    }
}

/// How many of the first items hold `is_before`, found in steps that double: cheap when the answer is near.
pub(crate) fn gallop<T>(items: &[T], is_before: impl Fn(&T) -> bool) -> usize {
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
