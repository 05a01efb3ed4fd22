//! Queries inside a query, run once for each combination of what they are passed.

use crate::answer::Given;
use crate::budget::Budget;
use crate::error::Result;
use crate::find;
use crate::plan::goal::{NestedGoal, Passing};
use crate::plan::program::{Program, Setting};
use crate::run::Run;
use crate::source::Source;
use crate::value::Value;

/// The answer as a value: rows or a column as a vector, which may be empty; a row or a value as itself, nil if there is none.
pub(crate) fn answer(nested: &NestedGoal, args: &[Value], budget: &Budget) -> Result<Value> {
    let limited = nested.query.timeout.map(|timeout| budget.within(timeout));
    let budget = limited.as_ref().unwrap_or(budget);
    budget.look()?;
    let _nested = budget.nest()?;
    let given = nested.passed.iter().map(|passing| match passing {
        Passing::Source(Source::Facts(facts)) => Given::Facts(facts.clone()),
        Passing::Source(Source::Relation(rows)) => Given::Relation(rows.to_vec()),
        Passing::Rules => Given::Rules(nested.rules.clone()),
        Passing::Pattern(pattern) => Given::Pattern(pattern.clone()),
        Passing::Argument(at) => Given::Value(args[*at].clone()),
    });
    let given = given.collect::<Vec<_>>();
    // What is unknown was said when the query around this one was planned.
    let setting =
        Setting { functions: &nested.functions, is_strict: false, tuning: nested.tuning, orders: Some(&nested.orders), budget };
    let program = Program::new(&nested.query, &nested.rules, &given, setting)?;
    let relation = Run::new(&program, budget).relation()?;
    let variables = program.output.iter().map(|(variable, _)| variable.clone()).collect::<Vec<_>>();
    let surroundings =
        find::Surroundings { sources: &program.sources, patterns: &program.patterns, functions: &nested.functions };
    let answer = find::finish(&nested.query, &variables, &relation.columns, relation.rows, surroundings, budget)?;
    Ok(answer.into_value())
}
