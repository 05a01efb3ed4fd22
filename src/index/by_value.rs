//! The rows of a column in the order of their values.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use annals_query::{Column, Slice, Value};

use crate::columns::table::gallop;
use crate::columns::values::ValueColumn;

/// Where values begin is kept if a value has at least so many rows on average: then it takes little beside the rows, and saves most looks.
const ROWS_PER_START: usize = 4;

/// Longs are counted rather than sorted if they spread over at most so many numbers for each row.
const SPAN_PER_ROW: usize = 2;

/// A permutation of the rows of a column: ascending by canonical value, rows of one value ascending.
#[derive(Debug)]
pub(crate) struct ByValue {
    rows: Vec<u32>,
    e: Slice<i64>,
    /// At which places each value begins, and behind them where the last one ends; empty where values seldom repeat.
    starts: Vec<u32>,
    distinct: usize,
}

impl ByValue {
    /// Sorts the rows of `values`, whose entities are `e`.
    pub(crate) fn of(values: &ValueColumn, e: &[i64]) -> Self {
        let (rows, starts) = sorted(values.shown());
        let e = rows.iter().map(|&row| e[row as usize]).collect();
        let Starts { places: mut starts, distinct, .. } = starts;
        if !starts.is_empty() {
            starts.push(rows.len() as u32);
        }
        Self { rows, e, starts, distinct }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * (size_of::<u32>() + size_of::<i64>()) + self.starts.len() * size_of::<u32>()
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
        if !self.starts.is_empty() {
            return self.equal_by_starts(values, &wanted);
        }
        let start = self.rows.partition_point(|&row| values.compare(row as usize, &wanted) == Ordering::Less);
        // Mostly few, and near.
        let count = gallop(&self.rows[start..], |&row| values.compare(row as usize, &wanted) == Ordering::Equal);
        start..start + count
    }

    fn equal_by_starts(&self, values: &ValueColumn, wanted: &Value) -> Range<usize> {
        let (mut low, mut high) = (0, self.starts.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            match values.compare(self.rows[self.starts[middle] as usize] as usize, wanted) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return self.starts[middle] as usize..self.starts[middle + 1] as usize,
                Ordering::Greater => high = middle,
            }
        }
        self.starts[low] as usize..self.starts[low] as usize
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

/// Where values begin, as they are found one after the other.
struct Starts {
    /// Empty if there are too many.
    places: Vec<u32>,
    distinct: usize,
    limit: usize,
}

impl Starts {
    /// None yet, of so many rows.
    fn new(rows: usize) -> Self {
        Self { places: Vec::new(), distinct: 0, limit: rows / ROWS_PER_START }
    }

