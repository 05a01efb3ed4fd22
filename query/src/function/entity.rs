//! Functions that ask a source about entities: `get-else`, `get-some` and `missing?`. They take whole columns, so that a source is
//! asked once for all rows.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::argument::refuse;
use super::{Arity, Example, Function, Kind};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::facts::{Attribute, Cardinality, Facts, Places, Scan};
use crate::parse::forward;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "get-else",
        arity: Arity::exactly(3),
        kind: Kind::Sourced(get_else),
        doc: "The entity's value for the attribute, or the default where it has none.",
        example: Example { call: "(get-else $ ?e :person/nick \"none\")", result: "\"none\"" },
    },
    Function {
        name: "get-some",
        arity: Arity::at_least(2),
        kind: Kind::Sourced(get_some),
        doc: "The first of these attributes that the entity has, as its id, and the value: bind it with [?a ?v].",
        example: Example { call: "(get-some $ ?e :person/nick :person/name)", result: "nil" },
    },
    Function {
        name: "missing?",
        arity: Arity::exactly(2),
        kind: Kind::Sourced(missing),
        doc: "Has the entity no value for the attribute? Of a reverse attribute, :person/_boss: does nobody refer to it?",
        example: Example { call: "(missing? $ ?e :person/nick)", result: "true" },
    },
];

/// `rest` is the attribute and the default. A row whose entity is a reference to nothing gives nil.
fn get_else(facts: &dyn Facts, entities: &Column, rest: &[Value], budget: &Budget) -> Result<Column> {
    let [attribute, default] = rest else {
        unreachable!("the arity of get-else was checked");
    };
    if matches!(default, Value::Nil) {
        return Err(Error::new(Code::GetElse, "the default of `get-else` cannot be nil")
            .with_value(default)
            .with_help("give another default, or ask with [(missing? $ ?e :attribute)]"));
    }
    let attribute = attribute_of("get-else", 2, facts, attribute)?;
    check_single("get-else", attribute.as_deref())?;
    let wanted = Wanted::new("get-else", facts, entities)?;
    let found = wanted.values(facts, attribute.as_deref(), Places { v: true, ..Places::default() }, budget)?;
    Ok(Column::Value(wanted.of_rows(|entity| found.get(&entity).cloned().unwrap_or_else(|| default.clone()))))
}

/// `rest` are the attributes, the one that is preferred first. A row whose entity has none of them gives nil.
fn get_some(facts: &dyn Facts, entities: &Column, rest: &[Value], budget: &Budget) -> Result<Column> {
    let mut attributes = Vec::with_capacity(rest.len());
    for (at, attribute) in rest.iter().enumerate() {
        let attribute = attribute_of("get-some", at + 2, facts, attribute)?;
        check_single("get-some", attribute.as_deref())?;
        attributes.extend(attribute);
    }
    let wanted = Wanted::new("get-some", facts, entities)?;
    let mut first: FxHashMap<i64, Value> = FxHashMap::default();
    for attribute in attributes {
        for (entity, value) in wanted.values(facts, Some(&attribute), Places { v: true, ..Places::default() }, budget)? {
            first.entry(entity).or_insert_with(|| Value::vector([Value::Long(attribute.id), value]));
        }
    }
    Ok(Column::Value(wanted.of_rows(|entity| first.get(&entity).cloned().unwrap_or(Value::Nil))))
}

/// Refuses an attribute of many values.
fn check_single(name: &str, attribute: Option<&Attribute>) -> Result<()> {
    match attribute {
        Some(attribute) if attribute.cardinality == Cardinality::Many => {
            Err(Error::new(Code::GetElse, format!("`{name}` takes one value, but :{} has many", attribute.ident))
                .with_value(Value::keyword(&attribute.ident))
                .with_help("match the values with a pattern, [?e :attribute ?v], or ask with [(missing? $ ?e :attribute)]"))
        }
        _ => Ok(()),
    }
}

/// `rest` is the attribute. A row whose entity is a reference to nothing gives nil.
fn missing(facts: &dyn Facts, entities: &Column, rest: &[Value], budget: &Budget) -> Result<Column> {
    let [attribute] = rest else {
        unreachable!("the arity of missing? was checked");
    };
    let wanted = Wanted::new("missing?", facts, entities)?;
    if let Some(forward) = reversed(facts, attribute) {
        let referred = wanted.referred(facts, &forward, budget)?;
        return Ok(Column::Value(wanted.of_rows(|entity| Value::Boolean(!referred.contains(&entity)))));
    }
    let attribute = attribute_of("missing?", 2, facts, attribute)?;
    let found = wanted.values(facts, attribute.as_deref(), Places::default(), budget)?;
    Ok(Column::Value(wanted.of_rows(|entity| Value::Boolean(!found.contains_key(&entity)))))
}

