//! Promise: what can go wrong only when a query runs is refused with its code, its place, the offending value and a remedy; what is merely unknown is
//! said in a warning; and no query spends more than it may. Attacked with one query for each.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use annals_query::engine::{self, Options, Tuning, Way};
use annals_query::{Answer, Attribute, Budget, Code, Error, Fact, Given, Result, Text, Unique, Value, check, parse};
use common::memory::MemoryFacts;

fn people() -> Given {
    let rows = [(1, "name", "ada".into()), (1, "age", Value::from(36)), (2, "name", "bob".into()), (2, "age", "old".into())];
    Given::Facts(Arc::new(MemoryFacts::of(rows.map(|(e, ident, value)| ((1 << 33) + e, ident, value)))))
}

/// A chain of `length` entities, each `:next` to the one before.
fn chain(length: i64) -> Given {
    let entity = |n: i64| (1 << 33) + n;
    let rows = (0..length).map(|n| (entity(n), "next", Value::Ref(entity(n + 1))));
    Given::Facts(Arc::new(MemoryFacts::of(rows)))
}

fn run(text: &str, given: &[Given], options: &Options, budget: &Budget) -> Result<Answer> {
    let rules = given.iter().find_map(|given| match given {
        Given::Rules(rules) => Some(rules.clone()),
        _ => None,
    });
    let checked = check::check(parse::query(text)?, rules.unwrap_or_default())?;
    engine::answer(&checked, given, options, budget).map_err(|error| error.located_in(text))
}

#[track_caller]
fn refused(text: &str, given: &[Given], code: Code, column: Option<u32>, help: &str) -> Error {
    let error = run(text, given, &Options::default(), &Budget::default()).expect_err(text);
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.position().map(|at| at.column), column, "{error}");
    assert!(error.help().is_some_and(|own| own.contains(help)), "{:?} holds {help:?}", error.help());
    error
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let text = "[:find ?e :in $ ?x :where [?e :age ?x]]";
    refused(text, &[people()], Code::InputCount, Some(17), "one input for each place");
    refused(text, &[people(), Given::Value(5.into()), people()], Code::InputCount, Some(17), "one input for each place");
    refused("[:find ?e :where [?e :age]]", &[], Code::InputCount, Some(8), "one input for each place");
    refused(text, &[people(), people()], Code::InputShape, Some(17), "in the order of :in");
    refused(
        "[:find ?e :in $ [?x ...] :where [?e :age ?x]]",
        &[people(), Given::Value(5.into())],
        Code::InputShape,
        Some(17),
        "change the binding form",
    );
    refused(
        "[:find ?x :in $ % :where [_ :age ?x]]",
        &[people(), Given::Value(5.into())],
        Code::InputShape,
        Some(17),
        "in the order of :in",
    );
}

#[test]
fn a_lookup_reference_through_an_attribute_that_is_not_unique_is_refused() {
    let error =
        refused("[:find ?n :where [[:name \"ada\"] :age ?n]]", &[people()], Code::NotUnique, Some(19), ":db.unique/identity");
    assert_eq!(error.value(), Some(":name"));
    let given = [people(), Given::Value(parse_value("[:name \"ada\"]"))];
    refused("[:find ?n :in $ ?e :where [?e :age ?n]]", &given, Code::NotUnique, Some(17), ":db.unique/identity");
}

fn parse_value(text: &str) -> Value {
    annals_query::edn::read_form(text).expect("a form").into_value()
}

#[test]
fn errors_of_functions_name_the_call() {
    refused(
        "[:find ?e :where [?e :age ?a] [(< ?a 40)]]",
        &[people()],
        Code::Incomparable,
        Some(32),
        "compare values of one type",
    );
    let rules = Given::Rules(parse::rules("[[(young ?e)   [?e :age ?a] [(< ?a 40)]]]").expect("a rule"));
    let text = "[:find ?e :in $ % :where (young ?e)]";
    refused(text, &[people(), rules], Code::Incomparable, Some(26), "compare values of one type");
}

