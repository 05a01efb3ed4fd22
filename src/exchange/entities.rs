//! A plain JSON object as an entity: its keys are attributes, arrays are many values, objects are entities of their own.

use annals_query::{BigDecimal, Value, edn};
use serde_json::{Map, Value as Json};

use crate::error::{Error, ErrorKind, Result};
use crate::transact::{AttributeTerm, EntityTerm, MapEntry, MapForm, Operation, TxData, ValueTerm};

const SHAPE: &str = "each line is an object such as {\":user/name\": \"Ada\"}; a key without a colon gets one";

/// Reads one line into one map form.
pub(super) fn read(line: &str, data: &mut TxData) -> Result<()> {
    let json: Json = serde_json::from_str(line).map_err(|error| wrong(&format!("this is no JSON: {error}")))?;
    let Json::Object(object) = json else { return Err(wrong("this is no object")) };
    data.push(Operation::Map(Box::new(map(&object)?)));
    Ok(())
}

fn map(object: &Map<String, Json>) -> Result<MapForm> {
    let mut form = MapForm::default();
    for (key, json) in object {
        let ident = key.strip_prefix(':').unwrap_or(key);
        if ident.is_empty() || edn::read(&format!(":{ident}")).ok() != Some(Value::keyword(ident)) {
            return Err(wrong(&format!("the key {} is no keyword", Value::from(key.as_str()))));
        }
        match (ident, json) {
            (_, Json::Null) => {}
            ("db/id", id) => form.entity = Some(entity(id)?),
            ("db/m", id) => form.m = Some(entity(id)?),
            _ => form.entries.push(entry(ident, json)?),
        }
    }
    Ok(form)
}

fn entry(ident: &str, json: &Json) -> Result<MapEntry> {
    let (namespace, name) = ident.rsplit_once('/').unwrap_or(("", ident));
    let reversed = name.strip_prefix('_').filter(|_| !namespace.is_empty());
    let attribute =
        reversed.map_or_else(|| AttributeTerm::from(ident), |name| AttributeTerm::Ident(format!("{namespace}/{name}").into()));
    Ok(MapEntry { attribute, is_reverse: reversed.is_some(), value: value(json)?, span: None })
}

fn entity(json: &Json) -> Result<EntityTerm> {
    match json {
        Json::String(name) => Ok(EntityTerm::temp(name)),
        number => number.as_i64().map(EntityTerm::Id).ok_or_else(|| wrong(":db/id and :db/m are an id or a temporary id")),
    }
}

fn value(json: &Json) -> Result<ValueTerm> {
    Ok(match json {
        Json::Null => return Err(wrong("null stands among the values of an array")),
        Json::Bool(flag) => ValueTerm::from(*flag),
        Json::String(text) => ValueTerm::from(text.as_str()),
        Json::Number(number) => ValueTerm::Value(self::number(number)?),
        Json::Array(items) => ValueTerm::Set(items.iter().map(value).collect::<Result<_>>()?),
        Json::Object(object) => ValueTerm::Map(Box::new(map(object)?)),
    })
}

/// An integer becomes a long, or a bigint where it must; anything with a point or exponent a double, or a bigdec where a
/// double cannot hold it.
fn number(number: &serde_json::Number) -> Result<Value> {
    let text = number.to_string();
    if !text.contains(['.', 'e', 'E']) {
        return Ok(edn::read(&text)?);
    }
    let double = text.parse::<f64>().ok().filter(|double| double.is_finite());
    match double {
        Some(double) => Ok(Value::from(double)),
        None => text.parse::<BigDecimal>().map(Value::from).map_err(|_| wrong(&format!("{text} is no number"))),
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Import, what).with_help(SHAPE)
}
