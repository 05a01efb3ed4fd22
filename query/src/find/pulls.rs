//! The pulls of `:find`, made for the rows that stay.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Computed, Ordered, Range, Surroundings};
use crate::ast::{Element, PullArgument, PullPattern, SourceName};
use crate::budget::Budget;
use crate::column::Column;
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

    /// The columns of the rows in the range, not counting rows that pull an entity of which nothing is known; and how many there are.
    pub(super) fn columns(&self, table: &Computed, ordered: &Ordered, range: Range) -> Result<(Vec<Column>, usize)> {
        let end = range.offset.saturating_add(range.limit);
        let mut known = Known { rows: Vec::new(), pulled: vec![Vec::new(); self.elements.len()] };
        let mut place = 0;
        while place < ordered.len() && known.rows.len() < end {
            let wanted = (end - known.rows.len()).clamp(1, ROWS_AT_ONCE).min(ordered.len() - place);
            self.extend(&mut known, table, &ordered.rows(place..place + wanted))?;
            place += wanted;
        }
        let start = range.offset.min(known.rows.len());
        let columns = self.elements.iter().zip(known.pulled).zip(&table.columns).map(|((pull, mut pulled), column)| match pull {
            None => column.gather(&known.rows[start..]),
            Some(_) => Column::Value(pulled.drain(start..).collect()),
        });
        Ok((columns.collect(), known.rows.len() - start))
    }

    fn extend(&self, known: &mut Known, table: &Computed, chosen: &[u32]) -> Result<()> {
        let maps = self.elements.iter().zip(&table.columns).map(|(pull, column)| {
            let Some(pull) = pull else { return Ok(Vec::new()) };
            let entities: Vec<Value> = chosen.iter().map(|row| column.value(*row as usize)).collect();
            pull.maps(&entities, self.functions, self.budget).map_err(|error| error.at(pull.span))
        });
        let mut maps = maps.collect::<Result<Vec<Vec<Value>>>>()?;
        let is_known = |at: usize| maps.iter().all(|maps| maps.get(at).is_none_or(|map| *map != Value::Nil));
        let stay: Vec<bool> = (0..chosen.len()).map(is_known).collect();
        for (pulled, maps) in known.pulled.iter_mut().zip(&mut maps) {
            pulled.extend(maps.drain(..).zip(&stay).filter(|(_, stays)| **stays).map(|(map, _)| map));
        }
        known.rows.extend(chosen.iter().zip(&stay).filter(|(_, stays)| **stays).map(|(row, _)| *row));
        Ok(())
    }
}

/// Rows of which every entity that is pulled is known.
struct Known {
    rows: Vec<u32>,
    /// What was pulled for them, for each element that pulls.
    pulled: Vec<Vec<Value>>,
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
