//! Promise: clauses are joined, filtered and compared by columns as plain loops over rows would do it, and cost the steps, rows and bytes that they
//! always did. Attacked with relations and attributes of every kind of value and of sizes around each threshold, against plain Rust and in many
//! ways; with the least budget that is enough for a question; and with facts that note what is asked of them.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::ast::RuleSet;
use annals_query::engine::{self, Options, Tuning, Way};
use annals_query::function::Arity;
use annals_query::{Budget, Code, Functions, Given, Result, Value, check, parse};
use common::asked::AskedFacts;
use common::memory::MemoryFacts;

const FIRST: i64 = 1 << 33;

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(17)
}

/// The next number below `limit`.
fn next(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % limit
}

fn asked(text: &str, given: &[Given], tuning: Tuning, budget: &Budget) -> Result<Vec<Vec<Value>>> {
    let rules = given.iter().find_map(|given| if let Given::Rules(rules) = given { Some(rules.clone()) } else { None });
    let checked = check::check(parse::query(text).expect(text), rules.unwrap_or_default()).expect(text);
    engine::answer(&checked, given, &Options { tuning, ..Options::default() }, budget).map(|answer| answer.rows)
}

/// The same rows in every way; as answers are ascending, they are compared as they come.
#[track_caller]
fn check_rows(about: &dyn Debug, text: &str, given: &[Given], expected: &BTreeSet<Vec<Value>>) {
    let some = Tuning { small: Way::Never, ..Tuning::numbered(expected.len() as u64 * 7_919 + text.len() as u64) };
    for tuning in [Tuning { small: Way::Never, ..Tuning::default() }, Tuning::of(Way::Never), Tuning::of(Way::Always), some] {
        let rows = asked(text, given, tuning, &Budget::default().with_threads(tuning.stars)).expect(text);
        assert!(
            rows.iter().eq(expected),
            "SEED={} {about:?} {tuning:?} {text}: {} for {} rows",
            seed(),
            rows.len(),
            expected.len()
        );
    }
}

/// What an operator says of two texts.
type Holds = fn(&str, &str) -> bool;

/// A value of a kind for each number.
type Make = fn(i64) -> Value;

const KINDS: [(&str, Make); 8] = [
    ("longs", Value::Long),
    ("far longs", |n| Value::Long(n.wrapping_mul(0x5851_F42D_4C95_7F2D))),
    ("strings", |n| format!("text {n}").into()),
    ("keywords", |n| Value::keyword(&format!("k{}", n % 40))),
    ("doubles", |n| Value::Double(n as f64 / 4.0)),
    ("instants", |n| Value::Instant(n * 1_000_000)),
    ("booleans", |n| Value::Boolean(n % 2 == 0)),
    ("vectors", |n| Value::vector([n.into(), "x".into()])),
];

fn relation(rows: &[Vec<Value>]) -> Given {
    Given::Relation(rows.to_vec())
}

