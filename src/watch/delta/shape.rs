//! What is known of a query: which of its clauses are occurrences, what the others read, and which variables show numbers as they are
//! stored.

use std::collections::BTreeSet;

use annals_query::ast::{Argument, Binding, Call, Clause, Element, Input, Query, RuleSet, SourceName, Term, Variable};
use annals_query::{Given, Value, ValueType};
use rustc_hash::FxHashSet;

use crate::db::prepared::Asked;
use crate::schema::Schema;

/// The parts of a conjunction.
pub(super) struct Shape {
    /// The places of its patterns of `$`, among its clauses.
    pub(super) occurrences: Vec<usize>,
    beside: Beside,
    /// Variables that inputs and functions bind.
    given: BTreeSet<Variable>,
    /// For each find element whether its numbers are all of one kind.
    is_even: Vec<bool>,
    /// The place of `$` among the inputs.
    source: usize,
}

/// What clauses read that are no occurrences.
#[derive(Default)]
struct Beside {
    attributes: FxHashSet<i64>,
    is_everything: bool,
}

/// The variable that an element shows.
pub(super) fn variable_of(element: &Element) -> Option<&Variable> {
    if let Element::Variable(variable, _) = element { Some(variable) } else { None }
}

fn variable_in(term: &Term) -> Option<&Variable> {
    if let Term::Variable(variable, _) = term { Some(variable) } else { None }
}

/// True if a clause that is no pattern may bind the variable.
fn may_bind(clause: &Clause, variable: &Variable) -> bool {
    match clause {
        Clause::Pattern { terms, .. } | Clause::Rule { args: terms, .. } => {
            terms.iter().any(|term| variable_in(term) == Some(variable))
        }
        Clause::Function { binding, .. } => binding.variables().contains(&variable),
        Clause::Predicate { .. } | Clause::Not { .. } | Clause::NotJoin { .. } => false,
        Clause::And(clauses, _) | Clause::Or { branches: clauses, .. } | Clause::OrJoin { branches: clauses, .. } => {
            clauses.iter().any(|clause| may_bind(clause, variable))
        }
    }
}

/// True if the variable stands in a clause where an entity or attribute may be meant.
fn has_as_entity(clause: &Clause, variable: &Variable) -> bool {
    match clause {
        Clause::Pattern { terms, .. } => [0, 1, 3, 4].iter().any(|at| terms.get(*at).and_then(variable_in) == Some(variable)),
        Clause::Rule { args, .. } => args.iter().any(|term| variable_in(term) == Some(variable)),
        Clause::Predicate { call, .. } | Clause::Function { call, .. } => {
            let is_own = |argument: &Argument| matches!(argument, Argument::Variable(own, _) if own == variable);
            let asks = |argument: &Argument| matches!(argument, Argument::Source(..));
            call.args.iter().any(asks) && call.args.iter().any(is_own)
        }
        Clause::And(clauses, _)
        | Clause::Or { branches: clauses, .. }
        | Clause::OrJoin { branches: clauses, .. }
        | Clause::Not { clauses, .. }
        | Clause::NotJoin { clauses, .. } => clauses.iter().any(|clause| has_as_entity(clause, variable)),
    }
}

/// True if the variable may stand for an entity: a name or a lookup reference that is given for it would be resolved.
pub(super) fn may_be_entity(query: &Query, variable: &Variable) -> bool {
    query.clauses.iter().any(|clause| has_as_entity(clause, variable))
}

/// True for a value that would be resolved to an entity where one is expected.
pub(super) fn is_resolved(value: &Value) -> bool {
    matches!(value, Value::Keyword(_)) || value.as_items().is_some()
}

