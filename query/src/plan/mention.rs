//! Which variables clauses mention.

use std::collections::BTreeSet;

use crate::ast::{Argument, Call, Clause, Term, Variable};

/// The variables that clauses bring into their scope: all but those that only a `not` or the inside of a border mentions.
pub(crate) fn mentioned(clauses: &[Clause]) -> BTreeSet<&Variable> {
    let mut found = BTreeSet::new();
    for clause in clauses {
        collect(clause, false, &mut found);
    }
    found
}

/// The same, with what stands in a `not`: all that can be shared with what is around.
pub(crate) fn every_variable(clauses: &[Clause]) -> BTreeSet<&Variable> {
    let mut found = BTreeSet::new();
    for clause in clauses {
        collect(clause, true, &mut found);
    }
    found
}

fn collect<'c>(clause: &'c Clause, with_negations: bool, found: &mut BTreeSet<&'c Variable>) {
    match clause {
        Clause::Pattern { terms, .. } => collect_terms(terms, found),
        Clause::Rule { args, .. } => collect_terms(args, found),
        Clause::Predicate { call, .. } => collect_call(call, found),
        Clause::Function { call, binding, .. } => {
            collect_call(call, found);
            found.extend(binding.variables());
        }
        Clause::And(clauses, _) | Clause::Or { branches: clauses, .. } => {
            for clause in clauses {
                collect(clause, with_negations, found);
            }
        }
        Clause::OrJoin { border, .. } => found.extend(border.variables()),
        Clause::Not { clauses, .. } if with_negations => {
            for clause in clauses {
                collect(clause, true, found);
            }
        }
        Clause::Not { .. } => {}
        Clause::NotJoin { variables, .. } => found.extend(variables.iter().map(|(variable, _)| variable)),
    }
}

fn collect_terms<'c>(terms: &'c [Term], found: &mut BTreeSet<&'c Variable>) {
    found.extend(terms.iter().filter_map(|term| match term {
        Term::Variable(variable, _) => Some(variable),
        Term::Blank(_) | Term::Constant(..) => None,
    }));
}

fn collect_call<'c>(call: &'c Call, found: &mut BTreeSet<&'c Variable>) {
    found.extend(call.args.iter().filter_map(|arg| match arg {
        Argument::Variable(variable, _) => Some(variable),
        Argument::Constant(..) | Argument::Source(..) => None,
    }));
}