/// The attribute that a reverse one reads from its other end, if the source has seen that alone.
fn reversed(facts: &dyn Facts, value: &Value) -> Option<Arc<Attribute>> {
    let Value::Keyword(ident) = value else { return None };
    let forward = forward(ident).filter(|_| facts.attribute(ident).is_none())?;
    facts.attribute(&forward)
}

/// The attribute that a keyword or id names; `None` for one the source has never seen, which every entity is missing.
pub(super) fn attribute_of(name: &str, place: usize, facts: &dyn Facts, value: &Value) -> Result<Option<Arc<Attribute>>> {
    match value {
        Value::Keyword(ident) => Ok(facts.attribute(ident)),
        Value::Long(id) | Value::Ref(id) => Ok(facts.attribute_by_id(*id)),
        other => Err(refuse(name, place, "an attribute", other).with_help("name the attribute by its keyword, as in :run/id")),
    }
}

/// The entities of a column of references, a row each and all of them once.
struct Wanted {
    rows: Vec<Option<i64>>,
    distinct: Vec<i64>,
}

impl Wanted {
    fn new(name: &str, facts: &dyn Facts, entities: &Column) -> Result<Self> {
        if facts.is_history() {
            return Err(Error::new(Code::HistoryView, format!("`{name}` cannot ask a history, in which a value comes and goes"))
                .with_help("ask a view at one moment, or match with a pattern of six places"));
        }
        let rows = match entities {
            Column::Long(ids) => ids.iter().copied().map(Some).collect(),
            other => (0..other.len()).map(|row| resolve(name, 1, facts, &other.value(row))).collect::<Result<Vec<_>>>()?,
        };
        let mut distinct: Vec<i64> = rows.iter().flatten().copied().collect();
        distinct.sort_unstable();
        distinct.dedup();
        Ok(Self { rows, distinct })
    }

    /// The values of the attribute, by entity.
    fn values(
        &self,
        facts: &dyn Facts,
        attribute: Option<&Attribute>,
        places: Places,
        budget: &Budget,
    ) -> Result<FxHashMap<i64, Value>> {
        let Some(attribute) = attribute else { return Ok(FxHashMap::default()) };
        facts.announce(&[attribute.id], budget)?;
        let scan = Scan { attribute: Some(attribute.id), entities: Some(&self.distinct), places, ..Scan::default() };
        let batch = facts.scan(&scan, budget)?;
        budget.spend_steps((batch.len() + self.rows.len()) as u64)?;
        let value = |row| batch.v.as_ref().filter(|_| places.v).map_or(Value::Nil, |column| column.value(row));
        Ok((0..batch.len())
            .map(|row| (batch.e.value(row).as_long().expect("a column of entities holds ids"), value(row)))
            .collect())
    }

    /// The entities that others refer to.
    fn referred(&self, facts: &dyn Facts, attribute: &Attribute, budget: &Budget) -> Result<FxHashSet<i64>> {
        facts.announce(&[attribute.id], budget)?;
        let mut referred = FxHashSet::default();
        for entity in &self.distinct {
            let referrers = facts.referrers(*entity, attribute.id, budget)?;
            budget.spend_steps(referrers.len() as u64 + 1)?;
            if !referrers.is_empty() {
                referred.insert(*entity);
            }
        }
        Ok(referred)
    }

    fn of_rows(&self, give: impl Fn(i64) -> Value) -> crate::column::Slice<Value> {
        self.rows.iter().map(|entity| entity.map_or(Value::Nil, &give)).collect()
    }
}

/// The entity that an id, an ident or a lookup reference means; `None` if there is none.
pub(crate) fn resolve(name: &str, place: usize, facts: &dyn Facts, value: &Value) -> Result<Option<i64>> {
    match value {
        Value::Long(id) | Value::Ref(id) => Ok(Some(*id)),
        Value::Keyword(ident) => facts.entity_by_ident(ident),
        Value::Vector(parts) if let [Value::Keyword(ident), key] = &**parts => {
            let Some(attribute) = facts.attribute(ident) else { return Ok(None) };
            if attribute.unique.is_none() {
                return Err(Error::new(Code::NotUnique, format!(":{ident} is not unique, so it cannot look an entity up"))
                    .with_value(value)
                    .with_help(format!("declare it, {{:db/ident :{ident} :db/unique :db.unique/identity}}, or use a pattern")));
            }
            facts.lookup(&attribute, key)
        }
        // A whole number of another kind is the same id, as it is in a pattern.
        number if number.is_number() && matches!(number.canonical(), Value::Long(_)) => Ok(number.canonical().as_long()),
        other => Err(refuse(name, place, "an entity", other).with_help("an entity is an id, an ident or a lookup reference")),
    }
}
