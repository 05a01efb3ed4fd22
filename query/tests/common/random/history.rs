//! A random schema, and a history that a store could have written under it.

use std::collections::BTreeSet;
use std::sync::Arc;

use annals_query::{Attribute, BigDecimal, BigInt, Cardinality, Fact, Unique, Value, ValueType};

use super::super::memory::{IDENT, Keep, MemoryFacts, View};
use super::setting::Setting;
use super::{Kind, Random, Source};

/// The attribute through which entities can be looked up.
pub(crate) const UNIQUE: &str = "id";

/// Names of entities.
const IDENTS: [(i64, &str); 3] = [(1, "one"), (2, "two"), (3, "x")];

/// An attribute as the generator sees it, under one of its names.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) ident: String,
    pub(crate) kind: Kind,
    pub(crate) is_many: bool,
}

/// A value of some kind, from a domain so small that joins hit.
pub(crate) fn value(random: &mut Random, kind: Kind) -> Value {
    match kind {
        Kind::Entity => Value::Ref(random.entity()),
        Kind::Long => Value::Long(random.between(-1, random.entities() - 2)),
        Kind::Double => Value::Double(random.between(0, 6) as f64 / 2.0),
        Kind::String => Value::from(*random.choose(&["a", "b", "c", "ab", ""])),
        Kind::Keyword => Value::keyword(random.choose::<&str>(&["x", "y", "z"])),
        Kind::Boolean => Value::Boolean(random.percent(50)),
        Kind::Instant => Value::Instant(random.between(0, 4) * 1_000_000),
        Kind::Number => number(random),
        Kind::Tuple => Value::vector([value(random, Kind::Long), value(random, Kind::String)]),
        Kind::Any => {
            let kind = *random.choose(&[
                Kind::Long,
                Kind::Long,
                Kind::Double,
                Kind::String,
                Kind::Keyword,
                Kind::Boolean,
                Kind::Entity,
                Kind::Number,
                Kind::Instant,
                Kind::Tuple,
            ]);
            value(random, kind)
        }
    }
}

/// A number of any kind; many are equal to one of another kind.
fn number(random: &mut Random) -> Value {
    let n = random.between(-1, 4);
    match random.below(5) {
        0 => Value::Long(n),
        1 => Value::Double(n as f64 / 2.0),
        2 => Value::BigInt(Arc::new(BigInt::from(n))),
        3 => Value::BigDec(Arc::new(BigDecimal::new(BigInt::from(n * 5), 1))),
        _ => Value::BigInt(Arc::new(BigInt::from(i64::MAX) + BigInt::from(n))),
    }
}

/// Between five and eight attributes beside the one that is unique; always a reference and a long among them.
pub(crate) fn schema(random: &mut Random) -> Vec<Field> {
    let mut kinds = vec![Kind::Entity, Kind::Long, Kind::Entity];
    let more = random.between(3, 5);
    for _ in 0..more {
        kinds.push(*random.choose(&[
            Kind::Entity,
            Kind::Long,
            Kind::Double,
            Kind::String,
            Kind::Keyword,
            Kind::Boolean,
            Kind::Instant,
            Kind::Number,
            Kind::Tuple,
            Kind::Any,
            Kind::Any,
        ]));
    }
    let field = |(number, kind): (usize, Kind)| {
        let is_many = if number < 2 { number == 0 } else { random.percent(50) };
        Field { ident: format!("{}{number}", name(kind)), kind, is_many }
    };
    kinds.into_iter().enumerate().map(field).collect()
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Entity => "to",
        Kind::Long => "age",
        Kind::Double => "size",
        Kind::String => "name",
        Kind::Keyword => "level",
        Kind::Boolean => "done",
        Kind::Instant => "when",
        Kind::Number => "amount",
        Kind::Tuple => "pair",
        Kind::Any => "note",
    }
}

/// What is true while a history is written.
struct Writer<'a> {
    random: &'a mut Random,
    log: Vec<Fact>,
    live: Vec<Fact>,
    touched: BTreeSet<(i64, i64)>,
    t: i64,
}

/// A history of ten to twenty transactions.
pub(super) fn history(random: &mut Random, fields: &[Field]) -> MemoryFacts {
    let mut attributes: Vec<Attribute> = Vec::new();
    for (number, field) in fields.iter().enumerate() {
        let mut attribute = Attribute::new(101 + number as i64, field.ident.as_str());
        attribute.cardinality = if field.is_many { Cardinality::Many } else { Cardinality::One };
        attribute.value_type = value_type(field.kind);
        attributes.push(attribute);
    }
    let mut unique = Attribute::new(120, UNIQUE);
    unique.unique = Some(Unique::Identity);
    attributes.push(unique);
    attributes.push(Attribute::new(121, IDENT));

    let size = if random.entities() > 8 { 400 } else { random.between(30, 150) as usize };
    let transactions = random.between(10, 20);
    let mut writer = Writer { random, log: Vec::new(), live: Vec::new(), touched: BTreeSet::new(), t: 0 };
    for t in 1..=transactions {
        writer.begin(t);
        while writer.log.len() < size * t as usize / transactions as usize {
            let attribute = &attributes[writer.random.below(fields.len())];
            let kind = fields.iter().find(|field| *field.ident == *attribute.ident).map_or(Kind::Any, |field| field.kind);
            if !writer.change(attribute, kind) {
                break;
            }
        }
    }
    let Writer { log, .. } = writer;
    MemoryFacts::new(attributes, log)
}

