//! Columns: many values of one kind, shared without copying.

use std::cmp::Ordering;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::value::Value;

/// A part of a shared array. Cloning and slicing copy nothing.
#[derive(Debug)]
pub struct Slice<T> {
    items: Arc<Vec<T>>,
    range: Range<usize>,
}

impl<T> Slice<T> {
    /// The part of this slice in `range`, counted from its own start.
    ///
    /// # Panics
    ///
    /// If the range does not lie within the slice.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len(), "a part lies within its slice");
        Self { items: Arc::clone(&self.items), range: self.range.start + range.start..self.range.start + range.end }
    }
}

impl<T> Slice<T> {
    /// True if both are the same part of the same array, so that nothing has to be compared.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.items, &other.items) && self.range == other.range
    }
}

impl<T> Clone for Slice<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), range: self.range.clone() }
    }
}

impl<T> From<Vec<T>> for Slice<T> {
    fn from(items: Vec<T>) -> Self {
        Self { range: 0..items.len(), items: Arc::new(items) }
    }
}

impl<T> From<Arc<Vec<T>>> for Slice<T> {
    fn from(items: Arc<Vec<T>>) -> Self {
        Self { range: 0..items.len(), items }
    }
}

impl<T> FromIterator<T> for Slice<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl<T> Deref for Slice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[self.range.clone()]
    }
}

/// The texts that codes of a [`Column::Text`] stand for. No text occurs twice.
pub type Dictionary = Arc<Vec<Arc<str>>>;

/// What the texts of a [`Column::Text`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextKind {
    /// Strings.
    String,
    /// Keywords, without the colon.
    Keyword,
}

/// Many values. Every column of one kind of value has the variant made for it, so that loops run over plain arrays;
/// `Value` takes what is mixed or rare.
#[derive(Clone, Debug)]
pub enum Column {
    /// Longs and entity ids.
    Long(Slice<i64>),
    /// Doubles, never NaN.
    Double(Slice<f64>),
    /// Booleans.
    Boolean(Slice<bool>),
    /// Microseconds since the epoch.
    Instant(Slice<i64>),
    /// Texts as codes into a dictionary.
    Text(TextKind, Dictionary, Slice<u32>),
    /// Anything.
    Value(Slice<Value>),
}

impl Column {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Long(items) | Self::Instant(items) => items.len(),
            Self::Double(items) => items.len(),
            Self::Boolean(items) => items.len(),
            Self::Text(_, _, codes) => codes.len(),
            Self::Value(items) => items.len(),
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in one row.
    pub fn value(&self, row: usize) -> Value {
        match self {
            Self::Long(items) => Value::Long(items[row]),
            Self::Double(items) => Value::Double(items[row]),
            Self::Boolean(items) => Value::Boolean(items[row]),
            Self::Instant(items) => Value::Instant(items[row]),
            Self::Text(TextKind::String, texts, codes) => Value::String(Arc::clone(&texts[codes[row] as usize])),
            Self::Text(TextKind::Keyword, texts, codes) => Value::Keyword(Arc::clone(&texts[codes[row] as usize])),
            Self::Value(items) => items[row].clone(),
        }
    }

    /// The values, one after the other.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Value> {
        (0..self.len()).map(|row| self.value(row))
    }

    /// Hands over each value. A loop that knows the kind of the column is quicker than one that asks row by row.
    pub(crate) fn each(&self, mut take: impl FnMut(Value)) {
        match self {
            Self::Long(items) => items.iter().for_each(|item| take(Value::Long(*item))),
            Self::Double(items) => items.iter().for_each(|item| take(Value::Double(*item))),
            Self::Boolean(items) => items.iter().for_each(|item| take(Value::Boolean(*item))),
            Self::Instant(items) => items.iter().for_each(|item| take(Value::Instant(*item))),
            Self::Text(kind, texts, codes) => {
                let texts: &[Arc<str>] = texts;
                let make = match kind {
                    TextKind::String => Value::String,
                    TextKind::Keyword => Value::Keyword,
                };
                codes.iter().for_each(|code| take(make(Arc::clone(&texts[*code as usize]))));
            }
            Self::Value(items) => items.iter().for_each(|item| take(item.clone())),
        }
    }

    /// The longs of a column of longs.
    pub fn as_longs(&self) -> Option<&[i64]> {
        if let Self::Long(items) = self { Some(items) } else { None }
    }

    /// The doubles of a column of doubles.
    pub fn as_doubles(&self) -> Option<&[f64]> {
        if let Self::Double(items) = self { Some(items) } else { None }
    }

    /// The flags of a column of booleans.
    pub fn as_booleans(&self) -> Option<&[bool]> {
        if let Self::Boolean(items) = self { Some(items) } else { None }
    }

    /// The microseconds of a column of instants.
    pub fn as_instants(&self) -> Option<&[i64]> {
        if let Self::Instant(items) = self { Some(items) } else { None }
    }

    /// The texts of a column of strings or keywords, without copying one; a keyword without its colon.
    ///
    /// ```
    /// use annals_query::Column;
    /// use annals_query::column::TextKind;
    /// let column = Column::Text(TextKind::String, vec!["ada".into(), "bob".into()].into(), vec![1, 0, 1].into());
    /// assert_eq!(column.as_texts().expect("texts").collect::<Vec<_>>(), ["bob", "ada", "bob"]);
    /// ```
    pub fn as_texts(&self) -> Option<impl ExactSizeIterator<Item = &str>> {
        match self {
            Self::Text(_, texts, codes) => Some(codes.iter().map(|code| &*texts[*code as usize])),
            _ => None,
        }
    }

    /// The rows in `range`; copies nothing.
    ///
    /// # Panics
    ///
    /// If the range does not lie within the column.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::Long(items) => Self::Long(items.part(range)),
            Self::Instant(items) => Self::Instant(items.part(range)),
            Self::Double(items) => Self::Double(items.part(range)),
            Self::Boolean(items) => Self::Boolean(items.part(range)),
            Self::Text(kind, texts, codes) => Self::Text(*kind, Arc::clone(texts), codes.part(range)),
            Self::Value(items) => Self::Value(items.part(range)),
        }
    }

    /// The values of the chosen rows, in their order; a row may be chosen again.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Self {
        match self {
            Self::Long(items) => Self::Long(pick(items, rows)),
            Self::Instant(items) => Self::Instant(pick(items, rows)),
            Self::Double(items) => Self::Double(pick(items, rows)),
            Self::Boolean(items) => Self::Boolean(pick(items, rows)),
            Self::Text(kind, texts, codes) => Self::Text(*kind, Arc::clone(texts), pick(codes, rows)),
            Self::Value(items) => Self::Value(rows.iter().map(|row| items[*row as usize].clone()).collect()),
        }
    }

    /// How the values of two rows stand to each other in the total order.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Long(items) | Self::Instant(items) => items[a].cmp(&items[b]),
            Self::Double(items) => compare_doubles(items[a], items[b]),
            Self::Boolean(items) => items[a].cmp(&items[b]),
            Self::Text(_, _, codes) if codes[a] == codes[b] => Ordering::Equal,
            Self::Text(_, texts, codes) => texts[codes[a] as usize].as_bytes().cmp(texts[codes[b] as usize].as_bytes()),
            Self::Value(items) => items[a].cmp(&items[b]),
        }
    }
}

/// As numbers, and -0.0 before 0.0.
fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal).then_with(|| a.total_cmp(&b))
}

fn pick<T: Copy>(items: &[T], rows: &[u32]) -> Slice<T> {
    rows.iter().map(|row| items[*row as usize]).collect()
}