#[test]
fn relations_of_every_size_and_kind_are_joined_as_plain_loops_do() {
    let mut state = seed();
    let sizes = [(0, 3), (1, 1), (1, 40), (7, 8), (8, 7), (9, 36), (9, 37), (40, 160), (40, 161), (300, 1_025), (1_500, 300)];
    for (at, (left, right)) in sizes.into_iter().enumerate() {
        for (kind, make) in KINDS.into_iter().cycle().skip(at).step_by(3).take(3) {
            let mut rows = |count: usize, spread: u64| -> Vec<Vec<Value>> {
                (0..count).map(|_| vec![make(next(&mut state, spread) as i64), make(next(&mut state, spread) as i64)]).collect()
            };
            let spread = (left.max(right) as u64).max(4);
            let (l, r) = (rows(left, spread), rows(right, spread));
            let mut by_first: BTreeMap<&Value, Vec<&Value>> = BTreeMap::new();
            for row in &r {
                by_first.entry(&row[0]).or_default().push(&row[1]);
            }
            let pairs: BTreeSet<(&Value, &Value)> = r.iter().map(|row| (&row[0], &row[1])).collect();
            let given = [relation(&l), relation(&r)];
            let about = (kind, left, right);
            let partners = |row: &Vec<Value>| by_first.get(&row[1]).cloned().unwrap_or_default();
            let joined =
                l.iter().flat_map(|row| partners(row).into_iter().map(|c| vec![row[0].clone(), row[1].clone(), c.clone()]));
            check_rows(&about, "[:find ?a ?b ?c :in $l $r :where [$l ?a ?b] [$r ?b ?c]]", &given, &joined.collect());
            let with = l.iter().filter(|row| by_first.contains_key(&row[1])).cloned();
            check_rows(&about, "[:find ?a ?b :in $l $r :where [$l ?a ?b] [$r ?b _]]", &given, &with.collect());
            let without = l.iter().filter(|row| !by_first.contains_key(&row[1])).cloned();
            check_rows(&about, "[:find ?a ?b :in $l $r :where [$l ?a ?b] (not [$r ?b _])]", &given, &without.collect());
            let both = l.iter().filter(|row| pairs.contains(&(&row[0], &row[1]))).cloned();
            check_rows(&about, "[:find ?a ?b :in $l $r :where [$l ?a ?b] [$r ?a ?b]]", &given, &both.collect());
            let not_both = l.iter().filter(|row| !pairs.contains(&(&row[0], &row[1]))).cloned();
            check_rows(&about, "[:find ?a ?b :in $l $r :where [$l ?a ?b] (not [$r ?a ?b])]", &given, &not_both.collect());
            let union = l.iter().chain(&r).cloned();
            check_rows(&about, "[:find ?a ?b :in $l $r :where (or [$l ?a ?b] [$r ?a ?b])]", &given, &union.collect());
            let less = l.iter().filter(|row| row[0] < row[1]).cloned();
            if !matches!(kind, "vectors") {
                check_rows(&about, "[:find ?a ?b :in $l $r :where [$l ?a ?b] [(< ?a ?b)]]", &given, &less.collect());
            }
        }
    }
}

/// Numbers of which one in so many is there, ascending.
fn sparse(state: &mut u64, until: i64, one_in: u64) -> Vec<i64> {
    (0..until).filter(|_| next(state, one_in) == 0).collect()
}

