//! What each kind of clause does to the environments.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use annals_query::ast::{Argument, Binding, Call, Clause, Input as Written, Nested, Passed, SourceName, Term, Variable};
use annals_query::{Attribute, Cardinality, Code, Error, Facts as _, Result, Value, ValueType, function};

use super::super::memory::{Keep, MemoryFacts, View, plain};
use super::{Environment, Input, Naive, Next, Place, Scope, Variables, distinct, variables};

/// True if no other clause that waits can still bind what a call in this clause takes: of equal numbers the lesser kind stays, and a call
/// may show which that is.
fn is_settled(clause: &Clause, waiting: &[&Clause]) -> bool {
    let binds = |other: &Clause| !matches!(other, Clause::Predicate { .. } | Clause::Not { .. } | Clause::NotJoin { .. });
    let shown = match clause {
        Clause::Predicate { call, .. } | Clause::Function { call, .. } => variables::of_call(call),
        other if has_call(other) => variables::of(other),
        _ => return true,
    };
    let others = waiting.iter().filter(|other| !std::ptr::eq(**other, clause) && binds(other));
    others.into_iter().all(|other| variables::of(other).is_disjoint(&shown))
}

fn has_call(clause: &Clause) -> bool {
    match clause {
        Clause::Predicate { .. } | Clause::Function { .. } => true,
        Clause::Pattern { .. } | Clause::Rule { .. } => false,
        Clause::And(clauses, _)
        | Clause::Or { branches: clauses, .. }
        | Clause::OrJoin { branches: clauses, .. }
        | Clause::Not { clauses, .. }
        | Clause::NotJoin { clauses, .. } => clauses.iter().any(has_call),
    }
}

impl Naive {
    /// The environments in which all of these clauses hold. Every environment binds exactly `bound`.
    pub(super) fn every(
        &self,
        clauses: &[&Clause],
        mut environments: Vec<Environment>,
        bound: &Variables,
        visible: &Variables,
        place: Place<'_>,
    ) -> Result<Vec<Environment>> {
        let mut bound = bound.clone();
        let mut waiting: Vec<&Clause> = clauses.to_vec();
        // Clauses that failed for the environments as they are: they wait until others have left fewer.
        let mut failing: Vec<(&Clause, Error)> = Vec::new();
        while !waiting.is_empty() {
            let Some(next) = self.next(clauses, &waiting, &failing, &bound, visible) else {
                let stuck =
                    || Error::new(Code::UnboundVariable, "clauses wait for a variable that nothing binds").at(waiting[0].span());
                return Err(failing.into_iter().next().map_or_else(stuck, |(_, error)| error));
            };
            let (position, after, around) = &*next;
            let clause = waiting[*position];
            match self.clause(clause, &environments, &bound, around, place) {
                Ok(found) => environments = found,
                Err(error) if error.code() == Code::Cancelled => return Err(error),
                Err(error) => {
                    failing.push((clause, error));
                    continue;
                }
            }
            waiting.remove(*position);
            failing.clear();
            if !matches!(clause, Clause::Predicate { .. } | Clause::Not { .. } | Clause::NotJoin { .. }) {
                environments = distinct(environments);
            }
            bound.clone_from(after);
        }
        let failed = environments.iter().find(|environment| environment.contains_key(&failure()));
        failed.map_or(Ok(()), |environment| self.failure_of(clauses, environment, place))?;
        Ok(environments)
    }

