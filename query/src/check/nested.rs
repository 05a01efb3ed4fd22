//! Queries inside of queries are checked like any other: what is passed to them is bound, and nothing else of what is around.

use crate::ast::{Clause, Query, RuleSet};
use crate::budget::Budget;
use crate::check::rulebook::Rulebook;
use crate::check::{bound, branch, find, mention, reference};
use crate::error::Result;
use crate::registry::Functions;

/// Checks the queries inside these clauses, at any depth.
pub(super) fn check(clauses: &[Clause], book: &Rulebook<'_>, functions: &Functions, budget: &Budget) -> Result<()> {
    mention::nested(clauses).into_iter().try_for_each(|nested| {
        let query = &nested.query;
        reference::check_query(query, book, functions)?;
        branch::check_query(query)?;
        let bound = bound::Binder::new(book, budget).check_query(query)?;
        find::check(query, &bound, functions, budget)?;
        check(&query.clauses, book, functions, budget)
    })
}

/// Takes calls in `:having` for registered aggregates, also in the queries inside.
pub(super) fn find_aggregates(query: &mut Query, functions: &Functions) {
    for condition in &mut query.having {
        condition.find_aggregates(&|name| functions.aggregate(name).is_some());
    }
    find_in_clauses(&mut query.clauses, functions);
}

/// The same for the queries inside of rules.
pub(super) fn find_aggregates_of_rules(rules: &mut RuleSet, functions: &Functions) {
    rules.rules.iter_mut().for_each(|rule| find_in_clauses(&mut rule.clauses, functions));
}

fn find_in_clauses(clauses: &mut [Clause], functions: &Functions) {
    for clause in clauses {
        match clause {
            Clause::Predicate { call, .. } | Clause::Function { call, .. } => {
                if let Some(nested) = &mut call.nested {
                    find_aggregates(&mut nested.query, functions);
                }
            }
            Clause::And(inner, _)
            | Clause::Or { branches: inner, .. }
            | Clause::OrJoin { branches: inner, .. }
            | Clause::Not { clauses: inner, .. }
            | Clause::NotJoin { clauses: inner, .. } => find_in_clauses(inner, functions),
            Clause::Pattern { .. } | Clause::Rule { .. } => {}
        }
    }
}
