//! One program, answered by an engine in several ways and by the naive evaluator.
//!
//! What is compared: an answer must be the one expected, in every way. A query must fail where the naive evaluator fails, in every way, and
//! nowhere else: a clause that fails for some arguments counts if such arguments are left when every other clause that can be taken
//! has been. Two things are left open: rules that call functions (which arguments reach them depends on how much of a rule is computed)
//! and pulls that fail (which rows are pulled depends on `:limit`). There an error only must not stand beside a wrong answer.

use std::hash::BuildHasher;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use annals_query::ast::{Element, Query};
use annals_query::engine::{Options, Tuning, Way};
use annals_query::{Answer, Budget, Code, Error, Given, Result, Table, Value, check, engine, parse};

use rustc_hash::FxBuildHasher;

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
        5
    }

    fn name(&self, way: usize) -> String {
        let names = [
            "typed columns",
            "plain columns, clauses in another order, nothing optimized",
            "random columns, clauses in another order, everything optimized, sometimes in two threads",
            "typed columns, the result taken in columns",
            "random columns, clauses in another order, some optimizations",
        ];
        names[way].to_owned()
    }

    fn ask(&self, program: &Program, way: usize) -> Result<Answer> {
        let manner = || match way {
            0 | 3 => Manner::Typed,
            1 => Manner::Plain,
            _ => Manner::Random(AtomicU64::new(1)),
        };
        let program = if way == 0 { program.clone() } else { shuffled(program, way as u64) };
        let given: Vec<Given> = program.given(manner)?.iter().map(naive::Input::given).collect();
        let budget = Budget::default().with_timeout(TIMEOUT);
        let chance = FxBuildHasher.hash_one(program.text()) >> 32;
        // A thread takes as long to start as a small program takes to be answered, so not all are asked with two.
        let threads = if way == 2 && chance.is_multiple_of(4) { Way::Always } else { Way::Chosen };
        let budget = budget.with_threads(threads);
        let tuning = match way {
            0 => return engine::query(&program.text(), &given, &budget),
            3 => return engine::query_table(&program.text(), &given, &budget).map(|table| read_by_column(&table)),
            1 => Tuning::of(Way::Never),
            2 => Tuning::of(Way::Always),
            _ => Tuning::numbered(chance),
        };
        let rules = given.iter().find_map(|given| if let Given::Rules(rules) = given { Some(rules.clone()) } else { None });
        let checked = check::check(parse::query(&program.text())?, rules.unwrap_or_default())?;
        engine::answer(&checked, &given, &Options { tuning, ..Options::default() }, &budget)
    }
}

/// An answer from what a reader of columns sees: every way of looking at a column must show the same.
fn read_by_column(table: &Table) -> Answer {
    let columns: Vec<Vec<Value>> = table.columns().iter().map(|column| column.values().collect()).collect();
    for column in table.columns() {
        let lengths = [column.as_longs().map(<[i64]>::len), column.as_texts().map(|texts| texts.len())];
        assert!(column.len() == table.len() && lengths.into_iter().flatten().all(|length| length == table.len()));
    }
    assert_eq!(table.to_edn(), Answer::from(table.clone()).to_edn());
    let rows = (0..table.len()).map(|row| columns.iter().map(|column| column[row].clone()).collect());
    Answer {
        header: table.header().to_vec(),
        shape: table.shape().clone(),
        rows: rows.collect(),
        warnings: table.warnings().to_vec(),
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
        Err(error) if error.code() == Code::Cancelled => Outcome::TooLarge,
        Err(error) if error.code() == Code::UnboundVariable => Outcome::Differ(format!("the check accepts it, but {error}")),
        Err(error) => failing(program, tried, &error, is_sure(program, &query)),
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
            Err(error) if depends_on_values(error.code()) && !is_sure(program, query) => failures.push((way, error)),
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
    let is_due = |error: &Error| depends_on_values(error.code()) || error.code() == expected.code();
    let answers: Vec<Result<Answer>> = (0..tried.ways()).map(|way| ask(tried, program, way)).collect();
    let failed = answers.iter().filter(|answer| answer.as_ref().is_err_and(is_due)).count();
    if failed == answers.len() {
        return Outcome::Failed;
    }
    let other = answers.iter().position(|answer| !answer.as_ref().is_err_and(is_due));
    let way = tried.name(other.expect("not all of them failed"));
    match answers.iter().find_map(|answer| answer.as_ref().err().filter(|error| !is_due(error))) {
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

/// True if whether the program fails does not depend on how much is computed.
fn is_sure(program: &Program, query: &Query) -> bool {
    // A rule begins with its head, `[(name ?x)`.
    let has_call = |rule: &String| rule[1..].contains("[(");
    let is_pull = |element: &Element| matches!(element, Element::Pull { .. });
    !program.rules.iter().any(has_call) && !query.find.elements().iter().any(is_pull)
}

/// An error of a function for some arguments, not of the query.
fn depends_on_values(code: Code) -> bool {
    matches!(code, Code::Incomparable | Code::ArgumentType | Code::DivisionByZero | Code::Overflow | Code::InputShape)
}