    /// The clause to take next, what is bound after it, and what it shares with its surroundings. Remembered, as the same clauses are
    /// taken for one environment after the other.
    fn next(
        &self,
        clauses: &[&Clause],
        waiting: &[&Clause],
        failing: &[(&Clause, Error)],
        bound: &Variables,
        visible: &Variables,
    ) -> Option<Rc<Next>> {
        let failed: Vec<&Clause> = failing.iter().map(|(clause, _)| *clause).collect();
        let places =
            [clauses, waiting, &failed].map(|clauses| clauses.iter().map(|clause| std::ptr::from_ref(*clause)).collect());
        if let Some(known) = self.order.borrow().get(&places)
            && let Some((.., next)) = known.iter().find(|(known, seen, _)| known == bound && seen == visible)
        {
            return next.clone();
        }
        let untried = waiting.iter().enumerate().filter(|(_, clause)| !failed.iter().any(|other| std::ptr::eq(*other, **clause)));
        let ready = untried.filter_map(|(position, clause)| {
            let around = variables::around(clause, clauses, visible);
            Some((position, self.after(clause, bound, &around)?, around))
        });
        let best = ready.max_by_key(|(position, after, _)| {
            let new = after.difference(bound).count();
            let known = variables::of(waiting[*position]).intersection(bound).count();
            (is_settled(waiting[*position], waiting), new == 0, known, std::cmp::Reverse(*position))
        });
        let next = best.map(Rc::new);
        self.order.borrow_mut().entry(places).or_default().push((bound.clone(), visible.clone(), next.clone()));
        next
    }

    /// The error of the predicate that failed in an environment in which every other clause holds.
    fn failure_of(&self, clauses: &[&Clause], environment: &Environment, place: Place<'_>) -> Result<()> {
        let mut calls =
            clauses.iter().filter_map(|clause| if let Clause::Predicate { call, .. } = clause { Some(call) } else { None });
        calls.try_for_each(|call| self.call(call, environment, place).map(drop))
    }

    fn clause(
        &self,
        clause: &Clause,
        environments: &[Environment],
        bound: &Variables,
        around: &Variables,
        place: Place<'_>,
    ) -> Result<Vec<Environment>> {
        if let Clause::Pattern { source, terms, .. } = clause {
            return self.pattern(self.source(source, place)?, terms, environments);
        }
        let mut found = Vec::new();
        for environment in environments {
            self.spend(1)?;
            match clause {
                Clause::Pattern { .. } | Clause::And(..) => unreachable!("patterns are done above, and `and` is flattened"),
                Clause::Predicate { call, .. } => found.extend(self.predicate(call, environment, place)?),
                Clause::Function { call, binding, .. } => {
                    let result = self.call(call, environment, place)?;
                    if result == Value::Nil {
                        continue;
                    }
                    let mut bound = take_apart(&whole(call, binding), &result, &Environment::new())?;
                    let is_literal = matches!((&*call.name, &call.args[..]), ("ground", [Argument::Constant(..)]));
                    bound = bound.iter().map(|bound| self.grounded(bound, is_literal, place)).collect::<Result<_>>()?;
                    found.extend(bound.iter().filter_map(|bound| joined(environment, bound)));
                }
                Clause::Or { branches, .. } => {
                    let crossing = self.after(clause, bound, around).expect("the clause was ready");
                    found.extend(self.branches(branches, environment, (bound, &crossing, around), place)?);
                }
                Clause::OrJoin { border, branches, .. } => {
                    let crossing: Variables = border.variables().cloned().collect();
                    let given = crossing.intersection(bound).cloned().collect();
                    let scope = Scope { clauses: branches, source: place.source, outer: Some((crossing.clone(), place.scope)) };
                    let place = Place { scope: &scope, ..place };
                    found.extend(self.branches(branches, environment, (&given, &crossing, &crossing), place)?);
                }
                Clause::Not { clauses, .. } => {
                    let shared = variables::of(clause).intersection(around).cloned().collect();
                    if !self.is_any(clauses, environment, (&shared, around), place)? {
                        found.push(environment.clone());
                    }
                }
                Clause::NotJoin { clauses, .. } => {
                    let shared = variables::of(clause);
                    let scope = Scope { clauses, source: place.source, outer: Some((shared.clone(), place.scope)) };
                    if !self.is_any(clauses, environment, (&shared, &shared), Place { scope: &scope, ..place })? {
                        found.push(environment.clone());
                    }
                }
                Clause::Rule { source, name, args, .. } => {
                    found.extend(self.rule((name, args), environment, inside(source.as_ref(), place))?);
                }
            }
        }
        Ok(found)
    }

