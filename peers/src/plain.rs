//! Answers as plain data that can be compared: entities by their number, numbers by their value, rows without order.

use std::collections::BTreeMap;
use std::fmt;

use annals::Value;
use serde_json::Value as Json;

use crate::dialect::number_of;

/// Plain data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plain {
    /// Nothing.
    Nil,
    /// True or false.
    Boolean(bool),
    /// A number of any kind, to ten digits.
    Number(String),
    /// Text; where an engine has no keywords, keywords too.
    Text(String),
    /// A keyword.
    Word(String),
    /// Values in an order that counts.
    List(Vec<Plain>),
    /// Values in no order, sorted here.
    Bag(Vec<Plain>),
    /// Values by name.
    Map(BTreeMap<Plain, Plain>),
}

/// How an engine's data is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Keywords are texts.
    pub is_without_keywords: bool,
    /// Sets look like lists, so the order in no list counts.
    pub is_without_sets: bool,
}

fn number(value: f64) -> Plain {
    let value = if value == 0.0 { 0.0 } else { value };
    let value = number_of(value);
    Plain::Number(if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value}") } else { format!("{value:.9e}") })
}

impl Plain {
    /// Values in no order.
    pub fn bag(mut items: Vec<Self>) -> Self {
        items.sort();
        Self::Bag(items)
    }

    /// A value of Annals; with `is_pulled`, lists are the values of an attribute, which have no order.
    pub fn of_value(value: &Value, reading: Reading, is_pulled: bool) -> Self {
        let of = |value: &Value| Self::of_value(value, reading, is_pulled);
        match value {
            Value::Nil => Self::Nil,
            Value::Boolean(flag) => Self::Boolean(*flag),
            Value::Long(n) | Value::Ref(n) => number(*n as f64),
            Value::Double(n) => number(*n),
            Value::Keyword(name) if reading.is_without_keywords => Self::Text(name.to_string()),
            Value::Keyword(name) => Self::Word(name.to_string()),
            Value::Set(items) => Self::bag(items.iter().map(of).collect()),
            Value::Map(entries) => {
                let entry = |(key, value): (&Value, &Value)| (of(key), Self::of_value(value, reading, true));
                Self::Map(entries.iter().map(entry).collect())
            }
            Value::Vector(items) | Value::List(items) => {
                let items: Vec<Self> = items.iter().map(of).collect();
                if is_pulled || reading.is_without_sets { Self::bag(items) } else { Self::List(items) }
            }
            Value::String(text) => Self::Text(text.to_string()),
            other => other.to_string().parse::<f64>().map_or_else(|_| Self::Text(other.to_string()), number),
        }
    }

    /// A value of an engine that answers in JSON.
    pub fn of_json(value: &Json, reading: Reading, is_pulled: bool) -> Self {
        match value {
            Json::Null => Self::Nil,
            Json::Bool(flag) => Self::Boolean(*flag),
            Json::Number(n) => number(n.as_f64().unwrap_or(f64::MAX)),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => {
                let items: Vec<Self> = items.iter().map(|item| Self::of_json(item, reading, is_pulled)).collect();
                if is_pulled || reading.is_without_sets { Self::bag(items) } else { Self::List(items) }
            }
            Json::Object(entries) => {
                let entry = |(key, value): (&String, &Json)| (Self::Text(name_of(key)), Self::of_json(value, reading, true));
                Self::Map(entries.iter().map(entry).collect())
            }
        }
    }

    /// The items of a list or bag.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) | Self::Bag(items) => items,
            _ => &[],
        }
    }

    /// The whole answer to a query of this shape.
    pub fn of_shape(self, shape: &str) -> Self {
        match (shape, self) {
            ("relation" | "collection", Self::List(items) | Self::Bag(items)) => Self::bag(items),
            (_, answer) => answer,
        }
    }

    /// The same with every part changed, from the inside out.
    pub fn map(&self, change: &impl Fn(Self) -> Self) -> Self {
        let each = |items: &[Self]| items.iter().map(|item| item.map(change)).collect::<Vec<_>>();
        change(match self {
            Self::List(items) => Self::List(each(items)),
            Self::Bag(items) => Self::bag(each(items)),
            Self::Map(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (change(key.clone()), value.map(change))).collect())
            }
            other => other.clone(),
        })
    }
}

/// The name of a key: JavaScript shows the id of an entity as `id`, `db/id` or `:db/id`.
fn name_of(key: &str) -> String {
    match key.trim_start_matches(':') {
        "id" => "db/id".to_owned(),
        name => name.to_owned(),
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |items: &[Self]| items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        match self {
            Self::Nil => formatter.write_str("nil"),
            Self::Boolean(flag) => write!(formatter, "{flag}"),
            Self::Number(number) => formatter.write_str(number),
            Self::Text(text) => write!(formatter, "\"{text}\""),
            Self::Word(name) => write!(formatter, ":{name}"),
            Self::List(items) => write!(formatter, "[{}]", all(items)),
            Self::Bag(items) => write!(formatter, "#{{{}}}", all(items)),
            Self::Map(entries) => {
                let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} {value}")).collect();
                write!(formatter, "{{{}}}", entries.join(", "))
            }
        }
    }
}
