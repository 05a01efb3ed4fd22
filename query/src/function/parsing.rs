//! `edn parse-long parse-double parse-boolean parse-inst parse-uuid`: values out of texts, nil where the text is none.

use super::argument::string;
use super::{Arity, Function, pure};
use crate::edn;
use crate::error::Result;
use crate::value::{Uuid, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    pure(
        "edn",
        Arity::exactly(1),
        read_edn,
        "The value that a text of EDN spells, or nil if it is not exactly one.",
        ("(edn \"{:a [1 2]}\")", "{:a [1 2]}"),
    ),
    pure(
        "parse-long",
        Arity::exactly(1),
        parse_long,
        "The long that a text of decimal digits spells, or nil.",
        ("(parse-long \"-42\")", "-42"),
    ),
    pure(
        "parse-double",
        Arity::exactly(1),
        parse_double,
        "The double that a text spells, or nil.",
        ("(parse-double \"2.5e3\")", "2500.0"),
    ),
    pure(
        "parse-boolean",
        Arity::exactly(1),
        parse_boolean,
        "True or false for their names, else nil.",
        ("(parse-boolean \"true\")", "true"),
    ),
    pure(
        "parse-inst",
        Arity::exactly(1),
        parse_inst,
        "The instant that RFC 3339 or the beginning of it spells, UTC if no offset is given, or nil.",
        ("(parse-inst \"2026-11-20T10:00:00+01:00\")", "#inst \"2026-11-20T09:00:00Z\""),
    ),
    pure(
        "parse-uuid",
        Arity::exactly(1),
        parse_uuid,
        "The uuid that a text of 36 characters spells, or nil.",
        ("(parse-uuid \"0190163d-8694-739b-aea5-966c26f8ad91\")", "#uuid \"0190163d-8694-739b-aea5-966c26f8ad91\""),
    ),
];

fn read_edn(args: &[Value]) -> Result<Value> {
    Ok(match edn::read(string("edn", args, 0)?) {
        // Within a query an entity is its id.
        Ok(Value::Ref(id)) => Value::Long(id),
        Ok(value) => value,
        Err(_) => Value::Nil,
    })
}

fn parse_long(args: &[Value]) -> Result<Value> {
    Ok(string("parse-long", args, 0)?.parse().map_or(Value::Nil, Value::Long))
}

/// As in Clojure, white space around the number is allowed.
fn parse_double(args: &[Value]) -> Result<Value> {
    let text = string("parse-double", args, 0)?.trim_matches(|c: char| c <= ' ');
    let is_infinity = matches!(text.strip_prefix(['+', '-']).unwrap_or(text), "Infinity");
    // Beside digits the library knows `inf` and `nan` in any case.
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !is_infinity && !is_decimal {
        return Ok(Value::Nil);
    }
    Ok(text.parse::<f64>().map_or(Value::Nil, Value::from))
}

fn parse_boolean(args: &[Value]) -> Result<Value> {
    Ok(string("parse-boolean", args, 0)?.parse::<bool>().map_or(Value::Nil, Value::from))
}

fn parse_inst(args: &[Value]) -> Result<Value> {
    Ok(edn::parse_instant(string("parse-inst", args, 0)?).map_or(Value::Nil, Value::Instant))
}

fn parse_uuid(args: &[Value]) -> Result<Value> {
    let text = string("parse-uuid", args, 0)?;
    // Only the form with hyphens: the others that the library takes are not what a uuid is written as.
    Ok(Some(text).filter(|text| text.len() == 36).and_then(|text| Uuid::try_parse(text).ok()).map_or(Value::Nil, Value::Uuid))
}
