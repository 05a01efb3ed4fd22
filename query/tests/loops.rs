//! Promise: rules whose recursion makes no new values give the least fixpoint by loops over numbers as they do by joins of columns. Attacked with
//! shapes of every kind (mutual recursion, three and four clauses, heads of three variables, constants, repeated variables, predicates, negation, `or`,
//! rules below) over graphs of a few nodes, against the naive evaluator, and of hundreds of nodes, where tables grow over every threshold, one way
//! against the other; with each argument free and bound.

mod common;

use std::sync::Arc;

use annals_query::engine::{self, Options, Tuning, Way};
use annals_query::{Answer, Budget, Code, Given, Value, check, parse};
use common::memory::{Manner, MemoryFacts};
use common::naive::{self, Input};

/// The seed of random worlds.
fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(43)
}

fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

/// Rules, and the one that is asked with its arguments.
const SHAPES: [(&str, &str); 29] = [
    ("[(r ?x ?y) [?z :to ?x] [?z :to ?y]] [(r ?x ?y) [?a :to ?x] (r ?a ?b) [?b :to ?y]]", "?x ?y"),
    (
        "[(r ?v ?o) [?v :near ?o]] [(r ?v ?o) [?v :to ?w] (r ?w ?o)] [(r ?v ?o) [?v :rare ?b] (r ?b ?p) (s ?p ?o)]
         [(s ?p ?o) [?b :rare ?w] (r ?b ?p) (r ?w ?o)]",
        "?x ?y",
    ),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (s ?x ?z) [?z :to ?y]] [(s ?x ?y) (r ?x ?z) [?z :near ?y]]", "?x ?y"),
    (
        "[(r ?x ?y) [?x :to ?y] [?x :n ?a] [?y :n ?b] [(< ?a ?b)]]
         [(r ?x ?y) (r ?x ?z) [?z :to ?y] [?z :n ?a] [?y :n ?b] [(< ?a ?b)]]",
        "?x ?y",
    ),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?w) [?w :near ?y] [(!= ?x ?y)]]", "?x ?y"),
    ("[(r ?x ?y) [?x :near ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?w) (r ?w ?y) [(<= ?x ?y)]]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?y ?z) [?z :near ?x] (not [?x :rare ?y])]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [?z :n ?n] (not [?y :rare _])]", "?x ?y"),
    ("[(r ?x ?y ?k) [?x :to ?y] [?x :kind ?k]] [(r ?x ?y ?k) (r ?x ?z ?k) (r ?z ?y ?l)]", "?x ?y ?k"),
    ("[(r ?x ?y ?k) [?x :to ?y] [?x :kind ?k]] [(r ?x ?y ?k) (r ?y ?z ?k) [?x :near ?z]]", "?x ?y ?k"),
    ("[(r ?x ?y) [?x :near ?y]] [(r ?x ?y) (r ?y ?x) [?x :to _]] [(r ?x ?y) (r ?x ?x) [?x :to ?y]]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?x) (r _ ?y)] [(r ?x ?y) (r ?y ?x) (s ?x 3)] [(s ?x ?y) (r ?y ?x)]", "?x ?y"),
    (
        "[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (or-join [?x ?y] (and (r ?x ?z) (r ?z ?y)) [?y :near ?x]) (or [?x :to _] [_ :near ?x])]",
        "?x ?y",
    ),
    ("[(r ?x ?k) [?x :kind ?k]] [(r ?x ?k) [?x :to ?y] (r ?y ?k) [?y :n ?n] [(> ?n 2)] [(not= ?k :a)]]", "?x ?k"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :n ?n] [(inc ?n) ?m] [?y :n ?m]]", "?x ?y"),
    (
        "[(up ?x ?y) [?x :near ?y]] [(up ?x ?y) (up ?x ?z) [?z :near ?y]]
         [(r ?x ?y) (up ?x ?y) [?x :rare _]] [(r ?x ?y) (s ?x ?z) (up ?z ?y)] [(s ?x ?y) (r ?y ?x) (not (up ?x ?y))]",
        "?x ?y",
    ),
    // Was seen to fail: what is nowhere was wanted instead of excluded.
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :near ?y] (not-join [?z ?x] [?z :nowhere ?x])]", "?x ?y"),
    ("[(r ?x) [?x :rare _]] [(r ?x) (r ?y) (r ?z) [?y :to ?x] [?z :near ?x]]", "?x"),
    // What is only compared, or only stands twice in one call, is asked for all the same.
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?w :near ?x] [(< ?z ?y)]]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?w :near ?x] [(< ?y ?z)] [(> ?z 2)] [(<= 1 ?w)]]", "?x ?y"),
    ("[(r ?x ?y) [?x :rare ?y]] [(r ?x ?y) (r ?y ?x) (r ?z ?z) [?x :near _]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]", "?x ?y"),
    // A long and a keyword are never the same.
    (
        "[(r ?x ?n) [?x :n ?n]] [(r ?x ?n) [?y :near ?x] (r ?y ?n) (s ?y ?k) [(= ?n ?k)]]
         [(s ?x ?k) [?x :kind ?k]] [(s ?x ?k) [?y :to ?x] (s ?y ?k) (r ?y ?n) [(not= ?n ?k)]]",
        "?x ?n",
    ),
    ("[(r ?x ?k) [?x :kind ?k]] [(r ?x ?k) [?x :to ?y] (r ?y ?k) (r ?z ?l) [?x :near ?z] [(< ?k ?l)] [(not= ?k 0)]]", "?x ?k"),
    // Absences of what is nowhere; of several clauses, with and without a comparison; with what is outside.
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?w :near ?z] (not [?y :nowhere _])]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?w :near ?z] (not [?y :n ?n] [(> ?n 2)])]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?w :near ?z] (not [?x :near ?q] [?q :rare ?y])]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?w :near ?z] (not [?y :n ?n] [(< ?n ?x)])]", "?x ?y"),
    // What is compared is said by two clauses that share nothing; or is compared with a constant on either side.
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?w ?y) [?z :n ?a] [?w :n ?b] [(< ?a ?b)] [?w :near ?x]]", "?x ?y"),
    ("[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?w) (r ?w ?y) [(< 1 ?w)] [(> ?z 2)] [?x :near _]]", "?x ?y"),
];

