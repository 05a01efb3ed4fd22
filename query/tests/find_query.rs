//! Promise: functions, aggregates, pulls, order and shape work together from the text of a query to its answer, and an error of any
//! of them tells line and column. Attacked with whole queries over a few people, in every manner of columns.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use annals_query::{Answer, Budget, Code, Given, Result, Value, edn, engine, parse};
use common::memory::{Manner, MemoryFacts};

const PEOPLE: &[(i64, &str, &str)] = &[
    (1, "p/name", "\"Ada\""),
    (1, "p/age", "36"),
    (1, "p/city", "\"London\""),
    (2, "p/name", "\"Bob\""),
    (2, "p/age", "17"),
    (2, "p/alive", "false"),
    (3, "p/name", "\"Cy\""),
    (3, "p/age", "52"),
    (3, "p/city", "\"Paris\""),
    (4, "p/name", "\"Di\""),
    (4, "p/age", "52"),
    (4, "p/city", "\"London\""),
    (2, "p/parent", "@1"),
    (4, "p/parent", "@3"),
];

fn people() -> MemoryFacts {
    MemoryFacts::of(PEOPLE.iter().map(|(e, ident, text)| {
        let reference = text.strip_prefix('@').map(|id| Value::Ref(id.parse().expect("an id")));
        (*e, *ident, reference.unwrap_or_else(|| edn::read(text).expect("a test is valid EDN")))
    }))
}

fn ask(text: &str, manner: Manner, further: &[Given]) -> Result<Answer> {
    let mut given = vec![Given::Facts(Arc::new(people().in_manner(manner)))];
    given.extend_from_slice(further);
    engine::query(text, &given, &Budget::default())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    check_given(text, &[], expected);
}

#[track_caller]
fn check_given(text: &str, further: &[Given], expected: &str) {
    for manner in [Manner::Typed, Manner::Plain, Manner::Random(AtomicU64::new(3))] {
        let answer = ask(text, manner, further).unwrap_or_else(|error| panic!("{text}: {error}"));
        let rows = Value::vector(answer.rows.into_iter().map(Value::from));
        assert_eq!(rows, edn::read(expected).expect("a test is valid EDN"), "{text} gives {rows}");
    }
}

#[track_caller]
fn check_refused(text: &str, code: Code, line: u32, column: u32) {
    match ask(text, Manner::Typed, &[]) {
        Ok(answer) => panic!("{text} gives {} rows", answer.rows.len()),
        Err(error) => {
            let position = error.position().unwrap_or_else(|| panic!("{text}: {error} has no place"));
            assert_eq!((error.code(), position.line, position.column), (code, line, column), "{text}: {error}");
            assert!(error.help().is_some(), "{text}: {error} has no remedy");
        }
    }
}

