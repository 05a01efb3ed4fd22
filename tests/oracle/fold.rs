//! What follows from the datoms that transactions reported, by plain folding: the facts, attributes and names that the naive evaluator sees.

use std::collections::BTreeSet;

use annals::Datom;
use annals::query::{Attribute, Cardinality, Fact, Unique, Value};
use annals::schema::{attribute, ident};

use crate::common::memory::{MemoryFacts, Names};

/// The facts of a log.
pub(crate) fn facts(log: &[Datom]) -> MemoryFacts {
    facts_of(log, log)
}

/// The facts of one log, with the attributes and names of another: those of the present, when it is asked what would have been.
pub(crate) fn facts_of(log: &[Datom], schema: &[Datom]) -> MemoryFacts {
    let log = log.iter().map(|datom| {
        let Datom { e, a, v, t, added, m } = datom.clone();
        Fact { e, a, v, t, m, added }
    });
    MemoryFacts::named(attributes(schema), names(schema), log.collect())
}

/// Who ever got a name, the latest first.
fn names(log: &[Datom]) -> Names {
    let given = log.iter().rev().filter(|datom| datom.added && datom.a == attribute::IDENT);
    let is_held = |given: &Datom| {
        let same = log.iter().rev().find(|datom| (datom.e, datom.a, &datom.v) == (given.e, given.a, &given.v));
        same.is_some_and(|last| last.added)
    };
    given.filter_map(|datom| Some((datom.e, datom.v.as_text()?.into(), is_held(datom)))).collect()
}

/// Who has a name and a cardinality is an attribute.
fn attributes(log: &[Datom]) -> Vec<Attribute> {
    let mut holding: BTreeSet<(i64, i64, &Value)> = BTreeSet::new();
    for datom in log {
        let fact = (datom.e, datom.a, &datom.v);
        if datom.added {
            holding.insert(fact)
        } else {
            holding.remove(&fact)
        };
    }
    let value = |e: i64, a: i64| {
        let mut values = holding.range((e, a, &Value::Nil)..).take_while(move |fact| (fact.0, fact.1) == (e, a));
        values.next().map(|fact| fact.2.clone())
    };
    let reference = |e: i64, a: i64| value(e, a).and_then(|value| value.as_long());
    let mut found = Vec::new();
    for (e, _, name) in holding.iter().filter(|fact| fact.1 == attribute::IDENT) {
        let Some(cardinality) = reference(*e, attribute::CARDINALITY) else { continue };
        let mut one = Attribute::new(*e, name.as_text().expect("a name is a keyword"));
        one.cardinality = if cardinality == ident::CARDINALITY_MANY { Cardinality::Many } else { Cardinality::One };
        one.value_type = reference(*e, attribute::VALUE_TYPE).and_then(ident::value_type);
        one.unique = match reference(*e, attribute::UNIQUE) {
            Some(ident::UNIQUE_IDENTITY) => Some(Unique::Identity),
            Some(_) => Some(Unique::Value),
            None => None,
        };
        one.is_component = value(*e, attribute::IS_COMPONENT) == Some(Value::Boolean(true));
        found.push(one);
    }
    found
}
