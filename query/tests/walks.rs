//! Promise: a rule that walks a graph gives the least fixpoint however its recursion is spelled, whatever its edges are made of and whatever is
//! bound, and a call with something bound costs what it touches. Attacked with every spelling by every edge by every call, over cycles, loops
//! and parallel edges between nodes of all kinds, against the naive evaluator; and by counting steps on long chains.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use annals_query::engine::{Options, Tuning, Way};
use annals_query::{Budget, Given, Value, check, engine, parse};
use common::memory::{Manner, MemoryFacts, View};
use common::naive::{self, Input};

/// The seed of random worlds.
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(41)
}

fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// Edges of two kinds, each an entity with two ends and a weight, between these nodes.
fn edges(nodes: &[Value], count: u64, state: &mut u64) -> MemoryFacts {
    let mut rows = Vec::new();
    for edge in 1..=count as i64 {
        let mut node = || nodes[next(state, nodes.len() as u64) as usize].clone();
        let (from, to) = (node(), node());
        let kind = ["a", "b"][next(state, 2) as usize];
        rows.push((edge, "from", from));
        rows.push((edge, "to", to));
        rows.push((edge, "kind", Value::Keyword(kind.into())));
        rows.push((edge, "weight", Value::Long(next(state, 5) as i64)));
    }
    MemoryFacts::of(rows)
}

/// What an edge from `?s` to `?t` may be.
const EDGES: [&str; 5] = [
    "[?g :from ?s] [?g :to ?t]",
    "(or-join [?s ?t] (and [?g :from ?s] [?g :to ?t]) (and [?g :to ?s] [?g :from ?t]))",
    "[?g :from ?s] [?g :to ?t] [?g :kind :a]",
    "(or-join [?s ?t] (and [?g :from ?s] [?g :to ?t] [?g :weight 1]) (and [?g :to ?s] [?g :from ?t] [?g :kind :b]))",
    "[?g :from ?s] [?g :to ?m] [?h :from ?m] [?h :to ?t]",
];

/// Ways to go on; `E(a,b)` is an edge, `F(a,b)` another one.
const SPELLINGS: [&str; 33] = [
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) E(x,z) (r ?z ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) E(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) (r ?z ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) (r ?z ?y)] [(r ?x ?y) E(x,z) (r ?z ?y)] [(r ?x ?y) (r ?x ?z) E(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) E(x,z) (r ?z ?y)] [(r ?x ?y) (r ?x ?z) E(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) F(x,z) (r ?z ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) F(x,z) (r ?z ?y)] [(r ?x ?y) (r ?x ?z) E(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) (r ?z ?y)] [(r ?x ?y) (r ?x ?z) F(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) F(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) F(x,y)] [(r ?x ?y) (r ?x ?z) E(z,y)] [(r ?x ?y) (r ?x ?z) F(z,y)]",
    "[(r ?x ?y) [_ :from ?x] [(identity ?x) ?y]] [(r ?x ?y) E(x,z) (r ?z ?y)]",
    "[(r ?x ?y) [_ :to ?x] [_ :to ?y] [(= ?x ?y)]] [(r ?x ?y) (r ?x ?z) E(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) E(x,z) (r ?z ?y) [_ :from ?y]]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) F(z,y) (not [?q :to ?z] [?q :weight 2])]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) E(x,z) (r ?z ?y) [(!= ?x ?y)]]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) E(z,y) [(!= ?x ?y)]]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (s ?x ?z) F(z,y)] [(s ?x ?y) (r ?x ?z) E(z,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (or-join [?x ?y] (and (r ?x ?z) E(z,y)) (and E(x,z) (r ?z ?y)))]",
    // Other edges at either end, and at both.
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) F(z,y)] [(r ?x ?y) F(x,z) (r ?z ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) E(z,y)] [(r ?x ?y) F(x,z) (r ?z ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) F(x,z) (r ?z ?y)] [(r ?x ?y) (r ?x ?z) E(z,y)] [(r ?x ?y) (r ?x ?z) (r ?z ?y)]",
    // What looks like a walk and is none.
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) (r ?w ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) (r ?z ?y) E(y,x)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?x) F(x,y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) F(x,y) (r ?y ?y)]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) (r ?x ?w) [(identity ?z) ?y]]",
    "[(r ?x ?y) [?g :from ?x] [?g :to ?y]] [(r ?x ?y) (r ?x ?z) [?k :from ?z] [?h :to ?y] [?k :weight 1]]",
    "[(r ?x ?y) [?g :from ?x] [?g :to ?y]] [(r ?x ?y) (r ?x ?z) [?k :from ?z] [?h :to ?y]]",
    "[(r ?x ?y) [?k :from ?x] [?h :to ?y] [?k :weight 1]] [(r ?x ?y) (r ?x ?z) [?k :from ?z] [?k :to ?y] [?k :weight 1]]",
    // Edges that are fewer where walks begin.
    "[(r ?x ?y) [?g :from ?x] [?g :to ?y] [(= ?y 2)]] [(r ?x ?y) [?g :from ?x] [?g :to ?z] (r ?z ?y)]",
    "[(r ?x ?y) [?g :from ?x] [?g :to ?y] [?g :weight ?w] [(< ?w 2)]] [(r ?x ?y) (r ?x ?z) [?g :from ?z] [?g :to ?y] [?g :weight ?w]]",
    // Through other rules: one that negates, and one that recurses itself.
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (s ?x ?z) F(z,y)] [(s ?x ?y) (r ?x ?y) (not [?q :to ?y] [?q :weight 2])]",
    "[(r ?x ?y) E(x,y)] [(r ?x ?y) (r ?x ?z) E(z,y) (not (p ?z ?y))] [(p ?x ?y) F(x,y)] [(p ?x ?y) (p ?x ?z) F(z,y)]",
];

