//! Why a clause has to wait, and the error when it would wait for ever.

use std::collections::BTreeMap;

use crate::ast::{Clause, Variable};
use crate::check::mention::{self, Names};
use crate::error::{Code, Error, Span};
use crate::nearest::did_you_mean;

/// Why a clause cannot be taken. Cheap to make, as most clauses wait only for a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'q> {
    pub(super) why: Why<'q>,
    /// The variable that is not bound; none for `_`, or where several would do.
    pub(super) variable: Option<&'q Variable>,
    /// The clause that waits.
    pub(super) span: Span,
}

/// What for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why<'q> {
    /// A call needs the variable.
    Argument(&'q str),
    /// A `not` or `not-join` compares the variable.
    Negation(&'q str),
    /// An `or-join` lists the variable as required.
    Required,
    /// A branch of an `or-join` does not bind the variable.
    Branch,
    /// A rule needs more bound arguments.
    Rule(&'q str),
    /// Too many looks, or no time for more.
    Entangled,
}

/// What came of looking at a clause.
pub(super) type Taken<'q, T = ()> = std::result::Result<T, Block<'q>>;

impl Block<'_> {
    /// The error for a clause of this scope that waits for ever; `needed` are the parameters that its rule needs bound.
    pub(super) fn into_error(self, scope: &[&Clause], needed: &[&Variable]) -> Error {
        let shown = self.variable.map_or_else(|| "_".to_owned(), ToString::to_string);
        let (code, message) = match self.why {
            Why::Argument(name) => (Code::UnboundVariable, format!("nothing binds `{shown}`, which `{name}` needs")),
            Why::Negation(word) => (Code::UnboundVariable, format!("nothing outside of the `{word}` binds `{shown}`")),
            Why::Required => (Code::RequiredBinding, format!("`or-join` requires `{shown}`, and nothing outside binds it")),
            Why::Branch => (Code::UnboundVariable, format!("this branch of the `or-join` does not bind `{shown}`")),
            Why::Rule(name) => (Code::RequiredBinding, rule_message(name, needed, &shown)),
            Why::Entangled => {
                return Error::new(Code::LimitExceeded, "the clauses depend on each other in too many ways to be checked")
                    .at(self.span)
                    .with_help("split the query, or nest less deep");
            }
        };
        let otherwise = format!("add a clause that binds {shown}, such as [?e :attribute {shown}], or give it in :in");
        let help = match self.why {
            // Names of a letter or two are near to every other.
            Why::Argument(_) | Why::Negation(_) if shown.len() > 3 => {
                let known: Names<'_> = scope.iter().flat_map(|clause| mention::outside_not(clause)).collect();
                let known = known.into_iter().map(|variable| &*variable.0).filter(|name| *name != shown);
                did_you_mean(&shown, known, otherwise)
            }
            _ if shown == "_" => "give the argument a value, or a variable that another clause binds".into(),
            _ => otherwise,
        };
        Error::new(code, message).at(self.span).with_value(&shown).with_help(help)
    }
}

fn rule_message(name: &str, needed: &[&Variable], shown: &str) -> String {
    let parameters: Vec<String> = needed.iter().map(|variable| format!("`{variable}`")).collect();
    let what = match parameters.as_slice() {
        [] => "more of its arguments".to_owned(),
        [only] => format!("its argument {only}"),
        several => format!("its arguments {}", several.join(" and ")),
    };
    match shown {
        "_" => format!("the rule `{name}` needs {what} bound, and `_` binds nothing"),
        shown => format!("the rule `{name}` needs {what} bound, and nothing binds `{shown}` here"),
    }
}

/// Of all clauses that wait (each with its reason), the one to name: one whose variable no other waiting clause could bind, a
/// `not` last, and then the first written.
pub(super) fn culprit<'q>(waiting: &[&'q Clause], blocks: &[Block<'q>]) -> Block<'q> {
    let could_bind: Vec<Names<'q>> = waiting.iter().map(|clause| could_bind(clause)).collect();
    let mut counts: BTreeMap<&Variable, usize> = BTreeMap::new();
    for variable in could_bind.iter().flatten() {
        *counts.entry(variable).or_default() += 1;
    }
    let may_still_be_bound = |(at, block): &(usize, &Block<'q>)| {
        block
            .variable
            .is_some_and(|variable| counts.get(variable).copied().unwrap_or(0) > usize::from(could_bind[*at].contains(variable)))
    };
    let first = blocks.iter().enumerate().min_by_key(|numbered| {
        let block = numbered.1;
        let is_negation = matches!(block.why, Why::Negation(_));
        (!matches!(block.why, Why::Entangled), may_still_be_bound(numbered), is_negation, block.span.start)
    });
    *first.expect("every clause that waits gave its reason").1
}

/// What a waiting clause would bind if it could be taken.
fn could_bind(clause: &Clause) -> Names<'_> {
    match clause {
        Clause::Function { binding, .. } => mention::of_binding(binding).into_iter().collect(),
        Clause::Predicate { .. } | Clause::Not { .. } | Clause::NotJoin { .. } => Names::new(),
        other => mention::outside_not(other),
    }
}
