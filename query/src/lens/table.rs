//! The facts of one attribute as a lens makes them, in columns.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use crate::column::{Column, Slice};
use crate::facts::{Batch, Fact, Places, Scan, Values};
use crate::run::gather::{column_of, repeat};
use crate::value::Value;

/// What a table needs of a batch.
pub(super) const ALL_PLACES: Places = Places { a: false, v: true, t: true, m: true, added: true };

/// Facts of one attribute, ascending by entity. Values are as queries see them: a reference is a long.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) e: Slice<i64>,
    pub(super) v: Column,
    pub(super) t: Slice<i64>,
    pub(super) m: Slice<i64>,
    pub(super) added: Slice<bool>,
    /// The rows by value, numbers of all kinds among each other.
    by_value: OnceLock<Vec<u32>>,
}

impl Table {
    pub(super) fn new(e: Slice<i64>, v: Column, t: Slice<i64>, m: Slice<i64>, added: Slice<bool>) -> Self {
        Self { e, v, t, m, added, by_value: OnceLock::new() }
    }

    /// A batch that has all places of [`ALL_PLACES`].
    pub(super) fn of(batch: Batch) -> Self {
        let longs = |column: Option<Column>| match column {
            Some(Column::Long(items)) => items,
            Some(other) => (0..other.len()).filter_map(|row| other.value(row).as_long()).collect(),
            None => Slice::from(Vec::new()),
        };
        let added = match batch.added {
            Some(Column::Boolean(items)) => items,
            Some(other) => (0..other.len()).map(|row| other.value(row).is_truthy()).collect(),
            None => vec![true; batch.e.len()].into(),
        };
        let v = batch.v.unwrap_or_else(|| Column::Value(Slice::from(Vec::new())));
        Self::new(longs(Some(batch.e)), v, longs(batch.t), longs(batch.m), added)
    }

    /// Facts in any order.
    pub(super) fn of_facts(mut facts: Vec<Fact>) -> Self {
        facts.sort_by_key(|fact| fact.e);
        Self::new(
            facts.iter().map(|fact| fact.e).collect(),
            column_of(facts.iter().map(|fact| fact.v.clone()).collect()),
            facts.iter().map(|fact| fact.t).collect(),
            facts.iter().map(|fact| fact.m).collect(),
            facts.iter().map(|fact| fact.added).collect(),
        )
    }

    pub(super) fn len(&self) -> usize {
        self.e.len()
    }

    /// One row as a fact of this attribute.
    pub(super) fn fact(&self, row: usize, attribute: i64) -> Fact {
        Fact { e: self.e[row], a: attribute, v: self.v.value(row), t: self.t[row], m: self.m[row], added: self.added[row] }
    }

    /// The chosen rows.
    pub(super) fn gather(&self, rows: &[u32]) -> Self {
        let longs = |items: &Slice<i64>| rows.iter().map(|row| items[*row as usize]).collect::<Slice<i64>>();
        let added = rows.iter().map(|row| self.added[*row as usize]).collect();
        Self::new(longs(&self.e), self.v.gather(rows), longs(&self.t), longs(&self.m), added)
    }

    /// The rows of one entity.
    pub(super) fn rows_of(&self, entity: i64) -> std::ops::Range<usize> {
        let start = self.e.partition_point(|e| *e < entity);
        start..start + self.e[start..].partition_point(|e| *e == entity)
    }

    /// What a scan asks for.
    pub(super) fn batch(&self, attribute: i64, scan: &Scan<'_>) -> Batch {
        match self.selected(scan) {
            None => self.shown(attribute, scan.places),
            Some(rows) => self.gather(&rows).shown(attribute, scan.places),
        }
    }

    fn shown(&self, attribute: i64, places: Places) -> Batch {
        Batch {
            e: Column::Long(self.e.clone()),
            a: places.a.then(|| repeat(&Value::Long(attribute), self.len())),
            v: places.v.then(|| self.v.clone()),
            t: places.t.then(|| Column::Long(self.t.clone())),
            m: places.m.then(|| Column::Long(self.m.clone())),
            added: places.added.then(|| Column::Boolean(self.added.clone())),
        }
    }

