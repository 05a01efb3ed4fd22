//! The rows of a column in the order of their values.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use annals_query::{Column, Slice, Value};

use crate::columns::table::gallop;
use crate::columns::values::ValueColumn;

/// A permutation of the rows of a column: ascending by canonical value, rows of one value ascending.
#[derive(Debug)]
pub(crate) struct ByValue {
    rows: Vec<u32>,
    e: Slice<i64>,
    distinct: usize,
}

impl ByValue {
    /// Sorts the rows of `values`, whose entities are `e`.
    pub(crate) fn of(values: &ValueColumn, e: &[i64]) -> Self {
        let (rows, distinct) = sorted(values.shown());
        let e = rows.iter().map(|&row| e[row as usize]).collect();
        Self { rows, e, distinct }
    }

    /// Number of values that are not the [`same`](Value::same).
    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }

    /// The rows at these places of the order.
    pub(crate) fn rows(&self, places: Range<usize>) -> &[u32] {
        &self.rows[places]
    }

    /// The entities at these places of the order; copies nothing.
    pub(crate) fn entities(&self, places: Range<usize>) -> Slice<i64> {
        self.e.part(places)
    }

    /// Where the values lie that are the same as this one.
    pub(crate) fn equal(&self, values: &ValueColumn, wanted: &Value) -> Range<usize> {
        let wanted = as_shown(wanted).canonical();
        let start = self.rows.partition_point(|&row| values.compare(row as usize, &wanted) == Ordering::Less);
        // Mostly few, and near.
        let count = gallop(&self.rows[start..], |&row| values.compare(row as usize, &wanted) == Ordering::Equal);
        start..start + count
    }

    /// Where the values lie that are of the bounds' type and between them. The bounds are no vectors: their order is not the
    /// order by canonical value.
    pub(crate) fn between(&self, values: &ValueColumn, low: Bound<&Value>, high: Bound<&Value>) -> Range<usize> {
        let (low, high) = (low.map(|bound| as_shown(bound).canonical()), high.map(|bound| as_shown(bound).canonical()));
        let one = |bound: &Bound<Value>| match bound {
            Bound::Included(value) | Bound::Excluded(value) => Some(value.clone()),
            Bound::Unbounded => None,
        };
        let Some(kind) = one(&low).or_else(|| one(&high)) else { return 0..self.rows.len() };
        if one(&high).is_some_and(|high| high.compare_within_type(&kind).is_none()) {
            return 0..0;
        }
        let is_before = |row: usize| match &low {
            Bound::Included(low) => values.compare(row, low) == Ordering::Less,
            Bound::Excluded(low) => values.compare(row, low) != Ordering::Greater,
            Bound::Unbounded => is_of_earlier_type(values, row, &kind),
        };
        let is_within = |row: usize| match &high {
            Bound::Included(high) => values.compare(row, high) != Ordering::Greater,
            Bound::Excluded(high) => values.compare(row, high) == Ordering::Less,
            Bound::Unbounded => values.shown().value(row).compare_within_type(&kind).is_some(),
        };
        let start = self.rows.partition_point(|&row| is_before(row as usize));
        start..start + self.rows[start..].partition_point(|&row| is_within(row as usize))
    }
}

/// A value as queries see it: an entity is its id.
pub(crate) fn as_shown(value: &Value) -> Value {
    match value {
        Value::Ref(id) => Value::Long(*id),
        other => other.clone(),
    }
}

fn is_of_earlier_type(values: &ValueColumn, row: usize, kind: &Value) -> bool {
    let value = values.shown().value(row);
    value.compare_within_type(kind).is_none() && value < *kind
}

/// The rows by value, and how many values there are.
fn sorted(column: &Column) -> (Vec<u32>, usize) {
    match column {
        Column::Long(items) | Column::Instant(items) => by_key(items.iter().copied(), Ord::cmp),
        Column::Boolean(items) => by_key(items.iter().copied(), Ord::cmp),
        Column::Double(items) => by_key(items.iter().copied(), |a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal)),
        Column::Text(_, texts, codes) => {
            let mut order: Vec<u32> = (0..texts.len() as u32).collect();
            order.sort_unstable_by(|&a, &b| texts[a as usize].as_bytes().cmp(texts[b as usize].as_bytes()));
            by_code(codes, &order)
        }
        Column::Value(items) => by_key(items.iter().map(Value::canonical), Ord::cmp),
    }
}

fn by_key<K>(keys: impl Iterator<Item = K>, compare: impl Fn(&K, &K) -> Ordering) -> (Vec<u32>, usize) {
    let mut pairs: Vec<(K, u32)> = keys.zip(0..).collect();
    pairs.sort_unstable_by(|a, b| compare(&a.0, &b.0).then(a.1.cmp(&b.1)));
    let distinct = pairs.chunk_by(|a, b| compare(&a.0, &b.0) == Ordering::Equal).count();
    (pairs.into_iter().map(|(_, row)| row).collect(), distinct)
}

/// Counts the rows of each code and deals them out in the order of the codes.
fn by_code(codes: &[u32], order: &[u32]) -> (Vec<u32>, usize) {
    let mut counts = vec![0_u32; order.len()];
    for &code in codes {
        counts[code as usize] += 1;
    }
    let distinct = counts.iter().filter(|count| **count > 0).count();
    let mut next = vec![0_u32; order.len()];
    let mut place = 0;
    for &code in order {
        next[code as usize] = place;
        place += counts[code as usize];
    }
    let mut rows = vec![0_u32; codes.len()];
    for (row, &code) in (0..).zip(codes) {
        rows[next[code as usize] as usize] = row;
        next[code as usize] += 1;
    }
    (rows, distinct)
}
