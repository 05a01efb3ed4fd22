//! Which value is meant: checked against the type of its attribute, with references resolved.

use std::sync::Arc;

use annals_query::{BigDecimal, BigInt, Value, ValueType};

use super::resolve::{Resolver, term_of};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{LIMIT_TUPLE_LENGTH, LIMIT_VALUE_BYTES};
use crate::schema::Declaration;

/// The value as a fact of this attribute holds it; none if it is a reference that leads nowhere.
pub(super) fn typed(resolver: &mut Resolver<'_>, declaration: &Declaration, value: &Value) -> Result<Option<Value>> {
    check_size(value)?;
    match (declaration.attribute.value_type, value) {
        (Some(ValueType::Ref), _) => match term_of(value) {
            Some(term) => Ok(resolver.entity_if_known(&term)?.map(Value::Ref)),
            None => Err(wrong_type(declaration, ValueType::Ref, value)),
        },
        (Some(ValueType::Tuple) | None, Value::Vector(items)) => tuple(resolver, declaration, items, value),
        // Declared places make a tuple, with or without :db/valueType.
        (None, _) if declaration.tuple_types.is_some() => Err(wrong_type(declaration, ValueType::Tuple, value)),
        (None, _) => untyped(resolver, value),
        (Some(wanted), _) => {
            check_storable(value)?;
            coerce(value, wanted).map(Some).ok_or_else(|| wrong_type(declaration, wanted, value))
        }
    }
}

/// The same number or value in the wanted type, if there is one.
pub(super) fn coerce(value: &Value, wanted: ValueType) -> Option<Value> {
    let converted = match (wanted, value) {
        (_, Value::Double(n)) if wanted == ValueType::Double => Value::Double(n + 0.0),
        _ if value.value_type() == Some(wanted) => return Some(value.clone()),
        (ValueType::Long, Value::BigInt(n)) => Value::Long(i64::try_from(&**n).ok()?),
        (ValueType::Double, Value::Long(n)) => Value::Double(*n as f64),
        (ValueType::BigInt, Value::Long(n)) => Value::BigInt(Arc::new(BigInt::from(*n))),
        (ValueType::BigDec, Value::Long(n)) => Value::BigDec(Arc::new(BigDecimal::from(*n))),
        (ValueType::BigDec, Value::BigInt(n)) => Value::BigDec(Arc::new(BigDecimal::from(BigInt::clone(n)))),
        _ => return None,
    };
    converted.same(value).then_some(converted)
}

/// True if a fact with this value may stand under the declaration: its type, and the types of a tuple's places.
pub(crate) fn conforms(declaration: &Declaration, value: &Value) -> bool {
    let Some(wanted) = declaration.attribute.value_type.or(declaration.tuple_types.as_ref().map(|_| ValueType::Tuple)) else {
        return true;
    };
    if value.value_type() != Some(wanted) {
        return false;
    }
    let (Some(types), Value::Vector(items)) = (&declaration.tuple_types, value) else { return true };
    let is_right = |item: &Value, kind: ValueType| matches!(item, Value::Nil) || item.value_type() == Some(kind);
    if declaration.tuple_is_uniform {
        return types.first().is_none_or(|kind| items.iter().all(|item| is_right(item, *kind)));
    }
    items.len() == types.len() && items.iter().zip(types.iter()).all(|(item, kind)| is_right(item, *kind))
}

fn untyped(resolver: &mut Resolver<'_>, value: &Value) -> Result<Option<Value>> {
    match value {
        Value::Ref(_) => {}
        Value::Tagged(tag, _) if &**tag == "db/id" => {}
        Value::Double(n) if !n.is_nan() => return Ok(Some(Value::Double(n + 0.0))),
        _ => return check_storable(value).map(|()| Some(value.clone())),
    }
    match term_of(value) {
        Some(term) => Ok(resolver.entity_if_known(&term)?.map(Value::Ref)),
        None => Err(not_a_value(value)),
    }
}

fn tuple(resolver: &mut Resolver<'_>, declaration: &Declaration, items: &[Value], whole: &Value) -> Result<Option<Value>> {
    if items.len() > LIMIT_TUPLE_LENGTH {
        let ident = &declaration.attribute.ident;
        return Err(Error::new(
            ErrorKind::TransactionLimit,
            format!("a tuple of {} values is longer than {LIMIT_TUPLE_LENGTH}", items.len()),
        )
        .with_value(whole)
        .with_help(format!("for many values of one attribute declare :{ident} with :db/cardinality :db.cardinality/many")));
    }
    let types = declaration.tuple_types.as_deref();
    let wanted_length = types.filter(|_| !declaration.tuple_is_uniform).map(<[_]>::len);
    if let Some(length) = wanted_length.filter(|length| *length != items.len()) {
        let ident = &declaration.attribute.ident;
        return Err(Error::new(ErrorKind::ValueType, format!(":{ident} wants a tuple of {length} values, not {}", items.len()))
            .with_value(whole)
            .with_help("write nil for a place without value"));
    }
    let mut checked = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let wanted = types.and_then(|types| types.get(if declaration.tuple_is_uniform { 0 } else { place })).copied();
        let wanted = wanted.or_else(|| resolver.schema.type_of_part(declaration, place));
        match tuple_item(resolver, declaration, item, wanted)? {
            Some(item) => checked.push(item),
            None => return Ok(None),
        }
    }
    Ok(Some(Value::Vector(checked.into())))
}

