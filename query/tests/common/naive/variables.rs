//! Which variables a clause mentions, and which of them stand for entities.

use std::collections::BTreeSet;

use annals_query::ast::{Argument, Call, Clause, SourceName, Term, Variable};
use annals_query::{Facts as _, Value, ValueType};

use super::{Input, Naive, Place, Scope, Variables};

/// The clauses, with each `and` replaced by what it holds.
pub(super) fn flat(clauses: &[Clause]) -> Vec<&Clause> {
    let mut flat_clauses = Vec::new();
    for clause in clauses {
        match clause {
            Clause::And(inner, _) => flat_clauses.extend(flat(inner)),
            other => flat_clauses.push(other),
        }
    }
    flat_clauses
}

/// The variables by which a clause touches its surroundings.
pub(super) fn of(clause: &Clause) -> Variables {
    let all = |clauses: &[Clause]| clauses.iter().flat_map(of).collect();
    match clause {
        Clause::Pattern { terms, .. } | Clause::Rule { args: terms, .. } => of_terms(terms),
        Clause::Predicate { call, .. } => of_call(call),
        Clause::Function { call, binding, .. } => {
            let mut variables = of_call(call);
            variables.extend(binding.variables().into_iter().cloned());
            variables
        }
        Clause::And(clauses, _) | Clause::Or { branches: clauses, .. } | Clause::Not { clauses, .. } => all(clauses),
        Clause::OrJoin { border, .. } => border.variables().cloned().collect(),
        Clause::NotJoin { variables, .. } => variables.iter().map(|(variable, _)| variable.clone()).collect(),
    }
}

pub(super) fn of_call(call: &Call) -> Variables {
    let variable =
        |argument: &Argument| if let Argument::Variable(variable, _) = argument { Some(variable.clone()) } else { None };
    call.args.iter().filter_map(variable).collect()
}

fn of_terms(terms: &[Term]) -> Variables {
    let variable = |term: &Term| if let Term::Variable(variable, _) = term { Some(variable.clone()) } else { None };
    terms.iter().filter_map(variable).collect()
}

/// The variables that a clause can share with the rest of its scope: those of the other clauses (a `not` binds nothing, so what only
/// `not`s mention belongs to each of them alone), and those visible from outside.
pub(super) fn around(clause: &Clause, clauses: &[&Clause], visible: &Variables) -> Variables {
    let others = clauses.iter().filter(|other| !std::ptr::eq(**other, clause));
    let others = others.filter(|other| !matches!(other, Clause::Not { .. } | Clause::NotJoin { .. }));
    visible.iter().cloned().chain(others.flat_map(|other| of(other))).collect()
}

impl Naive {
    /// The sources in which a variable stands where an entity is expected, in these clauses and the rules they call.
    pub(super) fn entity_sources(&self, variable: &Variable, clauses: &[Clause], source: &SourceName) -> BTreeSet<SourceName> {
        let mut search = EntitySearch { naive: self, found: BTreeSet::new(), seen: BTreeSet::new() };
        search.clauses(variable, clauses, source);
        search.found
    }

    /// The sources in which a variable of a scope stands where an entity is expected.
    pub(super) fn entity_sources_in(&self, variable: &Variable, scope: &Scope<'_>) -> BTreeSet<SourceName> {
        let mut found = self.entity_sources(variable, scope.clauses, scope.source);
        if let Some((crossing, outer)) = &scope.outer
            && crossing.contains(variable)
        {
            found.extend(self.entity_sources_in(variable, outer));
        }
        found
    }

    /// The sources in which an argument of a rule stands where an entity is expected.
    pub(super) fn entity_sources_of_argument(&self, rule: &str, position: usize, source: &SourceName) -> BTreeSet<SourceName> {
        let mut search = EntitySearch { naive: self, found: BTreeSet::new(), seen: BTreeSet::new() };
        search.argument(rule, position, source);
        search.found
    }
}

struct EntitySearch<'a> {
    naive: &'a Naive,
    found: BTreeSet<SourceName>,
    seen: BTreeSet<(String, usize, SourceName)>,
}

impl EntitySearch<'_> {
    fn clauses(&mut self, variable: &Variable, clauses: &[Clause], source: &SourceName) {
        for clause in clauses {
            self.clause(variable, clause, source);
        }
    }

    fn clause(&mut self, variable: &Variable, clause: &Clause, source: &SourceName) {
        let here = Scope { clauses: &[], source, outer: None };
        let place = Place { source, tables: None, scope: &here };
        match clause {
            Clause::Pattern { source: name, terms, .. } => {
                let name = Naive::source_name(name, place);
                self.pattern(variable, terms, name);
            }
            Clause::Predicate { call, .. } | Clause::Function { call, .. } => self.call(variable, call, place),
            Clause::And(clauses, _) | Clause::Or { branches: clauses, .. } | Clause::Not { clauses, .. } => {
                self.clauses(variable, clauses, source);
            }
            Clause::OrJoin { border, branches, .. } => {
                if border.variables().any(|crossing| crossing == variable) {
                    self.clauses(variable, branches, source);
                }
            }
            Clause::NotJoin { variables, clauses, .. } => {
                if variables.iter().any(|(crossing, _)| crossing == variable) {
                    self.clauses(variable, clauses, source);
                }
            }
            Clause::Rule { source: name, name: rule, args, .. } => {
                for (position, term) in args.iter().enumerate() {
                    if matches!(term, Term::Variable(argument, _) if argument == variable) {
                        self.argument(rule, position, name.as_ref().map_or(source, |name| Naive::source_name(name, place)));
                    }
                }
            }
        }
    }

    fn argument(&mut self, rule: &str, position: usize, source: &SourceName) {
        if !self.seen.insert((rule.to_owned(), position, source.clone())) {
            return;
        }
        let naive = self.naive;
        for rule in naive.rules.rules.iter().filter(|other| &*other.name == rule) {
            if let Some(parameter) = rule.head.variables().nth(position) {
                self.clauses(parameter, &rule.clauses, source);
            }
        }
    }

    fn pattern(&mut self, variable: &Variable, terms: &[Term], source: &SourceName) {
        let Some(Input::Facts(facts)) = self.naive.sources.get(source) else { return };
        let attribute = match terms.get(1) {
            Some(Term::Constant(Value::Keyword(ident), _)) => facts.attribute(ident),
            Some(Term::Constant(Value::Long(id) | Value::Ref(id), _)) => facts.attribute_by_id(*id),
            _ => None,
        };
        let leads_to_entity = attribute.is_some_and(|attribute| attribute.value_type == Some(ValueType::Ref));
        let is_here = |place: usize| matches!(terms.get(place), Some(Term::Variable(other, _)) if other == variable);
        if [0, 1, 3, 4].into_iter().any(is_here) || (leads_to_entity && is_here(2)) {
            self.found.insert(source.clone());
        }
    }

    fn call(&mut self, variable: &Variable, call: &Call, place: Place<'_>) {
        if matches!(&*call.name, "get-else" | "get-some" | "missing?")
            && let [Argument::Source(name, _), Argument::Variable(entity, _), ..] = &call.args[..]
            && entity == variable
        {
            self.found.insert(Naive::source_name(name, place).clone());
        }
    }
}
