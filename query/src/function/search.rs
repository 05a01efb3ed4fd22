//! `fulltext`, facts whose text matches a search, from a source that has an index of words; and `q`, a query inside a query.

use super::argument::string;
use super::entity::attribute_of;
use super::{Arity, Example, Function, Kind};
use crate::budget::Budget;
use crate::error::Result;
use crate::facts::Facts;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[FULLTEXT, Q];

const FULLTEXT: Function = Function {
    name: "fulltext",
    arity: Arity::exactly(2),
    kind: Kind::Listing(fulltext, 4),
    doc: "The facts of an attribute whose text matches a search: bind them with [[?e ?text ?t ?score]].",
    example: Example { call: "(fulltext $ :log/message \"timeout\")", result: "[]" },
};

const Q: Function = Function {
    name: "q",
    arity: Arity::at_least(1),
    kind: Kind::Nested,
    doc: "The answer of a query of its own, to which sources, % and values are passed: it sees nothing else of what is around it.",
    example: Example { call: "(q [:find (count ?line) . :in $ ?run :where [?line :log/run ?run]] $ ?run)", result: "nil" },
};

fn fulltext(facts: &dyn Facts, args: &[Value], budget: &Budget) -> Result<Value> {
    let attribute = attribute_of("fulltext", 1, facts, &args[0])?;
    let search = string("fulltext", args, 1)?;
    let Some(attribute) = attribute else { return Ok(Value::vector([])) };
    let found = facts.fulltext(&attribute, search, budget)?;
    budget.spend_steps(found.len() as u64)?;
    budget.check_rows(found.len())?;
    Ok(Value::vector(found.into_iter().map(|one| Value::vector([one.e.into(), one.v, one.t.into(), one.score.into()]))))
}