#[test]
fn functions_compute_filter_and_default() {
    check(
        "[:find ?n ?next :where [?e :p/age ?a] [(inc ?a) ?next] [?e :p/name ?n] :order-by [?n] :limit 2]",
        r#"[["Ada" 37] ["Bob" 18]]"#,
    );
    check("[:find ?n :where [?e :p/name ?n] [?e :p/age ?a] [(< 20 ?a 40.5)]]", r#"[["Ada"]]"#);
    check(
        "[:find ?n ?c :where [?e :p/name ?n] [(get-else $ ?e :p/city \"nowhere\") ?c] :order-by [?n] :limit 2]",
        r#"[["Ada" "London"] ["Bob" "nowhere"]]"#,
    );
    check("[:find ?n :where [?e :p/name ?n] [(missing? $ ?e :p/city)]]", r#"[["Bob"]]"#);
    check("[:find ?alive . :where [?e :p/name \"Bob\"] [(get-else $ ?e :p/alive true) ?alive]]", "[[false]]");
    check("[:find ?n :where [?e :p/name ?n] [(missing? $ ?e :p/alive)] [?e :p/age 17]]", "[]");
    check("[:find ?up :where [_ :p/name ?n] [(clojure.string/starts-with? ?n \"C\")] [(upper-case ?n) ?up]]", r#"[["CY"]]"#);
    check("[:find ?a ?b :where [(ground [[1 2] [3 4]]) [[?a ?b]]] :order-by [?a]]", "[[1 2] [3 4]]");
    check("[:find ?x ?y :where [(tuple 1 \"a\") ?t] [(untuple ?t) [?x ?y]]]", r#"[[1 "a"]]"#);
    check("[:find ?part :where [(split \"b,a\" \",\") [?part ...]] :order-by [?part]]", r#"[["a"] ["b"]]"#);
    check("[:find ?x :where [(namespace :no-slash) ?x]]", "[]");
}

#[test]
fn aggregates_group_and_order() {
    check(
        "[:find ?c (count ?e) (avg ?a) :where [?e :p/city ?c] [?e :p/age ?a] :order-by [(count ?e) :desc]]",
        r#"[["London" 2 44.0] ["Paris" 1 52.0]]"#,
    );
    check("[:find (sum ?a) . :where [_ :p/age ?a]]", "[[105]]");
    check("[:find (sum ?a) . :with ?e :where [?e :p/age ?a]]", "[[157]]");
    check("[:find (count ?e) . :where [?e :p/age 99]]", "[]");
    check("[:find (max 2 ?a) (min ?n) :where [?e :p/age ?a] [?e :p/name ?n]]", r#"[[[52 36] "Ada"]]"#);
    check("[:find ?a :with ?e :where [?e :p/age ?a] :order-by [?a :desc] :limit 3]", "[[52] [52] [36]]");
}

#[test]
fn pulls_go_with_variables_aggregates_and_inputs() {
    check(
        "[:find ?n (pull ?p [:p/name]) :where [?e :p/parent ?p] [?e :p/name ?n] :order-by [?n]]",
        r#"[["Bob" {:p/name "Ada"}] ["Di" {:p/name "Cy"}]]"#,
    );
    check(
        "[:find [(pull ?e [:p/name {:p/_parent [:p/name]}]) ...] :where [?e :p/city] :order-by [?e]]",
        r#"[[{:p/name "Ada" :p/_parent [{:p/name "Bob"}]}] [{:p/name "Cy" :p/_parent [{:p/name "Di"}]}] [{:p/name "Di"}]]"#,
    );
    check(
        "[:find (pull ?p [:p/name]) (count ?e) :where [?e :p/parent ?p] :order-by [?p]]",
        r#"[[{:p/name "Ada"} 1] [{:p/name "Cy"} 1]]"#,
    );
    check(
        "[:find (pull ?e [*]) . :where [?e :p/name \"Bob\"]]",
        r#"[[{:db/id 2 :p/name "Bob" :p/age 17 :p/alive false :p/parent {:db/id 1}}]]"#,
    );
    check(
        "[:find [(pull ?e [:db/id]) ...] :where [(ground [1 99 2]) [?e ...]] :order-by [?e :desc]]",
        "[[{:db/id 2}] [{:db/id 1}]]",
    );
    let pattern = Given::Pattern(parse::pull_pattern("[(:p/name :as :name)]").expect("a pattern"));
    check_given("[:find (pull ?e shape) . :in $ shape :where [?e :p/age 36]]", &[pattern], r#"[[{:name "Ada"}]]"#);
}

#[test]
fn an_error_tells_line_and_column() {
    check_refused("[:find ?x\n :where [_ :p/name ?n]\n        [(+ ?n 1) ?x]]", Code::ArgumentType, 3, 10);
    check_refused("[:find (sum ?n)\n :where [_ :p/name ?n]]", Code::ArgumentType, 1, 8);
    check_refused("[:find ?x :where [_ :p/age ?a] [(/ ?a 0) ?x]]", Code::DivisionByZero, 1, 33);
    check_refused("[:find ?n :where [_ :p/name ?n] [(< ?n 1)]]", Code::Incomparable, 1, 34);
    check_refused("[:find (pull ?e [(:p/age :xform upper-case)])\n :where [?e :p/age 36]]", Code::ArgumentType, 1, 18);
    check_refused("[:find ?x :where [?e :p/age ?a] [(get-else $ ?e :p/city nil) ?x]]", Code::GetElse, 1, 57);
}
