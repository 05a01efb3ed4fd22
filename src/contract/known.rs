//! What is known of one entity, read by attribute.

use std::sync::Arc;

use annals_query::Value;

use crate::datom::Datom;

/// The facts of one entity that hold.
pub(super) struct Known<'a>(pub(super) &'a [Datom]);

impl Known<'_> {
    pub(super) fn value(&self, attribute: i64) -> Option<&Value> {
        self.0.iter().find(|datom| datom.a == attribute).map(|datom| &datom.v)
    }

    /// A string or keyword.
    pub(super) fn text(&self, attribute: i64) -> Option<Arc<str>> {
        match self.value(attribute)? {
            Value::String(text) | Value::Keyword(text) => Some(text.clone()),
            other => Some(other.to_string().into()),
        }
    }

    /// A long, or the id of the entity referred to.
    pub(super) fn long(&self, attribute: i64) -> Option<i64> {
        self.value(attribute)?.as_long()
    }

    /// Microseconds since 1970.
    pub(super) fn instant(&self, attribute: i64) -> Option<i64> {
        match self.value(attribute)? {
            Value::Instant(micros) => Some(*micros),
            _ => None,
        }
    }

    pub(super) fn bytes(&self, attribute: i64) -> Option<Arc<[u8]>> {
        match self.value(attribute)? {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }

    pub(super) fn is_true(&self, attribute: i64) -> bool {
        matches!(self.value(attribute), Some(Value::Boolean(true)))
    }

    /// The transaction that last said something that holds; 0 if nothing holds.
    pub(super) fn newest_t(&self) -> i64 {
        self.0.iter().map(|datom| datom.t).max().unwrap_or(0)
    }
}
