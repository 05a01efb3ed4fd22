//! The way in: a checked query and what is given for it go in, an answer comes out.

use crate::answer::{Answer, Given};
use crate::ast::{Query, RuleSet};
use crate::budget::Budget;
use crate::error::Result;
use crate::find;
use crate::plan::program::Program;
use crate::run::Run;

/// How a query is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// True if an attribute that the store has never seen is an error rather than a warning.
    pub strict: bool,
}

/// Answers a query. `given` matches `query.inputs` one to one.
pub fn answer(query: &Query, rules: &RuleSet, given: &[Given], options: &Options, budget: &Budget) -> Result<Answer> {
    let program = Program::new(query, rules, given, options.strict)?;
    let relation = Run::new(&program, budget).relation()?;
    let variables = program.output.iter().map(|(variable, _)| variable.clone()).collect::<Vec<_>>();
    let mut answer =
        find::finish(query, &variables, &relation.columns, relation.rows, &program.sources, &program.patterns, budget)?;
    answer.warnings.extend(program.warnings);
    Ok(answer)
}
