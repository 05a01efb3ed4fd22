//! Which rows of a column a scan asks for, whatever the window.

use std::borrow::Cow;
use std::ops::{Bound, Range};

use annals_query::{Scan, Value, Values};

use super::admit::Admit;
use super::lives::Lives;
use crate::columns::table::gallop;

/// A range that selects at most one row in so many is read from the order by value, otherwise the column is read through.
const RANGE_ROWS_PER_PICK: usize = 16;

/// Less than one row in so many is put into order by sorting.
const ROWS_PER_SORTED: usize = 512;

/// Rows, ascending.
#[derive(Debug)]
pub(crate) enum Rows<'a> {
    /// All rows from here to there.
    Span(Range<usize>),
    /// All rows of several ranges, and how many they are.
    Spans(Vec<Range<usize>>, usize),
    /// These rows.
    List(Cow<'a, [u32]>),
    /// The rows at these places of the order by value, which hold one and the same value.
    Equal(Range<usize>, &'a [u32]),
}

impl Rows<'_> {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Span(rows) => rows.len(),
            Self::Spans(_, count) => *count,
            Self::List(rows) => rows.len(),
            Self::Equal(_, rows) => rows.len(),
        }
    }

    /// The rows, one after the other.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Span(rows) => Box::new(rows.clone()),
            Self::Spans(spans, _) => Box::new(spans.iter().cloned().flatten()),
            Self::List(rows) => Box::new(rows.iter().map(|row| *row as usize)),
            Self::Equal(_, rows) => Box::new(rows.iter().map(|row| *row as usize)),
        }
    }

    /// The rows as a list.
    pub(super) fn into_list(self) -> Vec<u32> {
        match self {
            Self::Span(rows) => (rows.start as u32..rows.end as u32).collect(),
            Self::Spans(spans, _) => spans.into_iter().flatten().map(|row| row as u32).collect(),
            Self::List(rows) => rows.into_owned(),
            Self::Equal(_, rows) => rows.to_vec(),
        }
    }
}

impl From<Vec<u32>> for Rows<'_> {
    /// Of rows that ascend: without a gap they are a range, of which nothing need be copied.
    fn from(rows: Vec<u32>) -> Self {
        match (rows.first(), rows.last()) {
            (Some(first), Some(last)) if (last - first) as usize + 1 == rows.len() => {
                Self::Span(*first as usize..*last as usize + 1)
            }
            _ => Self::List(rows.into()),
        }
    }
}

/// Leaves the rows for which something holds. Every row is written down and most are overwritten by the next: a loop without a branch.
pub(super) fn retain_rows(rows: &mut Vec<u32>, holds: impl Fn(usize) -> bool) {
    let mut count = 0;
    for at in 0..rows.len() {
        let row = rows[at];
        rows[count] = row;
        count += usize::from(holds(row as usize));
    }
    rows.truncate(count);
}

/// Some of so many rows, each once, in order: by a bit for each where that is sooner done than sorting.
fn ascending(mut rows: Vec<u32>, count: usize) -> Vec<u32> {
    if rows.len() < count / ROWS_PER_SORTED {
        rows.sort_unstable();
        return rows;
    }
    let mut words = vec![0_u64; count.div_ceil(64)];
    for row in rows.drain(..) {
        words[row as usize / 64] |= 1 << (row % 64);
    }
    for (first, mut word) in (0..).step_by(64).zip(words) {
        while word != 0 {
            rows.push(first + word.trailing_zeros());
            word &= word - 1;
        }
    }
    rows
}

