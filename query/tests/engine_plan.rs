//! Promise: the plan does not depend on how a query is spelled, says what it did, and is made quickly; a recursive rule costs the same in every spelling and gives
//! the same rows. Attacked with closures in all spellings, bound and free, against a plain search, and with long queries.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options, Tuning, Way};
use annals_query::explain::ExplainedStep;
use annals_query::{Budget, Explanation, Given, Value, check, parse};
use common::memory::MemoryFacts;

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(42)
}

/// The next number below `limit`.
fn next(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % limit
}

fn explain(text: &str, given: &[Given]) -> Explanation {
    let checked = check::check(parse::query(text).expect(text), RuleSet::default()).expect(text);
    engine::explain(&checked, given, &Options::default(), &Budget::default()).expect(text)
}

fn people() -> Given {
    let rows = (0..200).flat_map(|n| {
        let e = (1 << 33) + n;
        [(e, "name", Value::from(format!("name {n}"))), (e, "age", Value::from(n % 50)), (e, "sex", Value::keyword("female"))]
    });
    Given::Facts(Arc::new(MemoryFacts::of(rows)))
}

#[test]
fn the_most_selective_clause_comes_first_wherever_it_is_written() {
    for text in [
        "[:find ?a :where [?e :name \"name 7\"] [?e :sex :female] [?e :age ?a]]",
        "[:find ?a :where [?e :sex :female] [?e :age ?a] [?e :name \"name 7\"]]",
    ] {
        let explanation = explain(text, &[people()]);
        let steps = explanation.steps.iter().map(|step| (step.clause.as_str(), step.rows)).collect::<Vec<_>>();
        assert_eq!(steps[0], ("[?e :name \"name 7\"]", Some(1)), "{explanation}");
        assert!(steps.iter().all(|(_, rows)| *rows == Some(1)), "{explanation}");
    }
}

/// All facts that the steps read, those inside included.
fn facts_read(steps: &[ExplainedStep]) -> usize {
    let inside = |step: &ExplainedStep| step.parts.iter().map(|part| facts_read(&part.steps)).sum::<usize>();
    steps.iter().map(|step| step.facts_read + inside(step)).sum()
}

#[test]
fn what_is_given_is_looked_up_whatever_else_is_asked() {
    for rest in [
        "",
        "[(str ?a) ?x]",
        "[(get-else $ ?e :age 0) ?x]",
        "[?e :sex ?s] [(inc ?a) ?x] [(inc ?x) ?y]",
        "(not [?e :sex :male]) [(str ?a) ?x]",
        "[(ground [1 2]) [?x ...]] [(+ ?x ?a) ?y]",
        "[(q [:find (count ?f) . :in $ ?f :where [?f :age]] $ ?e) ?x]",
    ] {
        for (input, given) in
            [("?n", Value::from("name 7")), ("[?n ...]", Value::Vector(vec!["name 7".into(), "name 8".into()].into()))]
        {
            let text = format!("[:find ?e ?a :in $ {input} :where [?e :name ?n] [?e :age ?a] {rest}]");
            let explanation = explain(&text, &[people(), Given::Value(given)]);
            assert!(facts_read(&explanation.steps) <= 12, "{text}\n{explanation}");
        }
    }
    let text = "[:find ?e :in $ ?n :where (or [?e :name ?n] [?e :nick ?n])]";
    let explanation = explain(text, &[people(), Given::Value("name 7".into())]);
    assert!(facts_read(&explanation.steps) <= 12, "{explanation}");
}