/// The same with an argument that stays.
const WIDER: [&str; 7] = [
    "[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :kind ?k]] [(r ?x ?y ?k) (r ?x ?z ?k) E(z,y)]",
    "[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :kind ?k]] [(r ?x ?y ?k) (r ?x ?z ?k) (r ?z ?y ?k)]",
    "[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :kind ?k]] [(r ?x ?y ?k) [?g :from ?x] [?g :to ?z] [?g :kind ?k] (r ?z ?y ?k)]",
    "[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [_ :kind ?k]] [(r ?x ?y ?k) E(x,z) (r ?z ?y ?k)]",
    "[(r ?x ?y ?k) E(x,y) [(ground [:a :b :c]) [?k ...]]] [(r ?x ?y ?k) (r ?x ?z ?k) E(z,y) [(not= ?k :c)]]",
    "[(r ?x ?y ?k) [_ ?k ?x] E(x,y)] [(r ?x ?y ?k) (r ?x ?z ?k) [?g ?k ?z] [?g :to ?y]]",
    "[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :kind ?k]] [(r ?x ?y ?k) (r ?x ?z ?k) E(z,y) [(not= ?k :a)]] [(r ?x ?y ?k) (r ?x ?z ?k) F(z,y)]",
];

fn spelled(spelling: &str, edge: &str, other: &str) -> String {
    let mut text = spelling.to_owned();
    for (sign, edge) in [("E(", edge), ("F(", other)] {
        while let Some(at) = text.find(sign) {
            let end = at + text[at..].find(')').expect("it is closed");
            let ends: Vec<&str> = text[at + 2..end].split(',').collect();
            let number = at;
            let own = edge.replace("?g", &format!("?g{number}")).replace("?h", &format!("?h{number}"));
            let own = own.replace("?m", &format!("?m{number}"));
            let own = own.replace("?s", &format!("?{}", ends[0])).replace("?t", &format!("?{}", ends[1]));
            text.replace_range(at..=end, &own);
        }
    }
    format!("[{text}]")
}

