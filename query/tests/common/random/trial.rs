//! One program, answered by the engine and by the naive evaluator, and made small where they differ.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use annals_query::ast::{Clause, Query};
use annals_query::{Answer, Budget, Code, Error, Given, Result, check, engine, parse};

use super::super::memory::{Manner, MemoryFacts};
use super::super::naive;
use super::{Program, Random};

/// Time for one answer of the engine.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Programs tried while one is made smaller.
const LIMIT_SHRINKS: usize = 600;

/// What came of a program.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The check refuses it.
    Refused(Error),
    /// Too large for the naive evaluator.
    TooLarge,
    /// An error while it runs, which depends on the order in which clauses are taken.
    Failed,
    /// All answers agree: so many rows.
    Agree(usize),
    /// What differs.
    Differ(String),
}

/// How the engine is asked.
struct Way {
    name: &'static str,
    manner: fn() -> Manner,
    is_shuffled: bool,
}

const WAYS: [Way; 3] = [
    Way { name: "typed columns", manner: || Manner::Typed, is_shuffled: false },
    Way { name: "plain columns, clauses in another order", manner: || Manner::Plain, is_shuffled: true },
    Way { name: "random columns, clauses in another order", manner: || Manner::Random(AtomicU64::new(1)), is_shuffled: true },
];

/// Answers a program in every way.
pub(crate) fn outcome(program: &Program) -> Outcome {
    let text = program.text();
    let parsed = parse::query(&text).and_then(|query| {
        let rules =
            if program.rules.is_empty() { annals_query::ast::RuleSet::default() } else { parse::rules(&program.rules_text())? };
        check::check(query.clone(), rules)?;
        Ok(query)
    });
    let query = match parsed {
        Ok(query) => query,
        Err(error) => return Outcome::Refused(error),
    };
    let expected = program.given(|| Manner::Typed).and_then(|inputs| naive::answer(&query, &inputs));
    match expected {
        Err(error) if error.code() == Code::LimitExceeded => Outcome::TooLarge,
        Err(error) if error.code() == Code::UnboundVariable => Outcome::Differ(format!("the check accepts it, but {error}")),
        Err(error) if has_sure_errors(&query) => must_fail(program, &error),
        Err(_) => Outcome::Failed,
        Ok(expected) => compare(program, &query, &expected),
    }
}

fn compare(program: &Program, query: &Query, expected: &naive::Expected) -> Outcome {
    let mut failed = 0;
    for way in &WAYS {
        match ask(program, way) {
            Ok(answer) => {
                if let Some(difference) = expected.difference(query, &answer) {
                    let rows: Vec<String> =
                        answer.rows.iter().map(|row| annals_query::Value::vector(row.iter().cloned()).to_string()).collect();
                    let wanted: Vec<String> =
                        expected.sorted().into_iter().map(|row| annals_query::Value::vector(row).to_string()).collect();
                    return Outcome::Differ(format!(
                        "with {}: {difference}\nengine: {}\nexpected: {}",
                        way.name,
                        rows.join(" "),
                        wanted.join(" ")
                    ));
                }
            }
            Err(error) if depends_on_order(error.code()) && !has_sure_errors(query) => failed += 1,
            Err(error) => {
                return Outcome::Differ(format!("with {}: the engine fails: {error} ({})", way.name, error.code().name()));
            }
        }
    }
    if failed > 0 { Outcome::Failed } else { Outcome::Agree(expected.len()) }
}

/// True if only predicates beside patterns can fail: their errors do not depend on the order of clauses, as each counts only where every
/// other clause holds.
fn has_sure_errors(query: &Query) -> bool {
    query.clauses.iter().all(|clause| matches!(clause, Clause::Pattern { .. } | Clause::Predicate { .. }))
}

fn must_fail(program: &Program, expected: &Error) -> Outcome {
    let answered = WAYS.iter().find(|way| !ask(program, way).is_err_and(|error| depends_on_order(error.code())));
    match answered {
        Some(way) => Outcome::Differ(format!("with {}: no error, or another one, instead of: {expected}", way.name)),
        None => Outcome::Failed,
    }
}

/// An error of a function for some arguments: whether a row with such arguments ever arises depends on what is joined first.
fn depends_on_order(code: Code) -> bool {
    matches!(code, Code::Incomparable | Code::ArgumentType | Code::DivisionByZero | Code::Overflow | Code::InputShape)
}

fn ask(program: &Program, way: &Way) -> Result<Answer> {
    let mut program = program.clone();
    if way.is_shuffled {
        Random::new(program.clauses.len() as u64).shuffle(&mut program.clauses);
        program.clauses.reverse();
    }
    let given: Vec<Given> = program.given(way.manner)?.iter().map(naive::Input::given).collect();
    engine::query(&program.text(), &given, &Budget::default().with_timeout(TIMEOUT))
}

/// The smallest program found, by leaving out one part after another, in which the engine still differs, and how.
pub(crate) fn shrunk(program: &Program, difference: String) -> (Program, String) {
    let (mut small, mut difference) = (program.clone(), difference);
    let mut tries = 0;
    loop {
        let next = smaller(&small).into_iter().find_map(|candidate| {
            tries += 1;
            match outcome(&candidate) {
                Outcome::Differ(difference) if tries <= LIMIT_SHRINKS => Some((candidate, difference)),
                _ => None,
            }
        });
        match next {
            Some(next) => (small, difference) = next,
            None => return (small, difference),
        }
    }
}

/// The program with one part less, the largest parts first.
fn smaller(program: &Program) -> Vec<Program> {
    let mut programs = Vec::new();
    let log = program.facts.log();
    let attributes: Vec<_> = program.facts.attributes().cloned().collect();
    let mut size = log.len().div_ceil(2);
    while size > 0 {
        for start in (0..log.len()).step_by(size) {
            let kept = log.iter().enumerate().filter(|(row, _)| !(start..start + size).contains(row));
            let facts = MemoryFacts::new(attributes.clone(), kept.map(|(_, fact)| fact.clone()).collect());
            programs.push(Program { facts: Arc::new(facts), ..program.clone() });
        }
        size /= 2;
    }
    let without = |parts: &[String], left_out: usize| {
        parts.iter().enumerate().filter(|(position, _)| *position != left_out).map(|(_, part)| part.clone()).collect::<Vec<_>>()
    };
    let mut small = Vec::new();
    for position in 0..program.clauses.len() {
        small.push(Program { clauses: without(&program.clauses, position), ..program.clone() });
    }
    for position in 0..program.rules.len() {
        small.push(Program { rules: without(&program.rules, position), ..program.clone() });
    }
    for position in 0..program.with.len() {
        small.push(Program { with: without(&program.with, position), ..program.clone() });
    }
    for position in 0..program.tail.len() {
        small.push(Program { tail: without(&program.tail, position), ..program.clone() });
    }
    for position in 1..program.sources.len() {
        let mut fewer = program.clone();
        fewer.sources.remove(position);
        small.push(fewer);
    }
    for position in 0..program.inputs.len() {
        let mut fewer = program.clone();
        fewer.inputs.remove(position);
        small.push(fewer);
    }
    small.append(&mut programs);
    small
}