    /// The environment if the predicate holds. One in which it fails is marked and kept: the error counts if every other clause holds,
    /// so that it does not depend on which clause is taken first.
    fn predicate(&self, call: &Call, environment: &Environment, place: Place<'_>) -> Result<Option<Environment>> {
        match self.call(call, environment, place) {
            Ok(value) => Ok(value.is_truthy().then(|| environment.clone())),
            Err(error) if matches!(error.code(), Code::UnknownFunction | Code::UnknownSource | Code::Arity) => Err(error),
            Err(_) => {
                let mut marked = environment.clone();
                marked.insert(failure(), Value::Boolean(true));
                Ok(Some(marked))
            }
        }
    }

    /// What the branches of an `or` add to an environment: `given` goes in, `crossing` comes out.
    fn branches(
        &self,
        branches: &[Clause],
        environment: &Environment,
        (given, crossing, visible): (&Variables, &Variables, &Variables),
        place: Place<'_>,
    ) -> Result<Vec<Environment>> {
        let mut found = Vec::new();
        for branch in branches {
            let branch = variables::flat(std::slice::from_ref(branch));
            let within = self.every(&branch, vec![restricted(environment, given)], given, visible, place)?;
            found.extend(within.iter().filter_map(|within| joined(environment, &restricted(within, crossing))));
        }
        Ok(found)
    }

    /// Whether the clauses of a `not` hold in any way. What they ask of rules must be complete, so no fixpoint under way is used.
    fn is_any(
        &self,
        clauses: &[Clause],
        environment: &Environment,
        (shared, around): (&Variables, &Variables),
        place: Place<'_>,
    ) -> Result<bool> {
        let place = Place { tables: None, ..place };
        let found = self.every(&variables::flat(clauses), vec![restricted(environment, shared)], shared, around, place)?;
        Ok(!found.is_empty())
    }

    fn pattern(&self, source: &Input, terms: &[Term], environments: &[Environment]) -> Result<Vec<Environment>> {
        let rows = match source {
            Input::Facts(facts) => self.matching(facts, terms)?,
            Input::Relation(data) => {
                let holds = |row: &&Vec<Value>| terms.iter().zip(*row).all(|(term, value)| is_constant(term, value));
                Rc::new(data.iter().filter(holds).cloned().collect())
            }
            Input::Rules(_) | Input::Value(_) | Input::Pattern(_) => {
                return Err(Error::new(Code::UnknownSource, "a pattern needs facts or rows"));
            }
        };
        let mut found = Vec::new();
        for environment in environments {
            self.spend(1 + rows.len())?;
            for row in &*rows {
                let agrees = |(term, value): (&Term, &Value)| match term {
                    Term::Variable(variable, _) => environment.get(variable).is_none_or(|known| known.same(value)),
                    Term::Blank(_) | Term::Constant(..) => true,
                };
                if !terms.iter().zip(row).all(agrees) {
                    continue;
                }
                let mut environment = environment.clone();
                let holds = terms.iter().zip(row).all(|(term, value)| match term {
                    Term::Variable(variable, _) => environment.bind(variable, value),
                    Term::Blank(_) | Term::Constant(..) => true,
                });
                if holds {
                    found.push(environment);
                }
            }
        }
        Ok(found)
    }

    /// The facts that the constants of a pattern leave, remembered.
    fn matching(&self, facts: &MemoryFacts, terms: &[Term]) -> Result<Rc<Vec<Vec<Value>>>> {
        let key = (std::ptr::from_ref(facts), std::ptr::from_ref(terms));
        if let Some(known) = self.matching.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let rows = Rc::new(matching_facts(facts, terms)?);
        self.matching.borrow_mut().insert(key, Rc::clone(&rows));
        Ok(rows)
    }

    /// The value of a call. Arguments are bound.
    fn call(&self, call: &Call, environment: &Environment, place: Place<'_>) -> Result<Value> {
        if let Some(nested) = &call.nested {
            return self.nested(nested, &call.args, environment, place);
        }
        let mut source = None;
        let mut values = Vec::new();
        for argument in &call.args {
            match argument {
                Argument::Variable(variable, _) => values.push(environment[variable].clone()),
                Argument::Constant(value, _) => values.push(value.clone()),
                Argument::Source(name, _) => source = Some(name),
            }
        }
        if let Some(name) = source {
            return self.call_on(&call.name, name, &values, place);
        }
        let function = function::lookup(&call.name);
        function.ok_or_else(|| Error::new(Code::UnknownFunction, call.name.to_string()))?.call(&values)
    }

