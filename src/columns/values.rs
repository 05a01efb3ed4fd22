//! The values of many facts as one typed column, which remembers what was a reference.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use annals_query::column::TextKind;
use annals_query::{Column, Slice, Value};

/// Values in rows. Queries see a reference as a long; facts keep it a reference.
#[derive(Clone, Debug)]
pub(crate) struct ValueColumn {
    pub(super) column: Column,
    pub(super) references: References,
}

/// What all values of a column, or of a part of it, are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// References.
    Ref = 1,
    /// Longs.
    Long = 2,
    /// Instants.
    Instant = 3,
    /// Doubles.
    Double = 4,
    /// Booleans.
    Boolean = 5,
    /// Strings.
    String = 6,
    /// Keywords.
    Keyword = 7,
    /// Values of several kinds, or of a rare one.
    Mixed = 8,
}

impl Kind {
    /// The kind with this code.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let all = [Self::Ref, Self::Long, Self::Instant, Self::Double, Self::Boolean, Self::String, Self::Keyword, Self::Mixed];
        all.get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// Which rows hold references.
#[derive(Clone, Debug)]
pub(super) enum References {
    None,
    All,
    Some(Slice<bool>),
}

impl ValueColumn {
    /// The values as queries see them.
    pub(crate) fn shown(&self) -> &Column {
        &self.column
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.column.len()
    }

    /// True if this row holds a reference.
    pub(crate) fn is_reference(&self, row: usize) -> bool {
        match &self.references {
            References::None => false,
            References::All => true,
            References::Some(flags) => flags[row],
        }
    }

    /// The value in one row, as stored.
    pub(crate) fn stored(&self, row: usize) -> Value {
        match self.column.value(row) {
            Value::Long(id) if self.is_reference(row) => Value::Ref(id),
            value => value,
        }
    }

    /// How two rows stand to each other in the exact order of stored values.
    pub(crate) fn compare_rows(&self, a: usize, b: usize) -> Ordering {
        if matches!(self.references, References::Some(_)) && (self.is_reference(a) || self.is_reference(b)) {
            return self.stored(a).cmp(&self.stored(b));
        }
        self.column.compare(a, b)
    }

    /// How a row stands to a canonical value, both as queries see them.
    pub(crate) fn compare(&self, row: usize, wanted: &Value) -> Ordering {
        match (&self.column, wanted) {
            (Column::Long(items), Value::Long(wanted)) | (Column::Instant(items), Value::Instant(wanted)) => {
                items[row].cmp(wanted)
            }
            (Column::Text(TextKind::String, texts, codes), Value::String(wanted))
            | (Column::Text(TextKind::Keyword, texts, codes), Value::Keyword(wanted)) => {
                texts[codes[row] as usize].as_bytes().cmp(wanted.as_bytes())
            }
            (Column::Value(items), wanted) => compare_canonical(&items[row], wanted),
            (column, wanted) => column.value(row).canonical().cmp(wanted),
        }
    }

    /// What all of these rows hold.
    pub(crate) fn kind(&self, rows: Range<usize>) -> Kind {
        let has_reference = rows.clone().any(|row| self.is_reference(row));
        let has_other = match &self.references {
            References::None => true,
            References::All => false,
            References::Some(flags) => flags[rows].iter().any(|flag| !flag),
        };
        match &self.column {
            Column::Long(_) if has_reference && has_other => Kind::Mixed,
            Column::Long(_) if has_reference => Kind::Ref,
            Column::Long(_) => Kind::Long,
            Column::Instant(_) => Kind::Instant,
            Column::Double(_) => Kind::Double,
            Column::Boolean(_) => Kind::Boolean,
            Column::Text(TextKind::String, ..) => Kind::String,
            Column::Text(TextKind::Keyword, ..) => Kind::Keyword,
            Column::Value(_) => Kind::Mixed,
        }
    }

    /// Bytes of memory that the rows take, without the texts of their dictionary.
    pub(crate) fn bytes(&self) -> usize {
        let each = match &self.column {
            Column::Long(_) | Column::Instant(_) | Column::Double(_) => 8,
            Column::Boolean(_) => 1,
            Column::Text(..) => 4,
            Column::Value(_) => 64,
        };
        let texts = match &self.column {
            Column::Text(_, texts, _) => texts.iter().map(|text| text.len() + 32).sum(),
            _ => 0,
        };
        self.len() * each + texts
    }

    /// These rows, in this order.
    pub(crate) fn gather(&self, rows: &[u32]) -> Self {
        let references = match &self.references {
            References::Some(flags) => References::Some(rows.iter().map(|&row| flags[row as usize]).collect()),
            uniform => uniform.clone(),
        };
        Self { column: gather(&self.column, rows), references }
    }
}

/// How a value stands to a canonical one, where possible without making it canonical too.
fn compare_canonical(value: &Value, wanted: &Value) -> Ordering {
    match (value, wanted) {
        (Value::Vector(items), Value::Vector(wanted)) => {
            let pairs = items.iter().zip(wanted.iter());
            let unequal = pairs.map(|(item, wanted)| compare_canonical(item, wanted)).find(|order| order.is_ne());
            unequal.unwrap_or_else(|| items.len().cmp(&wanted.len()))
        }
        (Value::String(a), Value::String(b)) | (Value::Keyword(a), Value::Keyword(b)) => a.as_bytes().cmp(b.as_bytes()),
        (value, wanted) => value.canonical().cmp(wanted),
    }
}

/// These rows of a column, in this order.
pub(crate) fn gather(column: &Column, rows: &[u32]) -> Column {
    match column {
        Column::Long(items) => Column::Long(gather_items(items, rows)),
        Column::Double(items) => Column::Double(gather_items(items, rows)),
        Column::Boolean(items) => Column::Boolean(gather_items(items, rows)),
        Column::Instant(items) => Column::Instant(gather_items(items, rows)),
        Column::Text(kind, texts, codes) => Column::Text(*kind, Arc::clone(texts), gather_items(codes, rows)),
        Column::Value(items) => Column::Value(rows.iter().map(|&row| items[row as usize].clone()).collect()),
    }
}

/// These rows of an array, in this order.
pub(crate) fn gather_items<T: Copy>(items: &[T], rows: &[u32]) -> Slice<T> {
    rows.iter().map(|&row| items[row as usize]).collect()
}

/// A range of rows of a column; copies nothing.
pub(crate) fn part(column: &Column, range: Range<usize>) -> Column {
    match column {
        Column::Long(items) => Column::Long(items.part(range)),
        Column::Double(items) => Column::Double(items.part(range)),
        Column::Boolean(items) => Column::Boolean(items.part(range)),
        Column::Instant(items) => Column::Instant(items.part(range)),
        Column::Text(kind, texts, codes) => Column::Text(*kind, Arc::clone(texts), codes.part(range)),
        Column::Value(items) => Column::Value(items.part(range)),
    }
}
