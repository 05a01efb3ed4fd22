//! Promise: from the distinct rows of the clauses, find makes the groups, aggregates, order, window, shape and maps that were asked for.
//! Attacked with rows as text in several orders and kinds of column, nothing at all, ties, hidden keys and entities nobody knows.

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use annals_query::ast::{ReturnMapKind, SourceName, Variable};
use annals_query::column::TextKind;
use annals_query::{Answer, Budget, Code, Column, Functions, Result, Shape, Source, Sources, Value, edn, find, parse};
use common::memory::MemoryFacts;

fn people() -> MemoryFacts {
    let row = |e: i64, ident: &'static str, text: &str| (e, ident, edn::read(text).expect("a test is valid EDN"));
    MemoryFacts::of([
        row(1, "p/name", "\"Ada\""),
        row(2, "p/name", "\"Bob\""),
        row(3, "p/name", "\"Cy\""),
        row(3, "db/ident", ":cy"),
    ])
}

fn sources() -> Sources {
    let relation = Source::Relation(Arc::new(vec![vec![1.into()]]));
    Sources::from([
        (SourceName::default(), Source::Facts(Arc::new(people()))),
        (SourceName("$other".into()), Source::Facts(Arc::new(MemoryFacts::of([(1, "p/name", "Eve".into())])))),
        (SourceName("$rows".into()), relation),
    ])
}

fn column_of(values: &[Value]) -> Column {
    if values.iter().all(|value| matches!(value, Value::Long(_))) {
        return Column::Long(values.iter().filter_map(Value::as_long).collect());
    }
    if values.iter().all(|value| matches!(value, Value::String(_))) {
        // The codes are in no order, and each text has its own.
        let mut texts: Vec<Arc<str>> = values.iter().filter_map(|value| value.as_text().map(Arc::from)).collect();
        texts.sort_unstable_by(|a, b| b.cmp(a));
        texts.dedup();
        let code = |value: &Value| texts.iter().position(|text| Some(&**text) == value.as_text()).expect("collected") as u32;
        let codes = values.iter().map(code).collect();
        return Column::Text(TextKind::String, Arc::new(texts), codes);
    }
    Column::Value(values.to_vec().into())
}

/// `head` is what stands before `:where`; `rows` are the distinct rows over `variables`.
fn finish(head: &str, variables: &str, rows: &[Vec<Value>], is_typed: bool) -> Result<Answer> {
    let query = parse::query(&format!("[:find {head} :where [?e :p/name]]")).unwrap_or_else(|error| panic!("{head}: {error}"));
    let variables: Vec<Variable> = variables.split(' ').map(|name| Variable(name.into())).collect();
    let columns = (0..variables.len()).map(|place| {
        let values: Vec<Value> = rows.iter().map(|row| row[place].clone()).collect();
        if is_typed { column_of(&values) } else { Column::Value(values.into()) }
    });
    let columns: Vec<Column> = columns.collect();
    let patterns = HashMap::from([("given".into(), parse::pull_pattern("[:p/name]").expect("a pattern"))]);
    find::finish(
        &query,
        &variables,
        &columns,
        rows.len(),
        find::Surroundings { sources: &sources(), patterns: &patterns, functions: &Functions::new() },
        &Budget::default(),
    )
    .map(Answer::from)
}

fn rows_of(text: &str) -> Vec<Vec<Value>> {
    let rows = edn::read(text).expect("a test is valid EDN");
    rows.as_items().expect("rows").iter().map(|row| row.as_items().expect("a row").to_vec()).collect()
}

fn text_of(rows: &[Vec<Value>]) -> String {
    Value::vector(rows.iter().map(|row| Value::vector(row.iter().cloned()))).to_string()
}

/// Every order of the rows (the engine's is free) gives the rows expected, in their order.
#[track_caller]
fn check(head: &str, variables: &str, rows: &str, expected: &str) {
    let mut rows = rows_of(rows);
    for turn in 0..rows.len().max(1) {
        for is_typed in [true, false] {
            let answer = finish(head, variables, &rows, is_typed).unwrap_or_else(|error| panic!("{head}: {error}"));
            assert_eq!(
                text_of(&answer.rows),
                edn::read(expected).expect("valid").to_string(),
                "{head}, turn {turn}, typed {is_typed}"
            );
        }
        let middle = rows.len() / 2;
        rows.rotate_left(middle);
        rows.reverse();
    }
}

