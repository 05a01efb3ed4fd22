//! Promise: a query means what the semantics say, line by line. Attacked with hand-written vectors, above all where query engines are known to
//! go wrong. Each is answered by the engine and by the naive evaluator, with its clauses in several orders, and by the engine in every way
//! that it has; an error must have its code, place and remedy.

mod common;

use annals_query::ast::{Query, ReturnMap};
use annals_query::engine::{self, Options, Tuning, Way};
use annals_query::{Answer, Budget, Error, Given, Result, Shape, Value, check, parse};
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

/// What is wrong with a vector under the engine, if anything.
fn engine_fault(vector: &Vector) -> Option<String> {
    let given: Vec<Given> = vector.inputs.iter().map(naive::Input::given).collect();
    let answer = engine::query(&vector.query, &given, &Budget::default());
    if let Some(code) = vector.text("error") {
        return match answer {
            Ok(answer) => Some(format!("answers {} instead of {code}", shown(&answer.rows))),
            Err(error) => error_fault(vector, code, &error),
        };
    }
    for (name, tuning) in ways() {
        let query = parse::query(&vector.query).expect("the engine has read it");
        if let Some(fault) = answer_fault(vector, &asked(query, &given, tuning)) {
            return Some(format!("{name}: {fault}"));
        }
    }
    answer_fault(vector, &answer).or_else(|| {
        let query = parse::query(&vector.query).expect("the engine has read it");
        orders(&query).iter().find_map(|query| answer_fault(vector, &asked(query.clone(), &given, Tuning::default())))
    })
}

/// Other ways to the same answer.
fn ways() -> [(&'static str, Tuning); 3] {
    [
        ("nothing optimized", Tuning::of(Way::Never)),
        ("everything optimized, by columns", Tuning { small: Way::Never, ..Tuning::of(Way::Always) }),
        ("everything optimized", Tuning::of(Way::Always)),
    ]
}

fn asked(query: Query, given: &[Given], tuning: Tuning) -> Result<Answer> {
    let rules = given.iter().find_map(|given| if let Given::Rules(rules) = given { Some(rules.clone()) } else { None });
    let checked = check::check(query, rules.unwrap_or_default())?;
    engine::answer(&checked, given, &Options { tuning, ..Options::default() }, &Budget::default())
}

fn error_fault(vector: &Vector, code: &str, error: &Error) -> Option<String> {
    let shown = format!("{} at {:?}: {error} (help: {:?})", error.code().name(), error.position(), error.help());
    let names =
        |field: &str, text: Option<&str>| vector.text(field).is_none_or(|wanted| text.is_some_and(|text| text.contains(wanted)));
    let place = error.position().map(|place| Value::vector([i64::from(place.line).into(), i64::from(place.column).into()]));
    let is_right = error.code().name() == code
        && names("help", error.help())
        && names("message", Some(error.message()))
        && names("value", error.value())
        && vector.field("at").is_none_or(|at| Some(at) == place.as_ref());
    (!is_right).then(|| format!("is refused in another way: {shown}"))
}

fn answer_fault(vector: &Vector, answer: &Result<Answer>) -> Option<String> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Some(format!("fails: {error} (help: {:?})", error.help())),
    };
    let query = parse::query(&vector.query).expect("the engine has read it");
    let wanted = vector.rows(&query).expect("a vector without an error has an answer");
    let agrees = |left: &[Value], right: &[Value]| {
        let agree =
            |(left, right): (&Value, &Value)| if vector.field("exact").is_some() { left == right } else { left.same(right) };
        left.len() == right.len() && left.iter().zip(right).all(agree)
    };
    let mut remaining: Vec<&Vec<Value>> = answer.rows.iter().collect();
    let all_found = wanted.len() == answer.rows.len()
        && wanted.iter().all(|row| {
            let place = remaining.iter().position(|found| agrees(found, row));
            place.is_some_and(|place| {
                remaining.remove(place);
                place == 0 || query.order_by.is_empty()
            })
        });
    let warns = |wanted: &str| {
        let tells = |text: &str| text.contains(wanted);
        answer.warnings.iter().any(|warning| tells(&warning.message) || warning.help.as_deref().is_some_and(tells))
    };
    let is_pulled = query.find.elements().iter().any(|element| matches!(element, annals_query::ast::Element::Pull { .. }));
    let is_ascending = !query.order_by.is_empty() || is_pulled || answer.rows.is_sorted();
    if !is_ascending {
        Some(format!("{} are not in ascending order, though no other was asked for", shown(&answer.rows)))
    } else if !all_found {
        Some(format!("{} instead of {}", shown(&answer.rows), shown(&wanted)))
    } else if vector.text("warning").is_some_and(|wanted| !warns(wanted)) {
        Some(format!("does not warn as it should: {:?}", answer.warnings))
    } else if vector.field("names").is_some_and(|wanted| names(&answer.shape).as_ref() != Some(wanted)) {
        Some(format!("has the shape {:?}", answer.shape))
    } else {
        None
    }
}

