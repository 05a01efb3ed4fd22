//! How each engine writes the same question: ids of entities, keywords, places of patterns, and the names of a few functions.

use annals::{Value, query::edn};
use serde_json::Value as Json;

use crate::random::{FIELDS, Kind};

/// The id of the entity before the first, in Annals: the partition of what is placed nowhere.
const BASE: i64 = 2 << 32;

/// A way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Annals itself.
    Annals,
    /// Native EDN, as DataScript and its relatives read it.
    Edn,
    /// The same with every attribute's type declared.
    TypedEdn,
    /// DataScript's JavaScript interface: keywords are texts, data is JSON.
    JavaScript,
    /// Corium: EDN, ids with the partition in their upper bits, values of declared types.
    Corium,
}

/// The id of the entity before the first, in Corium: its partition of users.
const CORIUM_BASE: i64 = 2 << 42;

/// The number of an entity or a transaction from its id in any engine.
pub fn number_of(id: f64) -> f64 {
    let corium_partition = (1_i64 << 42) as f64;
    if id >= corium_partition {
        id % corium_partition
    } else if id >= BASE as f64 {
        id - BASE as f64
    } else {
        id
    }
}

impl Dialect {
    /// A marked text in this dialect.
    pub fn write(self, marked: &str) -> String {
        let mut text = String::with_capacity(marked.len() + 16);
        let mut rest = marked;
        while let Some(at) = rest.find(['§', '@', '^']) {
            text.push_str(&rest[..at]);
            let mark = rest[at..].chars().next().expect("a mark was found");
            rest = &rest[at + mark.len_utf8()..];
            if mark == '^' {
                // The place of the metadata entity, which only Annals has, before the last place of a pattern.
                text.push_str(if self == Self::Annals { "_ " } else { "" });
                continue;
            }
            let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
            let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            text += &if mark == '§' { self.entity(&rest[..end]) } else { self.keyword(&rest[..end]) };
            rest = &rest[end..];
        }
        text.push_str(rest);
        if matches!(self, Self::Annals | Self::Corium) {
            return text;
        }
        let names = ["starts-with?", "ends-with?", "includes?"];
        names.iter().fold(text, |text, name| text.replace(&format!("({name}"), &format!("(clojure.string/{name}")))
    }

    fn entity(self, number: &str) -> String {
        let number: i64 = number.parse().expect("an entity's mark carries its number");
        let base = match self {
            Self::Annals => BASE,
            Self::Corium => CORIUM_BASE,
            Self::Edn | Self::TypedEdn | Self::JavaScript => 0,
        };
        (base + number).to_string()
    }

    fn keyword(self, name: &str) -> String {
        if self == Self::JavaScript { format!("\"{name}\"") } else { format!(":{name}") }
    }

    /// Marked data as it is sent: EDN as a text, or JSON.
    pub fn data(self, marked: &str) -> Json {
        let text = self.write(marked);
        if self != Self::JavaScript {
            return Json::String(text);
        }
        json(&edn::read(&text).expect("generated data is EDN"))
    }

    /// The schema of every world as it is sent.
    pub fn schema(self) -> Json {
        let mut text = "{".to_owned();
        for field in FIELDS {
            let mut parts = Vec::new();
            if field.is_unique {
                parts.push(":db/unique :db.unique/identity");
            }
            let is_typed = matches!(self, Self::Corium | Self::TypedEdn) || field.kind == Kind::Entity;
            let kind = format!(":db/valueType :db.type/{}", type_of(field.kind));
            if is_typed {
                parts.push(&kind);
            }
            if field.is_many {
                parts.push(":db/cardinality :db.cardinality/many");
            }
            if field.is_component {
                parts.push(":db/isComponent true");
            }
            text += &format!("@{} {{{}}} ", field.name, parts.join(" "));
        }
        self.data(&format!("{text}}}"))
    }
}

/// The name of a type; numbers of either kind are doubles where a type must be declared.
fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Entity => "ref",
        Kind::Long => "long",
        Kind::Double | Kind::Number => "double",
        Kind::Word => "keyword",
        Kind::Boolean => "boolean",
        Kind::Text | Kind::Transaction | Kind::Any => "string",
    }
}

/// The schema of every world as transaction data of Annals.
pub fn declarations() -> String {
    let declaration = |field: crate::random::Field| {
        let mut text = format!("{{:db/ident :{}", field.name);
        if field.kind != Kind::Number {
            text += &format!(" :db/valueType :db.type/{}", type_of(field.kind));
        }
        text += if field.is_many { " :db/cardinality :db.cardinality/many" } else { " :db/cardinality :db.cardinality/one" };
        if field.is_unique {
            text += " :db/unique :db.unique/identity";
        }
        if field.is_component {
            text += " :db/isComponent true";
        }
        text + "}"
    };
    format!("[{}]", FIELDS.into_iter().map(declaration).collect::<Vec<_>>().join(" "))
}

/// EDN data as JSON; keywords keep their colon, as the JavaScript interface wants it.
fn json(value: &Value) -> Json {
    match value {
        Value::Boolean(flag) => Json::from(*flag),
        Value::Long(number) => Json::from(*number),
        Value::Double(number) => Json::from(*number),
        Value::String(text) => Json::from(&**text),
        Value::Keyword(name) => Json::from(format!(":{name}")),
        Value::Map(entries) => {
            let key = |key: &Value| key.as_text().expect("keys are names").to_owned();
            let entry = |(name, value): (&Value, &Value)| {
                let name = if matches!(name, Value::Keyword(_)) { format!(":{}", key(name)) } else { key(name) };
                (name, json(value))
            };
            Json::Object(entries.iter().map(entry).collect())
        }
        other => other.as_items().map_or(Json::Null, |items| Json::Array(items.iter().map(json).collect())),
    }
}
