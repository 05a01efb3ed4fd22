//! A random world: facts about a handful of entities under one fixed schema, said in a few transactions.
//!
//! Texts here and in programs are EDN with two marks that each peer's dialect replaces: `§3` is the third entity, and `@age` a
//! keyword that is data (an attribute, or a value).

use std::collections::BTreeSet;

use super::Random;

/// What a variable or an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An entity.
    Entity,
    /// A whole number.
    Long,
    /// A number with a fraction.
    Double,
    /// A number of either kind.
    Number,
    /// Text.
    Text,
    /// A keyword.
    Word,
    /// True or false.
    Boolean,
    /// A transaction.
    Transaction,
    /// Anything.
    Any,
}

/// An attribute of the fixed schema.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether an entity may have several values.
    pub is_many: bool,
    /// Whether a value belongs to one entity.
    pub is_unique: bool,
    /// Whether its values are parts of the entity.
    pub is_component: bool,
}

impl Field {
    /// The same where every attribute has one type.
    pub fn typed(self) -> Self {
        Self { kind: if self.kind == Kind::Number { Kind::Double } else { self.kind }, ..self }
    }
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, is_many: false, is_unique: false, is_component: false }
}

/// The schema of every world.
pub const FIELDS: [Field; 11] = [
    Field { is_unique: true, ..field("code", Kind::Text) },
    field("name", Kind::Text),
    field("age", Kind::Long),
    field("score", Kind::Double),
    field("amount", Kind::Number),
    field("flag", Kind::Boolean),
    field("color", Kind::Word),
    Field { is_many: true, ..field("tag", Kind::Text) },
    Field { is_many: true, ..field("friend", Kind::Entity) },
    field("boss", Kind::Entity),
    Field { is_many: true, is_component: true, ..field("part", Kind::Entity) },
];

/// The kinds that a fact's value may have.
pub const KINDS: [Kind; 6] = [Kind::Entity, Kind::Long, Kind::Double, Kind::Text, Kind::Word, Kind::Boolean];

/// The number of entities.
pub const ENTITIES: usize = 6;

/// Facts, as the transactions that said them.
#[derive(Clone, Debug)]
pub struct World {
    /// Transaction data, each a vector of `[:db/add e a v]` and `[:db/retract e a v]`.
    pub transactions: Vec<String>,
}

/// What an engine understands beside the common subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// How many transactions a world is told in. With more than one, questions are asked of several moments.
    pub transactions: usize,
    /// Whether every attribute has a type.
    pub is_typed: bool,
}

/// The number of the first transaction of a world: the first of a store is its own, the second declares the attributes.
pub const FIRST_T: usize = 3;

/// A value of a kind, from a domain so small that joins hit.
pub fn literal(random: &mut Random, kind: Kind) -> String {
    match kind {
        Kind::Entity => format!("§{}", random.between(1, ENTITIES)),
        Kind::Transaction => random.between(FIRST_T, FIRST_T + 3).to_string(),
        Kind::Long => (random.below(6) as i64 - 1).to_string(),
        Kind::Double => random.choose(&["0.5", "1.0", "1.5", "2.0", "2.5", "-1.0"]).to_string(),
        Kind::Number => random.choose(&["1", "2", "3", "0.5", "1.0", "2.5"]).to_string(),
        Kind::Text => random.choose(&["\"a\"", "\"b\"", "\"c\"", "\"ab\"", "\"\""]).to_string(),
        Kind::Word => random.choose(&["@red", "@green", "@blue"]).to_string(),
        Kind::Boolean => random.choose(&["true", "false"]).to_string(),
        Kind::Any => {
            let kind = *random.choose(&KINDS);
            literal(random, kind)
        }
    }
}

/// One fact per mention: what an entity has for an attribute, the newest last.
struct Said {
    entity: usize,
    field: Field,
    value: String,
}

/// A world of some transactions, of which the first says most.
pub fn world(random: &mut Random, width: Width) -> World {
    let mut held: Vec<Said> = Vec::new();
    let mut codes: BTreeSet<String> = BTreeSet::new();
    let mut transactions = Vec::new();
    for at in 0..width.transactions {
        let mut operations = Vec::new();
        let mut touched: BTreeSet<(usize, &str)> = BTreeSet::new();
        let share = if at == 0 { 55 } else { 18 };
        let edges = *random.choose(&[12, 20, 30, 45]);
        for entity in 1..=ENTITIES {
            for field in FIELDS {
                for _ in 0..if field.is_many { 2 } else { 1 } {
                    let share = if field.is_unique && at == 0 { 92 } else { share };
                    let share = if field.kind == Kind::Entity { share.min(edges) } else { share };
                    if random.percent(share) && (field.is_many || touched.insert((entity, field.name))) {
                        let field = if width.is_typed { field.typed() } else { field };
                        operations.extend(say(random, &mut held, &mut codes, entity, field));
                    }
                }
            }
        }
        if at > 0 {
            operations.extend(retract(random, &mut held, &touched));
        }
        // A transaction that says nothing new takes no number.
        if !operations.is_empty() {
            transactions.push(format!("[{}]", operations.join(" ")));
        }
    }
    World { transactions }
}

fn say(random: &mut Random, held: &mut Vec<Said>, codes: &mut BTreeSet<String>, entity: usize, field: Field) -> Option<String> {
    let value = match field {
        Field { is_unique: true, .. } => format!("\"k{entity}\""),
        // Parts of parts come to an end.
        Field { is_component: true, .. } if entity == ENTITIES => return None,
        Field { is_component: true, .. } => format!("§{}", random.between(entity + 1, ENTITIES)),
        _ => literal(random, field.kind),
    };
    if field.is_unique && !codes.insert(value.clone()) {
        return None;
    }
    // A part belongs to one entity.
    if field.is_component && held.iter().any(|said| said.field.is_component && said.value == value) {
        return None;
    }
    if held.iter().any(|said| said.entity == entity && said.field.name == field.name && said.value == value) {
        return None;
    }
    if !field.is_many {
        held.retain(|said| said.entity != entity || said.field.name != field.name);
    }
    held.push(Said { entity, field, value: value.clone() });
    Some(format!("[:db/add §{entity} @{} {value}]", field.name))
}

/// A few retractions of what was said in earlier transactions and is not touched in this one.
fn retract(random: &mut Random, held: &mut Vec<Said>, touched: &BTreeSet<(usize, &str)>) -> Vec<String> {
    let mut operations = Vec::new();
    held.retain(|said| {
        let is_touched = said.field.is_many || touched.contains(&(said.entity, said.field.name));
        if said.field.is_unique || is_touched || !random.percent(12) {
            return true;
        }
        operations.push(format!("[:db/retract §{} @{} {}]", said.entity, said.field.name, said.value));
        false
    });
    operations
}