/// The rows as they are given, without an order of their own.
#[track_caller]
fn check_unordered(head: &str, variables: &str, rows: &str, expected: &str) {
    let answer = finish(head, variables, &rows_of(rows), true).unwrap_or_else(|error| panic!("{head}: {error}"));
    assert_eq!(text_of(&answer.rows), edn::read(expected).expect("valid").to_string(), "{head}");
}

#[track_caller]
fn check_refused(code: Code, head: &str, variables: &str, rows: &str) {
    match finish(head, variables, &rows_of(rows), true) {
        Ok(answer) => panic!("{head} gives {}", text_of(&answer.rows)),
        Err(error) => {
            assert_eq!(error.code(), code, "{head}: {error}");
            assert!(error.help().is_some() && error.span().is_some(), "{head}: {error} needs remedy and place");
        }
    }
}

#[test]
fn rows_come_in_the_order_of_find_and_with_leaves_a_bag() {
    check_unordered("?b ?a", "?a ?b", "[[1 10] [2 20]]", "[[10 1] [20 2]]");
    check_unordered("?a :with ?b", "?a ?b", "[[1 10] [1 20]]", "[[1] [1]]");
    check_unordered("?a ?a", "?a", "[[1] [2]]", "[[1 1] [2 2]]");
    check_unordered("?a", "?a", "[]", "[]");
}

#[test]
fn aggregates_are_of_the_bag_of_each_group() {
    let rows = "[[\"x\" 1] [\"x\" 2] [\"y\" 5]]";
    check("?g (sum ?n) :order-by [?g]", "?g ?n", rows, "[[\"x\" 3] [\"y\" 5]]");
    check("(count ?n)", "?n", "[[1] [2] [3]]", "[[3]]");
    check("(sum ?n) (max ?n) (min ?n)", "?n", "[[1] [2] [3]]", "[[6 3 1]]");
    check("(sum ?n) :with ?e", "?n ?e", "[[10 1] [10 2]]", "[[20]]");
    check("(max 2 ?n) ?g :order-by [?g]", "?g ?n", rows, "[[[2 1] \"x\"] [[5] \"y\"]]");
    check("(count ?g) ?g :order-by [?g]", "?g ?n", rows, "[[2 \"x\"] [1 \"y\"]]");
    check("?g ?h (count ?n) :order-by [?g ?h]", "?g ?h ?n", "[[1 1 1] [1 2 1] [1 1 2]]", "[[1 1 2] [1 2 1]]");
}

#[test]
fn an_aggregate_over_nothing_gives_no_row() {
    for head in ["(count ?n)", "(sum ?n) (avg ?n)", "?g (max 3 ?n)", "(count ?n) .", "[(count ?n) ...]", "[(sum ?n) ?g]"] {
        check(head, "?g ?n", "[]", "[]");
    }
}

#[test]
fn order_is_total_over_all_types_and_ties_are_broken_by_the_row() {
    check("?a :order-by [?a]", "?a", "[[3] [1] [2]]", "[[1] [2] [3]]");
    check("?a :order-by [?a :desc]", "?a", "[[3] [1] [2]]", "[[3] [2] [1]]");
    check("?a ?b :order-by [?b :desc ?a]", "?a ?b", "[[1 1] [2 2] [3 2] [4 1]]", "[[2 2] [3 2] [1 1] [4 1]]");
    check("?a ?b :order-by [?b]", "?a ?b", "[[3 1] [1 1] [2 1]]", "[[1 1] [2 1] [3 1]]");
    check(
        "?a :order-by [?a]",
        "?a",
        "[[\"b\"] [:a] [2.5] [1] [true] [\"a\"] [3N]]",
        "[[true] [1] [2.5] [3N] [:a] [\"a\"] [\"b\"]]",
    );
    check("?a :order-by [?a]", "?a", "[[\"b\"] [\"a\"] [\"c\"]]", "[[\"a\"] [\"b\"] [\"c\"]]");
    check("?a ?b :order-by [?a ?b]", "?a ?b", "[[1 2] [1.0 1]]", "[[1.0 1] [1 2]]");
}

#[test]
fn order_may_name_what_find_does_not_show() {
    check("?a :order-by [?b]", "?a ?b", "[[1 9] [2 8] [3 7]]", "[[3] [2] [1]]");
    check("?g :order-by [(sum ?n) :desc]", "?g ?n", "[[\"x\" 1] [\"x\" 2] [\"y\" 5]]", "[[\"y\"] [\"x\"]]");
    check("?g (count ?n) :order-by [(count ?n)]", "?g ?n", "[[\"x\" 1] [\"x\" 2] [\"y\" 5]]", "[[\"y\" 1] [\"x\" 2]]");
    let answer = finish("?a :order-by [?b (count ?a)]", "?a ?b", &rows_of("[[1 9]]"), true).expect("no error");
    assert_eq!(answer.header, ["?a"]);
}

