//! The shape of `or` and `not`: branches bind the same variables, and a `not` shares one with its surroundings.

use crate::ast::{Binding, Clause, Input, Query};
use crate::check::mention::{self, Names, Scope};
use crate::check::rulebook::Rulebook;
use crate::error::{Code, Error, Result, Span};

/// Checks every scope of the query and of its rules.
pub(super) fn check(query: &Query, book: &Rulebook<'_>) -> Result<()> {
    check_query(query)?;
    book.all().try_for_each(|rule| scope(&mention::flat(&rule.clauses), &rule.head.variables().collect()))
}

/// Checks every scope of the query alone.
pub(super) fn check_query(query: &Query) -> Result<()> {
    scope(&mention::flat(&query.clauses), &inputs(query))
}

/// The variables that `:in` binds.
pub(super) fn inputs(query: &Query) -> Names<'_> {
    let bindings = query.inputs.iter().filter_map(|input| match input {
        Input::Binding(binding) => Some(binding),
        Input::Source(..) | Input::Rules(_) | Input::Pattern(..) => None,
    });
    bindings.flat_map(Binding::variables).collect()
}

fn scope<'q>(clauses: &[&'q Clause], visible: &Names<'q>) -> Result<()> {
    let surroundings = Scope::new(clauses, visible);
    for clause in clauses {
        match clause {
            Clause::Or { branches, .. } => {
                let shared = surroundings.shared(clause);
                check_branches(branches, &shared)?;
                inside(branches, &shared)?;
            }
            Clause::OrJoin { branches, border, .. } => inside(branches, &border.variables().collect())?,
            Clause::Not { clauses: inner, span, .. } => {
                let shared = surroundings.shared(clause);
                if shared.is_empty() {
                    return Err(unrelated(clause, *span));
                }
                scope(&mention::flat(inner), &shared)?;
            }
            Clause::NotJoin { clauses: inner, variables, .. } => {
                scope(&mention::flat(inner), &variables.iter().map(|(variable, _)| variable).collect())?;
            }
            Clause::Pattern { .. }
            | Clause::Predicate { .. }
            | Clause::Function { .. }
            | Clause::And(..)
            | Clause::Rule { .. } => {}
        }
    }
    Ok(())
}

fn inside<'q>(branches: &'q [Clause], visible: &Names<'q>) -> Result<()> {
    branches.iter().try_for_each(|branch| scope(&mention::flat(std::slice::from_ref(branch)), visible))
}

fn check_branches<'q>(branches: &'q [Clause], shared: &Names<'q>) -> Result<()> {
    let names = |branch: &'q Clause| {
        let mut names = mention::outside_not(branch);
        // What a `not` mentions counts where it means the same variable outside of the branch.
        names.extend(mention::of(branch).intersection(shared));
        names
    };
    let mut all = branches.iter().map(|branch| (branch, names(branch)));
    let Some((_, first)) = all.next() else { return Ok(()) };
    for (branch, others) in all {
        let Some(odd) = first.symmetric_difference(&others).next() else { continue };
        let (with, without) =
            if first.contains(odd) { ("an earlier branch", "this one") } else { ("this branch", "an earlier one") };
        return Err(Error::new(Code::UnequalBranches, format!("{with} of the `or` has `{odd}`, and {without} does not"))
            .at(branch.span())
            .with_value(odd)
            .with_help(
                "write (or-join [..] ..) with the variables that all branches share, or bind the same variables in each",
            ));
    }
    Ok(())
}

fn unrelated(clause: &Clause, span: Span) -> Error {
    let names: Vec<String> = mention::of(clause).iter().map(|name| format!("`{name}`")).collect();
    let message = match names.as_slice() {
        [] => "this `not` mentions no variable, so it shares none with the query".to_owned(),
        names => format!("this `not` shares no variable with the query: only it mentions {}", names.join(", ")),
    };
    Error::new(Code::UnrelatedClause, message).at(span).with_help("use a variable inside that a clause outside binds")
}
