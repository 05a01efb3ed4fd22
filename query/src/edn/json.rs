//! Values and answers as JSON, through serde.
//!
//! | value | JSON |
//! |---|---|
//! | nil | `null` |
//! | boolean, string | the same |
//! | long, reference, double, bigint, bigdec | a number, of any length |
//! | infinite double | `"Infinity"`, `"-Infinity"`, as JSON has no number for it |
//! | instant | RFC 3339 text |
//! | uuid, uri, symbol, char | text |
//! | keyword | text with its colon, `":a/b"` |
//! | bytes | base64 |
//! | vector, list, set | array |
//! | map | object; keys are keywords with their colon, strings as they are, anything else as EDN |
//! | tagged value | its EDN text |

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use super::{instant, write};
use crate::answer::{Answer, Shape};
use crate::ast::ReturnMap;
use crate::table::{Grid, Table};
use crate::value::Value;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Ref(n) | Self::Long(n) => serializer.serialize_i64(*n),
            Self::Boolean(flag) => serializer.serialize_bool(*flag),
            Self::BigInt(n) => serialize_number(&n.to_string(), serializer),
            Self::Double(n) => serialize_double(*n, serializer),
            Self::BigDec(n) => {
                let mut text = String::new();
                write::write_decimal(n, "e", &mut text).map_err(S::Error::custom)?;
                serialize_number(&text, serializer)
            }
            Self::Instant(micros) => {
                let mut text = String::new();
                instant::write(*micros, &mut text).map_err(S::Error::custom)?;
                serializer.serialize_str(&text)
            }
            Self::Uuid(id) => serializer.collect_str(id),
            Self::Keyword(name) => serializer.collect_str(&format_args!(":{name}")),
            Self::Symbol(text) | Self::String(text) | Self::Uri(text) => serializer.serialize_str(text),
            Self::Char(c) => serializer.serialize_char(*c),
            Self::Bytes(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Self::Vector(items) | Self::List(items) => serializer.collect_seq(items.iter()),
            Self::Set(items) => serializer.collect_seq(items.iter()),
            Self::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key_text(key), value))),
            Self::Tagged(..) => serializer.collect_str(self),
        }
    }
}

/// The rows in the shape that was asked for, as the command line prints them; warnings are not part of it.
impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_grid(self, serializer)
    }
}

/// The same, without making rows.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_grid(self, serializer)
    }
}

fn serialize_grid<S: Serializer>(grid: &impl Grid, serializer: S) -> Result<S::Ok, S::Error> {
    let count = grid.row_count();
    let first = (count > 0).then_some(0);
    match grid.shape() {
        Shape::Relation => {
            let mut rows = serializer.serialize_seq(Some(count))?;
            (0..count).try_for_each(|row| rows.serialize_element(&PlainRow { grid, row }))?;
            rows.end()
        }
        Shape::RelationOfMaps(names) => {
            let mut rows = serializer.serialize_seq(Some(count))?;
            (0..count).try_for_each(|row| rows.serialize_element(&NamedRow { names, grid, row }))?;
            rows.end()
        }
        Shape::Collection => serializer.collect_seq((0..count).filter_map(|row| grid.cells(row).next())),
        Shape::Tuple => first.map(|row| PlainRow { grid, row }).serialize(serializer),
        Shape::TupleAsMap(names) => first.map(|row| NamedRow { names, grid, row }).serialize(serializer),
        Shape::Scalar => first.and_then(|row| grid.cells(row).next()).serialize(serializer),
    }
}

struct PlainRow<'a, G> {
    grid: &'a G,
    row: usize,
}

impl<G: Grid> Serialize for PlainRow<'_, G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.grid.cells(self.row))
    }
}

struct NamedRow<'a, G> {
    names: &'a ReturnMap,
    grid: &'a G,
    row: usize,
}

impl<G: Grid> Serialize for NamedRow<'_, G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.names.len()))?;
        for (name, value) in self.names.names.iter().zip(self.grid.cells(self.row)) {
            // A name is a name in JSON: the colon of `:keys` would only be in the way of whoever reads the objects.
            map.serialize_entry(&**name, &value)?;
        }
        map.end()
    }
}

fn key_text(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        Value::Keyword(name) => Cow::Owned(format!(":{name}")),
        other => Cow::Owned(other.to_string()),
    }
}

fn serialize_double<S: Serializer>(n: f64, serializer: S) -> Result<S::Ok, S::Error> {
    match n {
        f64::INFINITY => serializer.serialize_str("Infinity"),
        f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
        n => serializer.serialize_f64(n),
    }
}

fn serialize_number<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    digits.parse::<serde_json::Number>().map_err(S::Error::custom)?.serialize(serializer)
}