#[test]
fn a_comparison_that_no_row_reaches_is_no_error() {
    let text = "[:find ?e :where [(< ?a 40)] [?e :age ?a] [?e :name \"ada\"]]";
    let answer =
        run(text, &[people()], &Options::default(), &Budget::default()).expect("bob, whose age is no number, is not asked about");
    assert_eq!(answer.rows.len(), 1);
}

/// Of many people none is of age 0, for whom a function inside would fail: it is asked about nobody else, also where little is inside.
#[test]
fn a_function_inside_is_not_asked_about_what_the_rows_around_exclude() {
    let entity = |n: i64| (1 << 33) + n;
    let big = (0..400).map(|n| (entity(n), "big", Value::from(n)));
    let rows = big.chain([(entity(1), "val", Value::from(5)), (entity(999), "val", Value::from(0))]);
    let facts = Given::Facts(Arc::new(MemoryFacts::of(rows)));
    for (text, expected) in [
        ("[:find ?e :where [?e :big _] (not [?e :val ?v] [(quot 10 ?v) ?w] [(> ?w 0)])]", 399),
        ("[:find ?e :where [?e :big _] (not-join [?e] [?e :val ?v] [(quot 10 ?v) ?w])]", 399),
        (
            "[:find ?e ?w :where [?e :big _] (or-join [[?e] ?w] (and [?e :val ?v] [(quot 10 ?v) ?w]) (and [?e :val ?v] [(mod 10 ?v) ?w]))]",
            2,
        ),
    ] {
        for way in [Way::Never, Way::Chosen, Way::Always] {
            let tuning = Tuning { small: Way::Never, search: way, ..Tuning::default() };
            let options = Options { tuning, ..Options::default() };
            let answer = run(text, std::slice::from_ref(&facts), &options, &Budget::default())
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(answer.rows.len(), expected, "{text}");
        }
    }
}

#[test]
fn an_unknown_attribute_is_a_warning_and_an_error_where_strictness_is_asked_for() {
    let text = "[:find ?e :where [?e :nme \"ada\"]]";
    let answer = run(text, &[people()], &Options::default(), &Budget::default()).expect("a warning is no error");
    assert!(answer.rows.is_empty());
    assert_eq!(answer.warnings.len(), 1);
    assert_eq!(answer.warnings[0].code, "query/unknown-attribute");
    assert!(answer.warnings[0].message.contains(":nme"));
    let error =
        run(text, &[people()], &Options { strict: true, ..Options::default() }, &Budget::default()).expect_err("it is asked for");
    assert_eq!((error.code(), error.value()), (Code::UnknownAttribute, Some(":nme")));
    assert_eq!(error.position().map(|at| at.column), Some(22));
    assert!(error.help().is_some());
}

/// What is warned of; nothing if the text is empty.
#[track_caller]
fn check_warning(text: &str, message: &str, help: &str) {
    let mut id = Attribute::new(101, "id");
    id.unique = Some(Unique::Identity);
    let ada = Fact { e: 1 << 33, a: 101, v: "ada".into(), t: 1, m: 0, added: true };
    let facts = Given::Facts(Arc::new(MemoryFacts::new(vec![id], vec![ada])));
    let answer = run(text, &[facts], &Options::default(), &Budget::default()).expect(text);
    let warned = answer.warnings.iter().map(|warning| (&*warning.message, warning.help.as_deref().unwrap_or_default()));
    let warned = warned.collect::<Vec<_>>();
    let is_right = match &warned[..] {
        [] => message.is_empty(),
        [(own, remedy)] => !message.is_empty() && own.contains(message) && remedy.contains(help),
        _ => false,
    };
    assert!(is_right, "{text}: {warned:?}");
}