    /// What a function binds, with names as their entities where entities are expected; what leads nowhere stays itself.
    fn grounded(&self, bound: &Environment, is_literal: bool, place: Place<'_>) -> Result<Environment> {
        let mut grounded = bound.clone();
        for (variable, value) in bound.iter().filter(|(_, value)| matches!(value, Value::Keyword(_) | Value::Vector(_))) {
            let mut entities = BTreeSet::new();
            for source in self.entity_sources_in(variable, place.scope) {
                if let Some(Input::Facts(facts)) = self.sources.get(&source) {
                    let found = Self::entity(facts, value);
                    entities.insert(if is_literal { found? } else { found.unwrap_or(None) });
                }
            }
            if let (1, Some(Some(entity))) = (entities.len(), entities.first()) {
                grounded.insert(variable.clone(), entity.clone());
            }
        }
        Ok(grounded)
    }

    /// The answer of a query inside the query.
    fn nested(&self, nested: &Nested, args: &[Argument], environment: &Environment, place: Place<'_>) -> Result<Value> {
        let mut inputs = Vec::new();
        for (written, passed) in nested.query.inputs.iter().zip(&nested.inputs) {
            inputs.push(match passed {
                Passed::Rules(_) => Input::Rules(self.rules.clone()),
                Passed::Pattern(pattern) => Input::Pattern(pattern.clone()),
                Passed::Argument(at) => match (&args[*at], written) {
                    (Argument::Source(name, _), _) => self.source(name, place)?.clone(),
                    (Argument::Variable(variable, _), written) => as_input(&environment[variable], written)?,
                    (Argument::Constant(value, _), written) => as_input(value, written)?,
                },
            });
        }
        Ok(super::answer(&nested.query, &inputs)?.value(&nested.query))
    }

    fn call_on(&self, name: &str, source: &SourceName, values: &[Value], place: Place<'_>) -> Result<Value> {
        let Input::Facts(facts) = self.source(source, place)? else {
            return Err(Error::new(Code::UnknownSource, "the function asks facts"));
        };
        let is_bound = |value: &Value| matches!(value.canonical(), Value::Nil | Value::Long(_) | Value::Instant(_));
        let takes = match name {
            "tx-ids" => values.iter().all(is_bound),
            "tx-data" => matches!(values[0].canonical(), Value::Long(_)),
            _ => true,
        };
        if !takes {
            return Err(Error::new(Code::ArgumentType, "no transaction has such a number"));
        }
        match name {
            "tx-ids" => Ok(transactions(facts, &values[0], &values[1]).map(Value::Long).collect::<Vec<_>>().into()),
            "tx-data" => Ok(recorded(facts, &values[0])),
            "missing?" | "get-else" | "get-some" => Self::call_about_entity(name, facts, values),
            other => Err(Error::new(Code::UnknownFunction, other)),
        }
    }

    fn call_about_entity(name: &str, facts: &MemoryFacts, values: &[Value]) -> Result<Value> {
        if facts.is_history() {
            return Err(Error::new(Code::HistoryView, "a value comes and goes in a history"));
        }
        let entity = match Self::entity(facts, &values[0])? {
            Some(entity) if !matches!(entity.canonical(), Value::Long(_)) => {
                return Err(Error::new(Code::ArgumentType, format!("a {} is no entity", entity.kind_name())));
            }
            Some(entity) => entity,
            // A reference to nothing: neither there nor missing.
            None => return Ok(Value::Nil),
        };
        let attribute_of = |value: &Value| match value.as_long() {
            Some(id) => facts.attribute_by_id(id),
            None => facts.attribute(value.as_text()?),
        };
        let found =
            |attribute: &Attribute| facts.shown().iter().find(|fact| fact.a == attribute.id && entity.same(&Value::Long(fact.e)));
        let attribute = attribute_of(&values[1]);
        let reversed = values[1].as_text().filter(|_| attribute.is_none()).and_then(|ident| {
            let at = ident.rfind('/').map_or(0, |slash| slash + 1);
            let forward = ident[at..].strip_prefix('_')?;
            facts.attribute(&format!("{}{forward}", &ident[..at]))
        });
        if let ("missing?", Some(forward)) = (name, reversed) {
            let refers = |value: &Value| matches!(value, Value::Ref(id) if entity.same(&Value::Long(*id)));
            return Ok((!facts.shown().iter().any(|fact| fact.a == forward.id && refers(&fact.v))).into());
        }
        match name {
            "missing?" => Ok(attribute.is_none_or(|attribute| found(&attribute).is_none()).into()),
            "get-else" => {
                check_single(attribute.as_deref())?;
                Ok(attribute.and_then(|known| found(&known)).map_or_else(|| values[2].clone(), |fact| plain(&fact.v)))
            }
            _ => {
                let known: Vec<Arc<Attribute>> = values[1..].iter().filter_map(attribute_of).collect();
                known.iter().try_for_each(|attribute| check_single(Some(attribute)))?;
                let first = known.iter().find_map(|attribute| found(attribute));
                Ok(first.map_or(Value::Nil, |fact| Value::vector([fact.a.into(), plain(&fact.v)])))
            }
        }
    }
}

