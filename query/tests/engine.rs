//! Promise: the engine answers every hand-written vector of the semantics as written down, whatever order its clauses stand in and whatever kind
//! of columns the facts come in. Attacked with permuted clauses, columns without types, and estimates that lie.

mod common;

use annals_query::ast::{Query, RuleSet};
use annals_query::engine::{self, Options};
use annals_query::{Answer, Budget, Error, Given, Result, Value, check, parse};
use common::memory::{Manner, MemoryFacts};
use common::naive::Input;
use common::vector::{Vector, read_all};

/// The orders of clauses that are tried.
const LIMIT_ORDERS: usize = 6;

/// The query with its top clauses as written, backwards, and turned.
fn orders(query: &Query) -> Vec<Query> {
    let count = query.clauses.len();
    let turned = (0..count.clamp(1, LIMIT_ORDERS / 2)).flat_map(|by| {
        let mut clauses = query.clauses.clone();
        clauses.rotate_left(by.min(count));
        let backwards = clauses.iter().rev().cloned().collect();
        [clauses, backwards]
    });
    turned.map(|clauses| Query { clauses, ..query.clone() }).collect()
}

fn given(inputs: &[Input], seed: Option<u64>) -> (Vec<Given>, RuleSet) {
    let mut rules = RuleSet::default();
    let given = inputs.iter().map(|input| match (input, seed) {
        (Input::Facts(facts), Some(0)) => Input::Facts(facts.in_manner(Manner::Plain).into()).given(),
        (Input::Facts(facts), Some(seed)) => Input::Facts(facts.in_manner(Manner::Random(seed.into())).into()).given(),
        (Input::Rules(own), _) => {
            rules = own.clone();
            input.given()
        }
        _ => input.given(),
    });
    (given.collect(), rules)
}

fn answer(query: &Query, inputs: &[Input], seed: Option<u64>) -> Result<Answer> {
    let (given, rules) = given(inputs, seed);
    engine::answer(&check::check(query.clone(), rules)?, &given, &Options::default(), &Budget::default())
}

/// Rows by meaning; in order unless none was asked for.
fn comparable(query: &Query, rows: &[Vec<Value>]) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.iter().map(|row| Value::vector(row.iter().map(Value::canonical))).collect();
    if query.order_by.is_empty() {
        rows.sort();
    }
    rows
}

fn fault(vector: &Vector) -> Option<String> {
    match vector.field("error") {
        Some(code) => error_fault(vector, code),
        None => answer_fault(vector),
    }
}

/// What is wrong with the error of a vector that is to fail when it runs. What the text alone shows is not the engine's to find.
fn error_fault(vector: &Vector, code: &Value) -> Option<String> {
    let query = parse::query(&vector.query).ok()?;
    check::check(query.clone(), given(&vector.inputs, None).1).ok()?;
    let error: Error = match answer(&query, &vector.inputs, None) {
        Ok(answer) => return Some(format!("gives {} rows instead of {code}", answer.rows.len())),
        Err(error) => error.located_in(&vector.query),
    };
    if code.as_text() != Some(error.code().name()) {
        return Some(format!("is refused as {} instead of {code}: {error}", error.code().name()));
    }
    let position = error.position().map(|at| Value::vector([Value::from(i64::from(at.line)), Value::from(i64::from(at.column))]));
    if vector.field("at").is_some_and(|at| Some(at) != position.as_ref()) {
        return Some(format!("is refused at {position:?}: {error}"));
    }
    if vector.text("value").is_some_and(|value| Some(value) != error.value()) {
        return Some(format!("is refused for {:?}: {error}", error.value()));
    }
    let help = vector.text("help");
    if help.is_some_and(|help| !error.help().is_some_and(|own| own.contains(help))) {
        return Some(format!("is refused with the remedy {:?}: {error}", error.help()));
    }
    None
}

