//! The way in: a checked query and what is given for it go in, an answer comes out.

use std::sync::Arc;
use std::time::Instant;

use crate::answer::{Answer, Given};
use crate::ast::RuleSet;
use crate::budget::Budget;
use crate::check::{self, Checked};
use crate::error::{Code, Error, Result};
use crate::explain::Explanation;
use crate::find;
use crate::parse;
pub use crate::plan::memory::Orders;
use crate::plan::program::{Program, Setting};
use crate::registry::Functions;
use crate::run::Run;
use crate::small;
use crate::table::Table;
pub use crate::tuning::{Tuning, Way};

/// How a query is to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// True if an attribute that the store has never seen is an error rather than a warning.
    pub strict: bool,
    /// What the query may call: those it was checked with.
    pub functions: Functions,
    /// What the planner and the executor may do; no answer depends on it.
    pub tuning: Tuning,
}

impl Options {
    fn setting<'s>(&'s self, orders: Option<&'s Arc<Orders>>, budget: &'s Budget) -> Setting<'s> {
        Setting { functions: &self.functions, is_strict: self.strict, tuning: self.tuning, orders, budget }
    }
}

/// Reads a query and answers it. Rules are taken from what is given for `%`.
///
/// ```
/// use annals_query::{Budget, Given, Value, engine};
/// let people = Given::Relation(vec![vec!["ada".into(), 36.into()], vec!["bob".into(), 17.into()]]);
/// let answer = engine::query("[:find ?who :where [?who ?age] [(>= ?age 18)]]", &[people], &Budget::default())?;
/// assert_eq!(answer.rows, [[Value::from("ada")]]);
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn query(text: &str, given: &[Given], budget: &Budget) -> Result<Answer> {
    query_table(text, given, budget).map(Answer::from)
}

/// The same, with the result in columns.
pub fn query_table(text: &str, given: &[Given], budget: &Budget) -> Result<Table> {
    let query = parse::query(text).map_err(|error| error.located_in(text))?;
    let rules = given.iter().find_map(|given| match given {
        Given::Rules(rules) => Some(rules.clone()),
        _ => None,
    });
    let rules = rules.unwrap_or_default();
    let rules_texts = RuleSet { texts: rules.texts.clone(), ..RuleSet::default() };
    let located = |error: Error| rules_texts.locate(error.located_in(text));
    let limited = query.timeout.map(|timeout| budget.within(timeout));
    let budget = limited.as_ref().unwrap_or(budget);
    let options = Options::default();
    let checked = check::check_within(query, rules, &options.functions, budget).map_err(located)?;
    table(&checked, None, given, &options, budget).map_err(located)
}

/// Answers a query. `given` matches `query.inputs` one to one.
pub fn answer(checked: &Checked, given: &[Given], options: &Options, budget: &Budget) -> Result<Answer> {
    table(checked, None, given, options, budget).map(Answer::from)
}

/// The same for a query that is asked again and again: its clauses are run in the order chosen before, as long as the estimates are of
/// the same magnitude. The answer is the same with any `orders`; those of another query are of no use.
///
/// ```
/// use std::sync::Arc;
/// use annals_query::engine::{self, Orders};
/// use annals_query::{Budget, Given, check, parse};
/// let checked = check::check(parse::query("[:find ?who . :where [?who ?age] [(>= ?age 18)]]")?, Default::default())?;
/// let orders = Arc::new(Orders::default());
/// for (who, age) in [("ada", 36), ("bob", 17), ("cy", 18)] {
///     let people = [Given::Relation(vec![vec![who.into(), age.into()]])];
///     let answer = engine::answer_again(&checked, &orders, &people, &Default::default(), &Budget::default())?;
///     assert_eq!(answer.rows.len(), usize::from(age >= 18));
/// }
/// assert_eq!(orders.counts(), (2, 1));
/// # Ok::<(), annals_query::Error>(())
/// ```
pub fn answer_again(
    checked: &Checked,
    orders: &Arc<Orders>,
    given: &[Given],
    options: &Options,
    budget: &Budget,
) -> Result<Answer> {
    table(checked, Some(orders), given, options, budget).map(Answer::from)
}

/// The answer in columns, with the orders of clauses chosen before, if there are some: see [`answer_again`].
pub fn table(
    checked: &Checked,
    orders: Option<&Arc<Orders>>,
    given: &[Given],
    options: &Options,
    budget: &Budget,
) -> Result<Table> {
    let query = checked.query();
    let limited = query.timeout.map(|timeout| budget.within(timeout));
    let budget = limited.as_ref().unwrap_or(budget);
    if let Some(table) = small::table(checked, orders.map(|orders| &orders.small), given, options, budget) {
        return Ok(table);
    }
    let program = Program::new(query, checked.rules(), given, options.setting(orders, budget))?;
    let relation = Run::new(&program, budget).relation_for(query)?;
    let variables = program.output.iter().map(|(variable, _)| variable.clone()).collect::<Vec<_>>();
    let surroundings =
        find::Surroundings { sources: &program.sources, patterns: &program.patterns, functions: &options.functions };
    let table = find::finish(query, &variables, &relation.columns, relation.rows, surroundings, budget)?;
    Ok(table.with_warnings(program.warnings))
}

/// Runs a query and says how: the steps in their order, with the rows expected and found, the time of each, and hints.
///
/// A run that ends because its budget is spent is explained as far as it came, with [`Explanation::stopped`] saying why.
pub fn explain(checked: &Checked, given: &[Given], options: &Options, budget: &Budget) -> Result<Explanation> {
    let limited = checked.query().timeout.map(|timeout| budget.within(timeout));
    let budget = limited.as_ref().unwrap_or(budget);
    let started = Instant::now();
    let program = Program::new(checked.query(), checked.rules(), given, options.setting(None, budget))?;
    let planned = Instant::now();
    let run = Run::with_efforts(&program, budget);
    let explained = |rows: usize| Explanation::new(&run, rows, planned - started, planned.elapsed());
    match run.relation() {
        Ok(relation) => Ok(explained(relation.rows)),
        Err(error) if error.is_of_the_budget() && error.code() != Code::Cancelled => Ok(explained(0).stopped_by(&error)),
        Err(error) => Err(error),
    }
}
