//! A transaction as one line of JSON, each datom with its attribute's keyword and the type of its value.

use annals_query::{Facts as _, Value, ValueType, edn};
use serde_json::{Map, Value as Json, json};

use crate::datom::Datom;
use crate::db::{Db, Transaction};
use crate::error::{Error, ErrorKind, Result};

const SHAPE: &str = "a line is {\"t\":2,\"instant\":\"..\",\"datoms\":[{\"e\":1,\"a\":2,\"type\":\"string\",\"v\":\"x\",\"m\":0,\"added\":true}]}";

/// The object of a line, if it is one.
pub(super) fn object(line: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(line).ok()
}

/// True for a line that [`write`] wrote, false for a plain entity.
pub(super) fn is_transaction(object: &Map<String, Json>) -> bool {
    object.contains_key("t") && object.contains_key("datoms")
}

/// `{"t":2,"instant":"..","datoms":[{"e":..,"a":..,"attribute":":user/name","type":"string","v":"Ada","m":0,"added":true}]}`.
pub(super) fn write(db: &Db, transaction: &Transaction) -> Result<String> {
    let mut datoms = Vec::with_capacity(transaction.datoms.len());
    for Datom { e, a, v, m, added, .. } in &transaction.datoms {
        let attribute = db.ident_of(*a)?.map(|ident| format!(":{ident}"));
        datoms.push(json!({
            "e": e, "a": a, "attribute": attribute, "type": v.kind_name(), "v": value_to_json(v), "m": m, "added": added,
        }));
    }
    Ok(json!({"t": transaction.t, "instant": Value::Instant(transaction.instant), "datoms": datoms}).to_string())
}

/// Reads what [`write`] wrote.
pub(super) fn read(line: &str) -> Result<Transaction> {
    let line: Json = serde_json::from_str(line).map_err(|error| wrong(&format!("this is no JSON: {error}")))?;
    let t = line["t"].as_i64().ok_or_else(|| wrong("\"t\" is no integer"))?;
    let Value::Instant(instant) = instant(&line["instant"])? else { return Err(wrong("\"instant\" is no instant")) };
    let rows = line["datoms"].as_array().ok_or_else(|| wrong("\"datoms\" is no array"))?;
    let datoms = rows.iter().map(|row| datom(row, t)).collect::<Result<_>>()?;
    Ok(Transaction { t, instant, datoms })
}

fn datom(row: &Json, t: i64) -> Result<Datom> {
    let number = |name: &str| row[name].as_i64().ok_or_else(|| wrong(&format!("\"{name}\" of a datom is no integer")));
    let added = row["added"].as_bool().ok_or_else(|| wrong("\"added\" of a datom is neither true nor false"))?;
    let kind = row["type"].as_str().unwrap_or_default();
    let v = value_from_json(kind, &row["v"])?;
    Ok(Datom { e: number("e")?, a: number("a")?, v, t, m: number("m")?, added })
}

/// Values that JSON can hold go as themselves, the others as EDN text.
fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Boolean(_)
        | Value::Ref(_)
        | Value::Long(_)
        | Value::String(_)
        | Value::Instant(_)
        | Value::Uuid(_)
        | Value::Symbol(_)
        | Value::Uri(_)
        | Value::Keyword(_) => json!(value),
        other => json!(other.to_string()),
    }
}

fn value_from_json(kind: &str, json: &Json) -> Result<Value> {
    let kind = ValueType::from_name(kind).or((kind == "vector").then_some(ValueType::Tuple));
    let kind = kind.ok_or_else(|| wrong("\"type\" of a datom names no type"))?;
    let text = || json.as_str().ok_or_else(|| wrong(&format!("\"v\" of a {} is a text", kind.name())));
    Ok(match kind {
        ValueType::Boolean => Value::Boolean(json.as_bool().ok_or_else(|| wrong("\"v\" of a boolean is true or false"))?),
        ValueType::Ref => Value::Ref(json.as_i64().ok_or_else(|| wrong("\"v\" of a ref is an integer"))?),
        ValueType::Long => Value::Long(json.as_i64().ok_or_else(|| wrong("\"v\" of a long is an integer"))?),
        ValueType::String => Value::from(text()?),
        ValueType::Symbol => Value::Symbol(text()?.into()),
        ValueType::Uri => Value::Uri(text()?.into()),
        ValueType::Keyword => Value::keyword(text()?.trim_start_matches(':')),
        ValueType::Instant => instant(json)?,
        ValueType::Uuid => tagged("uuid", text()?)?,
        ValueType::BigInt | ValueType::Double | ValueType::BigDec | ValueType::Bytes | ValueType::Tuple => edn::read(text()?)?,
    })
}

fn instant(json: &Json) -> Result<Value> {
    tagged("inst", json.as_str().ok_or_else(|| wrong("an instant is a text such as \"2026-11-20T10:00:00Z\""))?)
}

fn tagged(tag: &str, text: &str) -> Result<Value> {
    Ok(edn::read(&format!("#{tag} {}", Value::from(text)))?)
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Import, what).with_help(SHAPE)
}
