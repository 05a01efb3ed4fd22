//! Which variables and rules clauses mention.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::ast::{Argument, Binding, Call, Clause, Nested, Passed, Term, Variable};

/// A set of variables of the query.
pub(super) type Names<'q> = BTreeSet<&'q Variable>;

/// The clauses, with each `and` replaced by what it holds.
pub(super) fn flat(clauses: &[Clause]) -> Vec<&Clause> {
    let mut found = Vec::with_capacity(clauses.len());
    for clause in clauses {
        match clause {
            Clause::And(inner, _) => found.extend(flat(inner)),
            other => found.push(other),
        }
    }
    found
}

/// The variables by which a clause touches its surroundings.
pub(super) fn of(clause: &Clause) -> Names<'_> {
    let mut names = Names::new();
    add(clause, true, &mut names);
    names
}

/// The same without those that only a `not` inside mentions: what the clause binds or needs by itself.
pub(super) fn outside_not(clause: &Clause) -> Names<'_> {
    let mut names = Names::new();
    add(clause, false, &mut names);
    names
}

/// Clauses that share their variables, and what is visible to them from outside.
pub(super) struct Scope<'s, 'q> {
    clauses: &'s [&'q Clause],
    visible: &'s Names<'q>,
    /// In how many clauses each variable stands; counted when first asked for.
    counts: OnceCell<BTreeMap<&'q Variable, usize>>,
}

impl<'s, 'q> Scope<'s, 'q> {
    pub(super) fn new(clauses: &'s [&'q Clause], visible: &'s Names<'q>) -> Self {
        Self { clauses, visible, counts: OnceCell::new() }
    }

    /// The variables of a clause that it can share with the rest of its scope: those of the other clauses, and those visible from
    /// outside. A `not` binds nothing, so what only `not`s mention belongs to each of them alone.
    pub(super) fn shared(&self, clause: &'q Clause) -> Names<'q> {
        let own_count = usize::from(!is_negation(clause));
        let is_shared = |variable: &&Variable| {
            self.visible.contains(variable) || self.counts().get(variable).is_some_and(|count| *count > own_count)
        };
        of(clause).into_iter().filter(is_shared).collect()
    }

    fn counts(&self) -> &BTreeMap<&'q Variable, usize> {
        self.counts.get_or_init(|| {
            let mut counts = BTreeMap::new();
            for variable in self.clauses.iter().filter(|clause| !is_negation(clause)).flat_map(|clause| of(clause)) {
                *counts.entry(variable).or_default() += 1;
            }
            counts
        })
    }
}

fn is_negation(clause: &Clause) -> bool {
    matches!(clause, Clause::Not { .. } | Clause::NotJoin { .. })
}

/// The variables among the arguments of a call.
pub(super) fn of_call(call: &Call) -> impl Iterator<Item = &Variable> {
    call.args.iter().filter_map(|argument| match argument {
        Argument::Variable(variable, _) => Some(variable),
        Argument::Constant(..) | Argument::Source(..) => None,
    })
}

/// The variables of a binding.
pub(super) fn of_binding(binding: &Binding) -> Vec<&Variable> {
    binding.variables()
}

/// The variables among the places of a pattern or the arguments of a rule.
pub(super) fn of_terms(terms: &[Term]) -> impl Iterator<Item = &Variable> {
    terms.iter().filter_map(|term| match term {
        Term::Variable(variable, _) => Some(variable),
        Term::Blank(_) | Term::Constant(..) => None,
    })
}

/// The rules that clauses call, at any depth; true for calls under a `not`.
pub(super) fn rule_calls(clauses: &[Clause]) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    for clause in clauses {
        add_rule_calls(clause, false, &mut found);
    }
    found
}

fn add_rule_calls<'q>(clause: &'q Clause, is_negated: bool, found: &mut Vec<(&'q str, bool)>) {
    match clause {
        Clause::Rule { name, .. } => found.push((name, is_negated)),
        Clause::And(inner, _) | Clause::Or { branches: inner, .. } | Clause::OrJoin { branches: inner, .. } => {
            for clause in inner {
                add_rule_calls(clause, is_negated, found);
            }
        }
        Clause::Not { clauses, .. } | Clause::NotJoin { clauses, .. } => {
            for clause in clauses {
                add_rule_calls(clause, true, found);
            }
        }
        Clause::Predicate { call, .. } | Clause::Function { call, .. } => {
            // A query inside wants complete answers, as a `not` does.
            if let Some(nested) = &call.nested
                && nested.inputs.iter().any(|input| matches!(input, Passed::Rules(_)))
            {
                found.extend(rule_calls(&nested.query.clauses).into_iter().map(|(name, _)| (name, true)));
            }
        }
        Clause::Pattern { .. } => {}
    }
}

/// The queries that stand in clauses, outermost alone.
pub(super) fn nested(clauses: &[Clause]) -> Vec<&Nested> {
    let mut found = Vec::new();
    for clause in clauses {
        match clause {
            Clause::Predicate { call, .. } | Clause::Function { call, .. } => found.extend(call.nested.as_deref()),
            Clause::And(inner, _)
            | Clause::Or { branches: inner, .. }
            | Clause::OrJoin { branches: inner, .. }
            | Clause::Not { clauses: inner, .. }
            | Clause::NotJoin { clauses: inner, .. } => found.append(&mut nested(inner)),
            Clause::Pattern { .. } | Clause::Rule { .. } => {}
        }
    }
    found
}

fn add<'q>(clause: &'q Clause, with_not: bool, names: &mut Names<'q>) {
    match clause {
        Clause::Pattern { terms, .. } | Clause::Rule { args: terms, .. } => names.extend(of_terms(terms)),
        Clause::Predicate { call, .. } => names.extend(of_call(call)),
        Clause::Function { call, binding, .. } => {
            names.extend(of_call(call));
            names.extend(of_binding(binding));
        }
        Clause::Not { .. } | Clause::NotJoin { .. } if !with_not => {}
        Clause::And(clauses, _) | Clause::Or { branches: clauses, .. } | Clause::Not { clauses, .. } => {
            for clause in clauses {
                add(clause, with_not, names);
            }
        }
        Clause::OrJoin { border, .. } => names.extend(border.variables()),
        Clause::NotJoin { variables, .. } => names.extend(variables.iter().map(|(variable, _)| variable)),
    }
}
