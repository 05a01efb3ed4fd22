//! Functions that ask a source for its log: `tx-ids` and `tx-data`.

use super::argument::refuse;
use super::{Arity, Example, Function, Kind};
use crate::budget::Budget;
use crate::error::Result;
use crate::facts::Facts;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "tx-ids",
        arity: Arity::exactly(2),
        kind: Kind::Listing(tx_ids, 1),
        doc: "The transactions from a t or instant (included) until another (not included); nil for no bound. Bind them with [?t ...].",
        example: Example { call: "(tx-ids $ 2 4)", result: "[2 3]" },
    },
    Function {
        name: "tx-data",
        arity: Arity::exactly(1),
        kind: Kind::Listing(tx_data, 6),
        doc: "What a transaction said, additions and retractions alike: bind it with [[?e ?a ?v ?t ?m ?added]].",
        example: Example { call: "(tx-data $ ?t)", result: "[]" },
    },
];

fn tx_ids(facts: &dyn Facts, args: &[Value], budget: &Budget) -> Result<Value> {
    let bound = |place: usize| match args[place].canonical() {
        bound @ (Value::Nil | Value::Long(_) | Value::Instant(_)) => Ok(bound),
        _ => Err(refuse("tx-ids", place + 1, "a t, an instant or nil", &args[place])
            .with_help("give the t of a transaction, #inst \"..\", or nil for no bound")),
    };
    let ids = facts.transactions(&bound(0)?, &bound(1)?)?;
    budget.spend_steps(ids.len() as u64)?;
    budget.check_rows(ids.len())?;
    Ok(Value::vector(ids.into_iter().map(Value::Long)))
}

/// Rows in the order of a pattern's places.
fn tx_data(facts: &dyn Facts, args: &[Value], budget: &Budget) -> Result<Value> {
    let Value::Long(t) = args[0].canonical() else {
        return Err(refuse("tx-data", 1, "a t", &args[0])
            .with_help("give the t of a transaction, as a pattern's fourth place or tx-ids binds it"));
    };
    let mut said = facts.said(t, budget)?;
    budget.check_rows(said.len())?;
    said.sort_unstable_by(|left, right| (left.e, left.a, &left.v, left.added).cmp(&(right.e, right.a, &right.v, right.added)));
    Ok(Value::vector(said.into_iter().map(|fact| {
        let v = if let Value::Ref(entity) = fact.v { Value::Long(entity) } else { fact.v };
        Value::vector([fact.e.into(), fact.a.into(), v, fact.t.into(), fact.m.into(), fact.added.into()])
    })))
}