/// A value passed for a place of `:in`; rows where a source is expected.
fn as_input(value: &Value, written: &Written) -> Result<Input> {
    let refuse = || Error::new(Code::InputShape, "a source takes rows");
    match written {
        Written::Source(..) => {
            let rows = items(value).ok_or_else(refuse)?;
            Ok(Input::Relation(rows.iter().map(|row| items(row).ok_or_else(refuse)).collect::<Result<_>>()?))
        }
        _ => Ok(Input::Value(value.clone())),
    }
}

fn check_single(attribute: Option<&Attribute>) -> Result<()> {
    match attribute {
        Some(attribute) if attribute.cardinality == Cardinality::Many => {
            Err(Error::new(Code::GetElse, "an attribute with many values"))
        }
        _ => Ok(()),
    }
}

/// The transactions of the window from `from` until before `until`.
fn transactions(facts: &MemoryFacts, from: &Value, until: &Value) -> impl Iterator<Item = i64> {
    let is_in = |t: i64| {
        // The instant of t is t seconds.
        let is_before = |bound: &Value| match bound {
            Value::Instant(instant) => t * 1_000_000 < *instant,
            bound => Value::Long(t).compare_within_type(bound).is_some_and(std::cmp::Ordering::is_lt),
        };
        (*from == Value::Nil || !is_before(from)) && (*until == Value::Nil || is_before(until))
    };
    // A filter chooses facts, not transactions.
    let history = facts.at(View { is_history: true, keep: Keep::All, ..facts.view() });
    let ids: BTreeSet<i64> = history.shown().iter().map(|fact| fact.t).filter(|t| is_in(*t)).collect();
    ids.into_iter()
}

/// What a transaction said, as rows.
fn recorded(facts: &MemoryFacts, t: &Value) -> Value {
    let history = facts.at(View { is_history: true, ..facts.view() });
    let said = history.shown().iter().filter(|fact| t.same(&fact.t.into()));
    let rows = said.map(|fact| {
        Value::vector([fact.e.into(), fact.a.into(), plain(&fact.v), fact.t.into(), fact.m.into(), fact.added.into()])
    });
    let rows: BTreeSet<Value> = rows.collect();
    Value::vector(rows)
}

/// The binding of rows of a source, with the places that were left out at its end.
fn whole(call: &Call, binding: &Binding) -> Binding {
    let width = match &*call.name {
        "tx-data" => 6,
        "fulltext" => 4,
        _ => 0,
    };
    match binding {
        Binding::Relation(parts, span) => {
            let left_out = (parts.len()..width).map(|_| Binding::Ignore(*span));
            Binding::Relation(parts.iter().cloned().chain(left_out).collect(), *span)
        }
        other => other.clone(),
    }
}

/// The mark of an environment in which a predicate failed: a name that no variable has.
fn failure() -> Variable {
    Variable("failure".into())
}

fn is_constant(term: &Term, value: &Value) -> bool {
    match term {
        Term::Constant(wanted, _) => wanted.same(value),
        Term::Blank(_) | Term::Variable(..) => true,
    }
}

