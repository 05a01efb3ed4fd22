//! One program, answered by an engine in several ways and by the naive evaluator.
//!
//! What is compared: an answer must be the one expected, in every way. Whether a query fails is compared where it is sure: if nothing but
//! patterns and predicates stands in it (an error of a predicate counts where every other clause holds), or if it fails over the answer,
//! in an aggregate, `:having` or a pull. Where a function fails, or a predicate inside of another clause, the error counts for
//! arguments that need not be part of any answer, so only the order of clauses may not decide: all orders fail, or none.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use annals_query::ast::{Clause, Query};
use annals_query::{Answer, Budget, Code, Error, Given, Result, Value, check, engine, parse};

use super::super::memory::Manner;
use super::super::naive;
use super::Program;
use super::shuffle::shuffled;

/// Time for one answer of the engine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// What came of a program.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The check refuses it.
    Refused(Error),
    /// Too large for the naive evaluator.
    TooLarge,
    /// It fails in every way.
    Failed,
    /// It fails in some ways, for arguments that are part of no answer.
    Unsteady(String),
    /// All answers agree: so many rows.
    Agree(usize),
    /// What differs.
    Differ(String),
}

/// Who is tried.
pub(crate) trait Tried {
    /// In how many ways it answers.
    fn ways(&self) -> usize;
    /// What a way is like.
    fn name(&self, way: usize) -> String;
    /// The answer to a program.
    fn ask(&self, program: &Program, way: usize) -> Result<Answer>;
}

/// The engine on facts in memory, with columns of several makes.
#[derive(Debug)]
pub(crate) struct InMemory;

impl Tried for InMemory {
    fn ways(&self) -> usize {
        3
    }

    fn name(&self, way: usize) -> String {
        ["typed columns", "plain columns, clauses in another order", "random columns, clauses in another order"][way].to_owned()
    }

    fn ask(&self, program: &Program, way: usize) -> Result<Answer> {
        let manner = || match way {
            0 => Manner::Typed,
            1 => Manner::Plain,
            _ => Manner::Random(AtomicU64::new(1)),
        };
        let program = if way == 0 { program.clone() } else { shuffled(program, way as u64) };
        let given: Vec<Given> = program.given(manner)?.iter().map(naive::Input::given).collect();
        engine::query(&program.text(), &given, &Budget::default().with_timeout(TIMEOUT))
    }
}

/// Answers a program in every way.
pub(crate) fn outcome(program: &Program, tried: &dyn Tried) -> Outcome {
    let query = match read(program) {
        Ok(query) => query,
        Err(error) => {
            let answered = (0..tried.ways()).find(|way| ask(tried, program, *way).is_ok());
            return match answered {
                Some(way) => {
                    Outcome::Differ(format!("the check refuses it, but with {} there is an answer: {error}", tried.name(way)))
                }
                None => Outcome::Refused(error),
            };
        }
    };
    let expected = program.given(|| Manner::Typed).and_then(|inputs| naive::answer(&query, &inputs));
    match expected {
        Err(error) if error.code() == Code::LimitExceeded => Outcome::TooLarge,
        Err(error) if error.code() == Code::UnboundVariable => Outcome::Differ(format!("the check accepts it, but {error}")),
        Err(error) => failing(program, tried, &error, is_sure(&query)),
        Ok(expected) => answering(program, tried, &query, &expected),
    }
}

/// The answer, a panic taken as an error that no program may have.
fn ask(tried: &dyn Tried, program: &Program, way: usize) -> Result<Answer> {
    let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tried.ask(program, way)));
    answer.unwrap_or_else(|_| Err(Error::new(Code::Source, "it panics")))
}

fn read(program: &Program) -> Result<Query> {
    let query = parse::query(&program.text())?;
    let rules =
        if program.rules.is_empty() { annals_query::ast::RuleSet::default() } else { parse::rules(&program.rules_text())? };
    check::check(query.clone(), rules)?;
    Ok(query)
}

fn answering(program: &Program, tried: &dyn Tried, query: &Query, expected: &naive::Expected) -> Outcome {
    let mut failures: Vec<(usize, Error)> = Vec::new();
    for way in 0..tried.ways() {
        match ask(tried, program, way) {
            Ok(answer) => {
                if let Some(difference) = expected.difference(query, &answer) {
                    return Outcome::Differ(format!(
                        "with {}: {difference}\nanswer: {}\nexpected: {}",
                        tried.name(way),
                        rows(answer.rows),
                        rows(expected.sorted())
                    ));
                }
            }
            Err(error) if depends_on_values(error.code()) && !is_sure(query) => failures.push((way, error)),
            Err(error) => {
                return Outcome::Differ(format!("with {}: it fails: {error} ({})", tried.name(way), error.code().name()));
            }
        }
    }
    match failures.first() {
        None => Outcome::Agree(expected.len()),
        Some(_) if failures.len() == tried.ways() => Outcome::Failed,
        Some((way, error)) => Outcome::Unsteady(format!("only with {} it fails: {error}", tried.name(*way))),
    }
}

fn failing(program: &Program, tried: &dyn Tried, expected: &Error, is_sure: bool) -> Outcome {
    let answers: Vec<Result<Answer>> = (0..tried.ways()).map(|way| ask(tried, program, way)).collect();
    let failed = answers.iter().filter(|answer| answer.as_ref().is_err_and(|error| depends_on_values(error.code()))).count();
    if failed == answers.len() {
        return Outcome::Failed;
    }
    let other = answers.iter().position(|answer| !answer.as_ref().is_err_and(|error| depends_on_values(error.code())));
    let way = tried.name(other.expect("not all of them failed"));
    match answers.iter().find_map(|answer| answer.as_ref().err().filter(|error| !depends_on_values(error.code()))) {
        Some(error) => Outcome::Differ(format!("with {way}: {error}, instead of: {expected}")),
        None if is_sure => Outcome::Differ(format!("with {way}: no error instead of: {expected}")),
        None if failed > 0 => Outcome::Unsteady(format!("with {way}: no error instead of: {expected}")),
        // The naive evaluator met arguments that are part of no answer.
        None => Outcome::Failed,
    }
}

fn rows(rows: Vec<Vec<Value>>) -> String {
    rows.into_iter().map(|row| Value::vector(row).to_string()).collect::<Vec<_>>().join(" ")
}

/// True if only predicates beside patterns can fail.
fn is_sure(query: &Query) -> bool {
    query.clauses.iter().all(|clause| matches!(clause, Clause::Pattern { .. } | Clause::Predicate { .. }))
}

/// An error of a function for some arguments, not of the query.
fn depends_on_values(code: Code) -> bool {
    matches!(code, Code::Incomparable | Code::ArgumentType | Code::DivisionByZero | Code::Overflow | Code::InputShape)
}
