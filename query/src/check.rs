//! The check: every error that the text alone shows is found here, before anything runs.
//!
//! What passes is [`Checked`], in which every name means something and every variable can be bound, in whatever order the
//! clauses stand.

mod block;
mod bound;
mod branch;
mod find;
mod mention;
mod nested;
mod reference;
mod rulebook;
mod stratum;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ast::{Input, Query, RuleSet};
use crate::budget::Budget;
use crate::error::Result;
use crate::registry::Functions;

/// A query and its rules that passed the check, with what was found out about them.
#[derive(Clone, Debug)]
pub struct Checked {
    query: Query,
    rules: RuleSet,
    strata: Vec<Vec<Arc<str>>>,
    recursive: BTreeSet<Arc<str>>,
    reachable: BTreeSet<Arc<str>>,
    needs: BTreeMap<Arc<str>, Vec<bool>>,
}

impl Checked {
    /// The query as it was written.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The rules as they were written.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The names of the rules in the order in which they can be computed: a rule calls rules of its own stratum and of
    /// earlier ones, and under `not` only of earlier ones.
    pub fn strata(&self) -> &[Vec<Arc<str>>] {
        &self.strata
    }

    /// True if the rule calls itself, directly or through others.
    pub fn is_recursive(&self, rule: &str) -> bool {
        self.recursive.contains(rule)
    }

    /// True if the query calls the rule, directly or through others.
    pub fn is_reachable(&self, rule: &str) -> bool {
        self.reachable.contains(rule)
    }

    /// Which arguments of the rule must be bound when it is called: those that its head lists as required, and those that its
    /// body uses but cannot bind. Empty for an unknown rule.
    pub fn needs(&self, rule: &str) -> &[bool] {
        self.needs.get(rule).map_or(&[], Vec::as_slice)
    }
}

/// Checks a query with its rules, of built-in functions alone.
///
/// ```
/// use annals_query::{Code, check, parse};
/// let query = parse::query("[:find ?e :where [?e :log/seq ?n] [(< ?n ?max)]]")?;
/// let error = check::check(query, Default::default()).unwrap_err();
/// assert_eq!(error.code(), Code::UnboundVariable);
/// assert_eq!(error.message(), "nothing binds `?max`, which `<` needs");
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn check(query: Query, rules: RuleSet) -> Result<Checked> {
    check_with(query, rules, &Functions::default())
}

/// Checks a query with its rules, which may call these functions.
///
/// ```
/// use annals_query::function::Arity;
/// use annals_query::{Functions, Value, check, parse};
/// let query = || parse::query("[:find ?e :where [?e :shop/price ?p] [(shop/cheap? ?p)]]");
/// let holds = |args: &[Value]| Ok::<_, String>(args[0] < Value::from(100));
/// let functions = Functions::new().with_predicate("shop/cheap?", Arity::exactly(1), holds)?;
/// assert!(check::check(query()?, Default::default()).is_err());
/// assert!(check::check_with(query()?, Default::default(), &functions).is_ok());
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn check_with(query: Query, rules: RuleSet, functions: &Functions) -> Result<Checked> {
    check_within(query, rules, functions, &Budget::default())
}

/// The same within a budget of time: a query of thousands of clauses or rules takes a while to check.
///
/// ```
/// use std::time::Duration;
/// use annals_query::{Budget, Code, Functions, check, parse};
/// let query = parse::query("[:find ?e :where [?e :log/level :error]]")?;
/// let budget = Budget::default().with_timeout(Duration::ZERO);
/// let error = check::check_within(query, Default::default(), &Functions::default(), &budget).unwrap_err();
/// assert_eq!(error.code(), Code::Timeout);
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn check_within(mut query: Query, mut rules: RuleSet, functions: &Functions, budget: &Budget) -> Result<Checked> {
    budget.look()?;
    if !functions.is_built_in() {
        nested::find_aggregates(&mut query, functions);
        nested::find_aggregates_of_rules(&mut rules, functions);
    }
    let book = rulebook::Rulebook::of(&rules)?;
    reference::check(&query, &book, functions)?;
    branch::check(&query, &book)?;
    budget.look()?;
    let graph = stratum::Graph::of(&book);
    let strata = graph.strata()?;
    let binder = bound::Binder::new(&book, budget);
    binder.check_rules()?;
    let bound = binder.check_query(&query)?;
    find::check(&query, &bound, functions, budget)?;
    nested::check(&query.clauses, &book, functions, budget)?;
    book.all().try_for_each(|rule| nested::check(&rule.clauses, &book, functions, budget))?;

    let owned = |name: &&str| Arc::<str>::from(*name);
    let needs = book.names().map(|name| Ok((Arc::from(name), binder.needs_of(name)?))).collect::<Result<_>>()?;
    let recursive = graph.recursive().map(Arc::from).collect();
    let reachable = graph.reached_from(mention::rule_calls(&query.clauses)).iter().map(owned).collect();
    let strata = strata.iter().map(|names| names.iter().map(owned).collect()).collect();
    Ok(Checked { query, rules, strata, recursive, reachable, needs })
}

fn has_rules(query: &Query) -> bool {
    query.inputs.iter().any(|input| matches!(input, Input::Rules(_)))
}