fn tuple_item(
    resolver: &mut Resolver<'_>,
    declaration: &Declaration,
    item: &Value,
    wanted: Option<ValueType>,
) -> Result<Option<Value>> {
    match (item, wanted) {
        (Value::Nil, _) => Ok(Some(Value::Nil)),
        (Value::Vector(_), None) => Err(Error::new(ErrorKind::NotAValue, "a tuple inside a tuple cannot be stored")
            .with_value(item)
            .with_help("give the inner values an attribute or an entity of their own")),
        (_, None) => untyped(resolver, item),
        (_, Some(ValueType::Ref)) => match term_of(item) {
            Some(term) => Ok(resolver.entity_if_known(&term)?.map(Value::Ref)),
            None => Err(wrong_type(declaration, ValueType::Ref, item)),
        },
        (_, Some(wanted)) => {
            check_storable(item)?;
            coerce(item, wanted).map(Some).ok_or_else(|| wrong_type(declaration, wanted, item))
        }
    }
}

fn check_storable(value: &Value) -> Result<()> {
    let is_nan = matches!(value, Value::Double(n) if n.is_nan());
    if is_nan || value.value_type().is_none() { Err(not_a_value(value)) } else { Ok(()) }
}

fn check_size(value: &Value) -> Result<()> {
    let size = size(value);
    if size <= LIMIT_VALUE_BYTES {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TransactionLimit, format!("a value of {size} bytes is larger than {LIMIT_VALUE_BYTES}"))
        .with_value(format_args!("a {} of {size} bytes", value.kind_name()))
        .with_help("split it into several facts, or store a file's path and digest"))
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) | Value::Uri(text) | Value::Keyword(text) | Value::Symbol(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::BigInt(n) => n.bits() as usize / 8,
        Value::BigDec(n) => n.digits() as usize / 2,
        Value::Vector(items) => items.iter().map(size).sum(),
        _ => 0,
    }
}

fn not_a_value(value: &Value) -> Error {
    let help = match value {
        Value::Nil => "leave the fact out, or retract the one that holds",
        Value::Double(_) => "leave the fact out: NaN is equal to nothing, itself included",
        Value::Map(_) => "give its keys attributes of their own, as a nested map",
        Value::List(_) => "write a vector [..] for a tuple, or a set #{..} for many values",
        Value::Set(_) => "a set means many values: declare the attribute with :db/cardinality :db.cardinality/many",
        Value::Char(_) => "write it as a string",
        _ => "write it as a string, or as #db/id for a reference",
    };
    let name = if matches!(value, Value::Double(_)) { "NaN" } else { value.kind_name() };
    let article = if matches!(value, Value::Nil | Value::Double(_)) { "" } else { "a " };
    Error::new(ErrorKind::NotAValue, format!("{article}{name} cannot be the value of a fact")).with_value(value).with_help(help)
}

fn wrong_type(declaration: &Declaration, wanted: ValueType, value: &Value) -> Error {
    let ident = &declaration.attribute.ident;
    if value.value_type().is_none() && wanted != ValueType::Ref {
        return not_a_value(value);
    }
    let help = match wanted {
        ValueType::Ref => {
            "a reference is an id, a string as temporary id, a keyword ident, a lookup reference [:attribute value] or a nested map".to_owned()
        }
        ValueType::Instant => "write it as #inst \"2026-11-20T10:00:00Z\"".to_owned(),
        ValueType::Uuid => "write it as #uuid \"0190163d-8694-739b-aea5-966c26f8ad91\"".to_owned(),
        ValueType::Uri => "write it as #uri \"https://example.org\"".to_owned(),
        ValueType::Bytes => "write it as #bytes \"00ff\"".to_owned(),
        ValueType::Double => "write it with a point, as 1.5".to_owned(),
        other => format!("give a {}, or change the declared :db/valueType of :{ident}", other.name()),
    };
    Error::new(ErrorKind::ValueType, format!(":{ident} holds values of type {}, not {}", wanted.name(), value.kind_name()))
        .with_value(value)
        .with_help(help)
}