/// The facts with which the constants of a pattern agree, names and lookup references taken as the entities for which they stand. As value
/// they stand for an entity where the fact's attribute is a reference, and for themselves elsewhere.
fn matching_facts(facts: &MemoryFacts, terms: &[Term]) -> Result<Vec<Vec<Value>>> {
    let mut entities = Vec::new();
    for term in terms {
        entities.push(match term {
            Term::Constant(wanted, _) => Naive::entity(facts, wanted),
            Term::Blank(_) | Term::Variable(..) => Ok(None),
        });
    }
    let mut rows = Vec::new();
    for fact in facts.shown() {
        let row = [fact.e.into(), fact.a.into(), plain(&fact.v), fact.t.into(), fact.m.into(), fact.added.into()];
        let leads_to_entity = facts.attribute_by_id(fact.a).is_some_and(|attribute| attribute.value_type == Some(ValueType::Ref));
        let mut agrees = true;
        for (place, (term, value)) in terms.iter().zip(&row).enumerate() {
            let Term::Constant(wanted, _) = term else { continue };
            let stands_for_entity = matches!(place, 0 | 1 | 3 | 4) || (place == 2 && leads_to_entity);
            agrees &= match &entities[place] {
                _ if !stands_for_entity => wanted.same(value),
                Ok(entity) => entity.as_ref().is_some_and(|entity| entity.same(value)),
                // What is of another attribute says nothing about this value.
                Err(_) if place == 2 && !agrees => false,
                Err(error) => return Err(error.clone()),
            };
        }
        if agrees {
            rows.push(row.to_vec());
        }
    }
    Ok(rows)
}

fn inside<'a>(source: Option<&'a SourceName>, place: Place<'a>) -> Place<'a> {
    match source {
        Some(name) if *name != SourceName::default() => Place { source: name, ..place },
        _ => place,
    }
}

fn restricted(environment: &Environment, variables: &Variables) -> Environment {
    let kept = environment.iter().filter(|(variable, _)| variables.contains(*variable));
    kept.map(|(variable, value)| (variable.clone(), value.clone())).collect()
}

fn joined(environment: &Environment, other: &Environment) -> Option<Environment> {
    let mut joined = environment.clone();
    other.iter().all(|(variable, value)| joined.bind(variable, value)).then_some(joined)
}

/// The ways in which a value fits a binding form. Nil fits none but `_`, which binds nothing.
pub(super) fn take_apart(binding: &Binding, value: &Value, environment: &Environment) -> Result<Vec<Environment>> {
    let refuse =
        || Error::new(Code::InputShape, format!("a {} does not fit the binding form", value.kind_name())).at(binding.span());
    match binding {
        Binding::Ignore(_) => Ok(vec![environment.clone()]),
        _ if *value == Value::Nil => Ok(Vec::new()),
        Binding::Scalar(variable, _) => {
            let mut environment = environment.clone();
            // A variable holds the long of a reference, whether it was given or found.
            Ok(if environment.bind(variable, &plain(value)) { vec![environment] } else { Vec::new() })
        }
        Binding::Tuple(parts, _) => {
            tuple(parts, &items(value).filter(|items| items.len() == parts.len()).ok_or_else(refuse)?, environment)
        }
        Binding::Collection(part, _) => {
            let mut found = Vec::new();
            for item in items(value).ok_or_else(refuse)? {
                found.extend(take_apart(part, &item, environment)?);
            }
            Ok(found)
        }
        Binding::Relation(parts, span) => {
            let row = Binding::Tuple(parts.clone(), *span);
            let mut found = Vec::new();
            for item in items(value).ok_or_else(refuse)? {
                found.extend(take_apart(&row, &item, environment)?);
            }
            Ok(found)
        }
    }
}

fn tuple(parts: &[Binding], items: &[Value], environment: &Environment) -> Result<Vec<Environment>> {
    let mut found = vec![environment.clone()];
    for (part, item) in parts.iter().zip(items) {
        let mut next = Vec::new();
        for environment in &found {
            next.extend(take_apart(part, item, environment)?);
        }
        found = next;
    }
    Ok(found)
}

fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Set(items) => Some(items.iter().cloned().collect()),
        other => other.as_items().map(<[Value]>::to_vec),
    }
}
