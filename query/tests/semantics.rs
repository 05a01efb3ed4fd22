//! Promise: a query means what the semantics say, line by line. Attacked with hand-written vectors, above all where query engines are known to
//! go wrong. Each is answered by the naive evaluator, with its clauses in several orders.

mod common;

use annals_query::ast::Query;
use annals_query::{Answer, Shape, parse};
use common::naive;
use common::vector::{Vector, read_all};

/// The orders of clauses that are tried.
const LIMIT_ORDERS: usize = 24;

/// The query with its top clauses in every order, up to a limit.
fn orders(query: &Query) -> Vec<Query> {
    let mut orders = vec![Vec::new()];
    for clause in &query.clauses {
        let grown = orders.iter().flat_map(|order| {
            (0..=order.len()).map(|position| {
                let mut order = order.clone();
                order.insert(position, clause.clone());
                order
            })
        });
        orders = grown.take(LIMIT_ORDERS).collect();
    }
    orders.into_iter().map(|clauses| Query { clauses, ..query.clone() }).collect()
}

/// What is wrong with a vector under the naive evaluator, if anything.
fn naive_fault(vector: &Vector) -> Option<String> {
    let query = match parse::query(&vector.query) {
        Ok(query) => query,
        Err(error) => return vector.field("answer").map(|_| format!("is refused: {error}")),
    };
    let rows = vector.rows(&query)?;
    let answer = Answer { header: Vec::new(), shape: Shape::Relation, rows, warnings: Vec::new() };
    orders(&query).iter().find_map(|query| match naive::answer(query, &vector.inputs) {
        Ok(expected) => expected.difference(query, &answer).map(|text| format!("{text}: {:?}", expected.sorted())),
        Err(error) => Some(format!("fails: {error}")),
    })
}

/// Every vector of a file must hold.
#[track_caller]
fn check(text: &str) {
    let vectors = read_all(text);
    assert!(!vectors.is_empty(), "a file of vectors has some");
    let faults: Vec<String> = vectors
        .iter()
        .filter(|vector| vector.is_for_naive())
        .filter_map(|vector| {
            Some(format!("line {}: {}\n  naive: {}\n  {}", vector.line, vector.about, naive_fault(vector)?, vector.query))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} vectors fail\n{}", faults.len(), vectors.len(), faults.join("\n"));
}

#[test]
fn variables_unify_results_are_sets_and_nothing_aggregates_to_nothing() {
    check(include_str!("semantics/unification.edn"));
}

#[test]
fn aggregates_are_of_the_bag_and_group_by_the_rest() {
    check(include_str!("semantics/aggregates.edn"));
}

#[test]
fn answers_have_the_shape_and_order_asked_for() {
    check(include_str!("semantics/find.edn"));
}

#[test]
fn clauses_hold_in_any_order() {
    check(include_str!("semantics/clauses.edn"));
}

#[test]
fn rules_give_the_least_fixpoint() {
    check(include_str!("semantics/rules.edn"));
}

#[test]
fn values_false_nil_and_absence_are_told_apart() {
    check(include_str!("semantics/values.edn"));
}

#[test]
fn idents_and_lookup_references_stand_for_entities() {
    check(include_str!("semantics/entities.edn"));
}

#[test]
fn views_show_the_time_they_name() {
    check(include_str!("semantics/time.edn"));
}

#[test]
fn pull_gives_nested_maps() {
    check(include_str!("semantics/pull.edn"));
}