#[test]
fn offset_and_limit_cut_the_ordered_rows() {
    let rows = "[[3] [1] [2] [5] [4]]";
    check("?a :order-by [?a] :limit 2", "?a", rows, "[[1] [2]]");
    check("?a :order-by [?a] :offset 3", "?a", rows, "[[4] [5]]");
    check("?a :order-by [?a] :offset 1 :limit 2", "?a", rows, "[[2] [3]]");
    check("?a :order-by [?a :desc] :limit 9", "?a", rows, "[[5] [4] [3] [2] [1]]");
    check("?a :order-by [?a] :offset 9", "?a", rows, "[]");
    check("?a :order-by [?a] :offset 9223372036854775807 :limit 5", "?a", rows, "[]");
    check("?a :limit 2", "?a", rows, "[[1] [2]]");
    check("?a :offset 4", "?a", rows, "[[5]]");
    check("(count ?a) :offset 1", "?a", rows, "[]");
}

#[test]
fn many_rows_are_ordered_whole_and_in_part() {
    // 7919 is prime to the count, so every number comes once, well mixed.
    let count = 100_000_i64;
    let rows: Vec<Vec<Value>> = (0..count).map(|n| vec![(n * 7919 % count).into(), (n * 7919 % count / 10).into()]).collect();
    let first = |head: &str| finish(head, "?a ?b", &rows, true).expect("no error").rows;
    let numbers = |rows: &[Vec<Value>]| rows.iter().filter_map(|row| row[0].as_long()).collect::<Vec<_>>();
    assert_eq!(numbers(&first("?a :order-by [?a]")), (0..count).collect::<Vec<_>>());
    assert_eq!(
        numbers(&first("?a :order-by [?b :desc ?a] :limit 12"))[..11],
        [99990, 99991, 99992, 99993, 99994, 99995, 99996, 99997, 99998, 99999, 99980]
    );
    assert_eq!(numbers(&first("?a :order-by [?a] :offset 99998")), [99998, 99999]);
}

#[test]
fn ordering_stops_when_the_query_is_cancelled() {
    let query = parse::query("[:find ?a :where [_ :p/name ?a] :order-by [?a]]").expect("a query");
    let column = Column::Long((0..100_000).rev().collect());
    let budget = Budget::default().with_cancel_flag(Arc::new(true.into()));
    let given = [Variable("?a".into())];
    let error = find::finish(
        &query,
        &given,
        &[column],
        100_000,
        find::Surroundings { sources: &sources(), patterns: &HashMap::new(), functions: &Functions::new() },
        &budget,
    )
    .expect_err("cancelled");
    assert_eq!(error.code(), Code::Cancelled);
}

#[test]
fn every_shape_takes_its_part() {
    let shape = |head: &str| finish(head, "?a ?b", &rows_of("[[1 2] [3 4]]"), true).expect("no error");
    assert_eq!(shape("?a ?b").shape, Shape::Relation);
    assert_eq!(shape("[?a ...]").shape, Shape::Collection);
    assert_eq!(text_of(&shape("[?a ...]").rows), "[[1] [3]]");
    assert_eq!(shape("[?a ?b]").shape, Shape::Tuple);
    assert_eq!(text_of(&shape("[?a ?b]").rows), "[[1 2]]");
    assert_eq!(shape("?a .").shape, Shape::Scalar);
    assert_eq!(text_of(&shape("?a .").rows), "[[1]]");
    let Shape::RelationOfMaps(names) = shape("?a ?b :keys x y").shape else { panic!("no maps") };
    assert_eq!((names.kind, names.names.len()), (ReturnMapKind::Keys, 2));
    assert!(matches!(shape("[?a ?b] :strs x y").shape, Shape::TupleAsMap(_)));
    check("?a . :order-by [?a :desc]", "?a ?b", "[[1 2] [3 4]]", "[[3]]");
    check("[?a ?b] :order-by [?a] :offset 1", "?a ?b", "[[1 2] [3 4]]", "[[3 4]]");
    check("[?a ...] :order-by [?b :desc]", "?a ?b", "[[1 2] [3 4]]", "[[3] [1]]");
}

