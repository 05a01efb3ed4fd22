//! Promise: the reference shows every built-in function and aggregate, and what stands there is what a call gives. Attacked by calling every row
//! of its tables, and by looking for each name among them.

use std::collections::BTreeSet;

use annals_query::function::{self, Kind};
use annals_query::{Value, aggregate, edn};

const FUNCTIONS: &str = include_str!("../../docs/reference/functions.md");
const AGGREGATES: &str = include_str!("../../docs/reference/aggregates.md");

/// The cells of the tables whose first cell is a call; code without its quotes.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    page.lines().filter(|line| line.starts_with("| `(")).map(|line| {
        let cells = line.trim_start_matches("| ").trim_end_matches(" |").split(" | ");
        cells.map(|cell| cell.strip_prefix('`').and_then(|code| code.strip_suffix('`')).unwrap_or(cell)).collect()
    })
}

/// The name and the arguments of a call.
fn call(text: &str) -> (String, Vec<Value>) {
    let form = edn::read(text).unwrap_or_else(|error| panic!("{text} is not EDN: {error}"));
    match form.as_items() {
        Some([Value::Symbol(name), args @ ..]) => (name.to_string(), args.to_vec()),
        _ => panic!("{text} is no call"),
    }
}

#[test]
fn every_function_stands_in_the_reference_and_gives_what_it_says() {
    let mut shown = BTreeSet::new();
    for row in rows(FUNCTIONS) {
        let [text, expected, sentence] = row[..] else { panic!("a row has three cells: {row:?}") };
        let (name, args) = call(text);
        let function = function::lookup(&name).unwrap_or_else(|| panic!("{text}: no such function"));
        match function.kind {
            Kind::Pure(_) => {
                let result = function.call(&args).unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(result.to_string(), expected, "{text}");
            }
            _ => assert_eq!((text, expected), (function.example.call, function.example.result), "{text}: its example differs"),
        }
        assert!(sentence.ends_with(['.', '?']), "{text}: {sentence}");
        shown.insert(function.name);
    }
    let missing: Vec<String> = function::all()
        .filter(|function| !shown.contains(function.name))
        .map(|function| format!("\n| `{}` | `{}` | {} |", function.example.call, function.example.result, function.doc))
        .collect();
    assert!(missing.is_empty(), "add to docs/reference/functions.md:{}", missing.concat());
}

#[test]
fn every_aggregate_stands_in_the_reference_and_gives_what_it_says() {
    let mut shown = BTreeSet::new();
    for row in rows(AGGREGATES) {
        let [text, values, expected, sentence] = row[..] else { panic!("a row has four cells: {row:?}") };
        let (name, args) = call(text);
        let aggregate = aggregate::lookup(&name).unwrap_or_else(|| panic!("{text}: no such aggregate"));
        let bag = edn::read(values).unwrap_or_else(|error| panic!("{values} is not EDN: {error}"));
        let constants = &args[..args.len() - 1];
        let result = aggregate.call(constants, bag.as_items().expect("values stand in a vector"));
        let result = result.unwrap_or_else(|error| panic!("{text} of {values}: {error}"));
        assert_eq!(result.to_string(), expected, "{text} of {values}");
        assert!(sentence.ends_with(['.', '?']), "{text}: {sentence}");
        shown.insert(aggregate.name);
    }
    let missing: Vec<String> = aggregate::all()
        .filter(|aggregate| !shown.contains(aggregate.name))
        .map(|aggregate| {
            let example = &aggregate.example;
            format!("\n| `{}` | `{}` | `{}` | {} |", example.call, example.values, example.result, aggregate.doc)
        })
        .collect();
    assert!(missing.is_empty(), "add to docs/reference/aggregates.md:{}", missing.concat());
}