impl Shape {
    /// Looks at a query whose find elements are variables; `None` if it has no occurrence, or does not ask `$`.
    pub(super) fn of(query: &Query, rules: &RuleSet, schema: &Schema) -> Option<Self> {
        let own = SourceName::default();
        let source = query.inputs.iter().position(|input| matches!(input, Input::Source(name, _) if *name == own))?;
        let mut beside = Beside::default();
        let mut given: BTreeSet<Variable> = BTreeSet::new();
        let note = |binding: &Binding, given: &mut BTreeSet<Variable>| given.extend(binding.variables().into_iter().cloned());
        for input in &query.inputs {
            if let Input::Binding(binding) = input {
                note(binding, &mut given);
            }
        }
        let mut occurrences = Vec::new();
        for (at, clause) in query.clauses.iter().enumerate() {
            match clause {
                Clause::Pattern { source, .. } if *source == own => occurrences.push(at),
                // Other sources stay as they are: see `Question::is_simple`.
                Clause::Pattern { .. } => {}
                Clause::Function { binding, .. } => {
                    note(binding, &mut given);
                    beside.note(clause, rules, schema);
                }
                other => beside.note(other, rules, schema),
            }
        }
        if occurrences.is_empty() || beside.is_everything {
            return None;
        }
        let mut shape = Self { occurrences, beside, given, is_even: Vec::new(), source };
        let variables = query.find.elements().iter().filter_map(variable_of);
        shape.is_even = variables.map(|variable| shape.has_even_numbers(query, variable, schema)).collect();
        Some(shape)
    }

    /// True if clauses that are no occurrences read this attribute.
    pub(super) fn is_read_beside(&self, attribute: i64) -> bool {
        self.beside.attributes.contains(&attribute)
    }

    /// True if an input or a function binds the variable.
    pub(super) fn is_given(&self, variable: &Variable) -> bool {
        self.given.contains(variable)
    }

    /// True if the variable is but the value of entities that are among these variables: they select well enough.
    pub(super) fn follows(&self, query: &Query, variable: &Variable, among: &[&Variable]) -> bool {
        let mut is_value = false;
        for at in &self.occurrences {
            let Clause::Pattern { terms, .. } = &query.clauses[*at] else { continue };
            let entity = terms.first().and_then(variable_in);
            if entity == Some(variable) {
                return false;
            }
            let is_led_to = entity.is_some_and(|entity| among.contains(&entity));
            is_value |= is_led_to && terms.get(2).and_then(variable_in) == Some(variable);
        }
        is_value
    }

    /// True if `$` shows additions and retractions.
    pub(super) fn is_history(&self, asked: &Asked) -> bool {
        matches!(asked.given.get(self.source), Some(Given::Facts(facts)) if facts.is_history())
    }

    /// True if another occurrence has this variable for its transaction, and is itself about no transaction of an occurrence.
    pub(super) fn takes_time_elsewhere(&self, query: &Query, at: usize, time: &Variable) -> bool {
        let place = |occurrence: usize, at: usize| match &query.clauses[occurrence] {
            Clause::Pattern { terms, .. } => terms.get(at).and_then(variable_in),
            _ => None,
        };
        let is_time = |variable: &Variable| self.occurrences.iter().any(|other| place(*other, 3) == Some(variable));
        let is_other = |other: &usize| *other != at && place(*other, 3) == Some(time) && !place(*other, 0).is_some_and(is_time);
        self.occurrences.iter().any(is_other)
    }

    /// True if the row has a number that may be equal to one of another kind, and is no long.
    pub(super) fn is_odd(&self, row: &[Value]) -> bool {
        row.iter().zip(&self.is_even).any(|(value, is_even)| is_odd(value, *is_even))
    }

    /// True if the row has a number where numbers of several kinds may meet.
    pub(super) fn shows_loose_number(&self, row: &[Value]) -> bool {
        row.iter().zip(&self.is_even).any(|(value, is_even)| !is_even && value.is_number())
    }

    /// True if the variable stands only where numbers are of one kind: entities, transactions, attributes of one declared type.
    fn has_even_numbers(&self, query: &Query, variable: &Variable, schema: &Schema) -> bool {
        let mut kinds: BTreeSet<ValueType> = BTreeSet::new();
        let is = |term: Option<&Term>| matches!(term, Some(Term::Variable(own, _)) if own == variable);
        if self.is_given(variable) {
            return false;
        }
        for clause in &query.clauses {
            let Clause::Pattern { terms, source, .. } = clause else {
                if may_bind(clause, variable) {
                    return false;
                }
                continue;
            };
            if *source != SourceName::default() && terms.iter().any(|term| is(Some(term))) {
                return false;
            }
            if [0, 1, 3, 4].iter().any(|at| is(terms.get(*at))) {
                kinds.insert(ValueType::Long);
            }
            if is(terms.get(2)) {
                let declared = match terms.get(1) {
                    Some(Term::Constant(Value::Keyword(name), _)) => {
                        schema.declaration_by_ident(name).and_then(|declaration| declaration.attribute.value_type)
                    }
                    _ => None,
                };
                let Some(kind) = declared else { return false };
                kinds.insert(if kind == ValueType::Ref { ValueType::Long } else { kind });
            }
        }
        kinds.len() == 1
    }
}

