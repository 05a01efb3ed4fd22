//! A random program as a whole: sources, inputs, clauses, find, order.

use std::rc::Rc;
use std::sync::Arc;

use annals_query::{Code, Result, Value, parse};

use super::super::memory::Manner;
use super::super::naive::{self, Input, Known};
use super::clause::{Maker, Scope, input};
use super::setting::Setting;
use super::{Kind, Program, Random, Source, history, rule};

/// How often a clause is made anew when nothing is left with it.
const LIMIT_RETRIES: usize = 5;

/// Rows beyond which a clause is made anew, too: products of everything with everything take long and show little.
const LIMIT_ROWS: usize = 200;

/// The program of a seed, on facts in memory.
pub(crate) fn program(seed: u64) -> Program {
    let mut random = Random::new(seed);
    let setting = Setting::in_memory(&mut random);
    program_in(&setting, &mut random)
}

/// A random program for a setting.
pub(crate) fn program_in(setting: &Setting, random: &mut Random) -> Program {
    random.about(&setting.entities);
    let sources = sources(setting, random);
    let is_present = matches!(&sources[0].1, Source::View(_, view) if !view.is_history);
    let heads = if random.percent(45) { rule::families(random, setting, is_present) } else { Vec::new() };
    let mut maker = Maker { random, setting, sources: &sources, heads: &heads, next_variable: 0 };
    let mut scope = Scope::default();
    let inputs = inputs(&mut maker, &mut scope);
    let rules = heads.iter().flat_map(|head| head.rules.clone()).collect();
    let (find, with, tail, clauses) = (String::new(), Vec::new(), Vec::new(), Vec::new());
    let (worlds, patterns) = (setting.worlds.clone(), Vec::new());
    let mut program = Program { worlds, sources: sources.clone(), inputs, patterns, rules, find, with, clauses, tail };
    clauses_into(&mut program, &mut maker, &mut scope);
    let asked = maker.asked(&scope);
    random.shuffle(&mut program.clauses);
    (program.find, program.with, program.tail, program.patterns) = (asked.find, asked.with, asked.tail, asked.patterns);
    program
}

/// A world at some time, often another one beside it, and rows of data.
fn sources(setting: &Setting, random: &mut Random) -> Vec<(String, Source)> {
    let view = |random: &mut Random| {
        let world = if random.percent(70) { 0 } else { random.below(setting.worlds.len()) };
        Source::View(world, history::view(random, setting))
    };
    let mut sources = vec![("$".to_owned(), view(random))];
    if random.percent(25) {
        sources.push(("$other".to_owned(), view(random)));
    }
    if random.percent(20) {
        sources.push(("$rows".to_owned(), history::rows(random)));
    }
    sources
}