#[test]
fn attributes_of_common_entities_are_joined_however_dense_they_are() {
    let mut state = seed().wrapping_add(1);
    for (p_one_in, q_one_in, per_entity) in [(1, 1, 1), (1, 60, 1), (40, 1, 1), (3, 4, 3), (9, 200, 2), (2, 2, 1), (1_000, 1, 1)]
    {
        let mut rows: Vec<(i64, &str, Value)> = Vec::new();
        for (name, one_in) in [("p", p_one_in), ("q", q_one_in)] {
            for e in sparse(&mut state, 2_500, one_in) {
                rows.extend((0..per_entity).map(|n| (FIRST + e, name, Value::from(e * 31 % 50 + n))));
            }
        }
        // References that lead anywhere, so that what is found by them does not ascend.
        let from = sparse(&mut state, 2_500, 7);
        rows.extend(from.into_iter().map(|e| (FIRST + e, "r", Value::Ref(FIRST + next(&mut state, 2_500) as i64))));
        let of = |name: &str| -> Vec<(i64, Value)> {
            let own = rows.iter().filter(|(_, own, _)| *own == name);
            own.map(|(e, _, v)| (*e, if let Value::Ref(id) = v { Value::Long(*id) } else { v.clone() })).collect()
        };
        let (p, q, r) = (of("p"), of("q"), of("r"));
        let grouped = |facts: &[(i64, Value)]| {
            let mut groups: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
            for (e, v) in facts {
                groups.entry(*e).or_default().push(v.clone());
            }
            groups
        };
        let (p_of, q_of) = (grouped(&p), grouped(&q));
        let given = [Given::Facts(Arc::new(MemoryFacts::of(rows.clone())))];
        let about = (p_one_in, q_one_in, per_entity);
        let values = |groups: &BTreeMap<i64, Vec<Value>>, e: i64| groups.get(&e).cloned().unwrap_or_default();
        let joined = p.iter().flat_map(|(e, x)| values(&q_of, *e).into_iter().map(|y| vec![(*e).into(), x.clone(), y]));
        check_rows(&about, "[:find ?e ?x ?y :where [?e :p ?x] [?e :q ?y]]", &given, &joined.collect());
        let with = p.iter().filter(|(e, _)| q_of.contains_key(e)).map(|(e, x)| vec![(*e).into(), x.clone()]);
        check_rows(&about, "[:find ?e ?x :where [?e :p ?x] [?e :q]]", &given, &with.collect());
        let without = p.iter().filter(|(e, _)| !q_of.contains_key(e)).map(|(e, x)| vec![(*e).into(), x.clone()]);
        check_rows(&about, "[:find ?e ?x :where [?e :p ?x] (not [?e :q])]", &given, &without.collect());
        let without = q.iter().filter(|(e, _)| !p_of.contains_key(e)).map(|(e, x)| vec![(*e).into(), x.clone()]);
        check_rows(&about, "[:find ?e ?x :where [?e :q ?x] (not [?e :p])]", &given, &without.collect());
        let led = r.iter().flat_map(|(e, to)| {
            values(&p_of, to.as_long().expect("a reference")).into_iter().map(|x| vec![(*e).into(), to.clone(), x])
        });
        check_rows(&about, "[:find ?e ?f ?x :where [?e :r ?f] [?f :p ?x]]", &given, &led.collect());
        let led = r.iter().flat_map(|(e, to)| {
            let ys = values(&q_of, to.as_long().expect("a reference"));
            values(&p_of, *e).into_iter().flat_map(move |x| ys.clone().into_iter().map(move |y| vec![x.clone(), y]))
        });
        check_rows(&about, "[:find ?x ?y :where [?e :p ?x] [?e :r ?f] [?f :q ?y]]", &given, &led.collect());
    }
}

/// Two columns that hold the same entities, each of them several times, are no rows that belong together.
#[test]
fn entities_with_several_values_meet_in_every_pair() {
    let rows = (0..30_i64).flat_map(|n| (0..3).map(move |v| (FIRST + n, "d", Value::Double(f64::from(v) + 0.5))));
    let given = [Given::Facts(Arc::new(MemoryFacts::of(rows)))];
    let pairs = |with: fn(i64, i64) -> Vec<Value>| {
        (0..30_i64)
            .flat_map(move |n| (0..9).map(move |pair| (n * 3 + 1 + pair / 3, n * 3 + 1 + pair % 3)))
            .map(move |(t, u)| with(t, u))
    };
    let all = pairs(|t, u| vec![t.into(), u.into()]).collect();
    check_rows(&"pairs", "[:find ?t ?u :where [?e :d ?v ?t] [?e :d ?w ?u]]", &given, &all);
    let value = |t: i64| Value::Double((t - 1).rem_euclid(3) as f64 + 0.5);
    let all = (0..30_i64)
        .flat_map(|n| (0..9).map(move |pair| (n * 3 + 1 + pair / 3, n * 3 + 1 + pair % 3)))
        .map(|(t, u)| vec![value(t), t.into(), value(u), u.into()])
        .collect();
    check_rows(&"values", "[:find ?v ?t ?w ?u :where [?e :d ?v ?t] [?e :d ?w ?u]]", &given, &all);
}