/// Nodes that lead to each other by three attributes, one of them rare, with a number and a kind each.
fn graph(nodes: u64, state: &mut u64) -> MemoryFacts {
    let mut rows = Vec::new();
    for (attribute, count) in [("to", nodes * 5 / 4), ("near", nodes), ("rare", nodes / 8 + 1)] {
        for _ in 0..count {
            // Some nodes have many edges.
            let skewed = next(state, nodes) * next(state, nodes) / nodes;
            rows.push((skewed as i64 + 1, attribute, Value::Long(next(state, nodes) as i64 + 1)));
        }
    }
    for node in 1..=nodes as i64 {
        rows.push((node, "n", Value::Long(next(state, 6) as i64)));
        rows.push((node, "kind", Value::Keyword(["a", "b"][next(state, 2) as usize].into())));
    }
    rows.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    rows.dedup();
    MemoryFacts::of(rows)
}

/// Questions about a rule, each argument free or bound, with what is given.
fn questions(args: &str, nodes: u64) -> Vec<(String, Vec<Value>)> {
    let names = args.split(' ').collect::<Vec<_>>();
    let value = |name: &str, n: i64| if name == "?k" { Value::Keyword("b".into()) } else { Value::Long(n) };
    let mut questions = vec![(format!("[:find {args} :in $ % :where (r {args})]"), Vec::new())];
    for name in &names {
        let several: Value = vec![value(name, 1), value(name, nodes as i64 / 2), value(name, 1_000_000)].into();
        questions.push((format!("[:find {args} :in $ % {name} :where (r {args})]"), vec![value(name, 2)]));
        questions.push((format!("[:find {args} :in $ % [{name} ...] :where (r {args})]"), vec![several]));
    }
    let all = names.iter().map(|name| value(name, 2)).collect();
    questions.push((format!("[:find {args} :in $ % {args} :where (r {args})]"), all));
    questions.push((format!("[:find {args} :in $ % :where [?x :rare _] (not [?x :n 3]) (r {args})]"), Vec::new()));
    questions
}

fn whole(query: &str, given: &[Given], rules: &str, loops: Way) -> Answer {
    let parsed = parse::rules(rules).expect(rules);
    let checked = check::check(parse::query(query).expect(query), parsed).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let options = Options { tuning: Tuning { loops, small: Way::Never, ..Tuning::default() }, ..Options::default() };
    let answer = engine::answer(&checked, given, &options, &Budget::default());
    answer.unwrap_or_else(|error| panic!("{rules} {query}: {error}"))
}

fn answer(query: &str, given: &[Given], rules: &str, loops: Way) -> Vec<Vec<Value>> {
    let mut rows = whole(query, given, rules, loops).rows;
    rows.sort();
    rows
}