#[test]
fn a_scalar_false_is_a_value() {
    check("?a .", "?a", "[[false]]", "[[false]]");
    check("(min ?a) .", "?a", "[[false] [true]]", "[[false]]");
}

#[test]
fn pulls_are_made_for_the_rows_that_stay() {
    check("(pull ?e [:p/name]) :order-by [?e]", "?e", "[[2] [1]]", "[[{:p/name \"Ada\"}] [{:p/name \"Bob\"}]]");
    check("?e (pull ?e [:p/name]) :order-by [?e :desc] :limit 1", "?e", "[[2] [1]]", "[[2 {:p/name \"Bob\"}]]");
    check("(pull ?e given) :order-by [?e]", "?e", "[[1]]", "[[{:p/name \"Ada\"}]]");
    check("(pull $other ?e [:p/name])", "?e", "[[1]]", "[[{:p/name \"Eve\"}]]");
    check("(pull ?e [:p/none])", "?e", "[[1]]", "[[{}]]");
    check("[(pull ?e [:db/id]) ...] :order-by [?e]", "?e", "[[1] [2]]", "[[{:db/id 1}] [{:db/id 2}]]");
    check("(pull ?e [:p/name]) (pull $other ?e [:p/name])", "?e", "[[1]]", "[[{:p/name \"Ada\"} {:p/name \"Eve\"}]]");
    check("(pull ?e [:p/name])", "?e", "[[:cy]]", "[[{:p/name \"Cy\"}]]");
}

#[test]
fn a_pull_beside_an_aggregate_groups_by_the_entity() {
    check(
        "(pull ?e [:p/name]) (count ?x) :order-by [?e]",
        "?e ?x",
        "[[1 10] [1 20] [2 10]]",
        "[[{:p/name \"Ada\"} 2] [{:p/name \"Bob\"} 1]]",
    );
}

#[test]
fn a_pulled_entity_that_nobody_knows_takes_its_row_along() {
    let rows = "[[1] [99] [2] [98] [3]]";
    check("?e (pull ?e [:db/id]) :order-by [?e]", "?e", rows, "[[1 {:db/id 1}] [2 {:db/id 2}] [3 {:db/id 3}]]");
    check("[(pull ?e [:db/id]) ...] :order-by [?e :desc] :limit 2", "?e", rows, "[[{:db/id 3}] [{:db/id 2}]]");
    check("[(pull ?e [:db/id]) ...] :order-by [?e :desc] :offset 1 :limit 1", "?e", rows, "[[{:db/id 2}]]");
    check("(pull ?e [:db/id]) . :order-by [?e :desc]", "?e", rows, "[[{:db/id 3}]]");
    check("(pull ?e [:db/id]) .", "?e", "[[99]]", "[]");
    check("(pull ?e [:db/id])", "?e", "[[:nobody]]", "[]");
}

#[test]
fn the_header_is_as_written() {
    let header = |head: &str| finish(head, "?e ?x", &rows_of("[]"), true).expect("no error").header;
    assert_eq!(header("?e (count ?x) (max 3 ?x)"), ["?e", "(count ?x)", "(max 3 ?x)"]);
    let pulls = [
        "(pull ?e [*])",
        "(pull $other ?e [:p/name])",
        "(pull ?e given)",
        "(pull ?e [:p/_friend {:p/boss [:p/name]} {:p/friend 3} {:p/part ...}])",
        "(pull ?e [(:p/name :as \"n\" :limit 3 :default 0 :xform upper-case) {(:p/tag :limit nil) [*]}])",
    ];
    for pull in pulls {
        assert_eq!(header(pull), [pull]);
    }
}

#[test]
fn what_cannot_be_found_is_refused_with_its_place() {
    check_refused(Code::UnboundVariable, "?z", "?e", "[[1]]");
    check_refused(Code::ArgumentType, "(sum ?e)", "?e", "[[\"a\"]]");
    check_refused(Code::Overflow, "(sum ?e)", "?e", "[[9223372036854775807] [1]]");
    check_refused(Code::UnknownSource, "(pull $nowhere ?e [*])", "?e", "[[1]]");
    check_refused(Code::UnknownSource, "(pull $rows ?e [*])", "?e", "[[1]]");
    check_refused(Code::InputShape, "(pull ?e not-given)", "?e", "[[1]]");
    check_refused(Code::ArgumentType, "(pull ?e [*])", "?e", "[[\"text\"]]");
    check_refused(Code::NotUnique, "(pull ?e [*])", "?e", "[[[:p/name \"Ada\"]]]");
}