#[test]
fn texts_of_one_large_dictionary_are_compared_and_joined_as_texts() {
    for (count, spread) in [(3_i64, 2), (40, 7), (200, 150)] {
        let name = |n: i64| format!("n{}", n * 7 % spread);
        let last = |n: i64| format!("n{}", n * 5 % spread);
        let rows =
            (0..count).flat_map(|n| [(FIRST + n, "name", Value::from(name(n))), (FIRST + n, "last", Value::from(last(n)))]);
        let words = (0..count).map(|n| (FIRST + n, "word", Value::keyword(&name(n))));
        let filler = (0..400).map(|n| (FIRST + 10_000 + n, "other", Value::from(format!("o{n}"))));
        let given = [Given::Facts(AskedFacts::new(MemoryFacts::of(rows.chain(words).chain(filler)), None))];
        let of = |holds: &dyn Fn(i64) -> bool| (0..count).filter(|n| holds(*n)).map(|n| vec![(FIRST + n).into()]).collect();
        // The same text as a string and as a keyword is no one value.
        check_rows(&(count, spread), "[:find ?e :where [?e :name ?n] [?e :word ?w] [(= ?n ?w)]]", &given, &of(&|_| false));
        check_rows(&(count, spread), "[:find ?e :where [?e :name ?n] [?e :word ?w] [(!= ?n ?w)]]", &given, &of(&|_| true));
        check_rows(&(count, spread), "[:find ?e :where [?e :name ?n] [?f :word ?n]]", &given, &of(&|_| false));
        let compared: [(&str, Holds); 6] = [
            ("=", |a, b| a == b),
            ("!=", |a, b| a != b),
            ("<", |a, b| a < b),
            ("<=", |a, b| a <= b),
            (">", |a, b| a > b),
            (">=", |a, b| a >= b),
        ];
        for (word, holds) in compared {
            let text = format!("[:find ?e :where [?e :name ?n] [?e :last ?l] [({word} ?n ?l)]]");
            check_rows(&(count, spread), &text, &given, &of(&|n| holds(&name(n), &last(n))));
            for constant in ["n1", "n2", "absent", "zz"] {
                let text = format!("[:find ?e :where [?e :last ?l] [?e :name ?n] [({word} ?n {constant:?})]]");
                check_rows(&(count, spread), &text, &given, &of(&|n| holds(&name(n), constant)));
                let text = format!("[:find ?e :where [?e :last ?l] [?e :name ?n] [(identity ?n) ?m] [({word} {constant:?} ?m)]]");
                check_rows(&(count, spread), &text, &given, &of(&|n| holds(constant, &name(n))));
            }
        }
        let pairs = (0..count).flat_map(|a| {
            (0..count).filter(move |b| name(a) == last(*b)).map(move |b| vec![(FIRST + a).into(), (FIRST + b).into()])
        });
        check_rows(&(count, spread), "[:find ?a ?b :where [?a :name ?x] [?b :last ?x]]", &given, &pairs.collect());
    }
}

/// The first rows of an order are found also where most of those that come first have nothing else.
#[test]
fn the_first_of_an_order_are_filled_up_from_the_others() {
    let age = |n: i64| n * 7 % 600;
    for (from, until, count) in [(0, 600, 5), (300, 600, 5), (598, 600, 10), (0, 2, 3), (0, 300, 2), (3, 4, 1), (250, 350, 90)] {
        // More entities have a half than an age, so that ages come first; of those with an age only some have a half.
        let is_with = |n: &i64| (from..until).contains(&age(*n));
        let rows = (0..600_i64).map(|n| (FIRST + n, "age", Value::from(age(n))));
        let halves = (0..600_i64).filter(is_with).chain(600..1_400).map(|n| (FIRST + n, "half", Value::from(n)));
        let given = [Given::Facts(Arc::new(MemoryFacts::of(rows.chain(halves))))];
        for order in ["asc", "desc"] {
            let mut ages: Vec<(i64, i64)> = (0..600).filter(is_with).map(|n| (age(n), FIRST + n)).collect();
            ages.sort_unstable();
            if order == "desc" {
                ages.reverse();
            }
            let expected: Vec<Vec<Value>> = ages.into_iter().take(count).map(|(age, e)| vec![age.into(), e.into()]).collect();
            let text = format!("[:find ?a ?e :where [?e :age ?a] [?e :half ?h] :order-by [?a :{order}] :limit {count}]");
            for tuning in [Tuning::default(), Tuning::of(Way::Never), Tuning::of(Way::Always)] {
                assert_eq!(asked(&text, &given, tuning, &Budget::default()).expect(&text), expected, "{tuning:?} {text}");
            }
        }
    }
}

