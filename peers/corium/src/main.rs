//! Corium's database values and query engine behind the protocol of the comparison: a question a line, an answer a line.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};

use corium_core::{Attribute, Cardinality, EntityId, Keyword, KeywordInterner, Partition, Schema, Unique, ValueType};
use corium_db::{Db, Idents};
use corium_query::edn::{Edn, read_one};
use corium_query::{QInput, pull, q_str};
use serde_json::{Value as Json, json};

/// The number of the first transaction of a world, as Annals counts them.
const FIRST_T: u64 = 3;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> std::io::Result<()> {
    let mut db = Db::default();
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let reply = match answer(&mut db, &line?) {
            Ok(edn) => json!({ "edn": edn }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(db: &mut Db, line: &str) -> Outcome<String> {
    let line: Json = serde_json::from_str(line)?;
    if let Some(world) = line.get("world") {
        *db = build(world)?;
        return Ok("true".to_owned());
    }
    let seen = view(db, line.get("view"));
    if let Some(pattern) = line.get("pull").and_then(Json::as_str) {
        return Ok(match entity(&seen, &read_one(text(&line, "entity"))?)? {
            Some(entity) => pull(&seen, &read_one(pattern)?, entity)?.to_string(),
            None => "nil".to_owned(),
        });
    }
    let mut inputs = vec![QInput::Db(&seen)];
    if let Some(rules) = line.get("rules").and_then(Json::as_str) {
        inputs.push(QInput::Edn(read_one(rules)?));
    }
    for input in line.get("inputs").and_then(Json::as_array).into_iter().flatten() {
        inputs.push(QInput::Edn(read_one(input.as_str().unwrap_or_default())?));
    }
    Ok(q_str(text(&line, "query"), &inputs)?.to_string())
}

fn text<'a>(line: &'a Json, name: &str) -> &'a str {
    line.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn view(db: &Db, view: Option<&Json>) -> Db {
    let number = |name: &str| view.and_then(|view| view.get(name)).and_then(Json::as_u64);
    if let Some(t) = number("as-of") {
        return db.as_of(t);
    }
    if let Some(t) = number("since") {
        return db.since(t);
    }
    if view.is_some_and(|view| view.get("history").is_some()) { db.history() } else { db.clone() }
}

/// The entity that a form names, if there is one.
fn entity(db: &Db, form: &Edn) -> Outcome<Option<EntityId>> {
    match form {
        Edn::Long(id) => Ok(Some(EntityId::from_raw(u64::try_from(*id)?))),
        Edn::Vector(parts) => {
            let (Some(Edn::Keyword(name)), Some(Edn::Str(code))) = (parts.first(), parts.get(1)) else {
                return Err("no lookup reference".into());
            };
            let attribute = db.idents().entid(name).ok_or("no such attribute")?;
            Ok(db.lookup(attribute, &corium_core::Value::Str(code.as_str().into())))
        }
        _ => Err("no entity".into()),
    }
}

/// A database from `{"schema": "{:name {:db/valueType ..}}", "transactions": ["[[:db/add ..]]"]}`.
fn build(world: &Json) -> Outcome<Db> {
    let (mut schema, mut idents, mut interner) = (Schema::default(), Idents::default(), KeywordInterner::default());
    let Edn::Map(fields) = read_one(text(world, "schema"))? else { return Err("the schema is no map".into()) };
    for (at, (name, field)) in fields.iter().enumerate() {
        let Edn::Keyword(name) = name else { return Err("an attribute is no keyword".into()) };
        let id = EntityId::new(Partition::Db as u32, 100 + at as u64);
        schema.insert(attribute(id, field));
        idents.insert(name.clone(), id);
    }
    for color in ["red", "green", "blue"] {
        interner.intern(Keyword::parse(color));
    }
    let mut db = Db::new(schema).with_naming(idents, interner.clone());
    let transactions = world.get("transactions").and_then(Json::as_array).ok_or("no transactions")?;
    for (t, data) in (FIRST_T..).zip(transactions) {
        let forms = read_one(data.as_str().unwrap_or_default())?;
        let items = corium_forms::txforms::tx_items_from_edn(&db, &mut interner, forms.as_seq().unwrap_or_default())?;
        let tx = EntityId::new(Partition::Tx as u32, t);
        let prepared = corium_tx::prepare(&db, items, tx, db.next_user_sequence())?;
        db = db.with_transaction_at(t, i64::try_from(t)? * 1000, &prepared.datoms);
    }
    Ok(db)
}

fn attribute(id: EntityId, field: &Edn) -> Attribute {
    let pairs: BTreeMap<String, String> = match field {
        Edn::Map(pairs) => pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        _ => BTreeMap::new(),
    };
    let says = |name: &str, value: &str| pairs.get(name).is_some_and(|known| known == value);
    let kinds = [
        ("ref", ValueType::Ref),
        ("long", ValueType::Long),
        ("double", ValueType::Double),
        ("boolean", ValueType::Bool),
        ("keyword", ValueType::Keyword),
    ];
    let kind = kinds.into_iter().find(|(name, _)| says(":db/valueType", &format!(":db.type/{name}")));
    let is_unique = says(":db/unique", ":db.unique/identity");
    Attribute {
        id,
        value_type: kind.map_or(ValueType::Str, |(_, kind)| kind),
        cardinality: if says(":db/cardinality", ":db.cardinality/many") { Cardinality::Many } else { Cardinality::One },
        unique: is_unique.then_some(Unique::Identity),
        is_component: says(":db/isComponent", "true"),
        indexed: true,
        no_history: false,
    }
}
