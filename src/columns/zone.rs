//! Between which bounds the values of a block lie, so that a search passes over blocks that cannot hold what it wants.

use std::cmp::Ordering;
use std::ops::{Bound, Range};

use annals_query::column::TextKind;
use annals_query::{Column, Value, ValueType, Values};

use super::bytes::{Damaged, Input, Read, put_sized};
use super::values::{Kind, ValueColumn};

/// Bytes of a text that a bound keeps: enough to tell most apart.
const TEXT_BYTES: usize = 24;

/// Bounds of the values of some rows. What it does not admit is not there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Zone {
    /// Anything.
    Any,
    /// Longs and references between these.
    Longs(i64, i64),
    /// Instants between these.
    Instants(i64, i64),
    /// Doubles between these.
    Doubles(f64, f64),
    /// Texts of a kind: between the beginnings of the least and of the greatest.
    Texts(TextKind, Vec<u8>, Vec<u8>),
}

impl Zone {
    /// The bounds of rows of a column.
    pub(super) fn of(values: &ValueColumn, rows: Range<usize>) -> Self {
        if rows.is_empty() || values.kind(rows.clone()) == Kind::Mixed {
            return Self::Any;
        }
        let ends = |items: &[i64]| (items.iter().copied().min().unwrap_or(0), items.iter().copied().max().unwrap_or(0));
        match values.shown() {
            Column::Long(items) => {
                let (least, greatest) = ends(&items[rows]);
                Self::Longs(least, greatest)
            }
            Column::Instant(items) => {
                let (least, greatest) = ends(&items[rows]);
                Self::Instants(least, greatest)
            }
            Column::Double(items) => {
                let items = &items[rows];
                Self::Doubles(
                    items.iter().copied().fold(f64::INFINITY, f64::min),
                    items.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                )
            }
            Column::Text(kind, texts, codes) => {
                let texts = || codes[rows.clone()].iter().map(|code| texts[*code as usize].as_bytes());
                let beginning =
                    |text: Option<&[u8]>| text.map_or_else(Vec::new, |text| text[..text.len().min(TEXT_BYTES)].to_vec());
                Self::Texts(*kind, beginning(texts().min()), beginning(texts().max()))
            }
            Column::Boolean(_) | Column::Value(_) => Self::Any,
        }
    }

    /// The type of all values, as queries see them, where the bounds tell.
    pub(super) fn value_type(&self) -> Option<ValueType> {
        Some(match self {
            Self::Any => return None,
            Self::Longs(..) => ValueType::Long,
            Self::Instants(..) => ValueType::Instant,
            Self::Doubles(..) => ValueType::Double,
            Self::Texts(TextKind::String, ..) => ValueType::String,
            Self::Texts(TextKind::Keyword, ..) => ValueType::Keyword,
        })
    }

    /// False if none of the values can be admitted.
    pub(super) fn may_hold(&self, wanted: &Values<'_>) -> bool {
        match wanted {
            Values::Any => true,
            Values::Equal(value) => self.may_equal(&value.canonical()),
            Values::Among(values) => values.iter().any(|value| self.may_equal(value)),
            Values::Range(low, high) => self.may_lie_between(*low, *high),
        }
    }

    fn may_equal(&self, wanted: &Value) -> bool {
        match (self, wanted) {
            (Self::Any, _) => true,
            (Self::Longs(least, greatest), Value::Long(n)) | (Self::Instants(least, greatest), Value::Instant(n)) => {
                least <= n && n <= greatest
            }
            (Self::Doubles(..), wanted) => {
                wanted.is_number() && self.may_lie_between(Bound::Included(wanted), Bound::Included(wanted))
            }
            (Self::Texts(TextKind::String, least, greatest), Value::String(text))
            | (Self::Texts(TextKind::Keyword, least, greatest), Value::Keyword(text)) => {
                is_text_between(text.as_bytes(), least, greatest)
            }
            // A number that is the same as a long is a long once it is canonical; other kinds are never the same.
            _ => false,
        }
    }

