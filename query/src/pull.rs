//! Pull: what is known of entities, as nested maps in the shape of a pattern.
//!
//! A pattern is walked level by level: all entities of a level are asked for one attribute at a time, so that the source
//! is asked once for each attribute and level, however many entities there are.

use std::cell::Cell;
use std::sync::Arc;

use crate::ast::{PullPattern, PullSpec};
use crate::budget::Budget;
use crate::error::{Code, Error, Result};
use crate::facts::Facts;
use crate::registry::Functions;
use crate::value::Value;

mod level;
mod nested;
mod values;

/// How deep a pull may nest, components and recursion counted: deep enough for any tree that people draw, shallow enough for
/// a stack of 2 MiB.
pub const LIMIT_DEPTH: usize = 256;

/// How many values of a cardinality-many or reverse attribute a pull gives unless `:limit` says otherwise.
pub const LIMIT_VALUES: usize = 1000;

/// The name by which a pattern asks for the id itself.
pub(crate) const ID: &str = "db/id";

/// What a map of a pull is taken to cost in memory.
const BYTES_PER_ENTITY: u64 = 512;

/// What is known of one entity; nil for an entity without any fact.
pub fn pull(facts: &dyn Facts, pattern: &PullPattern, entity: i64, budget: &Budget) -> Result<Value> {
    Ok(pull_many(facts, pattern, &[entity], budget)?.pop().unwrap_or(Value::Nil))
}

/// What is known of each of these entities, in their order; nil for an entity without any fact.
pub fn pull_many(facts: &dyn Facts, pattern: &PullPattern, entities: &[i64], budget: &Budget) -> Result<Vec<Value>> {
    pull_many_with(facts, pattern, entities, &Functions::default(), budget)
}

/// The same where `:xform` may name any of these functions.
pub fn pull_many_with(
    facts: &dyn Facts,
    pattern: &PullPattern,
    entities: &[i64],
    functions: &Functions,
    budget: &Budget,
) -> Result<Vec<Value>> {
    if facts.is_history() {
        return Err(Error::new(Code::HistoryView, "pull cannot ask a history, in which a value comes and goes")
            .with_help("pull from a view at one moment, or match with a pattern of six places"));
    }
    let wildcard = PullPattern { specs: vec![PullSpec::Wildcard] };
    let puller = Puller { facts, functions, budget, wildcard: &wildcard, bytes: Cell::new(0) };
    let nodes: Vec<level::Node> = entities.iter().map(|entity| level::Node::root(*entity)).collect();
    let maps = puller.level(&level::Frame::new(pattern, 1), &nodes);
    budget.return_bytes(puller.bytes.get());
    let results = maps?.into_iter().zip(entities).map(|(pulled, entity)| {
        let is_known = pulled.has_found || !facts.entity(*entity, budget)?.is_empty();
        Ok(if is_known { Value::Map(Arc::new(pulled.map)) } else { Value::Nil })
    });
    results.collect()
}

/// One call of [`pull_many`].
struct Puller<'a> {
    facts: &'a dyn Facts,
    functions: &'a Functions,
    budget: &'a Budget,
    /// `[*]`, by which components are expanded.
    wildcard: &'a PullPattern,
    bytes: Cell<u64>,
}

impl Puller<'_> {
    /// Spends for the maps of a level before they are made.
    fn spend(&self, entities: usize) -> Result<()> {
        let bytes = entities as u64 * BYTES_PER_ENTITY;
        self.bytes.set(self.bytes.get() + bytes);
        self.budget.take_bytes(bytes)?;
        self.budget.check_rows(entities)?;
        self.budget.spend_steps(entities as u64)
    }
}