    /// One more value begins.
    fn begin(&mut self, place: usize) {
        self.distinct += 1;
        if self.distinct <= self.limit {
            self.places.push(place as u32);
        } else {
            self.places = Vec::new();
        }
    }
}

/// The rows by value, and where each value begins.
fn sorted(column: &Column) -> (Vec<u32>, Starts) {
    match column {
        Column::Long(items) | Column::Instant(items) => by_long(items),
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

/// Counted where the numbers lie close together, as small ones and entities do: in a tenth of the time.
fn by_long(items: &[i64]) -> (Vec<u32>, Starts) {
    let (least, most) = items.iter().fold((i64::MAX, i64::MIN), |(least, most), item| (least.min(*item), most.max(*item)));
    let span = i128::from(most) - i128::from(least);
    if items.is_empty() || span >= (items.len() * SPAN_PER_ROW) as i128 {
        return by_key(items.iter().copied(), Ord::cmp);
    }
    let codes = items.iter().map(|item| (item - least) as u32).collect::<Vec<_>>();
    by_code(&codes, &(0..=span as u32).collect::<Vec<_>>())
}

fn by_key<K>(keys: impl Iterator<Item = K>, compare: impl Fn(&K, &K) -> Ordering) -> (Vec<u32>, Starts) {
    let mut pairs: Vec<(K, u32)> = keys.zip(0..).collect();
    pairs.sort_unstable_by(|a, b| compare(&a.0, &b.0).then(a.1.cmp(&b.1)));
    let (mut starts, mut place) = (Starts::new(pairs.len()), 0);
    for equal in pairs.chunk_by(|a, b| compare(&a.0, &b.0) == Ordering::Equal) {
        starts.begin(place);
        place += equal.len();
    }
    (pairs.into_iter().map(|(_, row)| row).collect(), starts)
}

/// Counts the rows of each code and deals them out in the order of the codes.
fn by_code(codes: &[u32], order: &[u32]) -> (Vec<u32>, Starts) {
    let mut counts = vec![0_u32; order.len()];
    for &code in codes {
        counts[code as usize] += 1;
    }
    let mut next = vec![0_u32; order.len()];
    let (mut starts, mut place) = (Starts::new(codes.len()), 0);
    for &code in order {
        next[code as usize] = place;
        if counts[code as usize] > 0 {
            starts.begin(place as usize);
        }
        place += counts[code as usize];
    }
    let mut rows = vec![0_u32; codes.len()];
    for (row, &code) in (0..).zip(codes) {
        rows[next[code as usize] as usize] = row;
        next[code as usize] += 1;
    }
    (rows, starts)
}

#[cfg(test)]
mod tests {
    //! The promise: a value is found at the same places whether it is looked for among the rows or among the values.

    use super::*;
    use crate::columns::life::{Life, OPEN};
    use crate::index::Lives;

    #[track_caller]
    fn check(values: &[Value], others: &[Value], keeps_starts: bool) {
        let life = |(at, v): (usize, &Value)| Life {
            e: at as i64,
            v: v.clone(),
            t_added: 1,
            m_added: 0,
            t_retracted: OPEN,
            m_retracted: 0,
        };
        let lives = Lives::of(&values.iter().enumerate().map(life).collect::<Vec<_>>());
        let order = ByValue::of(&lives.v, &lives.e);
        assert_eq!(!order.starts.is_empty(), keeps_starts, "{values:?}");
        let without = ByValue { rows: order.rows.clone(), e: order.e.clone(), starts: Vec::new(), distinct: order.distinct };
        for wanted in values.iter().chain(others) {
            let places = order.equal(&lives.v, wanted);
            assert_eq!(places, without.equal(&lives.v, wanted), "{wanted:?} in {values:?}");
            let expected = (0..values.len() as u32).filter(|row| values[*row as usize].same(wanted));
            assert_eq!(order.rows(places), expected.collect::<Vec<_>>(), "{wanted:?} in {values:?}");
        }
        let different = values.iter().map(Value::canonical).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(order.distinct(), different.len(), "{values:?}");
    }

    #[test]
    fn a_value_is_found_at_its_places_whether_or_not_it_is_kept_where_values_begin() {
        let longs = |count: i64, spread: i64| (0..count).map(|n| Value::Long(n * 7_919 % spread * 2)).collect::<Vec<_>>();
        let strange = [Value::Long(-1), 3.into(), 1_000_000.into(), "a".into(), Value::Double(4.0), Value::Nil];
        for (count, spread, keeps_starts) in
            [(0, 1, false), (1, 1, false), (4, 1, true), (3, 1, false), (40, 10, true), (40, 11, false)]
        {
            check(&longs(count, spread), &strange, keeps_starts);
        }
        let sparse =
            (0..40).map(|n| Value::Long(n * 7_919 % 10 * 1_000_000_007 - 5)).chain([i64::MIN, i64::MAX].map(Value::Long));
        check(&sparse.collect::<Vec<_>>(), &strange, false);
        let sparse = (0..60).map(|n| Value::Long(n * 7_919 % 10 * 1_000_000_007 - 5)).collect::<Vec<_>>();
        check(&sparse, &strange, true);
        let below_zero = (0..40).map(|n| Value::Long(n * 7_919 % 10 - 7)).collect::<Vec<_>>();
        check(&below_zero, &strange, true);
        let texts = |count: usize| (0..count).map(|n| Value::from(["b", "", "ab", "ba"][n * 3 % 4])).collect::<Vec<_>>();
        let others =
            ["a", "aa", "bb", "c"].map(Value::from).into_iter().chain([Value::keyword("b"), 1.into()]).collect::<Vec<_>>();
        check(&texts(16), &others, true);
        check(&texts(15), &others, false);
        let doubles = [0.0, -0.0, 1.5, 0.0, -0.0, 1.5, 2.0, 0.0, 2.0, 1.5, 2.0, 0.0].map(Value::Double);
        check(&doubles, &[Value::Double(1.0), 0.into(), 2.into(), 3.into(), (-1).into()], true);
        let mixed = [1.into(), Value::Double(1.0), "1".into(), Value::Double(1.0), 1.into(), "1".into(), 1.into(), "1".into()];
        check(&mixed, &[Value::keyword("1"), 2.into(), true.into(), Value::Double(0.5)], true);
        check(&[true, false, true, true, false, true, false, true].map(Value::from), &[1.into(), "true".into()], true);
    }
}