    /// The rows that a scan chooses, ascending; none if it chooses all.
    fn selected(&self, scan: &Scan<'_>) -> Option<Vec<u32>> {
        let is_at = |row: &u32| scan.t.is_none_or(|t| self.t[*row as usize] == t);
        let is_wanted = |row: &u32| admits(&scan.values, &self.v.value(*row as usize));
        match (scan.entities, &scan.values) {
            (Some(entities), values) => {
                let rows = entities.iter().flat_map(|entity| self.rows_of(*entity)).map(|row| row as u32).filter(is_at);
                Some(if matches!(values, Values::Any) { rows.collect() } else { rows.filter(is_wanted).collect() })
            }
            (None, Values::Any) => scan.t.map(|_| (0..self.len() as u32).filter(is_at).collect()),
            (None, values) => {
                let mut rows = match self.by_value(values) {
                    Some(rows) => rows.to_vec(),
                    None => (0..self.len() as u32).filter(is_wanted).collect(),
                };
                rows.retain(is_at);
                rows.sort_unstable();
                Some(rows)
            }
        }
    }

    /// The rows with such values, from the order by value; none where that order does not tell, as for tuples.
    fn by_value(&self, values: &Values<'_>) -> Option<&[u32]> {
        let sought = match values {
            Values::Equal(wanted) => [*wanted, *wanted],
            Values::Range(Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => {
                [*low, *high]
            }
            Values::Any | Values::Among(_) | Values::Range(..) => return None,
        };
        // Bounds of two types admit nothing, which the order by type would not show.
        let is_of_one_type = sought[0].compare_within_type(sought[1]).is_some();
        if !is_of_one_type || sought.iter().any(|value| matches!(value, Value::Vector(_) | Value::List(_) | Value::Ref(_))) {
            return None;
        }
        let order = self.by_value.get_or_init(|| {
            let mut rows: Vec<u32> = (0..self.len() as u32).collect();
            rows.sort_by(|a, b| self.v.compare(*a as usize, *b as usize));
            rows
        });
        let compare = |row: u32, wanted: &Value| {
            let value = self.v.value(row as usize);
            value.compare_within_type(wanted).unwrap_or_else(|| value.cmp(wanted))
        };
        let (is_low_in, is_high_in) = match values {
            Values::Range(low, high) => (!matches!(low, Bound::Excluded(_)), !matches!(high, Bound::Excluded(_))),
            _ => (true, true),
        };
        let [low, high] = sought;
        let before = |order: Ordering, is_in: bool| order.is_lt() || !is_in && order.is_eq();
        let start = order.partition_point(|row| before(compare(*row, low), is_low_in));
        let end = order.partition_point(|row| before(compare(*row, high), !is_high_in));
        Some(order.get(start..end).unwrap_or_default())
    }
}

/// Several tables below each other, each with its attribute.
pub(super) fn stacked(parts: &[Batch], places: Places) -> Batch {
    let joined = |is_wanted: bool, place: fn(&Batch) -> Option<&Column>| {
        is_wanted.then(|| crate::run::gather::concat(&parts.iter().filter_map(place).collect::<Vec<_>>()))
    };
    let e = joined(true, |batch| Some(&batch.e)).expect("entities are always wanted");
    Batch {
        e: if e.is_empty() { Column::Long(Slice::from(Vec::new())) } else { e },
        a: joined(places.a, |batch| batch.a.as_ref()),
        v: joined(places.v, |batch| batch.v.as_ref()),
        t: joined(places.t, |batch| batch.t.as_ref()),
        m: joined(places.m, |batch| batch.m.as_ref()),
        added: joined(places.added, |batch| batch.added.as_ref()),
    }
}

/// The rows of a batch for which something holds.
pub(super) fn kept(batch: &Batch, rows: &[u32]) -> Batch {
    let of = |column: &Option<Column>| column.as_ref().map(|column| column.gather(rows));
    Batch { e: batch.e.gather(rows), a: of(&batch.a), v: of(&batch.v), t: of(&batch.t), m: of(&batch.m), added: of(&batch.added) }
}

fn admits(values: &Values<'_>, value: &Value) -> bool {
    let plain = |value: &Value| match value {
        Value::Ref(id) => Value::Long(*id),
        other => other.clone(),
    };
    let stands = |bound: &Value, test: fn(Ordering) -> bool| value.compare_within_type(&plain(bound)).is_some_and(test);
    match values {
        Values::Any => true,
        Values::Equal(wanted) => value.same(wanted),
        Values::Among(wanted) => wanted.binary_search(&value.canonical()).is_ok(),
        Values::Range(low, high) => {
            let is_above = match low {
                Bound::Unbounded => true,
                Bound::Included(low) => stands(low, Ordering::is_ge),
                Bound::Excluded(low) => stands(low, Ordering::is_gt),
            };
            is_above
                && match high {
                    Bound::Unbounded => true,
                    Bound::Included(high) => stands(high, Ordering::is_le),
                    Bound::Excluded(high) => stands(high, Ordering::is_lt),
                }
        }
    }
}

/// A table that others may hold too.
pub(super) type SharedTable = Arc<Table>;