fn given(facts: &MemoryFacts, rules: &str, values: &[Value]) -> Vec<Given> {
    let mut given = vec![Given::Facts(Arc::new(facts.in_manner(Manner::Typed))), Given::Rules(parse::rules(rules).expect(rules))];
    given.extend(values.iter().cloned().map(Given::Value));
    given
}

#[test]
fn every_shape_gives_the_least_fixpoint_in_a_small_graph() {
    let mut state = seed();
    for (rules, args) in SHAPES {
        let rules = format!("[{rules}]");
        for nodes in [3, 6] {
            let facts = graph(nodes, &mut state);
            for (query, values) in questions(args, nodes) {
                let parsed = parse::rules(&rules).expect("they are parsed above");
                let mut inputs = vec![Input::Facts(Arc::new(facts.in_manner(Manner::Typed))), Input::Rules(parsed)];
                inputs.extend(values.into_iter().map(Input::Value));
                let asked = parse::query(&query).expect(&query);
                let expected = naive::answer(&asked, &inputs).unwrap_or_else(|error| panic!("{rules} {query}: {error}"));
                let given = inputs.iter().map(Input::given).collect::<Vec<_>>();
                let answer = whole(&query, &given, &rules, Way::Chosen);
                if let Some(difference) = expected.difference(&asked, &answer) {
                    panic!("SEED={} {rules} {query}: {difference}", seed());
                }
            }
        }
    }
}

#[test]
fn every_shape_gives_by_loops_what_it_gives_by_joins_in_a_larger_graph() {
    let mut state = seed().wrapping_add(1);
    for (rules, args) in SHAPES {
        let rules = format!("[{rules}]");
        for nodes in [40, 150] {
            let facts = graph(nodes, &mut state);
            for (query, values) in questions(args, nodes) {
                let given = given(&facts, &rules, &values);
                let (by_loops, by_joins) =
                    (answer(&query, &given, &rules, Way::Chosen), answer(&query, &given, &rules, Way::Never));
                assert!(by_loops == by_joins, "SEED={} {rules} {query}: {} and {} rows", seed(), by_loops.len(), by_joins.len());
            }
        }
    }
}

#[test]
fn values_of_every_kind_have_numbers_or_are_joined_by_columns() {
    let rules = "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?a :at ?x] (r ?a ?b) [?b :at ?y]] [(r ?x ?y) (r ?y ?x) [_ :at ?x]]]";
    let kinds: [Vec<Value>; 7] = [
        vec![1.into(), 2.into(), 3.into()],
        vec!["a".into(), "b".into(), 1.into()],
        vec![1.into(), 1.0.into(), 2.5.into()],
        vec![true.into(), Value::Keyword("a".into()), "a".into()],
        vec![i64::MIN.into(), i64::MAX.into(), 0.into()],
        vec![(i64::MAX - 2).into(), i64::MAX.into(), (i64::MAX - 1).into()],
        vec![(i64::MIN + 2).into(), i64::MIN.into(), (i64::MIN + 1).into()],
    ];
    for kinds in kinds {
        let facts = MemoryFacts::of([
            (1, "to", kinds[0].clone()),
            (2, "to", kinds[1].clone()),
            (3, "to", Value::Long(1)),
            (1, "at", kinds[1].clone()),
            (2, "at", kinds[2].clone()),
            (3, "at", kinds[0].clone()),
        ]);
        for query in ["[:find ?x ?y :in $ % :where (r ?x ?y)]", "[:find ?y :in $ % ?x :where (r ?x ?y)]"] {
            let values = if query.contains("% ?x") { vec![kinds[1].clone()] } else { Vec::new() };
            let given = given(&facts, rules, &values);
            assert_eq!(answer(query, &given, rules, Way::Chosen), answer(query, &given, rules, Way::Never), "{query} {kinds:?}");
        }
    }
}

/// The rows, or the code of the error.
fn tried(query: &str, given: &[Given], rules: &str, tuning: Tuning) -> Result<Vec<Vec<Value>>, Code> {
    let parsed = parse::rules(rules).expect(rules);
    let checked = check::check(parse::query(query).expect(query), parsed).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let options = Options { tuning: Tuning { small: Way::Never, ..tuning }, ..Options::default() };
    let mut rows = engine::answer(&checked, given, &options, &Budget::default()).map_err(|error| error.code())?.rows;
    rows.sort();
    Ok(rows)
}

