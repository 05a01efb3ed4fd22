//! Promise: `get-else` and `missing?` answer for a whole column at once what each row would answer alone, take false for a value, and
//! refuse what has no single answer. Attacked with entities known, unknown, repeated and named, in every manner of columns.

mod common;

use std::sync::atomic::AtomicU64;

use annals_query::function::{self, Kind};
use annals_query::{Budget, Code, Column, Error, Result, Value, edn};
use common::memory::{Manner, MemoryFacts, View};

fn facts() -> MemoryFacts {
    MemoryFacts::of([
        (1, "p/name", "Ada".into()),
        (1, "p/age", 36.into()),
        (2, "p/name", "Bob".into()),
        (2, "p/alive", false.into()),
        (2, "p/boss", Value::Ref(1)),
        (3, "db/ident", Value::keyword("cy")),
        (3, "p/name", "Cy".into()),
        (3, "p/tag", "a".into()),
        (3, "p/tag", "b".into()),
    ])
}

/// The results for `entities`, each also asked for alone.
fn ask(facts: &MemoryFacts, name: &str, entities: &str, rest: &str) -> Result<Value> {
    let function = function::lookup(name).expect("built in");
    let Kind::Sourced(compute) = function.kind else { panic!("{name} asks no source") };
    let read = |text: &str| edn::read(text).expect("a test is valid EDN").as_items().expect("a vector").to_vec();
    let (entities, rest, budget) = (read(entities), read(rest), Budget::default());
    let column = if entities.iter().all(|entity| matches!(entity, Value::Long(_))) {
        Column::Long(entities.iter().filter_map(Value::as_long).collect())
    } else {
        Column::Value(entities.clone().into())
    };
    let results = compute(facts, &column, &rest, &budget)?;
    assert_eq!(results.len(), entities.len());
    for (row, entity) in entities.iter().enumerate() {
        let args: Vec<Value> = std::iter::once(entity).chain(&rest).cloned().collect();
        assert_eq!(function.call_on(facts, &args, &budget)?, results.value(row), "{name} of {entity} alone");
    }
    Ok(Value::vector((0..entities.len()).map(|row| results.value(row))))
}

#[track_caller]
fn check(name: &str, entities: &str, rest: &str, expected: &str) {
    for manner in [Manner::Typed, Manner::Plain, Manner::Random(AtomicU64::new(5))] {
        let results = ask(&facts().in_manner(manner), name, entities, rest).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(results.to_string(), expected, "{name} {entities} {rest}");
    }
}

#[track_caller]
fn refusal(facts: &MemoryFacts, name: &str, entities: &str, rest: &str) -> Error {
    match ask(facts, name, entities, rest) {
        Ok(value) => panic!("{name} gives {value}"),
        Err(error) => error,
    }
}

#[test]
fn get_else_gives_the_value_or_the_default() {
    check("get-else", "[1 2 3]", "[:p/age 0]", "[36 0 0]");
    check("get-else", "[3 1 3 99]", "[:p/name \"none\"]", "[\"Cy\" \"Ada\" \"Cy\" \"none\"]");
    check("get-else", "[1 2]", "[:p/alive true]", "[true false]");
    check("get-else", "[2 1]", "[:p/boss 0]", "[1 0]");
    check("get-else", "[1]", "[:p/never-said :x]", "[:x]");
    check("get-else", "[1]", "[:p/age false]", "[36]");
    check("get-else", "[]", "[:p/age 0]", "[]");
}

#[test]
fn missing_is_true_where_there_is_no_value() {
    check("missing?", "[1 2 99]", "[:p/age]", "[false true true]");
    check("missing?", "[2 1]", "[:p/alive]", "[false true]");
    check("missing?", "[3 1]", "[:p/tag]", "[false true]");
    check("missing?", "[1]", "[:p/never-said]", "[true]");
}

#[test]
fn entities_may_be_named_and_names_of_nothing_drop_the_row() {
    check("get-else", "[:cy 1 :nobody]", "[:p/name \"none\"]", "[\"Cy\" \"Ada\" nil]");
    check("missing?", "[:cy :nobody]", "[:p/age]", "[true nil]");
    check("missing?", "[[:p/never-said 1]]", "[:p/age]", "[nil]");
}

#[test]
fn what_has_no_single_answer_is_refused() {
    let facts = facts();
    let cases = [
        (Code::GetElse, "get-else", "[1]", "[:p/age nil]"),
        (Code::GetElse, "get-else", "[3]", "[:p/tag \"x\"]"),
        (Code::NotUnique, "get-else", "[[:p/name \"Ada\"]]", "[:p/age 0]"),
        (Code::ArgumentType, "get-else", "[\"text\"]", "[:p/age 0]"),
        (Code::ArgumentType, "get-else", "[1]", "[\"p/age\" 0]"),
        (Code::ArgumentType, "missing?", "[1.5]", "[:p/age]"),
    ];
    for (code, name, entities, rest) in cases {
        let error = refusal(&facts, name, entities, rest);
        assert_eq!(error.code(), code, "{name} {entities} {rest}: {error}");
        assert!(error.help().is_some() && error.value().is_some(), "{name} {entities} {rest}");
    }
    let history = facts.at(View { is_history: true, ..View::default() });
    assert_eq!(refusal(&history, "missing?", "[1]", "[:p/age]").code(), Code::HistoryView);
}

#[test]
fn a_function_of_a_source_says_so_when_called_without() {
    let function = function::lookup("get-else").expect("built in");
    let error = function.call(&[1.into(), Value::keyword("p/age"), 0.into()]).expect_err("no source");
    assert_eq!(error.code(), Code::UnknownSource);
    assert!(error.help().is_some_and(|help| help.contains("(get-else $ ?e")));
}