    /// True also where the bounds are of another type, about which a zone knows nothing.
    fn may_lie_between(&self, low: Bound<&Value>, high: Bound<&Value>) -> bool {
        let (least, greatest) = match self {
            Self::Any => return true,
            Self::Longs(least, greatest) => (Value::Long(*least), Value::Long(*greatest)),
            Self::Instants(least, greatest) => (Value::Instant(*least), Value::Instant(*greatest)),
            Self::Doubles(least, greatest) => (Value::Double(*least), Value::Double(*greatest)),
            Self::Texts(kind, least, greatest) => return may_texts_lie_between(*kind, least, greatest, low, high),
        };
        let is_too_high = match low {
            Bound::Included(low) => greatest.compare_within_type(&shown(low)) == Some(Ordering::Less),
            Bound::Excluded(low) => greatest.compare_within_type(&shown(low)).is_some_and(Ordering::is_le),
            Bound::Unbounded => false,
        };
        let is_too_low = match high {
            Bound::Included(high) => least.compare_within_type(&shown(high)) == Some(Ordering::Greater),
            Bound::Excluded(high) => least.compare_within_type(&shown(high)).is_some_and(Ordering::is_ge),
            Bound::Unbounded => false,
        };
        !is_too_high && !is_too_low
    }

    /// Which part of values spread evenly lies between the bounds.
    pub(super) fn share_between(&self, low: Bound<&Value>, high: Bound<&Value>) -> f64 {
        if !self.may_lie_between(low, high) {
            return 0.0;
        }
        let (least, greatest) = match self {
            Self::Longs(least, greatest) | Self::Instants(least, greatest) => (*least as f64, *greatest as f64),
            Self::Doubles(least, greatest) => (*least, *greatest),
            Self::Any | Self::Texts(..) => return 0.5,
        };
        let number = |bound: Bound<&Value>, otherwise: f64| match bound {
            Bound::Included(Value::Long(n) | Value::Instant(n) | Value::Ref(n))
            | Bound::Excluded(Value::Long(n) | Value::Instant(n) | Value::Ref(n)) => *n as f64,
            Bound::Included(Value::Double(n)) | Bound::Excluded(Value::Double(n)) => *n,
            _ => otherwise,
        };
        let width = greatest - least;
        if width <= 0.0 {
            return 1.0;
        }
        let share = (number(high, greatest).min(greatest) - number(low, least).max(least)) / width;
        if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let mut put = |code: u8, least: [u8; 8], greatest: [u8; 8]| {
            out.push(code);
            out.extend_from_slice(&least);
            out.extend_from_slice(&greatest);
        };
        match self {
            Self::Any => out.push(0),
            Self::Longs(least, greatest) => put(1, least.to_le_bytes(), greatest.to_le_bytes()),
            Self::Instants(least, greatest) => put(2, least.to_le_bytes(), greatest.to_le_bytes()),
            Self::Doubles(least, greatest) => put(3, least.to_le_bytes(), greatest.to_le_bytes()),
            Self::Texts(kind, least, greatest) => {
                out.push(if *kind == TextKind::String { 4 } else { 5 });
                put_sized(least, out);
                put_sized(greatest, out);
            }
        }
    }

    pub(super) fn read(input: &mut Input<'_>) -> Read<Self> {
        Ok(match input.u8()? {
            0 => Self::Any,
            1 => Self::Longs(input.i64()?, input.i64()?),
            2 => Self::Instants(input.i64()?, input.i64()?),
            3 => Self::Doubles(f64::from_le_bytes(input.array()?), f64::from_le_bytes(input.array()?)),
            code @ (4 | 5) => {
                let kind = if code == 4 { TextKind::String } else { TextKind::Keyword };
                Self::Texts(kind, input.sized()?.to_vec(), input.sized()?.to_vec())
            }
            _ => return Err(Damaged),
        })
    }
}

/// A reference is its entity's id to a query.
fn shown(value: &Value) -> Value {
    if let Value::Ref(id) = value { Value::Long(*id) } else { value.clone() }
}

fn is_text_between(text: &[u8], least: &[u8], greatest: &[u8]) -> bool {
    least <= text && &text[..text.len().min(TEXT_BYTES)] <= greatest
}

fn may_texts_lie_between(kind: TextKind, least: &[u8], greatest: &[u8], low: Bound<&Value>, high: Bound<&Value>) -> bool {
    let text = |value: &Value| match (kind, value) {
        (TextKind::String, Value::String(text)) | (TextKind::Keyword, Value::Keyword(text)) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    let is_too_high = match low {
        Bound::Included(low) | Bound::Excluded(low) => text(low).is_some_and(|low| greatest < &low[..low.len().min(TEXT_BYTES)]),
        Bound::Unbounded => false,
    };
    let is_too_low = match high {
        Bound::Included(high) | Bound::Excluded(high) => text(high).is_some_and(|high| least > &high[..]),
        Bound::Unbounded => false,
    };
    !is_too_high && !is_too_low
}