#[test]
fn what_cannot_be_compared_is_refused_by_loops_as_by_joins() {
    let rules = "[[(r ?x ?y) [?e :to ?x] [?e :at ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?y) [_ :to ?y] [(< ?x ?y)]]]";
    let kinds: [Vec<Value>; 4] = [
        vec![1.into(), 2.into(), 3.into()],
        vec![1.into(), "b".into(), 3.into()],
        vec!["a".into(), Value::Keyword("b".into()), "c".into()],
        vec![true.into(), "b".into(), 2.5.into()],
    ];
    for (at, kinds) in kinds.into_iter().enumerate() {
        let rows = (0..3).flat_map(|n| [(n, "to", kinds[n as usize].clone()), (n, "at", kinds[(n as usize + 1) % 3].clone())]);
        let facts = MemoryFacts::of(rows);
        let query = "[:find ?x ?y :in $ % :where (r ?x ?y)]";
        let given = given(&facts, rules, &[]);
        let by_loops = tried(query, &given, rules, Tuning::default());
        assert_eq!(by_loops, tried(query, &given, rules, Tuning { loops: Way::Never, ..Tuning::default() }), "{kinds:?}");
        assert_eq!(by_loops.is_ok(), at == 0, "{kinds:?}: {by_loops:?}");
    }
}

/// Was seen to fail: a call with 1 among texts showed in the answers to a later one with 1.0 among texts, where facts are looked up.
///
/// A rule that is called twice, first with these values and then with those, some of which are the same and can be told apart.
#[test]
fn a_rule_called_twice_answers_each_call_as_if_it_were_alone() {
    let mut rows =
        vec![(1, "to", Value::Long(2)), (2, "to", Value::Long(3)), (3, "to", Value::Long(1)), (4, "to", Value::Long(1))];
    rows.extend((5..40).map(|n| (n, "to", Value::Long(n + 1))));
    let facts = MemoryFacts::of(rows);
    let calls: [Vec<Value>; 6] = [
        vec![1.into()],
        vec![1.0.into()],
        vec![2.into(), 4.into()],
        vec!["a".into(), 1.into()],
        vec!["b".into(), 1.0.into(), 2.into()],
        vec!["a".into(), 2.0.into(), 3.into()],
    ];
    for rules in [
        "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]]",
        "[[(r ?x ?y) [(identity ?x) ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y]]]",
        "[[(r ?x ?y) [(identity ?x) ?y]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [(!= ?x ?y)]]]",
        "[[(r ?x ?y) [?x :to ?y] [(!= ?x ?y)]] [(r ?x ?y) (r ?x ?z) [?z :to ?y] [(!= ?x ?y)]]]",
        "[[(r ?x ?y) [?x :to ?z] [(identity ?x) ?y]] [(r ?x ?y) (r ?z ?y) [?x :to ?z] [(!= ?x ?y)]]]",
    ] {
        let ask = |query: &str, values: &[&Vec<Value>], tuning: Tuning| {
            let values = values.iter().map(|values| Value::vector(values.iter().cloned())).collect::<Vec<_>>();
            tried(query, &given(&facts, rules, &values), rules, tuning).expect(rules)
        };
        for tuning in [Tuning::default(), Tuning { loops: Way::Never, ..Tuning::default() }, Tuning::of(Way::Always)] {
            let alone = |values: &Vec<Value>| ask("[:find ?x ?y :in $ % [?x ...] :where (r ?x ?y)]", &[values], tuning);
            let alone = calls.iter().map(alone).collect::<Vec<_>>();
            for (first, second) in (0..calls.len()).flat_map(|first| (0..calls.len()).map(move |second| (first, second))) {
                let both = "[:find ?x ?y ?v ?w :in $ % [?x ...] [?v ...] :where (r ?x ?y) (r ?v ?w)]";
                let found = ask(both, &[&calls[first], &calls[second]], tuning);
                let pairs =
                    alone[first].iter().flat_map(|left| alone[second].iter().map(move |right| [&left[..], right].concat()));
                let mut expected = pairs.collect::<Vec<_>>();
                expected.sort();
                let asked = (&calls[first], &calls[second]);
                assert!(found == expected, "{rules} {asked:?} {tuning:?}: {found:?} instead of {expected:?}");
            }
        }
    }
}

/// What is asked for is the 59 nodes that one of 60 leads to; between them stand all pairs.
#[test]
fn loops_stop_at_the_limits_though_the_answer_is_small() {
    let rules = "[[(r ?x ?y) [?x :to ?y]] [(r ?x ?y) [?x :to ?z] (r ?z ?y) [(!= ?x ?y)]]]";
    let facts = MemoryFacts::of((0..60).map(|n| (n, "to", Value::Long((n + 1) % 60))));
    let (given, query) = (given(&facts, rules, &[Value::Long(7)]), "[:find ?y :in $ % ?x :where (r ?x ?y)]");
    let checked = check::check(parse::query(query).expect(query), parse::rules(rules).expect(rules)).expect(rules);
    let options = Options { tuning: Tuning { small: Way::Never, ..Tuning::default() }, ..Options::default() };
    let asked = |budget: Budget| engine::answer(&checked, &given, &options, &budget).map_err(|error| error.code());
    for budget in [Budget::default().with_limit_rows(60 * 59 - 1), Budget::default().with_limit_bytes(60 * 59 * 8)] {
        assert_eq!(asked(budget).map(|answer| answer.rows.len()), Err(Code::LimitExceeded));
    }
    assert_eq!(asked(Budget::default().with_limit_rows(60 * 59)).map(|answer| answer.rows.len()), Ok(59));
}