fn answer_fault(vector: &Vector) -> Option<String> {
    let query = match parse::query(&vector.query) {
        Ok(query) => query,
        Err(error) => return Some(format!("is refused: {error}")),
    };
    let expected = comparable(&query, &vector.rows(&query)?);
    for query in orders(&query) {
        for seed in [None, Some(0), Some(1), Some(2), Some(3)] {
            let found = match answer(&query, &vector.inputs, seed) {
                Ok(found) => comparable(&query, &found.rows),
                Err(error) => return Some(format!("fails ({seed:?}): {error}")),
            };
            if found != expected {
                return Some(format!("{} instead of {} ({seed:?})", Value::vector(found), Value::vector(expected)));
            }
        }
    }
    None
}

#[track_caller]
fn check_vectors(text: &str) {
    let vectors = read_all(text);
    let faults = vectors.iter().filter_map(|vector| {
        Some(format!("line {}: {}\n  engine: {}\n  {}", vector.line, vector.about, fault(vector)?, vector.query))
    });
    let faults = faults.collect::<Vec<_>>();
    assert!(faults.is_empty(), "{} of {} vectors fail\n{}", faults.len(), vectors.len(), faults.join("\n"));
}

#[test]
fn variables_unify_results_are_sets_and_nothing_aggregates_to_nothing() {
    check_vectors(include_str!("semantics/unification.edn"));
}

#[test]
fn aggregates_are_of_the_bag_and_group_by_the_rest() {
    check_vectors(include_str!("semantics/aggregates.edn"));
}

#[test]
fn answers_have_the_shape_and_order_asked_for() {
    check_vectors(include_str!("semantics/find.edn"));
}

#[test]
fn clauses_hold_in_any_order() {
    check_vectors(include_str!("semantics/clauses.edn"));
}

#[test]
fn rules_give_the_least_fixpoint() {
    check_vectors(include_str!("semantics/rules.edn"));
}

#[test]
fn values_false_nil_and_absence_are_told_apart() {
    check_vectors(include_str!("semantics/values.edn"));
}

#[test]
fn idents_and_lookup_references_stand_for_entities() {
    check_vectors(include_str!("semantics/entities.edn"));
}

#[test]
fn views_show_the_time_they_name() {
    check_vectors(include_str!("semantics/time.edn"));
}

#[test]
fn pull_gives_nested_maps() {
    check_vectors(include_str!("semantics/pull.edn"));
}

#[test]
fn queries_stand_in_queries() {
    check_vectors(include_str!("semantics/nested.edn"));
}

#[test]
fn functions_ask_sources_for_rows() {
    check_vectors(include_str!("semantics/sources.edn"));
}

/// The text of a rule cannot say this, but whoever makes rules in a program can.
#[test]
fn a_variable_that_stands_twice_in_the_head_of_a_rule_makes_its_arguments_one() {
    let mut rules = parse::rules("[[(same ?x ?y) [_ :a ?x] [_ :b ?y]]]").expect("rules");
    let head = &mut rules.rules[0].head.free;
    head[1] = head[0].clone();
    let facts = MemoryFacts::of([(1, "a", 1.into()), (2, "a", 2.into()), (3, "b", 2.into()), (4, "b", 3.into())]);
    let given = [Given::Facts(std::sync::Arc::new(facts)), Given::Rules(rules.clone())];
    for (text, expected) in [
        ("[:find ?p ?q :in $ % :where (same ?p ?q)]", vec![vec![1.into(), 1.into()], vec![2.into(), 2.into()]]),
        ("[:find ?p ?q :in $ % :where [_ :b ?q] (same ?p ?q)]", vec![vec![Value::Long(2), 2.into()]]),
        ("[:find ?p ?p :in $ % :where (same ?p ?p)]", vec![vec![1.into(), 1.into()], vec![2.into(), 2.into()]]),
    ] {
        let checked = check::check(parse::query(text).expect(text), rules.clone()).expect(text);
        let answer = engine::answer(&checked, &given, &Options::default(), &Budget::default()).expect(text);
        assert_eq!(answer.rows, expected, "{text}");
    }
}
