//! A rule that walks and is bound at one end costs what it meets: the facts on its way are looked up one by one, in every view of time and
//! beside what was said since. Attacked by asking the same with graphs alone, and by walks that meet all there is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use annals::query::Budget;
use annals::query::engine::{Options as Asking, Tuning, Way};
use annals::store::Durability;
use annals::{Connection, Db, Input, Options, Value};

/// Nodes of a chain, of a tree of which each node has three children, and of a ring.
const NODES: i64 = 20_000;
/// What reading all edges of one kind takes at least.
const STEPS_OF_ALL: u64 = NODES as u64;
/// After so many questions the edges are in memory, by entity and by value.
const ASKED: usize = 3;

fn rules(edge: &str) -> String {
    format!(
        "[[(walk ?x ?y) [?x {edge} ?y]] [(walk ?x ?y) [?x {edge} ?z] (walk ?z ?y)]
              [(turned ?x ?y) [?y {edge} ?x]] [(turned ?x ?y) (turned ?x ?z) [?y {edge} ?z]]
              [(either ?x ?y) [?x {edge} ?y]] [(either ?x ?y) [?x :other ?y]]
              [(either ?x ?y) (either ?x ?z) [?z {edge} ?y]] [(either ?x ?y) (either ?x ?z) [?z :other ?y]]]"
    )
}

/// The answer, and the steps that it took in the end.
fn asked(db: &Db, clause: &str, edge: &str, node: i64, hops: Way) -> (BTreeSet<Value>, u64) {
    let text = format!("[:find ?n :in $ % ?m :where [?a :n ?m] {clause} [?b :n ?n]]");
    let prepared = db.prepare(&text).expect("a query");
    let inputs: [Input; 2] = [rules(edge).into(), node.into()];
    let mut last = None;
    for _ in 0..ASKED {
        let budget = Budget::default();
        let options = Asking { tuning: Tuning { hops, ..Tuning::default() }, ..Asking::default() };
        let answer = prepared.q_within(db, &inputs, options, &budget).unwrap_or_else(|error| panic!("{text}: {error}"));
        last = Some((answer.rows.into_iter().flatten().collect(), budget.steps()));
    }
    last.expect("it was asked")
}

#[track_caller]
fn check(db: &Db, clause: &str, edge: &str, node: i64, rows: usize, is_little: bool) {
    let ((found, steps), (expected, _)) = (asked(db, clause, edge, node, Way::Chosen), asked(db, clause, edge, node, Way::Never));
    assert_eq!(found, expected, "{clause} {edge} of {node}");
    assert_eq!(found.len(), rows, "{clause} {edge} of {node}");
    assert_eq!(steps < STEPS_OF_ALL, is_little, "{steps} steps: {clause} {edge} of {node}");
}

#[test]
fn a_walk_that_is_bound_costs_what_it_meets() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { durability: Durability::Normal, ..Options::default() };
    let connection = Connection::open_with(folder.path().join("annals.db"), options).expect("the store opens");
    let declared = |name: &str| format!("{{:db/ident {name} :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}}");
    let names = [":next", ":parent", ":round", ":other"].map(declared).concat();
    let unique = "{:db/ident :n :db/valueType :db.type/long :db/unique :db.unique/identity}";
    connection.transact(&format!("[{unique} {names}]")).expect("declarations");
    let mut nodes = String::new();
    for n in 0..NODES {
        let (next, parent, round) = ((n + 1).min(NODES - 1), (n - 1).div_euclid(3).max(0), n / 10 * 10 + (n + 1) % 10);
        let _ = write!(nodes, "{{:db/id \"{n}\" :n {n} :next \"{next}\" :parent \"{parent}\" :round \"{round}\"}}");
    }
    let whole = connection.transact(&format!("[{nodes}]")).expect("nodes").db_after;
    let count = NODES as usize;
    // (of, clause, edge, node, rows, little)
    for clause in ["(walk ?a ?b)", "(turned ?b ?a)"] {
        check(&whole, clause, ":next", NODES - 40, 39, true);
        check(&whole, clause, ":parent", NODES - 1, 9, true);
        check(&whole, clause, ":round", 77, 10, true);
        check(&whole, clause, ":next", 3, count - 4, false);
    }
    for clause in ["(walk ?b ?a)", "(turned ?a ?b)"] {
        check(&whole, clause, ":next", 40, 40, true);
        check(&whole, clause, ":parent", 700, 39, true);
        check(&whole, clause, ":round", 77, 10, true);
        check(&whole, clause, ":parent", 0, count, false);
    }
    let pairs = |db: &Db, from: i64, to: i64, hops: Way| {
        let text = "[:find ?a . :in $ % ?m ?n :where [?a :n ?m] [?b :n ?n] (walk ?a ?b)]";
        let options = Asking { tuning: Tuning { hops, ..Tuning::default() }, ..Asking::default() };
        let (inputs, budget): ([Input; 3], _) = ([rules(":next").into(), from.into(), to.into()], Budget::default());
        let answer = db.prepare(text).and_then(|prepared| prepared.q_within(db, &inputs, options, &budget)).expect(text);
        (!answer.rows.is_empty(), budget.steps())
    };
    for (from, to, is_met) in [(100, 130, true), (NODES - 30, 5, false), (7, 7, false)] {
        assert_eq!(pairs(&whole, from, to, Way::Never).0, is_met, "{from} to {to}");
        assert_eq!(pairs(&whole, from, to, Way::Always).0, is_met, "{from} to {to}");
    }
    assert!(pairs(&whole, 100, 130, Way::Chosen).1 < STEPS_OF_ALL, "a walk ends where it wanted to go");

    // What was cut and joined since shows in the views that know it, and in no other.
    connection.transact("[[:db/retract [:n 20] :next [:n 21]] [:db/add [:n 20] :other [:n 10000]]]").expect("a cut");
    let after = connection.db().expect("a value");
    let might = after.with("[[:db/retract [:n 30] :next [:n 31]]]").expect("a value").db_after;
    for (db, back, on) in [
        (&after, 19, 19),
        (&whole, 40, count - 2),
        (&after.as_of(whole.basis_t()).expect("a view"), 40, count - 2),
        (&might, 9, 19),
    ] {
        check(db, "(walk ?b ?a)", ":next", 40, back, true);
        let [by_hops, by_graph] = [Way::Always, Way::Never].map(|hops| asked(db, "(walk ?a ?b)", ":next", 1, hops).0);
        assert_eq!((by_hops.len(), &by_hops), (on, &by_graph));
    }
    let since = after.since(whole.basis_t()).expect("a view");
    for clause in ["(either ?a ?b)", "(either ?b ?a)"] {
        for node in [15, 20, 10_003] {
            let ways = [Way::Chosen, Way::Never, Way::Always].map(|hops| asked(&after, clause, ":next", node, hops).0);
            assert!(ways[0] == ways[1] && ways[1] == ways[2] && !ways[0].is_empty(), "{clause} of {node}");
            let text = "[:find ?x ?y :in $ % $old ?m :where [$old ?a :n ?m] (either ?a ?y) [(identity ?a) ?x]]";
            let of = |hops: Way| {
                let options = Asking { tuning: Tuning { hops, ..Tuning::default() }, ..Asking::default() };
                let inputs: [Input; 3] = [rules(":next").into(), (&whole).into(), node.into()];
                since
                    .prepare(text)
                    .and_then(|prepared| prepared.q_within(&since, &inputs, options, &Budget::default()))
                    .expect(text)
                    .rows
            };
            assert_eq!(of(Way::Always), of(Way::Never), "since, of {node}");
        }
    }
}