impl Lives {
    /// The rows that the scan's entities and values select.
    pub(crate) fn select(&self, scan: &Scan<'_>) -> Rows<'_> {
        match (scan.entities, &scan.values) {
            (None, Values::Any | Values::Range(Bound::Unbounded, Bound::Unbounded)) => Rows::Span(self.rows_within(scan.within)),
            (None, Values::Equal(wanted)) => self.rows_equal(wanted, scan),
            (None, Values::Among(wanted)) => self.rows_among(wanted, scan),
            (None, Values::Range(low, high)) => self.rows_between(scan, *low, *high),
            (Some([entity]), values) => self.rows_of_entity(*entity, values),
            (Some(entities), values) => self.rows_of_entities(entities, values),
        }
    }

    /// About how many rows a scan selects that names no entities.
    pub(crate) fn count(&self, scan: &Scan<'_>) -> usize {
        let near = self.rows_within(scan.within);
        match scan.values {
            Values::Any => near.len(),
            Values::Equal(wanted) if self.is_sorted_by_value() || !self.is_few(&near) => {
                self.places_equal(wanted, scan.within).len()
            }
            Values::Equal(_) => near.len() / self.distinct_v().max(1),
            Values::Among(wanted) if self.is_sorted_by_value() => {
                wanted.iter().map(|wanted| self.places_equal(wanted, scan.within).len()).sum()
            }
            Values::Among(wanted) => (near.len() / self.distinct_v().max(1)).saturating_mul(wanted.len()).min(near.len()),
            Values::Range(low, high) if self.is_sorted_by_value() || !self.is_few(&near) => {
                let share = near.len() as f64 / self.len().max(1) as f64;
                (self.by_value().between(&self.v, low, high).len() as f64 * share) as usize
            }
            Values::Range(..) => near.len() / 3,
        }
    }

    /// True if so many rows of a range are picked from the order by value, and no others looked at.
    pub(crate) fn is_picked(&self, rows: usize) -> bool {
        rows * RANGE_ROWS_PER_PICK <= self.len()
    }

    /// The rows of entities between two, both included.
    fn rows_within(&self, within: Option<(i64, i64)>) -> Range<usize> {
        let Some((first, last)) = within else { return 0..self.len() };
        let start = self.e.partition_point(|e| *e < first);
        start..start + gallop(&self.e[start..], |e| *e <= last)
    }

    /// True if so few rows are read through sooner than all are sorted by value.
    fn is_few(&self, span: &Range<usize>) -> bool {
        span.len() * RANGE_ROWS_PER_PICK <= self.len()
    }

    /// Where in the order by value the rows lie that hold this value, as far as their entities are within bounds.
    fn places_equal(&self, wanted: &Value, within: Option<(i64, i64)>) -> Range<usize> {
        let places = self.by_value().equal(&self.v, wanted);
        let Some((first, last)) = within else { return places };
        // Rows of one value ascend, and so do their entities.
        let entities = self.by_value().entities(places.clone());
        let start = places.start + entities.partition_point(|e| *e < first);
        start..places.start + entities.partition_point(|e| *e <= last).max(start - places.start)
    }

    fn rows_equal(&self, wanted: &Value, scan: &Scan<'_>) -> Rows<'_> {
        if !self.is_sorted_by_value() {
            let near = self.rows_within(scan.within);
            if self.is_few(&near) {
                return self.admitted(near, &scan.values);
            }
        }
        let places = self.places_equal(wanted, scan.within);
        let rows = self.by_value().rows(places.clone());
        match (rows.first(), rows.last()) {
            // Without a gap they are a range, of which nothing need be copied.
            (Some(first), Some(last)) if (last - first) as usize + 1 == rows.len() => {
                Rows::Span(*first as usize..*last as usize + 1)
            }
            _ => Rows::Equal(places, rows),
        }
    }

    fn rows_among(&self, wanted: &[Value], scan: &Scan<'_>) -> Rows<'_> {
        if !self.is_sorted_by_value() {
            let near = self.rows_within(scan.within);
            if self.is_few(&near) {
                return self.admitted(near, &scan.values);
            }
        }
        let mut rows = Vec::new();
        for wanted in wanted {
            rows.extend_from_slice(self.by_value().rows(self.places_equal(wanted, scan.within)));
        }
        ascending(rows, self.len()).into()
    }

    fn rows_between(&self, scan: &Scan<'_>, low: Bound<&Value>, high: Bound<&Value>) -> Rows<'_> {
        let near = self.rows_within(scan.within);
        let is_vector = |bound: Bound<&Value>| {
            matches!(
                bound,
                Bound::Included(Value::Vector(_) | Value::List(_)) | Bound::Excluded(Value::Vector(_) | Value::List(_))
            )
        };
        if !is_vector(low) && !is_vector(high) && !self.is_few(&near) {
            let places = self.by_value().between(&self.v, low, high);
            if self.is_picked(places.len()) {
                let mut rows = self.by_value().rows(places).to_vec();
                if near.len() < self.len() {
                    rows.retain(|row| near.contains(&(*row as usize)));
                }
                return Rows::List(ascending(rows, self.len()).into());
            }
        }
        self.admitted(near, &scan.values)
    }

    fn rows_of_entity(&self, entity: i64, values: &Values<'_>) -> Rows<'_> {
        let rows = self.rows_of_one(entity);
        if matches!(values, Values::Any) { Rows::Span(rows) } else { self.admitted(rows, values) }
    }

    fn rows_of_entities(&self, entities: &[i64], values: &Values<'_>) -> Rows<'_> {
        let admit = Admit::new(values, self.v.shown());
        if let Some(first) = self.first_of_gapless() {
            let mut rows = self.counted(entities, first);
            admit.retain(&self.v, &mut rows);
            return rows.into();
        }
        let mut rows = Vec::with_capacity(entities.len());
        let (mut start, mut before) = (0, None);
        for &entity in entities {
            let found = self.rows_near(entity, start, before);
            (start, before) = (found.end, Some(entity));
            rows.extend(found.filter(|row| admit.admits(&self.v, *row)).map(|row| row as u32));
        }
        rows.into()
    }

    /// The rows of entities, where there is one for each from `first` on.
    fn counted(&self, entities: &[i64], first: i64) -> Vec<u32> {
        let start = entities.partition_point(|entity| *entity < first);
        let within = entities[start..].partition_point(|entity| (entity.wrapping_sub(first) as u64) < self.len() as u64);
        entities[start..start + within].iter().map(|entity| (entity - first) as u32).collect()
    }

    fn admitted(&self, rows: Range<usize>, values: &Values<'_>) -> Rows<'_> {
        let admit = Admit::new(values, self.v.shown());
        Rows::List(rows.filter(|row| admit.admits(&self.v, *row)).map(|row| row as u32).collect())
    }
}

#[cfg(test)]
mod tests {
    //! The promise: the rows of entities are the same whether they are counted or looked for, and come in order whichever way.

    use super::*;
    use crate::columns::life::{Life, OPEN};

    fn lives(entities: &[i64]) -> Lives {
        let life = |(at, e): (usize, &i64)| Life {
            e: *e,
            v: Value::Long(at as i64 % 3),
            t_added: 1,
            m_added: 0,
            t_retracted: OPEN,
            m_retracted: 0,
        };
        Lives::of(&entities.iter().enumerate().map(life).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(entities: &[i64], is_gapless: bool) {
        let lives = lives(entities);
        assert_eq!(lives.first_of_gapless().is_some(), is_gapless, "{entities:?}");
        let asked: Vec<i64> = [i64::MIN, -1, 0].into_iter().chain(5..16).chain([i64::MAX]).collect();
        let wanted = Value::Long(1);
        for values in [Values::Any, Values::Equal(&wanted)] {
            let holds = |row: &usize| matches!(values, Values::Any) || row % 3 == 1;
            let select = |asked: &[i64]| {
                let scan = Scan { attribute: Some(1), entities: Some(asked), values, ..Scan::default() };
                lives.select(&scan).iter().collect::<Vec<_>>()
            };
            let expected = |asked: &[i64]| {
                let rows = (0..entities.len()).filter(|row| asked.contains(&entities[*row]));
                rows.filter(holds).collect::<Vec<_>>()
            };
            for start in 0..asked.len() {
                for end in start..=asked.len() {
                    let some = &asked[start..end];
                    assert_eq!(select(some), expected(some), "{some:?} of {entities:?}");
                    let others: Vec<i64> = some.iter().copied().step_by(2).collect();
                    assert_eq!(select(&others), expected(&others), "{others:?} of {entities:?}");
                }
            }
        }
    }

    #[test]
    fn rows_that_are_counted_are_those_that_would_be_found() {
        check(&[7, 8, 9, 10], true);
        check(&[9], true);
        check(&[7, 8, 10], false);
        check(&[7, 8, 8, 10], false);
        check(&[7, 9, 9], false);
        check(&[1, i64::MAX], false);
        check(&[], false);
    }

    #[test]
    fn rows_come_in_order_by_sorting_and_by_bits() {
        for (count, step) in [(10_000, 1), (10_000, 7), (100_000, 499), (100_000, 9_973), (64, 1), (65, 64), (1, 1), (0, 1)] {
            let expected: Vec<u32> = (0..count).step_by(step).collect();
            let mut mixed = expected.clone();
            mixed.sort_by_key(|row| row.wrapping_mul(2_654_435_761));
            assert_eq!(ascending(mixed, count as usize), expected, "{count} {step}");
            assert_eq!(ascending(expected.iter().rev().copied().collect(), count as usize), expected, "{count} {step}");
        }
    }
}