/// The engine gives what the naive evaluator gives, whatever the columns are made of.
#[track_caller]
fn check_fixpoint(facts: &MemoryFacts, rules: &str, query: &str, given: &[Value]) {
    let parsed = parse::rules(rules).expect(rules);
    let inputs = |manner: Manner| {
        let mut inputs = vec![Input::Facts(Arc::new(facts.in_manner(manner))), Input::Rules(parsed.clone())];
        inputs.extend(given.iter().cloned().map(Input::Value));
        inputs
    };
    let asked = parse::query(query).expect(query);
    let expected = naive::answer(&asked, &inputs(Manner::Typed)).unwrap_or_else(|error| panic!("{rules} {query}: {error}"));
    let by_joins = Tuning { loops: Way::Never, ..Tuning::default() };
    let by_rounds = Tuning { lookups: Way::Always, hops: Way::Never, small: Way::Never, ..Tuning::default() };
    let by_hops = Tuning { hops: Way::Always, small: Way::Never, ..Tuning::default() };
    let ways = [
        (Manner::Typed, Tuning::default()),
        (Manner::Random(AtomicU64::new(3)), Tuning::default()),
        (Manner::Typed, by_joins),
        (Manner::Random(AtomicU64::new(5)), by_rounds),
        (Manner::Random(AtomicU64::new(7)), by_hops),
    ];
    for (manner, tuning) in ways {
        let given: Vec<Given> = inputs(manner).iter().map(Input::given).collect();
        let checked = check::check(asked.clone(), parsed.clone()).expect(rules);
        let options = Options { tuning, ..Options::default() };
        let answer = engine::answer(&checked, &given, &options, &Budget::default());
        let answer = answer.unwrap_or_else(|error| panic!("{tuning:?} {rules} {query}: {error}"));
        if let Some(difference) = expected.difference(&asked, &answer) {
            let facts = facts.shown().iter().map(|fact| format!("{} {} {}", fact.e, fact.a, fact.v)).collect::<Vec<_>>();
            panic!("SEED={} {tuning:?} {rules} {query} {given:?}: {difference}\n{facts:?}", seed(), given = given.len());
        }
    }
}

/// Calls with each argument free, bound and repeated.
fn check_calls(facts: &MemoryFacts, rules: &str, extra: &str, nodes: &[Value]) {
    let (first, second) = (nodes[0].clone(), nodes[1].clone());
    let several: Value = vec![first.clone(), second.clone()].into();
    let pairs: Value = vec![Value::from(vec![first.clone(), second.clone()]), vec![second.clone(), second.clone()].into()].into();
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % :where (r ?x ?y{extra})]"), &[]);
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % ?x :where (r ?x ?y{extra})]"), std::slice::from_ref(&first));
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % ?y :where (r ?x ?y{extra})]"), std::slice::from_ref(&second));
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % ?x ?y :where (r ?x ?y{extra})]"), &[first, second]);
    check_fixpoint(
        facts,
        rules,
        &format!("[:find ?x ?y :in $ % [?x ...] :where (r ?x ?y{extra})]"),
        std::slice::from_ref(&several),
    );
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % [?y ...] :where (r ?x ?y{extra})]"), &[several]);
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % [[?x ?y]] :where (r ?x ?y{extra})]"), &[pairs]);
    check_fixpoint(facts, rules, &format!("[:find ?x :in $ % :where (r ?x ?x{extra})]"), &[]);
    check_fixpoint(facts, rules, &format!("[:find ?x :in $ % :where (r ?x _{extra})]"), &[]);
    check_fixpoint(facts, rules, &format!("[:find ?x ?y :in $ % :where [_ :from ?x] (r ?y ?x{extra}) [_ :to ?y]]"), &[]);
    if !extra.is_empty() {
        check_fixpoint(
            facts,
            rules,
            &format!("[:find ?x ?y ?k :in $ % ?k :where (r ?x ?y{extra})]"),
            &[Value::Keyword("a".into())],
        );
        check_fixpoint(facts, rules, &format!("[:find ?x ?y ?k :in $ % :where (r ?x ?y{extra})]"), &[]);
    }
}