/// A join may put the smaller one of two zeros in place of the other: both are at hand when the first rows are chosen.
#[test]
fn zeros_of_both_signs_are_one_where_the_first_rows_are_chosen_before_a_join() {
    let zero = |is_negative: bool| Value::Double(if is_negative { -0.0 } else { 0.0 });
    let rows = (0..2_000_i64).flat_map(|n| [(FIRST + n, "a", zero(n % 2 == 1)), (FIRST + n, "b", zero(n % 3 == 0))]);
    let given = [Given::Facts(Arc::new(MemoryFacts::of(rows)))];
    let text = "[:find ?x ?e :where [?e :a ?x] [?e :b ?x] :limit 5]";
    let first = (0..2_000_i64).filter(|n| n % 2 == 1 || n % 3 == 0).take(5);
    let expected: Vec<Vec<Value>> = first.map(|n| vec![zero(true), Value::Long(FIRST + n)]).collect();
    for tuning in [Tuning::default(), Tuning::of(Way::Never), Tuning::of(Way::Always)] {
        assert_eq!(asked(text, &given, tuning, &Budget::default()).expect(text), expected, "{tuning:?}");
    }
}

/// The least number with which it succeeds.
fn least(succeeds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, 1);
    while !succeeds(high) {
        (low, high) = (high, high * 2);
    }
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if succeeds(middle) { high = middle } else { low = middle }
    }
    high
}

/// The steps of a question, and the least rows and bytes with which it is answered.
#[track_caller]
fn check_costs(text: &str, given: &[Given], expected: [u64; 3]) {
    let tuning = Tuning { small: Way::Never, ..Tuning::default() };
    let budget = Budget::default();
    asked(text, given, tuning, &budget).expect(text);
    let with = |budget: Budget| match asked(text, given, tuning, &budget) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code(), Code::LimitExceeded, "{text}: {error}");
            false
        }
    };
    let rows = least(|rows| with(Budget::default().with_limit_rows(rows)));
    let bytes = least(|bytes| with(Budget::default().with_limit_bytes(bytes)));
    assert_eq!([budget.steps(), rows, bytes], expected, "steps, rows and bytes of {text}");
}

fn numbers(count: i64) -> Given {
    Given::Value(Value::vector((0..count).map(Value::from)))
}