/// The names that a return map gives.
fn names(shape: &Shape) -> Option<Value> {
    match shape {
        Shape::RelationOfMaps(ReturnMap { names, .. }) | Shape::TupleAsMap(ReturnMap { names, .. }) => {
            Some(Value::vector(names.iter().map(|name| Value::from(&**name))))
        }
        Shape::Relation | Shape::Collection | Shape::Tuple | Shape::Scalar => None,
    }
}

fn shown(rows: &[Vec<Value>]) -> String {
    Value::vector(rows.iter().map(|row| Value::vector(row.iter().cloned()))).to_string()
}

/// Every vector of a file must hold.
#[track_caller]
fn check_all(text: &str) {
    let vectors = read_all(text);
    assert!(!vectors.is_empty(), "a file of vectors has some");
    let mut faults = Vec::new();
    for vector in &vectors {
        let naive = if vector.is_for_naive() { naive_fault(vector) } else { None };
        let found = [naive.map(|fault| format!("naive: {fault}")), engine_fault(vector).map(|fault| format!("engine: {fault}"))];
        faults.extend(
            found
                .into_iter()
                .flatten()
                .map(|fault| format!("line {}: {}\n  {}\n  {fault}", vector.line, vector.about, vector.query)),
        );
    }
    assert!(faults.is_empty(), "{} faults in {} vectors\n{}", faults.len(), vectors.len(), faults.join("\n"));
}

#[test]
fn variables_unify_results_are_sets_and_nothing_aggregates_to_nothing() {
    check_all(include_str!("semantics/unification.edn"));
}

#[test]
fn aggregates_are_of_the_bag_and_group_by_the_rest() {
    check_all(include_str!("semantics/aggregates.edn"));
}

#[test]
fn answers_have_the_shape_and_order_asked_for() {
    check_all(include_str!("semantics/find.edn"));
}

#[test]
fn clauses_hold_in_any_order() {
    check_all(include_str!("semantics/clauses.edn"));
}

#[test]
fn rules_give_the_least_fixpoint() {
    check_all(include_str!("semantics/rules.edn"));
}

#[test]
fn values_false_nil_and_absence_are_told_apart() {
    check_all(include_str!("semantics/values.edn"));
}

#[test]
fn idents_and_lookup_references_stand_for_entities() {
    check_all(include_str!("semantics/entities.edn"));
}

#[test]
fn views_show_the_time_they_name() {
    check_all(include_str!("semantics/time.edn"));
}

#[test]
fn queries_stand_in_queries() {
    check_all(include_str!("semantics/nested.edn"));
}

#[test]
fn functions_ask_sources_for_rows() {
    check_all(include_str!("semantics/sources.edn"));
}

#[test]
fn pull_gives_nested_maps() {
    check_all(include_str!("semantics/pull.edn"));
}