#[test]
fn an_explanation_shows_clauses_rows_and_reasons_also_inside_or_and_not() {
    let text = "[:find ?e :where [?e :age ?a] [(> ?a 48)] (or [?e :sex :female] [?e :name \"x\"]) (not [?e :name \"name 49\"])]";
    let explanation = explain(text, &[people()]);
    let shown = explanation.to_string();
    for part in [
        "[?e :age ?a]",
        "[(> ?a 48)]",
        "or ?e",
        "branch 2 of 2",
        "not ?e",
        "[?e :name \"name 49\"]",
        "what must not hold",
        "; planned in",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
}

/// Counted rather than timed, so that no machine can be too slow: weighing a clause once takes well under 10 us even unoptimized, so
/// 1,000 of them stay below 10 ms.
#[test]
fn a_query_of_thirty_clauses_is_planned_with_little_work() {
    let clauses = (0..15).map(|n| format!("[?e{} :age ?a{n}] [?e{n} :name ?n{}]", n + 1, n / 2)).collect::<Vec<_>>().join(" ");
    let text = format!("[:find ?e1 :where [?e0 :name \"name 7\"] {clauses}]");
    let checked = check::check(parse::query(&text).expect("a query"), RuleSet::default()).expect("it is sound");
    let explanation = engine::explain(&checked, &[people()], &Options::default(), &Budget::default().with_limit_rows(1));
    let explanation = explanation.expect("it was planned");
    assert_eq!(explanation.steps.len(), 31);
    assert!(explanation.weighed <= 31 * 32 / 2, "{} clauses were weighed", explanation.weighed);
}

#[test]
fn a_query_asked_again_is_not_ordered_again() {
    let text =
        "[:find ?a :in $ ?name :where [?e :name ?name] (or [?e :sex :female] [?e :age 3]) [?e :age ?a] (not [?e :age 99])]";
    let checked = check::check(parse::query(text).expect("a query"), RuleSet::default()).expect("it is sound");
    let orders = Arc::new(engine::Orders::default());
    let people = people();
    for (round, name) in ["name 7", "name 8", "name 9"].into_iter().enumerate() {
        let given = [people.clone(), Given::Value(name.into())];
        // A question this small would not be ordered at all.
        let options = Options { tuning: Tuning { small: Way::Never, ..Tuning::default() }, ..Options::default() };
        let answer = engine::answer_again(&checked, &orders, &given, &options, &Budget::default()).expect(text);
        assert_eq!(answer.rows.len(), 1);
        // The block itself, two branches and the inside of `not`.
        assert_eq!(orders.counts(), (4 * round as u64, 4), "found and chosen");
    }
}

/// All pairs of a node and one it reaches in one step or more.
fn reached(edges: &[(i64, i64)]) -> BTreeSet<(i64, i64)> {
    let mut found: BTreeSet<(i64, i64)> = edges.iter().copied().collect();
    loop {
        let longer = found.iter().flat_map(|(a, b)| edges.iter().filter(move |(c, _)| b == c).map(move |(_, d)| (*a, *d)));
        let before = found.len();
        found = longer.chain(found.iter().copied()).collect::<BTreeSet<_>>();
        if found.len() == before {
            return found;
        }
    }
}

fn pairs(text: &str, rules: &str, facts: &Arc<MemoryFacts>) -> BTreeSet<(i64, i64)> {
    let given = [Given::Facts(Arc::clone(facts) as _), Given::Rules(parse::rules(rules).expect(rules))];
    let answer = engine::query(text, &given, &Budget::default()).expect(rules);
    let node = |value: &Value| value.as_long().expect("a node");
    answer.rows.iter().map(|row| (node(&row[0]), node(&row[1]))).collect()
}

/// Every spelling of the closure of `:to`; the last ones are no plain closures to the eye.
const SPELLINGS: [&str; 8] = [
    "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y)]]",
    "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]]",
    "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?z ?y) (r ?x ?z)]]",
    "[[(r ?x ?y) (or-join [?x ?y] [?x :to ?y] (and (r ?x ?z) [?z :to ?y]))]]",
    "[[(r ?a ?b) [?a :to ?b]] [(r ?x ?y) [?x :to ?z] (r ?z ?y)] [(r ?x ?y) (r ?x ?z) (r ?z ?y)]]",
    "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (s ?x ?z) [?z :to ?y]] [(s ?x ?y) (r ?x ?y)]]",
    "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [(some? ?z)]]]",
    "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y) [(some? ?y)]]]",
];

#[test]
fn every_spelling_of_a_closure_gives_the_same_rows_whatever_is_bound() {
    let seed = seed();
    let mut state = seed;
    for _ in 0..20 {
        let nodes = 2 + next(&mut state, 8);
        let mut node = || 1_000 + next(&mut state, nodes) as i64;
        let edges = (0..2 * nodes).map(|_| (node(), node())).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
        let facts = MemoryFacts::of(edges.iter().map(|(a, b)| (*a, "to", Value::Ref(*b))));
        let kept = facts.shown().iter().filter_map(|fact| Some((fact.e, fact.v.as_long()?))).collect::<Vec<_>>();
        let (facts, expected) = (Arc::new(facts), reached(&kept));
        for rules in SPELLINGS {
            assert_eq!(pairs("[:find ?x ?y :in $ % :where (r ?x ?y)]", rules, &facts), expected, "SEED={seed} {rules}");
            let (from, to) = (1_000, 1_001);
            let forward = expected.iter().copied().filter(|(a, _)| *a == from).collect();
            let backward = expected.iter().copied().filter(|(_, b)| *b == to).collect();
            let loops = expected.iter().copied().filter(|(a, b)| a == b).collect();
            let check = |text: &str, expected: BTreeSet<(i64, i64)>| {
                assert_eq!(pairs(text, rules, &facts), expected, "SEED={seed} {text} {rules}");
            };
            check("[:find ?x ?y :in $ % :where [(ground 1000) ?x] (r ?x ?y)]", forward);
            check("[:find ?x ?y :in $ % :where [(ground 1001) ?y] (r ?x ?y)]", backward);
            check("[:find ?x ?x :in $ % :where (r ?x ?x)]", loops);
        }
    }
}

/// As many people of age 7 as the rules say, in no more time than it takes to read the rules.
#[track_caller]
fn check_rules(rules: &str, query: &str, expected: usize) {
    let rules = parse::rules(rules).expect(rules);
    let checked = check::check(parse::query(query).expect(query), rules.clone()).expect(query);
    let budget = Budget::default().with_timeout(std::time::Duration::from_mins(1));
    let given = [people(), Given::Rules(rules)];
    assert_eq!(engine::answer(&checked, &given, &Options::default(), &budget).expect(query).rows.len(), expected);
}

#[test]
fn rules_that_would_double_with_every_level_are_not_unfolded_without_end() {
    let levels = (0..40).map(|n| format!("[(r{n} ?x) (r{} ?x) (r{} ?x)]", n + 1, n + 1)).collect::<Vec<_>>().join(" ");
    check_rules(&format!("[{levels} [(r40 ?x) [?x :age 7] [?x :sex :female]]]"), "[:find ?x :in $ % :where (r0 ?x)]", 4);
    // Rules in a ring, each of which goes on in two ways: put into each other they would be 2 to the 40th.
    let ring = (0..40).map(|n| {
        let next = (n + 1) % 40;
        format!(
            "[(r{n} ?x ?y) [?x :age ?y]] [(r{n} ?x ?y) [?x :sex :female] (r{next} ?x ?y)] [(r{n} ?x ?y) [?x :name _] (r{next} ?x ?y)]"
        )
    });
    let ring = ring.collect::<Vec<_>>().join(" ");
    check_rules(&format!("[{ring}]"), "[:find ?x :in $ % :where (r0 ?x 7)]", 4);
}
