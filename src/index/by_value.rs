//! The rows of a column in the order of their values.

use std::cmp::Ordering;
use std::hash::BuildHasher as _;
use std::ops::{Bound, Range};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering as Atomic};

use annals_query::{Column, Slice, Value};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::columns::table::gallop;
use crate::columns::values::ValueColumn;

/// So many values are searched for before the places of all texts are hashed: that takes as long as some thousands of searches.
const SEARCHES: u32 = 64;

/// A permutation of the rows of a column: ascending by canonical value, rows of one value ascending.
#[derive(Debug)]
pub(crate) struct ByValue {
    rows: Vec<u32>,
    e: Slice<i64>,
    distinct: usize,
    searches: AtomicU32,
    /// Where the rows of each text begin, by its hash; of several with one hash one is there.
    texts: OnceLock<FxHashMap<u64, u32>>,
}

impl ByValue {
    /// Sorts the rows of `values`, whose entities are `e`.
    pub(crate) fn of(values: &ValueColumn, e: &[i64]) -> Self {
        let (rows, distinct) = sorted(values.shown());
        let e = rows.iter().map(|&row| e[row as usize]).collect();
        Self { rows, e, distinct, searches: AtomicU32::new(0), texts: OnceLock::new() }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * 12 + self.texts.get().map_or(0, |texts| texts.capacity() * 17)
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
        let is_less = |row: &u32| values.compare(*row as usize, &wanted) == Ordering::Less;
        let start = self.start_of_text(values, &wanted).unwrap_or_else(|| self.rows.partition_point(is_less));
        // Mostly few, and near.
        let count = gallop(&self.rows[start..], |&row| values.compare(row as usize, &wanted) == Ordering::Equal);
        start..start + count
    }

    /// Where the rows of a text begin, if they are found by its hash.
    fn start_of_text(&self, values: &ValueColumn, wanted: &Value) -> Option<usize> {
        let Column::Text(_, texts, codes) = values.shown() else { return None };
        let hash = FxBuildHasher.hash_one(wanted.as_text()?);
        if self.texts.get().is_none() && self.searches.fetch_add(1, Atomic::Relaxed) < SEARCHES {
            return None;
        }
        let places = self.texts.get_or_init(|| {
            let mut places = FxHashMap::with_capacity_and_hasher(self.distinct, FxBuildHasher);
            let mut place = 0;
            for same in self.rows.chunk_by(|a, b| codes[*a as usize] == codes[*b as usize]) {
                places.entry(FxBuildHasher.hash_one(&*texts[codes[same[0] as usize] as usize])).or_insert(place);
                place += same.len() as u32;
            }
            places
        });
        let start = *places.get(&hash)? as usize;
        (values.compare(self.rows[start] as usize, wanted) == Ordering::Equal).then_some(start)
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

#[cfg(test)]
mod tests {
    //! A value is found where it lies, however often it was searched for: every place is compared with a look at all rows.

    use super::*;
    use crate::columns::ValuesBuilder;

    fn check(stored: &[Value], wanted: &[Value]) {
        let mut builder = ValuesBuilder::default();
        for value in stored {
            builder.push(value);
        }
        let (values, e) = (builder.finish(), (1..=stored.len() as i64).collect::<Vec<_>>());
        let order = ByValue::of(&values, &e);
        for round in 0..2 * SEARCHES {
            for value in wanted {
                let rows = (0..).zip(stored).filter(|(_, stored)| stored.same(value)).map(|(row, _)| row);
                assert_eq!(order.rows(order.equal(&values, value)), rows.collect::<Vec<u32>>(), "{value} in round {round}");
            }
        }
    }

    #[test]
    fn a_value_is_found_however_often_it_was_searched_for() {
        let makes: [fn(String) -> Value; 2] = [|text| Value::from(text), |text| Value::keyword(&text)];
        for make in makes {
            // Names with repetitions; every third row holds the first.
            let name = |n: usize| make(format!("name {n}"));
            let stored: Vec<Value> = (0..150).map(|row| name(if row % 3 == 0 { 0 } else { row * 31 % 50 })).collect();
            let others = [
                Value::from("name 1"),
                Value::keyword("name 1"),
                Value::from(""),
                Value::from("zebra"),
                Value::Long(1),
                Value::Nil,
            ];
            let wanted: Vec<Value> = (0..60).map(name).chain(others).collect();
            for count in [0, 1, 2, 150] {
                check(&stored[..count], &wanted);
            }
        }
        let longs: Vec<Value> = (0..50).map(|n| Value::Long(n / 3)).collect();
        check(&longs, &[Value::Long(7), Value::Long(99), Value::Double(7.0), Value::from("7")]);
    }
}
