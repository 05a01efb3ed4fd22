//! Which values a scan admits, tested row by row.

use std::cmp::Ordering;
use std::ops::{Bound, RangeBounds as _};

use annals_query::column::TextKind;
use annals_query::{Column, Value, Values};

use super::by_value::as_shown;
use super::select::retain_rows;
use crate::columns::values::ValueColumn;

/// Of so few texts it pays to find the code of the one that is wanted first.
const LIMIT_TEXTS: usize = 256;

/// A choice of values, made ready for one column.
#[derive(Debug)]
pub(super) enum Admit {
    /// Every value.
    All,
    /// No value of this column.
    Nothing,
    /// What is the same as this canonical value.
    Equal(Value),
    /// What is the same as one of these canonical values, which ascend.
    Among(Vec<Value>),
    /// One of these longs, entities or instants, which ascend.
    AmongIntegers(Vec<i64>),
    /// The text with this code.
    Code(u32),
    /// Longs, entities or instants between these, both included.
    Integers(i64, i64),
    /// What is of the bounds' type and between them.
    Between(Bound<Value>, Bound<Value>),
}

impl Admit {
    pub(super) fn new(values: &Values<'_>, column: &Column) -> Self {
        match values {
            Values::Any | Values::Range(Bound::Unbounded, Bound::Unbounded) => Self::All,
            Values::Equal(wanted) => Self::equal(as_shown(wanted).canonical(), column),
            Values::Among(wanted) => Self::among(wanted, column),
            Values::Range(low, high) => Self::between(low.map(as_shown), high.map(as_shown), column),
        }
    }

    fn among(wanted: &[Value], column: &Column) -> Self {
        let integer = |value: &Value| match (column, value) {
            (Column::Long(_), Value::Long(n)) | (Column::Instant(_), Value::Instant(n)) => Some(*n),
            _ => None,
        };
        match column {
            Column::Long(_) | Column::Instant(_) => Self::AmongIntegers(wanted.iter().filter_map(integer).collect()),
            _ => Self::Among(wanted.to_vec()),
        }
    }

    fn equal(wanted: Value, column: &Column) -> Self {
        match (column, &wanted) {
            (Column::Long(_), Value::Long(n)) | (Column::Instant(_), Value::Instant(n)) => Self::Integers(*n, *n),
            (Column::Text(TextKind::String, texts, _), Value::String(text))
            | (Column::Text(TextKind::Keyword, texts, _), Value::Keyword(text))
                if texts.len() <= LIMIT_TEXTS =>
            {
                texts.iter().position(|known| known == text).map_or(Self::Nothing, |code| Self::Code(code as u32))
            }
            _ => Self::Equal(wanted),
        }
    }

    fn between(low: Bound<Value>, high: Bound<Value>, column: &Column) -> Self {
        let first = |bound: &Bound<Value>| match (bound, column) {
            (Bound::Included(Value::Long(n)), Column::Long(_)) | (Bound::Included(Value::Instant(n)), Column::Instant(_)) => {
                Some(*n)
            }
            (Bound::Excluded(Value::Long(n)), Column::Long(_)) | (Bound::Excluded(Value::Instant(n)), Column::Instant(_)) => {
                n.checked_add(1)
            }
            (Bound::Unbounded, Column::Long(_) | Column::Instant(_)) => Some(i64::MIN),
            _ => None,
        };
        let last = |bound: &Bound<Value>| match (bound, column) {
            (Bound::Excluded(Value::Long(n)), Column::Long(_)) | (Bound::Excluded(Value::Instant(n)), Column::Instant(_)) => {
                n.checked_sub(1)
            }
            (Bound::Unbounded, Column::Long(_) | Column::Instant(_)) => Some(i64::MAX),
            (other, _) => first(other),
        };
        if let Some((first, last)) = first(&low).zip(last(&high)) {
            return if first <= last { Self::Integers(first, last) } else { Self::Nothing };
        }
        Self::Between(low, high)
    }