#[test]
fn a_question_costs_the_steps_rows_and_bytes_that_it_always_did() {
    let people = (0..300_i64).flat_map(|n| {
        let e = FIRST + n;
        let tags = (0..n % 5).map(move |tag| (e, "tag", Value::from(format!("t{tag}"))));
        tags.chain([(e, "k", Value::from(n % 7)), (e, "name", format!("n{}", n % 90).into()), (e, "b", (n % 2 == 0).into())])
    });
    let people = || Given::Facts(Arc::new(MemoryFacts::of(people.clone())));
    let edges = (0..13_i64).flat_map(|a| (0..13).map(move |b| (FIRST + a, "to", Value::Ref(FIRST + b))));
    let graph = || Given::Facts(Arc::new(MemoryFacts::of(edges.clone())));
    let rules = |text: &str| Given::Rules(parse::rules(text).expect(text));
    let texts =
        |from: i64, count: i64| Given::Relation((from..from + count).map(|n| vec![format!("t{n}").into(), n.into()]).collect());
    for (text, given, expected) in [
        ("[:find (count ?a) . :with ?b :in [?a ...] [?b ...]]", vec![numbers(3), numbers(2_500)], [17_539, 7500, 120_024]),
        ("[:find (count ?a) . :with ?b :in [?a ...] [?b ...]]", vec![numbers(2_500), numbers(3)], [17_539, 7500, 120_024]),
        ("[:find (count ?a) . :with ?b :where [?a :k ?x] [?b :k ?x]]", vec![people()], [53_267, 12_858, 210_528]),
        ("[:find ?b ?d :where [?a :k ?x] [?a :b ?b] [?c :k ?x] [?c :b ?d]]", vec![people()], [48_787, 12_858, 120_522]),
        ("[:find ?x ?y :where [?e :tag ?x] [?e :tag ?y]]", vec![people()], [12_321, 1800, 21_600]),
        (
            "[:find ?x ?y :in $l $r :where [$l _ ?x] [$r _ ?y] [(< ?x 2)] [(< ?y 1190)]]",
            vec![texts(0, 5), texts(0, 1_200)],
            [19_686, 2400, 76_480],
        ),
        ("[:find (count ?x) . :with ?e ?y :where [?e :tag ?x] [?e :tag ?y]]", vec![people()], [6275, 1800, 36_000]),
        ("[:find ?e :where [?e :tag ?x] [?e :k 3]]", vec![people()], [4578, 85, 616]),
        ("[:find ?e ?n :where [?e :name ?n] (not [?e :tag ?x])]", vec![people()], [7814, 600, 7920]),
        ("[:find ?x :where (or [_ :name ?x] [_ :tag ?x])]", vec![people()], [9077, 600, 2400]),
        ("[:find ?x ?b :where [?e :name ?x] [?e :b ?b]]", vec![people()], [7398, 300, 5100]),
        ("[:find ?v :where [?e :k ?k] [?e :b ?b] [(vector ?k ?b) ?v]]", vec![people()], [6962, 300, 14_700]),
        ("[:find (count ?a) . :with ?b ?c :where [?a :to ?b] [?b :to ?c] [?c :to ?a]]", vec![graph()], [8362, 2197, 105_456]),
        ("[:find ?b :where [?a :to ?b] [?b :to ?c] [?c :to ?a]]", vec![graph()], [12_988, 2197, 37_856]),
        (
            "[:find (count ?a) . :with ?b :in $ % :where (r ?a ?b)]",
            vec![graph(), rules("[[(r ?a ?b) [?a :to ?b]] [(r ?a ?b) [?a :to ?c] (r ?c ?b)]]")],
            [3459, 169, 4784],
        ),
        ("[:find ?t ?a ?b :in $l $r :where [$l ?t ?a] [$r ?t ?b]]", vec![texts(0, 1_500), texts(700, 300)], [10_727, 300, 9600]),
        (
            "[:find ?t ?a :in $l $r :where [$l ?t ?a] (not [$r ?t _])]",
            vec![texts(0, 300), texts(100, 1_500)],
            [13_951, 300, 5600],
        ),
        ("[:find ?n ?x :where [?e :name ?n] [(ground [1 2 3 4 5 6 7 8 9]) [?x ...]]]", vec![people()], [17_074, 2700, 32_472]),
        ("[:find ?n ?m :where [?e :name ?n] [?e :k ?x] [(str ?n ?x) ?m]]", vec![people()], [12_254, 300, 7200]),
    ] {
        check_costs(text, &given, expected);
    }
}

