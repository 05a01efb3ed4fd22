//! A form: a value as it was written, with its place in the text.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::error::{Span, Text};
use crate::value::Value;

/// One form of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// What it is.
    pub kind: FormKind,
    /// Where it stands.
    pub span: Span,
}

/// What a form is. Collections keep the order in which they were written.
#[derive(Clone, Debug, PartialEq)]
pub enum FormKind {
    /// Anything without parts that have a place of their own.
    Scalar(Value),
    /// `(a b)`.
    List(Vec<Form>),
    /// `[a b]`.
    Vector(Vec<Form>),
    /// `#{a b}`; no element occurs twice.
    Set(Vec<Form>),
    /// `{a b}`; no key occurs twice.
    Map(Vec<(Form, Form)>),
    /// `#tag form` with a tag that has no meaning here.
    Tagged(Arc<str>, Box<Form>),
}

impl Form {
    /// A form without parts.
    pub fn scalar(value: Value, span: Span) -> Self {
        Self { kind: FormKind::Scalar(value), span }
    }

    /// The same form as part of another text, so that no place in it is taken for one of the query.
    #[must_use]
    pub fn within(self, text: Text) -> Self {
        self.placed(&|span| Span { text, ..span })
    }

    /// The same form, read from a string that stands at `string` and holds no escapes: its places are moved into the text around.
    #[must_use]
    pub(crate) fn moved(self, string: Span) -> Self {
        let by = string.start + 1;
        self.placed(&|span| Span { start: span.start + by, end: span.end + by, text: string.text })
    }

    /// The same form, each part of it at another place.
    fn placed(self, place: &impl Fn(Span) -> Span) -> Self {
        let all = |items: Vec<Self>| items.into_iter().map(|form| form.placed(place)).collect();
        let kind = match self.kind {
            FormKind::Scalar(value) => FormKind::Scalar(value),
            FormKind::List(items) => FormKind::List(all(items)),
            FormKind::Vector(items) => FormKind::Vector(all(items)),
            FormKind::Set(items) => FormKind::Set(all(items)),
            FormKind::Map(entries) => {
                FormKind::Map(entries.into_iter().map(|(key, value)| (key.placed(place), value.placed(place))).collect())
            }
            FormKind::Tagged(tag, form) => FormKind::Tagged(tag, Box::new(form.placed(place))),
        };
        Self { kind, span: place(self.span) }
    }

    /// The value, without places.
    pub fn to_value(&self) -> Value {
        self.clone().into_value()
    }

    /// The value, without places and without copying.
    pub fn into_value(self) -> Value {
        match self.kind {
            FormKind::Scalar(value) => value,
            FormKind::List(items) => Value::List(items.into_iter().map(Self::into_value).collect()),
            FormKind::Vector(items) => Value::Vector(items.into_iter().map(Self::into_value).collect()),
            FormKind::Set(items) => Value::Set(Arc::new(items.into_iter().map(Self::into_value).collect())),
            FormKind::Map(entries) => {
                Value::Map(Arc::new(entries.into_iter().map(|(key, value)| (key.into_value(), value.into_value())).collect()))
            }
            FormKind::Tagged(tag, form) => Value::Tagged(tag, Arc::new(form.into_value())),
        }
    }

    /// The text of a keyword, without the colon.
    pub fn keyword(&self) -> Option<&str> {
        match &self.kind {
            FormKind::Scalar(Value::Keyword(text)) => Some(text),
            _ => None,
        }
    }

    /// The text of a symbol.
    pub fn symbol(&self) -> Option<&str> {
        match &self.kind {
            FormKind::Scalar(Value::Symbol(text)) => Some(text),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn string(&self) -> Option<&str> {
        match &self.kind {
            FormKind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A 64-bit integer.
    pub fn long(&self) -> Option<i64> {
        match &self.kind {
            FormKind::Scalar(Value::Long(n)) => Some(*n),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn list(&self) -> Option<&[Form]> {
        match &self.kind {
            FormKind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a vector.
    pub fn vector(&self) -> Option<&[Form]> {
        match &self.kind {
            FormKind::Vector(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a list or a vector.
    pub fn items(&self) -> Option<&[Form]> {
        self.vector().or_else(|| self.list())
    }

    /// The entries of a map.
    pub fn map(&self) -> Option<&[(Form, Form)]> {
        match &self.kind {
            FormKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// True for `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self.kind, FormKind::Scalar(Value::Nil))
    }

    /// What a person calls this kind of form: `"vector"`, `"keyword"`.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            FormKind::Scalar(value) => value.kind_name(),
            FormKind::List(_) => "list",
            FormKind::Vector(_) => "vector",
            FormKind::Set(_) => "set",
            FormKind::Map(_) => "map",
            FormKind::Tagged(..) => "tagged value",
        }
    }

    /// Orders forms by what they say, wherever they stand: equal exactly when their values are. Comparing costs no more
    /// than the smaller of the two is long, so that finding duplicates stays cheap at any depth.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (&self.kind, &other.kind) {
            (FormKind::Scalar(a), FormKind::Scalar(b)) => a.cmp(b),
            (FormKind::List(a), FormKind::List(b)) | (FormKind::Vector(a), FormKind::Vector(b)) => {
                order_items(a.iter(), b.iter())
            }
            (FormKind::Set(a), FormKind::Set(b)) => {
                a.len().cmp(&b.len()).then_with(|| order_items(sorted(a).into_iter(), sorted(b).into_iter()))
            }
            (FormKind::Map(a), FormKind::Map(b)) => a.len().cmp(&b.len()).then_with(|| order_maps(a, b)),
            (FormKind::Tagged(tag_a, a), FormKind::Tagged(tag_b, b)) => tag_a.cmp(tag_b).then_with(|| a.order(b)),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match &self.kind {
            FormKind::Scalar(_) => 0,
            FormKind::List(_) => 1,
            FormKind::Vector(_) => 2,
            FormKind::Set(_) => 3,
            FormKind::Map(_) => 4,
            FormKind::Tagged(..) => 5,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

fn order_items<'f>(a: impl ExactSizeIterator<Item = &'f Form>, b: impl ExactSizeIterator<Item = &'f Form>) -> Ordering {
    let lengths = a.len().cmp(&b.len());
    lengths.then_with(|| a.zip(b).map(|(a, b)| a.order(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
}

fn order_maps(a: &[(Form, Form)], b: &[(Form, Form)]) -> Ordering {
    let sort = |entries: &'_ [(Form, Form)]| {
        let mut places: Vec<usize> = (0..entries.len()).collect();
        places.sort_by(|x, y| entries[*x].0.order(&entries[*y].0));
        places
    };
    let pairs = sort(a).into_iter().zip(sort(b));
    let orders = pairs.map(|(x, y)| a[x].0.order(&b[y].0).then_with(|| a[x].1.order(&b[y].1)));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn sorted(items: &[Form]) -> Vec<&Form> {
    let mut sorted: Vec<&Form> = items.iter().collect();
    sorted.sort_by(|a, b| a.order(b));
    sorted
}
