//! A value as the columns `v` and `type` of a row: readable by any SQLite client, and read back exactly.

use std::borrow::Cow;
use std::fmt::Write as _;

use annals_query::{Uuid, Value, ValueType, edn};
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

use super::failure::damaged;
use crate::datom::Datom;
use crate::error::Result;
use crate::limits::LIMIT_TUPLE_LENGTH;

/// Bytes of a number as text, a thousand digits with a thousand zeros, and room to spare: what is longer would take long to read.
const LIMIT_NUMBER_BYTES: usize = 4_096;

/// The columns that [`read_datom`] expects, in its order.
pub(super) const COLUMNS: &str = "d.e, d.a, d.v, d.type, d.t, d.m, d.added";

/// Binds a value to a place of a statement. Text that must be made is made in `scratch`.
pub(super) fn bind_value(
    statement: &mut Statement<'_>,
    place: usize,
    value: &Value,
    scratch: &mut String,
) -> rusqlite::Result<()> {
    scratch.clear();
    match value {
        Value::Ref(n) | Value::Long(n) | Value::Instant(n) => return statement.raw_bind_parameter(place, n),
        Value::Boolean(flag) => return statement.raw_bind_parameter(place, i64::from(*flag)),
        Value::Double(n) => return statement.raw_bind_parameter(place, n),
        Value::String(text) | Value::Symbol(text) | Value::Uri(text) => return statement.raw_bind_parameter(place, &**text),
        Value::Bytes(bytes) => return statement.raw_bind_parameter(place, &**bytes),
        made => write_text(made, scratch),
    }
    statement.raw_bind_parameter(place, scratch.as_str())
}

/// The text of a value that is stored as a text of another form than its own.
fn write_text(value: &Value, out: &mut String) {
    match value {
        Value::Keyword(name) => {
            out.push(':');
            out.push_str(name);
        }
        Value::Uuid(id) => write!(out, "{id}").expect("a String takes any text"),
        // EDN writes one letter after these numbers; the column holds the digits alone.
        Value::BigInt(_) | Value::BigDec(_) => {
            write!(out, "{value}").expect("a String takes any text");
            out.pop();
        }
        tuple => write!(out, "{tuple}").expect("a String takes any text"),
    }
}

/// The one text by which a value is stored, where several could mean the same.
pub(super) fn canonical_text(value: &Value) -> Option<String> {
    let has_spellings = matches!(value, Value::Uuid(_) | Value::BigInt(_) | Value::BigDec(_) | Value::Vector(_));
    has_spellings.then(|| {
        let mut text = String::new();
        write_text(value, &mut text);
        text
    })
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read_datom(row: &Row<'_>) -> Result<Datom> {
    let e = integer(row, 0)?;
    let value = read_value(integer(row, 3)?, row.get_ref(2).map_err(super::failure::failure)?)
        .map_err(|error| damaged(format!("entity {e}: {error}")))?;
    let added = match integer(row, 6)? {
        flag @ (0 | 1) => flag == 1,
        other => return Err(damaged(format!("entity {e}: {other} is neither added nor retracted"))),
    };
    let (a, t, m) = (integer(row, 1)?, integer(row, 4)?, integer(row, 5)?);
    // Numbers below zero stand for what has no id yet, wherever a transaction is made.
    if e < 1 || a < 1 || t < 1 || m < 0 {
        return Err(damaged(format!("a datom says something of entity {e}, attribute {a}, in transaction {t} because of {m}")));
    }
    Ok(Datom { e, a, v: value, t, added, m })
}

/// The value of the columns `type` and `v`.
pub(super) fn read_value(code: i64, v: ValueRef<'_>) -> Result<Value> {
    let kind = u8::try_from(code).ok().and_then(ValueType::from_code);
    let kind = kind.ok_or_else(|| damaged(format!("there is no type of value with the code {code}")))?;
    match (kind, v) {
        (ValueType::String, ValueRef::Text(bytes)) => Ok(Value::String(text(bytes)?.into())),
        (ValueType::Keyword, ValueRef::Text(bytes)) => match text(bytes)?.strip_prefix(':') {
            Some(name) => Ok(Value::Keyword(name.into())),
            None => Err(mismatch(kind)),
        },
        (ValueType::Long, ValueRef::Integer(n)) => Ok(Value::Long(n)),
        (ValueType::Instant, ValueRef::Integer(n)) => Ok(Value::Instant(n)),
        (ValueType::Ref, ValueRef::Integer(n)) if n >= 0 => Ok(Value::Ref(n)),
        (ValueType::Boolean, ValueRef::Integer(flag @ (0 | 1))) => Ok(Value::Boolean(flag == 1)),
        (ValueType::Double, ValueRef::Real(n)) if !n.is_nan() => Ok(Value::Double(n)),
        (ValueType::Bytes, ValueRef::Blob(bytes)) => Ok(Value::Bytes(bytes.into())),
        (ValueType::Symbol, ValueRef::Text(bytes)) => Ok(Value::Symbol(text(bytes)?.into())),
        (ValueType::Uri, ValueRef::Text(bytes)) => Ok(Value::Uri(text(bytes)?.into())),
        (ValueType::Uuid, ValueRef::Text(bytes)) => Uuid::try_parse(text(bytes)?).map(Value::Uuid).map_err(|_| mismatch(kind)),
        (ValueType::BigInt, ValueRef::Text(bytes)) => read_edn(kind, &format!("{}N", text(bytes)?)),
        (ValueType::BigDec, ValueRef::Text(bytes)) => read_edn(kind, &format!("{}M", text(bytes)?)),
        (ValueType::Tuple, ValueRef::Text(bytes)) => read_edn(kind, text(bytes)?),
        _ => Err(mismatch(kind)),
    }
}

fn read_edn(kind: ValueType, text: &str) -> Result<Value> {
    let is_number_too_long = kind != ValueType::Tuple && text.len() > LIMIT_NUMBER_BYTES;
    let value = if is_number_too_long { None } else { edn::read(text).ok() };
    value.filter(|value| value.value_type() == Some(kind) && !is_tuple_too_long(value)).ok_or_else(|| mismatch(kind))
}

/// True for a tuple that no transaction takes: comparing it again and again would take for ever.
fn is_tuple_too_long(value: &Value) -> bool {
    matches!(value, Value::Vector(items) if items.len() > LIMIT_TUPLE_LENGTH)
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| damaged("a text is not UTF-8"))
}

fn mismatch(kind: ValueType) -> crate::error::Error {
    damaged(format!("a value does not have the form of its type, {}", kind.name()))
}

fn integer(row: &Row<'_>, column: usize) -> Result<i64> {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(n)) => Ok(n),
        _ => Err(damaged("a row of datoms holds something else than an integer where one belongs")),
    }
}

/// The value as it is stored: there is one zero, not two.
pub(super) fn stored(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Double(n) if *n == 0.0 && n.is_sign_negative() => Cow::Owned(Value::Double(0.0)),
        Value::Vector(items) if items.iter().any(|item| matches!(stored(item), Cow::Owned(_))) => {
            Cow::Owned(Value::vector(items.iter().map(|item| stored(item).into_owned())))
        }
        other => Cow::Borrowed(other),
    }
}
