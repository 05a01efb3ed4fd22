//! Values one after the other, on the way to becoming a column.

use std::ops::Range;
use std::sync::Arc;

use annals_query::column::{Dictionary, TextKind};
use annals_query::{Column, Value};
use rustc_hash::FxHashMap;

use super::values::{References, ValueColumn};

/// A code that is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// Values one after the other, typed as long as all are of one kind.
#[derive(Debug, Default)]
pub(crate) struct ValuesBuilder {
    items: Items,
    /// Whether each row is a reference; empty while all rows agree with `first_is_reference`.
    flags: Vec<bool>,
    first_is_reference: bool,
    count: usize,
}

#[derive(Debug, Default)]
enum Items {
    #[default]
    Empty,
    Long(Vec<i64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Instant(Vec<i64>),
    Text(TextKind, Texts),
    Value(Vec<Value>),
}

/// Texts as codes, in order of appearance.
#[derive(Debug, Default)]
struct Texts {
    /// The dictionary that this one begins with: codes of its column stay what they are.
    continued: Option<Dictionary>,
    dictionary: Vec<Arc<str>>,
    codes: Vec<u32>,
    known: FxHashMap<Arc<str>, u32>,
    /// The dictionary read last, and which of its codes are ours: whole columns are taken over without hashing each row.
    translated: Option<(Dictionary, Vec<u32>)>,
}

impl Texts {
    fn push(&mut self, text: &Arc<str>) {
        let code = self.code(text);
        self.codes.push(code);
    }

    /// Takes over rows of another column.
    fn extend(&mut self, dictionary: &Dictionary, codes: &[u32]) {
        if self.continued.as_ref().is_some_and(|continued| Arc::ptr_eq(continued, dictionary)) {
            self.codes.extend_from_slice(codes);
            return;
        }
        let (_, mut ours) = self
            .translated
            .take()
            .filter(|(known, _)| Arc::ptr_eq(known, dictionary))
            .unwrap_or_else(|| (Arc::clone(dictionary), vec![UNKNOWN; dictionary.len()]));
        self.codes.reserve(codes.len());
        for &code in codes {
            if ours[code as usize] == UNKNOWN {
                ours[code as usize] = self.code(&dictionary[code as usize]);
            }
            self.codes.push(ours[code as usize]);
        }
        self.translated = Some((Arc::clone(dictionary), ours));
    }

    fn code(&mut self, text: &Arc<str>) -> u32 {
        match self.known.get(text) {
            Some(code) => *code,
            None => self.learn(text),
        }
    }

    fn learn(&mut self, text: &Arc<str>) -> u32 {
        let code = u32::try_from(self.dictionary.len()).expect("rows are counted in 32 bits, and so are their texts");
        self.dictionary.push(Arc::clone(text));
        self.known.insert(Arc::clone(text), code);
        code
    }
}

impl ValuesBuilder {
    /// Adds a value as stored.
    pub(crate) fn push(&mut self, value: &Value) {
        let (shown, is_reference) = match value {
            Value::Ref(id) => (&Value::Long(*id), true),
            other => (other, false),
        };
        self.mark(is_reference, 1);
        self.push_shown(shown);
        self.count += 1;
    }

    /// Adds a range of rows of a column.
    pub(crate) fn extend(&mut self, values: &ValueColumn, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        match &values.references {
            References::None => self.mark(false, range.len()),
            References::All => self.mark(true, range.len()),
            References::Some(flags) => {
                for (offset, flag) in flags[range.clone()].iter().enumerate() {
                    self.mark_at(self.count + offset, *flag, 1);
                }
            }
        }
        self.extend_shown(&values.column, range.clone());
        self.count += range.len();
    }

    /// Adds a column, whole.
    pub(crate) fn append(&mut self, values: &ValueColumn) {
        self.extend(values, 0..values.len());
    }

    /// The column.
    pub(crate) fn finish(self) -> ValueColumn {
        let column = match self.items {
            Items::Empty => Column::Value(Vec::new().into()),
            Items::Long(items) => Column::Long(items.into()),
            Items::Double(items) => Column::Double(items.into()),
            Items::Boolean(items) => Column::Boolean(items.into()),
            Items::Instant(items) => Column::Instant(items.into()),
            Items::Text(kind, texts) => Column::Text(kind, Arc::new(texts.dictionary), texts.codes.into()),
            Items::Value(items) => Column::Value(items.into()),
        };
        let references = match (self.flags.is_empty(), self.first_is_reference) {
            (false, _) => References::Some(self.flags.into()),
            (true, true) => References::All,
            (true, false) => References::None,
        };
        ValueColumn { column, references }
    }