/// Nodes of each kind, also such that are the same and can be told apart.
fn kinds_of_nodes() -> Vec<Vec<Value>> {
    let long = |n: i64| Value::Long(n);
    vec![
        (1..=4).map(long).collect(),
        vec![long(-5), long(1 << 40), long(3), long(i64::MAX)],
        (i64::MAX - 3..=i64::MAX).map(long).collect(),
        (i64::MIN..i64::MIN + 4).map(long).collect(),
        vec!["b".into(), "a".into(), "".into(), "c".into()],
        vec![long(1), 1.0.into(), 2.5.into(), long(2)],
        vec![long(2), "2".into(), Value::Keyword("two".into()), true.into(), 2.0.into()],
    ]
}

#[test]
fn every_spelling_over_every_edge_gives_the_least_fixpoint_whatever_is_bound() {
    let mut state = seed();
    for (at, spelling) in SPELLINGS.iter().enumerate() {
        let first = next(&mut state, 5) as usize;
        for other in [first, (first + 2) % 5] {
            let (edge, nodes) = (EDGES[other], &kinds_of_nodes()[(at + other) % 5]);
            let facts = edges(nodes, 3 + next(&mut state, 4), &mut state);
            let rules = spelled(spelling, edge, EDGES[(at + other * 3) % 4]);
            check_calls(&facts, &rules, "", nodes);
        }
    }
}

/// A body that steps at one end, at the other, at both, or begins, and asks up to two things of any of its ends.
fn random_body(step: &str, state: &mut u64) -> String {
    let mut asked = Vec::new();
    for _ in 0..next(state, 3) {
        let mut end = || ["?x", "?y", "?z", "?w"][next(state, 4) as usize];
        let (a, b) = (end(), end());
        asked.push(match next(state, 4) {
            0 => format!("[{a} :kind {b}]"),
            1 => format!("[{a} :kind _]"),
            2 => format!("[{a} :to {b}]"),
            _ => format!("[(ground {}) {a}]", 1 + next(state, 4)),
        });
    }
    format!("[(r ?x ?y) {step} {}]", asked.join(" "))
}

#[test]
fn steps_may_ask_anything_of_any_end() {
    const STEPS: [&str; 3] = ["[?x :to ?z] (r ?z ?y)", "(r ?x ?z) [?z :to ?y]", "(r ?x ?z) (r ?z ?y)"];
    let mut state = seed().wrapping_add(6);
    for _ in 0..400 {
        let mut fact = |_| {
            let (e, v) = (1 + next(&mut state, 4) as i64, Value::Long(1 + next(&mut state, 4) as i64));
            (e, if next(&mut state, 3) > 0 { "to" } else { "kind" }, v)
        };
        let facts = MemoryFacts::of((0..9).map(&mut fact).chain([(1, "kind", 1.into()), (1, "to", 2.into())]));
        let mut bodies = vec![random_body("[?x :to ?y]", &mut state)];
        for _ in 0..=next(&mut state, 2) {
            let step = STEPS[next(&mut state, 3) as usize];
            bodies.push(random_body(step, &mut state));
        }
        check_calls(&facts, &format!("[{}]", bodies.join(" ")), "", &[1.into(), 2.into()]);
    }
}

#[test]
fn arguments_that_stay_are_part_of_every_answer() {
    let mut state = seed().wrapping_add(1);
    for (at, spelling) in WIDER.iter().enumerate() {
        let first = next(&mut state, 5) as usize;
        for other in [first, (first + 2) % 5] {
            let (edge, nodes) = (EDGES[other], &kinds_of_nodes()[(at + other) % 5]);
            let facts = edges(nodes, 3 + next(&mut state, 4), &mut state);
            check_calls(&facts, &spelled(spelling, edge, EDGES[0]), " ?k", nodes);
        }
    }
}

