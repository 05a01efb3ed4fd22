//! The way in: a checked query and what is given for it go in, an answer comes out.

use std::time::Instant;

use crate::answer::{Answer, Given};
use crate::ast::RuleSet;
use crate::budget::Budget;
use crate::check::{self, Checked};
use crate::error::{Code, Error, Result};
use crate::explain::Explanation;
use crate::find;
use crate::parse;
use crate::plan::program::Program;
use crate::registry::Functions;
use crate::run::Run;

/// How a query is to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// True if an attribute that the store has never seen is an error rather than a warning.
    pub strict: bool,
    /// What the query may call: those it was checked with.
    pub functions: Functions,
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
    let query = parse::query(text).map_err(|error| error.located_in(text))?;
    let rules = given.iter().find_map(|given| match given {
        Given::Rules(rules) => Some(rules.clone()),
        _ => None,
    });
    let rules = rules.unwrap_or_default();
    let rules_texts = RuleSet { texts: rules.texts.clone(), ..RuleSet::default() };
    let located = |error: Error| rules_texts.locate(error.located_in(text));
    let checked = check::check(query, rules).map_err(located)?;
    answer(&checked, given, &Options::default(), budget).map_err(located)
}

/// Answers a query. `given` matches `query.inputs` one to one.
pub fn answer(checked: &Checked, given: &[Given], options: &Options, budget: &Budget) -> Result<Answer> {
    let query = checked.query();
    let limited = query.timeout.map(|timeout| budget.within(timeout));
    let budget = limited.as_ref().unwrap_or(budget);
    let program = Program::new(query, checked.rules(), given, &options.functions, options.strict)?;
    let relation = Run::new(&program, budget).relation()?;
    let variables = program.output.iter().map(|(variable, _)| variable.clone()).collect::<Vec<_>>();
    let surroundings =
        find::Surroundings { sources: &program.sources, patterns: &program.patterns, functions: &options.functions };
    let mut answer = find::finish(query, &variables, &relation.columns, relation.rows, surroundings, budget)?;
    answer.warnings.extend(program.warnings);
    Ok(answer)
}

/// Runs a query and says how: the steps in their order, with the rows expected and found, the time of each, and hints.
///
/// A run that ends because its budget is spent is explained as far as it came, with [`Explanation::stopped`] saying why.
pub fn explain(checked: &Checked, given: &[Given], options: &Options, budget: &Budget) -> Result<Explanation> {
    let limited = checked.query().timeout.map(|timeout| budget.within(timeout));
    let budget = limited.as_ref().unwrap_or(budget);
    let started = Instant::now();
    let program = Program::new(checked.query(), checked.rules(), given, &options.functions, options.strict)?;
    let planned = Instant::now();
    let run = Run::with_efforts(&program, budget);
    let explained = |rows: usize| Explanation::new(&run, rows, planned - started, planned.elapsed());
    match run.relation() {
        Ok(relation) => Ok(explained(relation.rows)),
        Err(error) if matches!(error.code(), Code::Timeout | Code::LimitExceeded) => Ok(explained(0).stopped_by(&error)),
        Err(error) => Err(error),
    }
}