fn is_odd(value: &Value, is_even: bool) -> bool {
    match value {
        // Both zeros are one.
        Value::Double(0.0) | Value::Ref(_) => true,
        Value::Long(_) => false,
        Value::Vector(items) | Value::List(items) => {
            items.iter().any(|item| !matches!(item, Value::Long(_)) && is_odd(item, false))
        }
        other => other.is_number() && !is_even,
    }
}

impl Beside {
    fn note(&mut self, clause: &Clause, rules: &RuleSet, schema: &Schema) {
        match clause {
            Clause::Pattern { terms, .. } => self.note_attribute(terms.get(1), schema),
            Clause::Predicate { call, .. } | Clause::Function { call, .. } => self.note_call(call, schema),
            Clause::And(clauses, _)
            | Clause::Or { branches: clauses, .. }
            | Clause::OrJoin { branches: clauses, .. }
            | Clause::Not { clauses, .. }
            | Clause::NotJoin { clauses, .. } => clauses.iter().for_each(|clause| self.note(clause, rules, schema)),
            // Rules call each other, and an attribute may come as an argument: all that any of them reads.
            Clause::Rule { args, .. } => {
                let is_attribute = |term: &Term| matches!(term, Term::Constant(Value::Keyword(_), _));
                self.is_everything |= args.iter().any(is_attribute);
                let bodies = rules.rules.iter().flat_map(|rule| &rule.clauses);
                let own = bodies.filter(|clause| !matches!(clause, Clause::Rule { .. }));
                own.for_each(|clause| self.note_within_rules(clause, schema));
            }
        }
    }

    /// The same inside of rules, where calls of rules lead to nothing that is not looked at anyway.
    fn note_within_rules(&mut self, clause: &Clause, schema: &Schema) {
        match clause {
            Clause::Rule { .. } => {}
            Clause::And(clauses, _)
            | Clause::Or { branches: clauses, .. }
            | Clause::OrJoin { branches: clauses, .. }
            | Clause::Not { clauses, .. }
            | Clause::NotJoin { clauses, .. } => clauses.iter().for_each(|clause| self.note_within_rules(clause, schema)),
            other => self.note(other, &RuleSet::default(), schema),
        }
    }

    fn note_attribute(&mut self, term: Option<&Term>, schema: &Schema) {
        match term {
            Some(Term::Constant(Value::Keyword(name), _)) => self.attributes.extend(schema.entity(name)),
            Some(Term::Constant(Value::Long(id), _)) => {
                self.attributes.insert(*id);
            }
            _ => self.is_everything = true,
        }
    }

    /// A function that asks a source about attributes that are written reads those; of any other nothing is known.
    fn note_call(&mut self, call: &Call, schema: &Schema) {
        if call.nested.is_some() {
            self.is_everything = true;
        }
        if !call.args.iter().any(|argument| matches!(argument, Argument::Source(..))) {
            return;
        }
        let is_of_attributes = ["get-else", "get-some", "missing?"].contains(&&*call.name);
        let is_written = |argument: &Argument| matches!(argument, Argument::Constant(Value::Keyword(_), _));
        if !is_of_attributes || !call.args.iter().skip(2).take(1).all(is_written) {
            self.is_everything = true;
        }
        for argument in call.args.iter().skip(2) {
            match argument {
                Argument::Constant(Value::Keyword(name), _) => self.attributes.extend(schema.entity(name)),
                Argument::Variable(..) if call.name.as_ref() == "get-some" => self.is_everything = true,
                _ => {}
            }
        }
    }
}