/// Was seen to fail: ends came ordered by the argument that stays, and the next scan took them for ascending.
#[test]
fn ends_that_are_demanded_lead_on_in_any_order() {
    let facts = MemoryFacts::of([
        (1, "to", Value::Long(2)),
        (1, "kind", Value::Long(9)),
        (2, "to", Value::Long(3)),
        (2, "kind", Value::Long(8)),
        (3, "to", Value::Long(1)),
        (3, "kind", Value::Long(7)),
    ]);
    let rules = "[[(r ?x ?y ?k) [?x :to ?y] [_ :kind ?k]] [(r ?x ?y ?k) (r ?x ?z ?k) [?z :to ?y] [?z :kind ?k]]]";
    let several: Value = vec![Value::Long(1), 2.into(), 3.into()].into();
    for query in [
        "[:find ?x ?y ?k ?n :in $ % [?y ...] :where (r ?x ?y ?k) [?y :to ?n]]",
        "[:find ?n :in $ % [?y ...] :where (r _ ?y _) [?y :to ?n]]",
    ] {
        check_fixpoint(&facts, rules, query, std::slice::from_ref(&several));
    }
}

#[test]
fn arguments_that_the_caller_must_bind_choose_edges() {
    let mut state = seed().wrapping_add(2);
    for rules in [
        "[[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :weight ?w] [(< ?w ?k)]]
          [(r ?x ?y ?k) (r ?x ?z ?k) [?g :from ?z] [?g :to ?y] [?g :weight ?w] [(< ?w ?k)]]]",
        "[[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :weight ?w] [(< ?w ?k)]]
          [(r ?x ?y ?k) [?g :from ?x] [?g :to ?z] [?g :weight ?w] [(< ?w ?k)] (r ?z ?y ?k)]]",
        "[[(r ?x ?y ?k) [?g :from ?x] [?g :to ?y] [?g :weight ?k]]
          [(r ?x ?y ?k) (r ?x ?z ?k) [?g :from ?z] [?g :to ?y] [?g :weight ?w] [(<= ?w ?k)]]]",
    ] {
        for nodes in kinds_of_nodes() {
            let facts = edges(&nodes, 7, &mut state);
            check_fixpoint(&facts, rules, "[:find ?x ?y :in $ % ?k :where (r ?x ?y ?k)]", &[3.into()]);
            check_fixpoint(
                &facts,
                rules,
                "[:find ?x ?y ?k :in $ % [?k ...] :where (r ?x ?y ?k)]",
                &[vec![Value::Long(1), 3.into()].into()],
            );
            check_fixpoint(&facts, rules, "[:find ?y :in $ % ?x ?k :where (r ?x ?y ?k)]", &[nodes[0].clone(), 4.into()]);
            check_fixpoint(&facts, rules, "[:find ?x :in $ % ?y ?k :where (r ?x ?y ?k)]", &[nodes[1].clone(), 4.into()]);
        }
    }
}

#[test]
fn walks_stay_in_the_view_they_are_asked_of() {
    let mut state = seed().wrapping_add(3);
    let nodes: Vec<Value> = (1..=4).map(Value::Long).collect();
    for spelling in &SPELLINGS[..4] {
        let facts = edges(&nodes, 6, &mut state);
        for as_of in [1, 9, 17] {
            let facts = facts.at(View { as_of: Some(as_of), ..View::default() });
            check_calls(&facts, &spelled(spelling, EDGES[0], EDGES[2]), "", &nodes);
        }
    }
}

/// How many nodes the chains below have.
const CHAIN: i64 = 10_000;
/// Where they begin.
const FIRST: i64 = 1 << 33;

/// The steps that a query takes on a chain, and its rows.
fn steps(facts: &Given, rules: &str, query: &str) -> (u64, usize) {
    let rules = parse::rules(rules).expect(rules);
    let checked = check::check(parse::query(query).expect(query), rules.clone()).expect(query);
    let budget = Budget::default();
    let given = [facts.clone(), Given::Rules(rules)];
    let answer = engine::answer(&checked, &given, &engine::Options::default(), &budget).expect(query);
    (budget.steps(), answer.rows.len())
}