/// Inputs in all four binding forms, mostly none.
fn inputs(maker: &mut Maker<'_>, scope: &mut Scope) -> Vec<(String, Value)> {
    let mut inputs = Vec::new();
    if maker.random.percent(60) {
        return inputs;
    }
    for number in 0..maker.random.between(1, 2) {
        let kind = *maker.random.choose(&[
            Kind::Entity,
            Kind::Entity,
            Kind::Long,
            Kind::String,
            Kind::Keyword,
            Kind::Number,
            Kind::Instant,
        ]);
        let name = format!("?in{number}");
        let second = format!("?also{number}");
        scope.add(&name, kind);
        let some = |maker: &mut Maker<'_>| {
            let count = maker.random.below(5);
            (0..count).map(|_| input(maker, kind)).collect::<Vec<_>>()
        };
        let pair = |maker: &mut Maker<'_>| Value::vector([input(maker, kind), input(maker, Kind::Long)]);
        inputs.push(match maker.random.below(11) {
            8 => (format!("[_ {name}]"), pair_of(maker, kind)),
            9 => (format!("[{name} ...]"), Value::Set(Arc::new(some(maker).into_iter().collect()))),
            10 => {
                scope.add(&second, kind);
                let rows: Vec<Value> = (0..3).map(|_| Value::vector([input(maker, kind), input(maker, kind)])).collect();
                (format!("[[{name} {second}]]"), Value::vector(rows.iter().chain(&rows).cloned()))
            }
            5 => (format!("[{name} {name}]"), Value::vector([input(maker, kind), input(maker, kind)])),
            6 => (format!("[{name} _]"), pair(maker)),
            7 => {
                scope.add(&second, kind);
                let row = Value::vector([input(maker, kind), Value::vector(some(maker))]);
                (format!("[[{name} [{second} ...]]]"), Value::vector([row.clone(), row]))
            }
            0 => (name, input(maker, kind)),
            1 | 2 => (format!("[{name} ...]"), Value::vector(some(maker))),
            3 => {
                scope.add(&second, Kind::Long);
                (format!("[{name} {second}]"), pair(maker))
            }
            _ => {
                scope.add(&second, Kind::Long);
                let count = maker.random.below(5);
                (format!("[[{name} {second}]]"), Value::vector((0..count).map(|_| pair(maker)).collect::<Vec<_>>()))
            }
        });
    }
    inputs
}

/// Something, and a value of this kind.
fn pair_of(maker: &mut Maker<'_>, kind: Kind) -> Value {
    Value::vector([input(maker, Kind::Any), input(maker, kind)])
}

/// One to six patterns with other clauses among them. A clause that leaves nothing is mostly made anew: empty answers show little.
fn clauses_into(program: &mut Program, maker: &mut Maker<'_>, scope: &mut Scope) {
    let patterns = [1, 1, 2, 2, 2, 3, 3, 4, 5, 6][maker.random.below(10)];
    let others = [0, 1, 1, 1, 2, 2, 2, 3, 3, 4][maker.random.below(10)];
    let Ok(given) = program.given(|| Manner::Typed) else { return };
    let known = Rc::default();
    for number in 0..patterns + others {
        for _ in 0..LIMIT_RETRIES {
            let mut grown = scope.clone();
            let clause = if number < patterns { Some(positive(maker, &mut grown)) } else { other(maker, &mut grown) };
            let Some(clause) = clause else { continue };
            program.clauses.push(clause);
            let is_kept = leaves_something(program, &grown, &given, &known).unwrap_or_else(|_| maker.random.percent(40));
            if is_kept || maker.random.percent(4) {
                *scope = grown;
                break;
            }
            program.clauses.pop();
        }
    }
}

fn positive(maker: &mut Maker<'_>, scope: &mut Scope) -> String {
    let is_rule = maker.random.percent(40);
    let rule = if is_rule { maker.rule(scope) } else { None };
    rule.unwrap_or_else(|| maker.pattern(scope))
}

fn other(maker: &mut Maker<'_>, scope: &mut Scope) -> Option<String> {
    match maker.random.below(12) {
        0..=2 => maker.predicate(scope),
        3..=7 => maker.function(scope),
        8 | 9 => maker.alternatives(scope, 2),
        _ => maker.not(scope, 2),
    }
}

/// Whether the clauses so far hold in some ways, but not in very many; an error if a predicate or function fails.
fn leaves_something(program: &Program, scope: &Scope, given: &[Input], known: &Rc<Known>) -> Result<bool> {
    let names: Vec<&str> = scope.variables.iter().map(|(name, _)| name.as_str()).collect();
    let probe = Program { find: if names.is_empty() { "?none".to_owned() } else { names.join(" ") }, ..program.clone() };
    match naive::answer_knowing(&parse::query(&probe.text())?, given, known) {
        Ok(answer) => Ok((1..=LIMIT_ROWS).contains(&answer.len())),
        Err(error) if matches!(error.code(), Code::UnboundVariable | Code::Cancelled) => Ok(false),
        Err(error) => Err(error),
    }
}
