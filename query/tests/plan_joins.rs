//! Promise: no shape of a question or of its facts makes joins explode, whatever the order of clauses: hubs that everybody knows, cycles, chains
//! of which only one end is asked for, equalities between clauses that share nothing. Attacked with such facts, asked with every optimization,
//! with none, and as the planner chooses; the answers must be the same, and the steps that were spent are compared, which no machine changes.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options, Orders, Tuning, Way};
use annals_query::{Budget, Given, Value, check, parse};
use common::memory::MemoryFacts;

const FIRST: i64 = 1 << 33;

fn facts(rows: impl IntoIterator<Item = (i64, &'static str, Value)>) -> Given {
    Given::Facts(Arc::new(MemoryFacts::of(rows)))
}

fn graph(edges: impl IntoIterator<Item = (i64, i64)>) -> Given {
    facts(edges.into_iter().map(|(a, b)| (FIRST + a, "to", Value::Ref(FIRST + b))))
}

/// The rows, and the steps that they cost.
fn asked(text: &str, facts: &Given, tuning: Tuning) -> (Vec<Vec<Value>>, u64) {
    let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
    let budget = Budget::default();
    let options = Options { tuning, ..Options::default() };
    let answer = engine::answer(&checked, std::slice::from_ref(facts), &options, &budget).expect(text);
    (answer.rows, budget.steps())
}

/// The planner's own choice costs so many times less than doing without optimizations, and every way gives the same rows.
#[track_caller]
fn check_cheaper(text: &str, facts: &Given, times: u64) {
    let never = Tuning { distinct: Way::Chosen, ..Tuning::of(Way::Never) };
    let (expected, without) = asked(text, facts, never);
    let (rows, chosen) = asked(text, facts, Tuning::default());
    assert_eq!(rows, expected, "{text}");
    assert!(chosen * times < without, "{chosen} steps, without optimizations {without}: {text}");
    let others = std::iter::once(Tuning::of(Way::Always)).chain((0..6561).step_by(479).map(Tuning::numbered));
    // Without it a chain is as many rows as it has paths.
    for tuning in others.filter(|tuning| tuning.distinct != Way::Never) {
        assert_eq!(asked(text, facts, tuning).0, expected, "{tuning:?}: {text}");
    }
}

/// Everybody knows the hub, which knows everybody; beside it there is one triangle and one square.
fn hub(spokes: i64) -> Given {
    let others = [(1, 2), (2, 3), (3, 1), (4, 5), (5, 6), (6, 7), (7, 4)];
    graph((1..=spokes).flat_map(|n| [(0, n), (n, 0)]).chain(others))
}

#[test]
fn a_cycle_through_a_hub_costs_what_its_facts_are_and_not_their_square() {
    let triangles = "[:find ?a ?b ?c :where [?a :to ?b] [?b :to ?c] [?c :to ?a]]";
    check_cheaper(triangles, &hub(300), 5);
    let in_squares = "[:find ?a :where [?a :to ?b] [?b :to ?c] [?c :to ?d] [?d :to ?a] [?a :to ?c]]";
    check_cheaper(in_squares, &hub(300), 5);
}

#[test]
fn a_chain_of_thousands_of_clauses_is_planned_and_answered_within_seconds() {
    let facts = facts([(FIRST, "n", 1.into())]);
    let chain = |length: usize| (0..length).map(|n| format!("[?x{n} :n ?x{}]", n + 1)).collect::<Vec<_>>().concat();
    let text = format!("[:find ?x0 :where {}]", chain(3_000));
    let checked = check::check(parse::query(&text).expect("a query"), RuleSet::default()).expect("a query");
    // What hung on by one end was looked for anew for each clause: 20 seconds, and minutes without optimization.
    let budget = Budget::default().with_timeout(std::time::Duration::from_mins(1));
    let started = std::time::Instant::now();
    let answer = engine::answer(&checked, std::slice::from_ref(&facts), &Options::default(), &budget).expect("an answer");
    assert_eq!(answer.rows, Vec::<Vec<Value>>::new());
    println!("{:?}", started.elapsed());
}

#[test]
fn a_cycle_that_cannot_explode_is_joined_clause_by_clause() {
    // Whose friends live in the same of a few towns: each friendship leads to one town at either end.
    let (people, town) = (2_000, |n: i64| n * n % 7);
    let rows = (0..people).flat_map(|n| {
        let friends = (1..4).map(move |k| (FIRST + n, "friend", Value::Ref(FIRST + (n * 17 + k * 31) % people)));
        friends.chain([(FIRST + n, "town", Value::Ref(FIRST + people + town(n)))])
    });
    let text = "[:find (count ?a) . :with ?b :where [?a :friend ?b] [?a :town ?t] [?b :town ?t]]";
    let facts = facts(rows);
    let (rows, chosen) = asked(text, &facts, Tuning::default());
    let (same, as_cycle) = asked(text, &facts, Tuning { cycles: Way::Always, ..Tuning::default() });
    let friendships = (0..people).flat_map(|n| (1..4).map(move |k| (n, (n * 17 + k * 31) % people)));
    let expected = friendships.collect::<BTreeSet<_>>().into_iter().filter(|(a, b)| town(*a) == town(*b)).count() as i64;
    assert_eq!((&rows, &same), (&vec![vec![Value::from(expected)]], &rows));
    assert!(chosen * 3 < as_cycle * 2, "{chosen} steps, as a cycle {as_cycle}");
}

#[test]
fn the_rows_of_a_cycle_are_told_apart_without_looking_at_each() {
    let side = 40;
    let dense = graph((0..side).flat_map(|a| (0..side).map(move |b| (a, b))));
    let (rows, steps) =
        asked("[:find (count ?x) . :with ?y ?z :where [?x :to ?y] [?y :to ?z] [?z :to ?x]]", &dense, Tuning::default());
    let triangles = side * side * side;
    assert_eq!(rows, vec![vec![Value::from(triangles)]]);
    assert!(steps < 5 * triangles as u64, "{steps} steps for {triangles} rows");
}

#[test]
fn two_small_sides_of_a_common_value_are_joined_apart() {
    let people = facts((0..600).flat_map(|n| {
        [(FIRST + n, "name", Value::from(format!("name {}", n % 12))), (FIRST + n, "age", Value::from(n / 12 % 2))]
    }));
    let text = "[:find ?a ?b :where [?a :name \"name 1\"] [?a :age ?x] [?b :age ?x] [?b :name \"name 2\"]]";
    check_cheaper(text, &people, 2);
}

#[test]
fn many_values_are_looked_up_where_reading_all_facts_costs_more() {
    let marks = |count: i64| (0..count).map(|n| (FIRST + n * 7, "mark", Value::from(true)));
    let sizes = |spread: i64| (0..40_000).map(move |n| (FIRST + n, "size", Value::from(n % spread)));
    let text = "[:find ?b :where [?a :mark true] [?a :size ?s] [?b :size ?s]]";
    let (rows, steps) = asked(text, &facts(marks(100).chain(sizes(20_000))), Tuning::default());
    assert_eq!(rows.len(), 200);
    assert!(steps < 10_000, "{steps} steps, for 200 facts of 40,000");
    // Where these values are half of all, nothing is gained.
    let (rows, steps) = asked(text, &facts(marks(100).chain(sizes(200))), Tuning::default());
    assert_eq!(rows.len(), 20_000);
    assert!(steps < 300_000, "{steps} steps, for 20,000 facts of 40,000");
}

#[test]
fn an_equality_between_clauses_that_share_nothing_is_the_key_of_their_join() {
    let rows = (0..400).flat_map(|n| [(FIRST + n, "rank", Value::from(n)), (FIRST + n, "score", Value::from(2 * n))]);
    check_cheaper("[:find ?a ?b :where [?a :rank ?x] [?b :score ?y] [(= ?x ?y)]]", &facts(rows), 10);
}

#[test]
fn a_chain_of_which_one_end_is_asked_for_carries_nothing_else_along() {
    let dense = graph((0..20).flat_map(|a| (0..20).map(move |b| (a, b))));
    let clauses = (0..6).map(|n| format!("[?n{n} :to ?n{}]", n + 1)).collect::<Vec<_>>().join(" ");
    check_cheaper(&format!("[:find ?n0 :where {clauses}]"), &dense, 3);
}

#[test]
fn what_nobody_asks_for_only_has_to_exist() {
    let people = facts((0..300).flat_map(|n| [(FIRST + n, "age", Value::from(n % 3)), (FIRST + n, "rank", Value::from(n % 2))]));
    for text in [
        "[:find ?a :where [?a :age 1] [?b :rank 1]]",
        "[:find ?a :where [?a :age ?x] [?b :age ?x] [?b :rank ?y] [?c :rank ?y]]",
        "[:find (count ?a) . :where [?a :age ?x] [?b :age ?x] [?b :rank 1]]",
    ] {
        let (expected, _) = asked(text, &people, Tuning { distinct: Way::Chosen, ..Tuning::of(Way::Never) });
        let (rows, steps) = asked(text, &people, Tuning::default());
        assert_eq!(rows, expected, "{text}");
        assert!(steps < 20_000, "{steps} steps: {text}");
    }
}

#[test]
fn several_values_in_common_are_the_key_of_one_join_and_no_cycle() {
    let people = facts((0..4_000).flat_map(|n| {
        let said = [("name", n % 8), ("sex", n / 8 % 2), ("last", n / 16 % 8), ("age", n / 128 % 5)];
        said.map(|(attribute, v)| (FIRST + n, attribute, Value::from(v)))
    }));
    let text = "[:find ?a ?b :where [?a :name 1] [?a :sex 1] [?a :last ?l] [?a :age ?x] [?b :last ?l] [?b :age ?x] [?b :name 2]]";
    let (rows, steps) = asked(text, &people, Tuning::default());
    assert_eq!(rows, asked(text, &people, Tuning::of(Way::Always)).0);
    assert!(steps < 75_000, "{steps} steps for {} rows of 4,000 people", rows.len());
}

#[test]
fn a_wide_star_and_many_small_ones_are_planned_with_little_work() {
    let people = facts((0..20).flat_map(|n| (0..25).map(move |a| (FIRST + n, ATTRIBUTES[a], Value::from(n * a as i64 % 7)))));
    let star = ATTRIBUTES.iter().map(|name| format!("[?e :{name} ?{name}]")).collect::<Vec<_>>().join(" ");
    let linked = (0..8).map(|n| format!("[?e{n} :a ?v{n}] [?e{n} :b ?v{}] [?e{n} :c ?w]", n + 1)).collect::<Vec<_>>().join(" ");
    for (text, limit) in [(format!("[:find ?e ?a ?y :where {star}]"), 700), (format!("[:find ?w :where {linked}]"), 1_200)] {
        let checked = check::check(parse::query(&text).expect(&text), RuleSet::default()).expect(&text);
        let budget = Budget::default().with_limit_rows(1_000_000);
        let explained = engine::explain(&checked, std::slice::from_ref(&people), &Options::default(), &budget).expect(&text);
        assert!(explained.weighed <= limit, "{} weighed: {text}", explained.weighed);
    }
}

const ATTRIBUTES: [&str; 25] = [
    "a", "b", "c", "d", "e1", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y",
];

#[test]
fn groups_and_cycles_are_remembered_like_any_order() {
    let people = facts((0..600).flat_map(|n| {
        [(FIRST + n, "name", Value::from(format!("name {}", n % 12))), (FIRST + n, "age", Value::from(n / 12 % 2))]
    }));
    let pairs = "[:find ?a ?b :where [?a :name \"name 1\"] [?a :age ?x] [?b :age ?x] [?b :name \"name 2\"]]";
    for (text, facts) in [(pairs, people), ("[:find ?a :where [?a :to ?b] [?b :to ?c] [?c :to ?a]]", hub(300))] {
        let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
        let orders = Arc::new(Orders::default());
        let ask = || {
            let budget = Budget::default();
            let given = [facts.clone()];
            let answer = engine::answer_again(&checked, &orders, &given, &Options::default(), &budget).expect(text);
            (answer.rows, budget.steps())
        };
        let (rows, _) = ask();
        let (again, steps) = ask();
        assert_eq!((again, orders.counts()), (rows.clone(), (1, 1)), "{text}");
        assert_eq!(ask(), (rows, steps), "{text}");
    }
}
