//! What is given: sources by name, rules, and values taken apart by binding forms.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use annals_query::ast::{Binding, Element, Input as Written, Query, RuleSet, SourceName, Variable};
use annals_query::{Code, Error, Result, Value, parse};

use super::{Environment, Input, Known, Naive, clauses, distinct};

/// The variables that a place of `:in` binds.
pub(super) fn bound_by(input: &Written) -> Vec<Variable> {
    match input {
        Written::Binding(binding) => binding.variables().into_iter().cloned().collect(),
        Written::Source(..) | Written::Rules(_) | Written::Pattern(..) => Vec::new(),
    }
}

/// The evaluator with its sources and rules, and the environments with which the inputs start it.
pub(super) fn take(query: &Query, inputs: &[Input], known: &Rc<Known>) -> Result<(Naive, Vec<Environment>)> {
    if query.inputs.len() != inputs.len() {
        return Err(Error::new(Code::InputCount, format!("{} inputs for {} places", inputs.len(), query.inputs.len())));
    }
    let mut sources = BTreeMap::new();
    let mut rules = RuleSet::default();
    let mut patterns = BTreeMap::new();
    let mut environments = vec![Environment::new()];
    for (written, given) in query.inputs.iter().zip(inputs) {
        match (written, given) {
            (Written::Source(name, _), Input::Facts(_) | Input::Relation(_)) => drop(sources.insert(name.clone(), given.clone())),
            (Written::Rules(_), Input::Rules(given)) => rules = given.clone(),
            (Written::Pattern(name, _), Input::Pattern(pattern)) => drop(patterns.insert(Arc::clone(name), pattern.clone())),
            (Written::Binding(Binding::Scalar(variable, _)), Input::Pattern(pattern)) => {
                patterns.insert(Arc::clone(&variable.0), pattern.clone());
            }
            (Written::Binding(binding), Input::Value(value)) => {
                // A variable may hold a pull pattern, too.
                if let (Binding::Scalar(variable, _), Value::Vector(_)) = (binding, value)
                    && let Ok(pattern) = parse::pull_pattern(&value.to_string())
                {
                    patterns.insert(Arc::clone(&variable.0), pattern);
                }
                let mut next = Vec::new();
                for environment in &environments {
                    next.extend(clauses::take_apart(binding, value, environment)?);
                }
                environments = next;
            }
            _ => return Err(Error::new(Code::InputShape, "an input of another kind than its place")),
        }
    }
    let (order, matching) = (RefCell::default(), RefCell::default());
    let naive = Naive { sources, rules, patterns, known: Rc::clone(known), order, matching, steps: Cell::new(0) };
    let mut resolved = Vec::new();
    for environment in environments {
        resolved.extend(naive.resolved(query, &environment)?);
    }
    Ok((naive, distinct(resolved)))
}

impl Naive {
    /// The environment with names and lookup references replaced by their entities where an entity is expected. None if one stands for
    /// nothing, or for different entities in different sources. Where clauses expect an entity, theirs are the sources; a pull then shows
    /// what its own source says of that entity, and decides only where no clause does.
    fn resolved(&self, query: &Query, environment: &Environment) -> Result<Option<Environment>> {
        let mut resolved = environment.clone();
        for (variable, reference) in environment.iter() {
            if !matches!(reference, Value::Keyword(_) | Value::Vector(_)) {
                continue;
            }
            let mut entity: Option<Value> = None;
            let mut sources = self.entity_sources(variable, &query.clauses, &SourceName::default());
            if !sources.iter().any(|source| matches!(self.sources[source], Input::Facts(_))) {
                sources.extend(query.find.elements().iter().filter_map(|element| match element {
                    Element::Pull { source, variable: pulled, .. } if pulled == variable => Some(source.clone()),
                    _ => None,
                }));
            }
            for source in sources {
                let Input::Facts(facts) = &self.sources[&source] else { continue };
                let found = Self::entity(facts, reference)?;
                if found.is_none() || entity.is_some() && entity != found {
                    return Ok(None);
                }
                entity = found;
            }
            if let Some(entity) = entity {
                resolved.insert(variable.clone(), entity);
            }
        }
        Ok(Some(resolved))
    }
}
