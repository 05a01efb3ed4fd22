//! Random programs: a schema, a history, views of it, rules and a query, the latter as text so that the whole engine is tried.

mod call;
mod clause;
mod find;
mod function;
pub(crate) mod history;
mod inner;
mod nested;
mod pattern;
mod pull;
pub(crate) mod query;
mod rule;
pub(crate) mod setting;
pub(crate) mod shrink;
pub(crate) mod shuffle;
pub(crate) mod tally;
pub(crate) mod trial;
mod wild;

use std::sync::Arc;

use annals_query::parse;
use annals_query::{Fact, Result, Value};

use super::memory::{Manner, MemoryFacts, View};
use super::naive::Input;

/// A sequence of numbers that look random (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
    /// The entities of the program under way.
    pool: Arc<[i64]>,
}

impl Random {
    /// The sequence of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66, pool: (1..=8).collect() }
    }

    /// The same sequence, for programs about these entities.
    pub(crate) fn about(&mut self, entities: &Arc<[i64]>) {
        self.pool = Arc::clone(entities);
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end`, exclusive.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A number of a range, both ends included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// The id of an entity.
    pub(crate) fn entity(&mut self) -> i64 {
        let place = self.below(self.pool.len());
        self.pool[place]
    }

    /// How many entities there are.
    fn entities(&self) -> i64 {
        self.pool.len() as i64
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.next() % 100 < chance
    }

    /// One of some things.
    pub(crate) fn choose<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// The things in another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}

/// What a variable or a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Entity,
    Long,
    Double,
    String,
    Keyword,
    Boolean,
    Instant,
    /// Numbers of all kinds.
    Number,
    /// A vector of a long and a string.
    Tuple,
    Any,
}

/// What a source is.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// One of the program's worlds at some time.
    View(usize, View),
    /// Rows of data.
    Rows(Vec<Vec<Value>>),
}

/// One program, in parts that can be left out one by one.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The history, and what might be beside it.
    pub(crate) worlds: Vec<Arc<MemoryFacts>>,
    /// Sources by name, the default first.
    pub(crate) sources: Vec<(String, Source)>,
    /// Binding forms, and what is given for them.
    pub(crate) inputs: Vec<(String, Value)>,
    /// Pull patterns by name.
    pub(crate) patterns: Vec<(String, String)>,
    /// Rules.
    pub(crate) rules: Vec<String>,
    /// What is asked for.
    pub(crate) find: String,
    /// Variables of `:with`.
    pub(crate) with: Vec<String>,
    /// Clauses.
    pub(crate) clauses: Vec<String>,
    /// `:having`, `:order-by`, `:limit`, `:offset`.
    pub(crate) tail: Vec<String>,
}

impl Program {
    /// The query's text.
    pub(crate) fn text(&self) -> String {
        let mut parts = vec![format!("[:find {}", self.find)];
        if !self.with.is_empty() {
            parts.push(format!(":with {}", self.with.join(" ")));
        }
        let mut places: Vec<&str> = self.sources.iter().map(|(name, _)| name.as_str()).collect();
        if !self.rules.is_empty() {
            places.push("%");
        }
        places.extend(self.inputs.iter().map(|(form, _)| form.as_str()));
        places.extend(self.patterns.iter().map(|(name, _)| name.as_str()));
        parts.push(format!(":in {}", places.join(" ")));
        if !self.clauses.is_empty() {
            parts.push(format!(":where {}", self.clauses.join("\n        ")));
        }
        parts.extend(self.tail.iter().cloned());
        parts.join("\n ") + "]"
    }

    /// The rules' text.
    pub(crate) fn rules_text(&self) -> String {
        format!("[{}]", self.rules.join("\n "))
    }

    /// What is given, with columns made in some manner.
    pub(crate) fn given(&self, manner: impl Fn() -> Manner) -> Result<Vec<Input>> {
        let mut given: Vec<Input> = Vec::new();
        for (_, source) in &self.sources {
            given.push(match source {
                Source::View(world, view) => Input::Facts(Arc::new(self.worlds[*world].at(*view).in_manner(manner()))),
                Source::Rows(rows) => Input::Relation(rows.clone()),
            });
        }
        if !self.rules.is_empty() {
            given.push(Input::Rules(parse::rules(&self.rules_text())?));
        }
        given.extend(self.inputs.iter().map(|(_, value)| Input::Value(value.clone())));
        for (_, pattern) in &self.patterns {
            given.push(Input::Pattern(parse::pull_pattern(pattern)?));
        }
        Ok(given)
    }

    /// The program and its facts, for a person.
    pub(crate) fn describe(&self) -> String {
        let mut lines = vec![self.text(), format!("rules {}", self.rules_text())];
        lines.extend(self.sources.iter().map(|(name, source)| match source {
            Source::View(world, view) => format!("{name} = world {world} at {view:?}"),
            Source::Rows(rows) => {
                format!("{name} = {}", Value::vector(rows.iter().map(|row| Value::vector(row.iter().cloned()))))
            }
        }));
        lines.extend(self.inputs.iter().map(|(form, value)| format!("{form} = {value}")));
        lines.extend(self.patterns.iter().map(|(name, pattern)| format!("{name} = {pattern}")));
        for (number, world) in self.worlds.iter().enumerate() {
            lines.push(format!("world {number}:"));
            lines.extend(described(world));
        }
        lines.join("\n")
    }
}

/// The attributes and facts of a world, but for those of the schema.
fn described(world: &MemoryFacts) -> Vec<String> {
    let name = |a: i64| world.attributes().find(|attribute| attribute.id == a).map_or("?", |attribute| &attribute.ident);
    let mut lines = Vec::new();
    for attribute in world.attributes().filter(|attribute| world.log().iter().any(|fact| fact.a == attribute.id)) {
        if attribute.ident.starts_with("db/") {
            continue;
        }
        lines.push(format!(
            "attribute {} :{} {:?} {:?}{}{}",
            attribute.id,
            attribute.ident,
            attribute.value_type,
            attribute.cardinality,
            if attribute.unique.is_some() { " unique" } else { "" },
            if attribute.is_component { " component" } else { "" }
        ));
    }
    // What every store starts with is known.
    let is_of_genesis = |fact: &Fact| fact.t == 1 && fact.e >> 32 == 1;
    let told = world.log().iter().filter(|fact| !is_of_genesis(fact));
    lines.extend(told.map(|fact| format!("[{} :{} {} {} {} {}]", fact.e, name(fact.a), fact.v, fact.t, fact.m, fact.added)));
    lines
}