#[test]
fn what_stands_for_an_attribute_and_is_none_is_a_warning() {
    let check = check_warning;
    check("[:find ?v :where [_ 101 ?v]]", "", "");
    check("[:find ?v :where [_ 4711 ?v]]", "no attribute is meant by 4711", "the id of one");
    check("[:find ?v :where [_ \"id\" ?v]]", "no attribute is meant by \"id\"", "`:id`");
    // A lookup reference may lead nowhere today, as one in the place of an entity may.
    check("[:find ?v :where [_ [:id \"nobody\"] ?v]]", "", "");
    check("[:find ?v :where [_ [:nid \"ada\"] ?v]]", "`:nid`", "`:id`");
}

#[test]
fn a_query_stays_within_its_rows_bytes_and_time() {
    let cross = "[:find ?a ?b ?c :where [?a :next] [?b :next] [?c :next]]";
    let closure = "[:find ?a ?b :in $ % :where (reach ?a ?b)]";
    let rules = || {
        let text = "[[(reach ?a ?b) [?a :next ?b]] [(reach ?a ?b) (reach ?a ?m) [(!= ?m ?a)] [?m :next ?b]]]";
        Given::Rules(parse::rules(text).expect("rules"))
    };
    let limited =
        |budget: Budget, text: &str, given: &[Given]| run(text, given, &Options::default(), &budget).expect_err(text).code();
    assert_eq!(limited(Budget::default().with_limit_rows(100_000), cross, &[chain(100)]), Code::LimitExceeded);
    assert_eq!(limited(Budget::default().with_limit_bytes(100_000), cross, &[chain(100)]), Code::LimitExceeded);
    assert_eq!(limited(Budget::default().with_limit_rows(1_000), closure, &[chain(100), rules()]), Code::LimitExceeded);
    assert_eq!(limited(Budget::default().with_limit_bytes(10_000), closure, &[chain(100), rules()]), Code::LimitExceeded);
    let started = Instant::now();
    let hurried = Budget::default().with_timeout(Duration::from_millis(20));
    assert_eq!(limited(hurried, closure, &[chain(2_000), rules()]), Code::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5), "it stops soon");
    let cancelled = Budget::default().with_cancel_flag(Arc::new(AtomicBool::new(true)));
    assert_eq!(limited(cancelled, closure, &[chain(2_000), rules()]), Code::Cancelled);
}

#[test]
fn a_timeout_that_the_query_names_stops_it() {
    let rules = "[[(reach ?a ?b) [?a :next ?b]] [(reach ?a ?b) (reach ?a ?m) [(!= ?m ?a)] [?m :next ?b]]]";
    let given = [chain(2_000), Given::Rules(parse::rules(rules).expect("rules"))];
    let text = "{:find [?a ?b] :in [$ %] :where [(reach ?a ?b)] :timeout 20}";
    let error = run(text, &given, &Options::default(), &Budget::default()).expect_err("20 ms are too short");
    assert_eq!(error.code(), Code::Timeout);
    assert!(error.help().is_some());
}

#[test]
fn an_error_inside_of_rules_has_its_place_in_their_text_and_none_in_the_query() {
    let text = "[:find ?z :in $ % :where [_ :age ?x] (a ?x ?z)]";
    let place = |rules: &str| {
        let given = [people(), Given::Rules(parse::rules(rules).expect("the rules are well formed"))];
        let error = engine::query(text, &given, &Budget::default()).expect_err(rules);
        let span = error.span().expect("the error has a place");
        assert_eq!(span.text, Text::of_rules(rules), "{error}");
        assert_eq!(error.clone().located_in(text), error, "the query's text does not move it");
        error.position().map(|at| (at.line, at.column))
    };
    assert_eq!(place("[[(a ?x ?z)\n [(unheard-of ?x 2)] [(ground 1) ?z]]]"), Some((2, 3)));
    assert_eq!(place("[[(a ?x ?z) [(> ?x ?q)]\n [(ground 1) ?z]]]"), Some((1, 13)));
    assert_eq!(place("[[(b ?x) [?x :age]]\n  [(a ?x ?z) (not (a ?x ?z)) [?x :age ?z]]]"), Some((2, 3)));
}
