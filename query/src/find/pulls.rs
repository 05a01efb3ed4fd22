//! The pulls of `:find`, made for the rows that stay.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Range, Surroundings, Table};
use crate::ast::{Element, PullArgument, PullPattern, SourceName};
use crate::budget::Budget;
use crate::error::{Code, Error, Result, Span};
use crate::facts::Facts;
use crate::function::resolve;
use crate::pull::pull_many_with;
use crate::registry::Functions;
use crate::source::{Source, Sources};
use crate::value::Value;

/// Rows that are pulled together: enough that a source is seldom asked, few enough that little is pulled in vain.
const ROWS_AT_ONCE: usize = 4096;

/// The elements of `:find`, of which at least one pulls, unless there is none.
pub(super) struct Pulls<'a> {
    elements: Vec<Option<Pull<'a>>>,
    functions: &'a Functions,
    budget: &'a Budget,
}

struct Pull<'a> {
    facts: &'a Arc<dyn Facts>,
    pattern: &'a PullPattern,
    span: Span,
}

impl<'a> Pulls<'a> {
    pub(super) fn new(elements: &'a [Element], surroundings: Surroundings<'a>, budget: &'a Budget) -> Result<Self> {
        let Surroundings { sources, patterns, functions } = surroundings;
        let pull = |element: &'a Element| match element {
            Element::Pull { source, pattern, span, .. } => {
                let facts = facts_of(source, sources).map_err(|error| error.at(*span))?;
                let pattern = pattern_of(pattern, patterns).map_err(|error| error.at(*span))?;
                Ok(Some(Pull { facts, pattern, span: *span }))
            }
            Element::Variable(..) | Element::Aggregate { .. } => Ok(None),
        };
        Ok(Self { elements: elements.iter().map(pull).collect::<Result<_>>()?, functions, budget })
    }

    /// True if no element pulls.
    pub(super) fn is_empty(&self) -> bool {
        self.elements.iter().all(Option::is_none)
    }

    /// The rows of the range, not counting those that pull an entity of which nothing is known.
    pub(super) fn rows(&self, table: &Table, ordered: &[u32], range: Range) -> Result<Vec<Vec<Value>>> {
        let end = range.offset.saturating_add(range.limit);
        let mut rows = Vec::new();
        let mut place = 0;
        while place < ordered.len() && rows.len() < end {
            let wanted = (end - rows.len()).clamp(1, ROWS_AT_ONCE).min(ordered.len() - place);
            self.extend(&mut rows, table, &ordered[place..place + wanted])?;
            place += wanted;
        }
        rows.drain(..range.offset.min(rows.len()));
        Ok(rows)
    }

    fn extend(&self, rows: &mut Vec<Vec<Value>>, table: &Table, chosen: &[u32]) -> Result<()> {
        let columns = self.elements.iter().zip(&table.columns).map(|(pull, column)| {
            let values: Vec<Value> = chosen.iter().map(|row| column.value(*row as usize)).collect();
            match pull {
                None => Ok(values),
                Some(pull) => pull.maps(&values, self.functions, self.budget).map_err(|error| error.at(pull.span)),
            }
        });
        let columns = columns.collect::<Result<Vec<Vec<Value>>>>()?;
        for row in 0..chosen.len() {
            let is_known = |(place, pull): (usize, &Option<Pull<'_>>)| pull.is_none() || columns[place][row] != Value::Nil;
            if self.elements.iter().enumerate().all(is_known) {
                rows.push(columns.iter().map(|column| column[row].clone()).collect());
            }
        }
        Ok(())
    }
}

impl Pull<'_> {
    /// What is known of each of these entities, each pulled once.
    fn maps(&self, entities: &[Value], functions: &Functions, budget: &Budget) -> Result<Vec<Value>> {
        let ids = entities.iter().map(|entity| resolve("pull", 0, &**self.facts, entity)).collect::<Result<Vec<_>>>()?;
        let mut distinct: Vec<i64> = ids.iter().flatten().copied().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let pulled = pull_many_with(&**self.facts, self.pattern, &distinct, functions, budget)?;
        let by_id: FxHashMap<i64, Value> = distinct.into_iter().zip(pulled).collect();
        Ok(ids.into_iter().map(|id| id.and_then(|id| by_id.get(&id).cloned()).unwrap_or(Value::Nil)).collect())
    }
}

fn facts_of<'a>(name: &SourceName, sources: &'a Sources) -> Result<&'a Arc<dyn Facts>> {
    match sources.get(name).map(Source::facts) {
        Some(Some(facts)) => Ok(facts),
        Some(None) => Err(Error::new(Code::UnknownSource, format!("pull needs a database, and {} is rows of data", name.0))
            .with_value(&name.0)
            .with_help("pull from a source that is a database: (pull $db ?e [*])")),
        None => Err(Error::new(Code::UnknownSource, format!("no source is called {}", name.0))
            .with_value(&name.0)
            .with_help(format!("name it in :in, as in [:find .. :in {} :where ..]", name.0))),
    }
}

fn pattern_of<'a>(pattern: &'a PullArgument, patterns: &'a HashMap<Arc<str>, PullPattern>) -> Result<&'a PullPattern> {
    match pattern {
        PullArgument::Pattern(pattern) => Ok(pattern),
        PullArgument::Name(name) => patterns.get(name).ok_or_else(|| {
            Error::new(Code::InputShape, format!("no pull pattern was given for {name}"))
                .with_value(name)
                .with_help("give a pattern such as [*] as the input of this name")
        }),
    }
}
