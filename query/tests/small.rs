//! Promise: a question that looks at a handful of facts is answered without a plan, and like any other. Attacked with questions of every kind of
//! clause, each answered in the small way alone and by columns alone; with questions that only look small; and with names that lead nowhere.
//! That the small way answered shows in that nothing was ordered.

mod common;

use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options, Orders, Tuning, Way};
use annals_query::{Budget, Code, Facts, Given, Result, Table, Value, check, parse};
use common::memory::MemoryFacts;

const FIRST: i64 = 1 << 33;

/// 300 people, each with a name and an age, of whom some have a nickname or numbers of several kinds.
fn people() -> Given {
    let rows = (0..300).flat_map(|n| {
        let e = FIRST + n;
        let mut facts = vec![
            (e, "name", Value::from(format!("name {n}"))),
            (e, "age", Value::from(n % 50)),
            (e, "friend", Value::from(FIRST + (n + 1) % 300)),
            (e, "sex", Value::keyword("female")),
        ];
        if n % 3 == 0 {
            facts.push((e, "nick", Value::from(format!("nick {n}"))));
        }
        if n == 7 {
            facts.extend([(e, "score", Value::from(1)), (e, "score", Value::from(1.0)), (e, "half", Value::from(0.5))]);
        }
        facts
    });
    Given::Facts(Arc::new(MemoryFacts::of(rows)))
}

const RULES: &str = "[[(friend ?a ?b) [?a :friend ?b]] [(near ?a ?b) [?a :friend ?b]] [(near ?a ?b) [?b :friend ?a]]
                      [(reach ?a ?b) [?a :friend ?b]] [(reach ?a ?b) [?a :friend ?c] (reach ?c ?b)]]";

/// The answer, and in how many blocks the clauses had to be ordered for it.
fn ask(text: &str, inputs: &[Value], small: Way, budget: &Budget) -> (Result<Table>, u64) {
    let query = parse::query(text).expect(text);
    let rules = if text.contains('%') { parse::rules(RULES).expect("rules") } else { RuleSet::default() };
    let mut given = vec![people()];
    if text.contains('%') {
        given.push(Given::Rules(rules.clone()));
    }
    given.extend(inputs.iter().cloned().map(Given::Value));
    let checked = check::check(query, rules).expect(text);
    let orders = Arc::new(Orders::default());
    let options = Options { tuning: Tuning { small, ..Tuning::default() }, ..Options::default() };
    let table = engine::table(&checked, Some(&orders), &given, &options, budget);
    (table, orders.counts().1)
}

#[track_caller]
fn check(text: &str, inputs: &[Value], is_small: bool, expected: &str) {
    let (small, ordered) = ask(text, inputs, Way::Chosen, &Budget::default());
    let (large, _) = ask(text, inputs, Way::Never, &Budget::default());
    let (small, large) = (small.expect(text), large.expect(text));
    assert_eq!(ordered == 0, is_small, "{text}: {ordered} blocks were ordered");
    assert_eq!(small.to_edn(), large.to_edn(), "{text}");
    assert_eq!(small.to_edn(), expected, "{text}");
    assert_eq!((small.header(), small.shape(), small.len()), (large.header(), large.shape(), large.len()), "{text}");
    for (small, large) in small.columns().iter().zip(large.columns()) {
        assert_eq!(std::mem::discriminant(small), std::mem::discriminant(large), "{text}: the kind of a column");
    }
}

#[test]
fn every_kind_of_clause_is_answered_fact_by_fact() {
    let name = || Value::from("name 7");
    for (text, inputs, expected) in [
        ("[:find ?a . :in $ ?n :where [?e :name ?n] [?e :age ?a]]", vec![name()], "7"),
        ("[:find ?a ?n :where [?e :name \"name 8\"] [?e :age ?a] [?e :name ?n]]", vec![], "[[8 \"name 8\"]]"),
        ("[:find ?m :in $ ?n :where [?m-is :name ?m] [?e :friend ?m-is] [?e :name ?n]]", vec![name()], "[[\"name 8\"]]"),
        (
            "[:find [?n ...] :in $ ?a :where [?e :age ?a] [?e :name ?n] [(not= ?n \"name 7\")]]",
            vec![7.into()],
            "[\"name 107\" \"name 157\" \"name 207\" \"name 257\" \"name 57\"]",
        ),
        (
            "[:find [?n ...] :in $ ?a :where [?e :age ?a] [?e :name ?n] :limit 2 :offset 1]",
            vec![7.into()],
            "[\"name 157\" \"name 207\"]",
        ),
        ("[:find ?b :in $ ?n :where [?e :name ?n] [?e :age ?a] [(+ ?a 1) ?b] [(< ?b 9)]]", vec![name()], "[[8]]"),
        ("[:find ?x :in $ ?n :where [?e :name ?n] [(get-else $ ?e :nick \"none\") ?x]]", vec![name()], "[[\"none\"]]"),
        ("[:find ?x :in $ ?n :where [?e :name ?n] [(get-else $ ?e :nick \"none\") ?x]]", vec!["name 6".into()], "[[\"nick 6\"]]"),
        ("[:find ?n :in $ ?n :where [?e :name ?n] [(missing? $ ?e :nick)]]", vec![name()], "[[\"name 7\"]]"),
        ("[:find ?n :in $ ?n :where [?e :name ?n] [(missing? $ ?e :nick)]]", vec!["name 6".into()], "[]"),
        ("[:find ?n :in $ ?n :where [?e :name ?n] (not [?e :nick _])]", vec![name()], "[[\"name 7\"]]"),
        ("[:find ?n :in $ ?n :where [?e :name ?n] (not [?e :friend ?f] [?f :name \"name 8\"])]", vec![name()], "[]"),
        (
            "[:find ?x :in $ ?n :where [?e :name ?n] (or [?e :nick ?x] [?e :name ?x])]",
            vec!["name 6".into()],
            "[[\"name 6\"]\n [\"nick 6\"]]",
        ),
        (
            "[:find ?m :in $ ?n :where [?e :name ?n] (or-join [?e ?m] (and [?e :friend ?f] [?f :name ?m]) [?e :nick ?m])]",
            vec!["name 6".into()],
            "[[\"name 7\"]\n [\"nick 6\"]]",
        ),
        ("[:find ?m :in $ % ?n :where [?e :name ?n] (friend ?e ?f) [?f :name ?m]]", vec![name()], "[[\"name 8\"]]"),
        ("[:find ?m :in $ % ?n :where [?e :name ?n] (near ?e ?f) [?f :name ?m]]", vec![name()], "[[\"name 6\"]\n [\"name 8\"]]"),
        (
            "[:find (count ?m) (max ?m) :in $ % ?n :where [?e :name ?n] (near ?e ?f) [?f :name ?m]]",
            vec![name()],
            "[[2 \"name 8\"]]",
        ),
        ("[:find (pull ?e [:name]) :in $ ?n :where [?e :name ?n]]", vec![name()], "[[{:name \"name 7\"}]]"),
        ("[:find [?h ?e] :in $ ?n :where [?e :name ?n] [?e :half ?h]]", vec![name()], "[0.5 8589934599]"),
        ("[:find ?a ?a :in $ ?n :where [?e :name ?n] [?e :age ?a]]", vec![name()], "[[7 7]]"),
        ("[:find ?n :in $ ?n :where [?e :name ?n] [?e :friend ?e]]", vec![name()], "[]"),
        (
            "[:find ?f ?e :in $ ?n :where [?e :name ?n] [?e :friend ?f] :order-by [?f :desc]]",
            vec![name()],
            "[[8589934600 8589934599]]",
        ),
    ] {
        check(text, &inputs, true, expected);
    }
}

