//! Which rows of a column a scan asks for, whatever the window.

use std::borrow::Cow;
use std::ops::{Bound, Range};

use annals_query::{Scan, Value, Values};

use super::admit::Admit;
use super::lives::Lives;

/// A range that selects at most one row in so many is read from the order by value, otherwise the column is read through.
const RANGE_ROWS_PER_PICK: usize = 16;

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

impl Lives {
    /// The rows that the scan's entities and values select.
    pub(crate) fn select(&self, scan: &Scan<'_>) -> Rows<'_> {
        match (scan.entities, &scan.values) {
            (None, Values::Any | Values::Range(Bound::Unbounded, Bound::Unbounded)) => Rows::Span(0..self.len()),
            (None, Values::Equal(wanted)) => self.rows_equal(wanted),
            (None, Values::Range(low, high)) => self.rows_between(&scan.values, *low, *high),
            (Some([entity]), values) => self.rows_of_entity(*entity, values),
            (Some(entities), values) => self.rows_of_entities(entities, values),
        }
    }

    /// How many rows hold a value that is the same as this one.
    pub(crate) fn count_equal(&self, wanted: &Value) -> usize {
        self.by_value().equal(&self.v, wanted).len()
    }

    /// How many rows hold a value between the bounds.
    pub(crate) fn count_between(&self, low: Bound<&Value>, high: Bound<&Value>) -> usize {
        self.by_value().between(&self.v, low, high).len()
    }

    fn rows_equal(&self, wanted: &Value) -> Rows<'_> {
        let places = self.by_value().equal(&self.v, wanted);
        let rows = self.by_value().rows(places.clone());
        Rows::Equal(places, rows)
    }

    fn rows_between(&self, values: &Values<'_>, low: Bound<&Value>, high: Bound<&Value>) -> Rows<'_> {
        let is_vector = |bound: Bound<&Value>| {
            matches!(
                bound,
                Bound::Included(Value::Vector(_) | Value::List(_)) | Bound::Excluded(Value::Vector(_) | Value::List(_))
            )
        };
        if !is_vector(low) && !is_vector(high) {
            let places = self.by_value().between(&self.v, low, high);
            if places.len() * RANGE_ROWS_PER_PICK <= self.len() {
                let mut rows = self.by_value().rows(places).to_vec();
                rows.sort_unstable();
                return Rows::List(rows.into());
            }
        }
        self.admitted(0..self.len(), values)
    }

    fn rows_of_entity(&self, entity: i64, values: &Values<'_>) -> Rows<'_> {
        let rows = self.rows_of(entity, self.e.partition_point(|e| *e < entity));
        if matches!(values, Values::Any) { Rows::Span(rows) } else { self.admitted(rows, values) }
    }

    fn rows_of_entities(&self, entities: &[i64], values: &Values<'_>) -> Rows<'_> {
        let admit = Admit::new(values, self.v.shown());
        let mut rows = Vec::with_capacity(entities.len());
        let (mut start, mut before) = (0, None);
        for &entity in entities {
            let found = self.rows_near(entity, start, before);
            (start, before) = (found.end, Some(entity));
            rows.extend(found.filter(|row| admit.admits(&self.v, *row)).map(|row| row as u32));
        }
        rows.into()
    }

    fn admitted(&self, rows: Range<usize>, values: &Values<'_>) -> Rows<'_> {
        let admit = Admit::new(values, self.v.shown());
        Rows::List(rows.filter(|row| admit.admits(&self.v, *row)).map(|row| row as u32).collect())
    }
}