pub(crate) fn value_type(kind: Kind) -> Option<ValueType> {
    match kind {
        Kind::Entity => Some(ValueType::Ref),
        Kind::Long => Some(ValueType::Long),
        Kind::Double => Some(ValueType::Double),
        Kind::String => Some(ValueType::String),
        Kind::Keyword => Some(ValueType::Keyword),
        Kind::Boolean => Some(ValueType::Boolean),
        Kind::Instant => Some(ValueType::Instant),
        Kind::Tuple => Some(ValueType::Tuple),
        Kind::Number | Kind::Any => None,
    }
}

impl Writer<'_> {
    /// Begins a transaction. The first names some entities, and others give an entity its unique value.
    fn begin(&mut self, t: i64) {
        self.t = t;
        self.touched.clear();
        if t == 1 {
            for (e, ident) in IDENTS {
                self.add(e, 121, Value::keyword(ident));
            }
        }
        let e = self.random.entity();
        let v = Value::from(*self.random.choose(&["a", "b", "c"]));
        if !self.live.iter().any(|fact| fact.a == 120 && fact.v == v) {
            self.replace(e, 120);
            self.add(e, 120, v);
        }
    }

    /// Says something new, or takes something back. False when no more can be said in this transaction.
    fn change(&mut self, attribute: &Attribute, kind: Kind) -> bool {
        for _ in 0..20 {
            if self.random.percent(20) && !self.live.is_empty() {
                let fact = self.random.choose(&self.live).clone();
                if fact.a < 120 && self.touched.insert((fact.e, fact.a)) {
                    self.retract(&fact);
                    return true;
                }
                continue;
            }
            let (e, v) = (self.random.entity(), value(self.random, kind));
            let is_known = self.live.iter().any(|fact| fact.e == e && fact.a == attribute.id && fact.v == v);
            if !is_known && self.touched.insert((e, attribute.id)) {
                if attribute.cardinality == Cardinality::One {
                    self.replace(e, attribute.id);
                }
                self.add(e, attribute.id, v);
                return true;
            }
        }
        false
    }

    fn metadata(&mut self) -> i64 {
        if self.random.percent(60) { 0 } else { self.random.entity() }
    }

    fn add(&mut self, e: i64, a: i64, v: Value) {
        let fact = Fact { e, a, v, t: self.t, m: self.metadata(), added: true };
        self.live.push(fact.clone());
        self.log.push(fact);
    }

    fn retract(&mut self, fact: &Fact) {
        self.live.retain(|other| other != fact);
        let m = self.metadata();
        self.log.push(Fact { t: self.t, m, added: false, ..fact.clone() });
    }

    fn replace(&mut self, e: i64, a: i64) {
        if let Some(old) = self.live.iter().find(|fact| fact.e == e && fact.a == a).cloned() {
            self.retract(&old);
        }
    }
}

/// A view of a history: mostly now.
pub(super) fn view(random: &mut Random, setting: &Setting) -> View {
    let (first, last) = setting.transactions;
    let t = random.between(first, last);
    let later = random.between(t, last);
    let keep = if random.percent(92) {
        Keep::All
    } else {
        *random.choose(&[Keep::Unexplained, Keep::EvenEntities, Keep::OddTransactions])
    };
    let view = View { keep, ..View::default() };
    let early = first + (t - first) / 2;
    match random.below(12) {
        0 | 1 => View { as_of: Some(later), ..view },
        2 => View { since: Some(early), ..view },
        3 => View { as_of: Some(later), since: Some(early), ..view },
        4 => View { is_history: true, ..view },
        5 => View { is_history: true, as_of: Some(later), ..view },
        6 => View { is_history: true, as_of: Some(later), since: Some(early), ..view },
        7 => View { is_history: true, since: Some(t), ..view },
        _ => view,
    }
}

/// Rows of an entity, a long and a string.
pub(super) fn rows(random: &mut Random) -> Source {
    let count = random.below(8);
    let plain = |value: Value| if let Value::Ref(id) = value { Value::Long(id) } else { value };
    let row = |random: &mut Random| {
        [Kind::Entity, Kind::Long, Kind::String].into_iter().map(|kind| plain(value(random, kind))).collect::<Vec<_>>()
    };
    Source::Rows((0..count).map(|_| row(random)).collect())
}