#[test]
fn a_bound_call_on_a_long_chain_takes_steps_in_proportion_to_its_length() {
    let rows = (0..CHAIN).flat_map(|n| [(FIRST + n, "to", Value::Ref(FIRST + n + 1)), (FIRST + n, "n", Value::Long(n))]);
    let facts = Given::Facts(Arc::new(MemoryFacts::of(rows)));
    let last = FIRST + CHAIN;
    for rules in [
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y) [(some? ?y)]]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y) [(> ?y 5)]]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] [?x :n ?n] [(>= ?n 0)] (r ?z ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [(!= ?x ?y)]]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (s ?x ?z) [?z :to ?y]] [(s ?x ?y) (r ?x ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (s ?z ?y)] [(s ?x ?y) [?x :to ?y]] [(s ?x ?y) [?x :to ?z] (r ?z ?y)]]",
    ] {
        // What depends on both ends of a walk is known to one beginning only.
        let calls = if rules.contains("!=") { 1 } else { 3 };
        let queries = [
            (format!("[:find ?y :in $ % :where (r {FIRST} ?y)]"), CHAIN as usize),
            (format!("[:find ?x :in $ % :where (r ?x {last})]"), CHAIN as usize),
            (format!("[:find ?x :in $ % :where [(ground {FIRST}) ?x] (r ?x {last})]"), 1),
        ];
        for (query, expected) in queries.into_iter().take(calls) {
            let (steps, rows) = steps(&facts, rules, &query);
            assert_eq!(rows, expected, "{rules} {query}");
            assert!(steps < 60 * CHAIN as u64, "{steps} steps for {query} with {rules}");
        }
    }
}

#[test]
fn a_rule_is_asked_for_the_few_values_that_were_found_where_many_were_expected() {
    let chain = 30_000;
    let facts = MemoryFacts::of((0..chain).map(|n| (FIRST + n, "to", Value::Ref(FIRST + n + 1))));
    let facts = Given::Facts(Arc::new(facts.declared("to", annals_query::ValueType::Ref)));
    for rules in [
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [(!= ?x ?y)]]]",
    ] {
        let query = "[:find ?y :in $ % :where [?x :to _] (not [_ :to ?x]) (r ?x ?y)]";
        let (steps, rows) = steps(&facts, rules, query);
        assert_eq!(rows, chain as usize, "{rules}");
        assert!(steps < 60 * chain as u64, "{steps} steps with {rules}");
    }
}

#[test]
fn a_bound_call_in_a_large_graph_takes_steps_in_proportion_to_what_it_touches() {
    // Many chains of five nodes, and a chain that goes in a circle.
    let node = |chain: i64, n: i64| FIRST + chain * 5 + n;
    let rows = (0..8_000).flat_map(|chain| (0..4).map(move |n| (node(chain, n), "to", Value::Ref(node(chain, n + 1)))));
    let circle = (node(3, 4), "to", Value::Ref(node(3, 0)));
    let facts = MemoryFacts::of(rows.chain([circle]));
    let facts = Given::Facts(Arc::new(facts.declared("to", annals_query::ValueType::Ref)));
    for rules in [
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?y)]]",
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [(some? ?z)]]]",
    ] {
        for (query, expected) in [
            (format!("[:find ?y :in $ % :where (r {} ?y)]", node(7, 1)), 3),
            (format!("[:find ?y :in $ % :where (r {} ?y)]", node(7, 4)), 0),
            (format!("[:find ?y :in $ % :where (r {} ?y)]", node(3, 2)), 5),
            (format!("[:find ?x :in $ % :where (r ?x {})]", node(7, 3)), 3),
            (format!("[:find ?x :in $ % :where (r ?x {})]", node(3, 3)), 5),
            (format!("[:find ?x :in $ % :where [(ground {}) ?x] (r ?x {})]", node(7, 1), node(7, 3)), 1),
            (format!("[:find ?x :in $ % :where [(ground {}) ?x] (r ?x {})]", node(7, 1), node(8, 3)), 0),
        ] {
            let (steps, rows) = steps(&facts, rules, &query);
            assert_eq!(rows, expected, "{rules} {query}");
            assert!(steps < 10_000, "{steps} steps for {query} with {rules}");
        }
    }
}