    /// Leaves those of the rows whose value is admitted.
    pub(super) fn retain(&self, values: &ValueColumn, rows: &mut Vec<u32>) {
        match (self, values.shown()) {
            (Self::All, _) => {}
            (Self::Nothing, _) => rows.clear(),
            (Self::Code(code), Column::Text(_, _, codes)) => {
                let codes: &[u32] = codes;
                retain_rows(rows, |row| codes[row] == *code);
            }
            (Self::Integers(first, last), Column::Long(items) | Column::Instant(items)) => {
                let items: &[i64] = items;
                retain_rows(rows, |row| (*first..=*last).contains(&items[row]));
            }
            _ => rows.retain(|row| self.admits(values, *row as usize)),
        }
    }

    /// True if the value in this row is admitted.
    #[inline]
    pub(super) fn admits(&self, values: &ValueColumn, row: usize) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Equal(wanted) => values.compare(row, wanted) == Ordering::Equal,
            Self::Among(wanted) => wanted.binary_search(&values.shown().value(row).canonical()).is_ok(),
            Self::AmongIntegers(wanted) => match values.shown() {
                Column::Long(items) | Column::Instant(items) => wanted.binary_search(&items[row]).is_ok(),
                _ => false,
            },
            Self::Code(code) => matches!(values.shown(), Column::Text(_, _, codes) if codes[row] == *code),
            Self::Integers(first, last) => match values.shown() {
                Column::Long(items) | Column::Instant(items) => (*first..=*last).contains(&items[row]),
                _ => false,
            },
            Self::Between(low, high) => is_between(&values.shown().value(row), low, high),
        }
    }
}

/// A choice of values made ready for texts that are no values yet, of strings or of keywords.
#[derive(Debug)]
pub(super) enum AdmitText<'v> {
    /// One of these, which ascend.
    Among(Vec<&'v [u8]>),
    /// Those between two.
    Between(Bound<&'v [u8]>, Bound<&'v [u8]>),
    /// Every text.
    All,
}

impl<'v> AdmitText<'v> {
    pub(super) fn new(values: &'v Values<'_>, kind: TextKind) -> Self {
        let text = |value: &'v Value| match (kind, value) {
            (TextKind::String, Value::String(text)) | (TextKind::Keyword, Value::Keyword(text)) => Some(text.as_bytes()),
            _ => None,
        };
        let bound = |bound: &Bound<&'v Value>| match bound {
            Bound::Unbounded => Some(Bound::Unbounded),
            Bound::Included(value) => text(value).map(Bound::Included),
            Bound::Excluded(value) => text(value).map(Bound::Excluded),
        };
        match values {
            Values::Any | Values::Range(Bound::Unbounded, Bound::Unbounded) => Self::All,
            Values::Equal(wanted) => Self::Among(text(wanted).into_iter().collect()),
            Values::Among(wanted) => Self::Among(wanted.iter().filter_map(text).collect()),
            // A bound of another type admits nothing.
            Values::Range(low, high) => match (bound(low), bound(high)) {
                (Some(low), Some(high)) => Self::Between(low, high),
                _ => Self::Among(Vec::new()),
            },
        }
    }

    /// True if this text is admitted.
    pub(super) fn admits(&self, text: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Among(wanted) => wanted.binary_search(&text).is_ok(),
            Self::Between(low, high) => (*low, *high).contains(&text),
        }
    }
}

fn is_between(value: &Value, low: &Bound<Value>, high: &Bound<Value>) -> bool {
    let is_above = match low {
        Bound::Unbounded => true,
        Bound::Included(low) => value.compare_within_type(low).is_some_and(Ordering::is_ge),
        Bound::Excluded(low) => value.compare_within_type(low).is_some_and(Ordering::is_gt),
    };
    is_above
        && match high {
            Bound::Unbounded => true,
            Bound::Included(high) => value.compare_within_type(high).is_some_and(Ordering::is_le),
            Bound::Excluded(high) => value.compare_within_type(high).is_some_and(Ordering::is_lt),
        }
}