#[test]
fn what_only_looks_small_is_asked_by_columns() {
    for (text, inputs, expected) in [
        ("[:find (count ?n) . :where [?e :sex :female] [?e :name ?n]]", vec![], "300"),
        ("[:find ?s :in $ ?n :where [?e :name ?n] [?e :score ?s]]", vec!["name 7".into()], "[[1]]"),
        ("[:find ?s :in $ ?n ?s :where [?e :name ?n] [?e :score ?s]]", vec!["name 7".into(), 1.0.into()], "[[1]]"),
        ("[:find (count ?f) . :in $ % ?n :where [?e :name ?n] (reach ?e ?f)]", vec!["name 7".into()], "300"),
        ("[:find ?n :in $ [?n ...] :where [?e :name ?n]]", vec![Value::vector(["name 7".into()])], "[[\"name 7\"]]"),
    ] {
        check(text, &inputs, false, expected);
    }
}

#[test]
fn a_function_that_fails_fails_as_ever() {
    let text = "[:find ?x :in $ ?n :where [?e :name ?n] [?e :age ?a] [(/ ?a 0) ?x]]";
    let error = ask(text, &["name 7".into()], Way::Chosen, &Budget::default()).0.expect_err("division by zero");
    assert_eq!(error.code(), Code::DivisionByZero);
    let harmless = "[:find ?x :in $ ?n :where [?e :name ?n] [?e :age ?a] [?e :nick _] [(/ ?a 0) ?x]]";
    assert_eq!(ask(harmless, &["name 7".into()], Way::Chosen, &Budget::default()).0.expect("no such row").len(), 0);
}

#[test]
fn a_budget_that_is_tighter_than_a_handful_is_kept() {
    let text = "[:find ?n :where [?e :age 7] [?e :name ?n]]";
    let (table, _) = ask(text, &[], Way::Chosen, &Budget::default().with_limit_rows(3));
    assert_eq!(table.expect_err("six rows").code(), Code::LimitExceeded);
}

#[test]
fn where_the_small_way_leads_nowhere_it_is_tried_more_and_more_seldom() {
    let text = "[:find (count ?n) . :where [?e :sex :female] [?e :name ?n]]";
    let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
    let (orders, given) = (Arc::new(Orders::default()), [people()]);
    let steps = |small| {
        let budget = Budget::default();
        let options = Options { tuning: Tuning { small, ..Tuning::default() }, ..Options::default() };
        engine::table(&checked, Some(&orders), &given, &options, &budget).expect(text);
        budget.steps()
    };
    // The first time its clauses are ordered.
    steps(Way::Never);
    let by_columns = steps(Way::Never);
    let tries = (0..1_000).filter(|_| steps(Way::Chosen) != by_columns).count();
    assert!((1..20).contains(&tries), "it was tried {tries} times");
}

#[test]
fn a_point_by_default_is_a_scan() {
    let Given::Facts(facts) = people() else { unreachable!("people are facts") };
    let facts: &dyn Facts = &*facts;
    let name = facts.attribute("name").expect("an attribute").id;
    let find = |entity, value: Option<&Value>, limit| {
        let mut found = Vec::new();
        let point = annals_query::Point { attribute: name, entity, value, limit };
        let are_few = facts.points(&point, &Budget::default(), &mut found).expect("facts");
        (are_few, found.into_iter().map(|found| found.e - FIRST).collect::<Vec<_>>())
    };
    assert_eq!(find(Some(FIRST + 3), None, 10), (true, vec![3]));
    assert_eq!(find(None, Some(&"name 9".into()), 10), (true, vec![9]));
    assert_eq!(find(Some(FIRST + 3), Some(&"name 9".into()), 10), (true, vec![]));
    assert!(!find(None, None, 10).0);
}