/// The rows, with rules that are asked for little looking up what they need this way.
fn looked_up(query: &str, given: &[Given], rules: &str, lookups: Way) -> Vec<Vec<Value>> {
    let parsed = parse::rules(rules).expect(rules);
    let checked = check::check(parse::query(query).expect(query), parsed).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let tuning = Tuning { lookups, hops: Way::Never, small: Way::Never, ..Tuning::default() };
    let options = Options { tuning, ..Options::default() };
    let answer = engine::answer(&checked, given, &options, &Budget::default());
    let mut rows = answer.unwrap_or_else(|error| panic!("{rules} {query}: {error}")).rows;
    rows.sort();
    rows
}

#[test]
fn every_shape_gives_by_looking_up_what_is_bound_what_it_gives_by_reading_all() {
    let mut state = seed().wrapping_add(2);
    for (rules, args) in SHAPES {
        let rules = format!("[{rules}]");
        let facts = graph(40, &mut state);
        for (query, values) in questions(args, 40) {
            let given = given(&facts, &rules, &values);
            let (all, some) = (looked_up(&query, &given, &rules, Way::Never), looked_up(&query, &given, &rules, Way::Always));
            assert!(all == some, "SEED={} {rules} {query}: {} rows and {}", seed(), all.len(), some.len());
        }
    }
}

#[test]
fn a_rule_that_gives_up_looking_up_half_way_gives_what_it_gives_by_reading_all() {
    // A tree of enough facts that it is tried: of the same generation as a node near the root are few, and as a leaf too many.
    let facts = MemoryFacts::of((2..17_000_i64).map(|node| ((node + 1) / 3, "to", Value::Long(node))));
    let rules = format!("[{}]", SHAPES[0].0);
    for name in ["?x", "?y"] {
        for node in [3, 16_000] {
            let query = format!("[:find ?x ?y :in $ % {name} :where (r ?x ?y)]");
            let given = given(&facts, &rules, &[Value::Long(node)]);
            let (all, some) = (looked_up(&query, &given, &rules, Way::Never), looked_up(&query, &given, &rules, Way::Chosen));
            assert!(all == some && !all.is_empty(), "{query} {node}: {} rows and {}", all.len(), some.len());
        }
    }
}

/// Doubles are looked at one by one: a number may be known as another that is the same.
#[test]
fn loops_begin_with_doubles_as_well() {
    let rows = (0..300_i64)
        .flat_map(|n| [(n + 1, "from", Value::from(n as f64 + 0.5)), (n + 1, "into", Value::from((n * 7 % 300) as f64 + 0.5))]);
    let facts = Given::Facts(Arc::new(MemoryFacts::of(rows)));
    let rules =
        "[[(r ?x ?y) [?e :from ?x] [?e :into ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?w) [?e :from ?w] [?e :into ?y] [(!= ?x ?y)]]]";
    let parsed = parse::rules(rules).expect(rules);
    for (input, given) in [("?x", Value::from(2.5)), ("[?x ...]", vec![Value::from(2.5), Value::from(9.5)].into())] {
        let text = format!("[:find ?x ?y :in $ % {input} :where (r ?x ?y)]");
        let checked = check::check(parse::query(&text).expect(&text), parsed.clone()).expect(&text);
        let given = [facts.clone(), Given::Rules(parsed.clone()), Given::Value(given)];
        let ask = |loops: Way| {
            let (budget, options) = (
                Budget::default(),
                Options { tuning: Tuning { loops, small: Way::Never, ..Tuning::default() }, ..Options::default() },
            );
            let mut rows = engine::answer(&checked, &given, &options, &budget).expect(&text).rows;
            rows.sort();
            (rows, budget.steps())
        };
        let ((rows, steps), (expected, without)) = (ask(Way::Chosen), ask(Way::Never));
        assert_eq!(rows, expected, "{text}");
        assert!(steps != without, "{text}: {steps} steps in loops, {without} in rounds");
    }
}
