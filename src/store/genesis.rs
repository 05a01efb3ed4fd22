//! Transaction 1 of every store: what it knows before anybody says anything.

use annals_query::Value;
use rusqlite::Connection;

use super::commit::Appender;
use crate::datom::Datom;
use crate::error::Result;
use crate::schema::{Builtin, GENESIS, attribute, ident};

/// Transaction 1 says the same at the same instant in every store: the hash chain has one beginning, an export of one store
/// can be taken in by another to the letter, and a history of any age fits behind it.
pub(super) const INSTANT: i64 = 0;

/// Writes transaction 1 inside the transaction that makes the tables.
pub(super) fn write(connection: &Connection) -> Result<()> {
    let mut scratch = Vec::new();
    Appender::new(connection, &mut scratch)?.append(1, INSTANT, &datoms(INSTANT), &is_indexed)
}

/// The datoms of transaction 1.
pub(super) fn datoms(instant: i64) -> Vec<Datom> {
    let first = datom(1, attribute::TX_INSTANT, Value::Instant(instant));
    std::iter::once(first).chain(GENESIS.iter().flat_map(datoms_of)).collect()
}

fn datoms_of(builtin: &Builtin) -> Vec<Datom> {
    let mut datoms = vec![datom(builtin.id, attribute::IDENT, Value::keyword(builtin.ident))];
    if let Some(kind) = builtin.value_type {
        datoms.push(datom(builtin.id, attribute::VALUE_TYPE, Value::Ref(ident::TYPE_BASE + kind as i64)));
    }
    if let Some(cardinality) = builtin.cardinality {
        datoms.push(datom(builtin.id, attribute::CARDINALITY, Value::Ref(cardinality)));
    }
    datoms.extend(builtin.references.iter().map(|(a, to)| datom(builtin.id, *a, Value::Ref(*to))));
    if !builtin.tuple_attributes.is_empty() {
        let names = builtin.tuple_attributes.iter().map(|name| Value::keyword(name));
        datoms.push(datom(builtin.id, attribute::TUPLE_ATTRS, Value::vector(names)));
    }
    if !builtin.doc.is_empty() {
        datoms.push(datom(builtin.id, attribute::DOC, Value::from(builtin.doc)));
    }
    datoms
}

fn datom(e: i64, a: i64, v: Value) -> Datom {
    Datom { e, a, v, t: 1, added: true, m: 0 }
}

fn is_indexed(attribute: i64) -> bool {
    GENESIS.iter().any(|builtin| builtin.id == attribute && builtin.references.iter().any(|(a, _)| *a == attribute::UNIQUE))
}