    fn mark(&mut self, is_reference: bool, rows: usize) {
        self.mark_at(self.count, is_reference, rows);
    }

    fn mark_at(&mut self, count: usize, is_reference: bool, rows: usize) {
        if count == 0 {
            self.first_is_reference = is_reference;
        }
        if self.flags.is_empty() && is_reference != self.first_is_reference {
            self.flags = vec![self.first_is_reference; count];
        }
        if !self.flags.is_empty() {
            self.flags.resize(count + rows, is_reference);
        }
    }

    fn push_shown(&mut self, value: &Value) {
        match (&mut self.items, value) {
            (Items::Long(items), Value::Long(n)) | (Items::Instant(items), Value::Instant(n)) => items.push(*n),
            (Items::Double(items), Value::Double(n)) => items.push(*n),
            (Items::Boolean(items), Value::Boolean(flag)) => items.push(*flag),
            (Items::Text(TextKind::String, texts), Value::String(text))
            | (Items::Text(TextKind::Keyword, texts), Value::Keyword(text)) => texts.push(text),
            (Items::Value(items), value) => items.push(value.clone()),
            (Items::Empty, value) => {
                self.items = Items::for_kind_of(value);
                self.push_shown(value);
            }
            (_, value) => {
                self.generalize();
                self.push_shown(value);
            }
        }
    }

    fn extend_shown(&mut self, column: &Column, range: Range<usize>) {
        if matches!(self.items, Items::Empty) {
            self.items = Items::for_kind_of_column(column);
        }
        match (&mut self.items, column) {
            (Items::Long(items), Column::Long(more)) | (Items::Instant(items), Column::Instant(more)) => {
                items.extend_from_slice(&more[range]);
            }
            (Items::Double(items), Column::Double(more)) => items.extend_from_slice(&more[range]),
            (Items::Boolean(items), Column::Boolean(more)) => items.extend_from_slice(&more[range]),
            (Items::Text(kind, texts), Column::Text(other, dictionary, codes)) if kind == other => {
                texts.extend(dictionary, &codes[range]);
            }
            (Items::Value(items), column) => items.extend(range.map(|row| column.value(row))),
            (_, column) => {
                self.generalize();
                self.extend_shown(column, range);
            }
        }
    }

    /// Gives up the type: the next value is of another kind.
    fn generalize(&mut self) {
        let typed = std::mem::take(self);
        let (flags, first_is_reference, count) = (typed.flags.clone(), typed.first_is_reference, typed.count);
        let column = typed.finish().column;
        let items = Items::Value((0..column.len()).map(|row| column.value(row)).collect());
        *self = Self { items, flags, first_is_reference, count };
    }
}

impl Items {
    fn for_kind_of(value: &Value) -> Self {
        match value {
            Value::Long(_) => Self::Long(Vec::new()),
            Value::Double(_) => Self::Double(Vec::new()),
            Value::Boolean(_) => Self::Boolean(Vec::new()),
            Value::Instant(_) => Self::Instant(Vec::new()),
            Value::String(_) => Self::Text(TextKind::String, Texts::default()),
            Value::Keyword(_) => Self::Text(TextKind::Keyword, Texts::default()),
            _ => Self::Value(Vec::new()),
        }
    }

    fn for_kind_of_column(column: &Column) -> Self {
        match column {
            Column::Long(items) => Self::Long(Vec::with_capacity(items.len())),
            Column::Double(items) => Self::Double(Vec::with_capacity(items.len())),
            Column::Boolean(items) => Self::Boolean(Vec::with_capacity(items.len())),
            Column::Instant(items) => Self::Instant(Vec::with_capacity(items.len())),
            Column::Text(kind, dictionary, codes) => {
                let known = dictionary.iter().zip(0..).map(|(text, code)| (Arc::clone(text), code)).collect();
                let continued = Some(Arc::clone(dictionary));
                let codes = Vec::with_capacity(codes.len());
                Self::Text(*kind, Texts { continued, dictionary: Vec::clone(dictionary), codes, known, translated: None })
            }
            Column::Value(items) => Self::Value(Vec::with_capacity(items.len())),
        }
    }
}