/// An error that ends the run is the query's at once, and nothing is tried again: here too many rows, in a query inside of it.
#[test]
fn what_ends_the_run_is_tried_no_more() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let seen = move |args: &[Value]| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, String>(args[0].clone())
    };
    let functions = Functions::new().with_function("test/seen", Arity::exactly(1), seen).expect("a new name");
    let rows = (0..50_i64).flat_map(|n| {
        [(FIRST + n, "k", Value::from(n)), (FIRST + n, "l", Value::from(n % 5)), (FIRST + n, "n", format!("n{n}").into())]
    });
    let given = [Given::Facts(Arc::new(MemoryFacts::of(rows)))];
    let inner = "(q [:find (count ?a) . :with ?b ?c ?d ?e :in $ ?k :where [(test/seen ?k) ?z] [(mod ?z 1) ?l]
                     [?a :l ?l] [?b :l ?l] [?c :l ?l] [?d :l ?l] [?e :l ?l]] $ ?k)";
    for clauses in [
        "[INNER ?x]",
        "[INNER ?x] [(identity ?k) ?y]",
        "[INNER ?x] [?e :n ?n] [(str ?x ?n) ?y]",
        "(not [INNER ?x] [(pos? ?x)])",
        "(or-join [?k] (and [INNER ?x] [(pos? ?x)]) [(= ?k 3)])",
    ] {
        let text = format!("[:find ?e :where [?e :l 3] [?e :k ?k] {}]", clauses.replace("INNER", inner));
        let checked = check::check_with(parse::query(&text).expect(&text), RuleSet::default(), &functions).expect(&text);
        let tuning = Tuning { small: Way::Never, ..Tuning::default() };
        let options = Options { tuning, functions: functions.clone(), ..Options::default() };
        let budget = Budget::default().with_limit_rows(10_000);
        let error = engine::answer(&checked, &given, &options, &budget).expect_err(&text);
        assert_eq!((error.code(), calls.swap(0, Ordering::Relaxed)), (Code::LimitExceeded, 1), "{text}: {error}");
    }
}

/// What is asked of the facts beside the entity.
#[test]
fn no_place_is_fetched_that_nobody_reads() {
    let rows = (0..40_i64).flat_map(|n| [(FIRST + n, "k", Value::from(n % 7)), (FIRST + n, "l", Value::from(n % 5))]);
    let facts = MemoryFacts::of(rows);
    for (text, expected) in [
        ("[:find ?e :where [?e :k ?v]]", vec![":k"]),
        ("[:find ?e :where [?e :k]]", vec![":k"]),
        ("[:find ?v :where [_ :k ?v]]", vec![":k v"]),
        ("[:find ?e ?t :where [?e :k 3 ?t]]", vec![":k t"]),
        ("[:find ?e :where [?e :k 3 ?t]]", vec![":k"]),
        ("[:find ?e :where [?e :k 3 4]]", vec![":k"]),
        ("[:find ?e ?v :where [?e :k ?v 4]]", vec![":k v"]),
        ("[:find ?e :where [?e :k ?v _ 0]]", vec![":k m"]),
        ("[:find ?e ?m ?d :where [?e :k ?v ?t ?m ?d]]", vec![":k m +"]),
        ("[:find ?e :where [?e :k ?v ?t ?m true]]", vec![":k +"]),
        ("[:find ?e :where [?e :k ?v ?v]]", vec![":k v t"]),
        ("[:find ?e :where [?e :k ?e]]", vec![":k v"]),
        ("[:find ?e :where [?e ?a 3]]", vec!["all"]),
        ("[:find ?e ?a :where [?e ?a 3]]", vec!["all a"]),
        ("[:find ?e ?v :where [?e _ ?v]]", vec!["all v"]),
        ("[:find ?e :where [?e :k ?x] [?e :l ?y]]", vec![":k", ":l"]),
        ("[:find ?x :where [?e :k ?x] [?e :l ?x]]", vec![":k v", ":l v"]),
        ("[:find ?e :where [?e :k ?x] [(< ?x 3)]]", vec![":k v"]),
    ] {
        let asked_facts = AskedFacts::new(facts.at(facts.view()), None);
        let tuning = Tuning { small: Way::Never, ..Tuning::default() };
        asked(text, &[Given::Facts(asked_facts.clone())], tuning, &Budget::default()).expect(text);
        let scans: Vec<String> =
            asked_facts.take().into_iter().filter(|asked| asked.starts_with(':') || asked.starts_with("all")).collect();
        assert_eq!(scans, expected, "{text}");
    }
}
