//! An export without secrets: the same transactions with the same ids, and other values where secrets stood.
//!
//! What comes out is no copy: the chain of whoever takes it in is another one, so that it can go on to a new store and never back
//! into the one it came from. A value that was retracted is written as it was when it was added.

use annals_query::{Facts as _, Value};
use rustc_hash::FxHashMap;

use crate::datom::{Datom, Partition};
use crate::db::{Db, Transaction};
use crate::error::Result;
use crate::redact::{LineRedactor, Redactor};
use crate::schema::attribute as a;

/// Runs whose lines are followed at the same time: a secret over several lines ends long before so many began.
const LIMIT_STREAMS: usize = 1_024;

/// Takes secrets out of transactions, given in order.
pub(super) struct Redacting<'d> {
    db: &'d Db,
    redactor: Redactor,
    /// The lines of each run, as secrets go on over several.
    streams: FxHashMap<Partition, LineRedactor>,
    /// Lines whose text became another: their bytes and their retraction follow it.
    lines: FxHashMap<(i64, i64, blake3::Hash), Value>,
}

impl<'d> Redacting<'d> {
    pub(super) fn new(db: &'d Db) -> Self {
        Self {
            db,
            redactor: {
                let db = db.clone();
                Redactor::keyed_by(move || db.snapshot().index().store().redaction_key())
            },
            streams: FxHashMap::default(),
            lines: FxHashMap::default(),
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction) -> Result<Transaction> {
        let mut redacted = transaction.clone();
        for datom in &mut redacted.datoms {
            if let Some(value) = self.value(datom)? {
                datom.v = value;
            }
        }
        Ok(redacted)
    }

    /// A value of an attribute: what its name says counts, also for the parts of a composed value.
    fn fact(&self, attribute: i64, value: &Value) -> Result<Option<Value>> {
        // What the store itself is made of holds no secrets, and other facts lean on it.
        if (1 << 32..=a::LAST_OF_SCHEMA).contains(&attribute) {
            return Ok(None);
        }
        let parts = self.db.schema().declaration(attribute).and_then(|declaration| declaration.tuple_attributes.clone());
        if let (Some(parts), Some(items)) = (parts, value.as_items()) {
            let redact = |(part, item): (&i64, &Value)| Ok(self.fact(*part, item)?.unwrap_or_else(|| item.clone()));
            return Ok(Some(Value::vector(parts.iter().zip(items).map(redact).collect::<Result<Vec<_>>>()?)));
        }
        if attribute < a::FIRST_OF_USER {
            return Ok(self.redactor.value(value));
        }
        let ident = self.db.ident_of(attribute)?;
        Ok(self.redactor.named_value(ident.as_deref().unwrap_or_default(), value))
    }

    fn value(&mut self, datom: &Datom) -> Result<Option<Value>> {
        let said = match &datom.v {
            Value::String(text) if datom.a == a::LOG_MESSAGE => text.as_bytes(),
            Value::Bytes(bytes) if datom.a == a::LOG_BYTES => &**bytes,
            value => {
                return self.fact(datom.a, value);
            }
        };
        // A text may be retracted, and is then written as it was when it was added.
        let place = (datom.e, datom.a, blake3::hash(said));
        if !datom.added {
            return Ok(self.lines.get(&place).cloned());
        }
        if self.streams.len() > LIMIT_STREAMS {
            self.streams.clear();
        }
        let redactor = &self.redactor;
        let stream = self.streams.entry(Partition::of(datom.e)).or_insert_with(|| LineRedactor::new(redactor.clone()));
        let redacted = match (&datom.v, stream.line(said, false)) {
            (_, std::borrow::Cow::Borrowed(_)) => return Ok(None),
            (Value::Bytes(_), bytes) => Value::Bytes(bytes.into_owned().into()),
            (_, text) => Value::from(String::from_utf8_lossy(&text).into_owned()),
        };
        self.lines.insert(place, redacted.clone());
        Ok(Some(redacted))
    }
}
