//! Promise: a walk finds what there is to find however many nodes the graph has, however they are numbered and however dense it is. Attacked with
//! graphs of some hundred nodes, far beyond what the naive evaluator can take: sparse and dense, of longs that lie close together, apart and at
//! both ends of their range, of texts and of doubles; asked for all answers, from many nodes, to some, and for pairs; with walks that go on
//! from some nodes only. A plain search over an array says what is right.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use annals_query::engine::Way;
use annals_query::{Budget, Given, Value, engine, parse};
use common::memory::MemoryFacts;

/// Pairs of the numbers of nodes.
type Pairs = BTreeSet<(usize, usize)>;

/// A graph, and from which nodes walks go on.
struct Graph {
    nodes: usize,
    edges: Vec<(usize, usize)>,
    goes_on: fn(usize) -> bool,
}

impl Graph {
    /// All pairs of a node and one that a walk from it ends at.
    fn reached(&self) -> Pairs {
        let mut targets = vec![Vec::new(); self.nodes];
        for (from, to) in &self.edges {
            targets[*from].push(*to);
        }
        let mut pairs = Pairs::new();
        for start in 0..self.nodes {
            let mut waiting = targets[start].clone();
            while let Some(node) = waiting.pop() {
                if pairs.insert((start, node)) && (self.goes_on)(start) {
                    waiting.extend(&targets[node]);
                }
            }
        }
        pairs
    }

    /// An entity an edge, and marks on the nodes from which walks go on.
    fn facts(&self, node: fn(usize) -> Value) -> MemoryFacts {
        let edges = self
            .edges
            .iter()
            .zip(1 << 33..)
            .flat_map(|((from, to), edge)| [(edge, "from", node(*from)), (edge, "into", node(*to))]);
        let marks = (0..self.nodes).filter(|number| (self.goes_on)(*number)).zip(1 << 34..);
        MemoryFacts::of(edges.chain(marks.map(|(number, mark)| (mark, "marks", node(number)))))
    }
}

const PLAIN: &str = "[[(r ?x ?y) [?g :from ?x] [?g :into ?y]] [(r ?x ?y) (r ?x ?z) [?g :from ?z] [?g :into ?y]]]";
const FROM_THE_RIGHT: &str = "[[(r ?x ?y) [?g :from ?x] [?g :into ?y]] [(r ?x ?y) [?g :from ?x] [?g :into ?z] (r ?z ?y)]]";
const DOUBLED: &str = "[[(r ?x ?y) [?g :from ?x] [?g :into ?y]] [(r ?x ?y) (r ?x ?z) (r ?z ?y)]]";
const FROM_MARKED: &str =
    "[[(r ?x ?y) [?g :from ?x] [?g :into ?y]] [(r ?x ?y) [_ :marks ?x] (r ?x ?z) [?g :from ?z] [?g :into ?y]]]";

/// The answers to a call, as numbers of nodes.
fn asked(text: &str, rules: &str, facts: &Arc<MemoryFacts>, nodes: &[Value], input: Option<Given>) -> Pairs {
    let given = [Given::Facts(Arc::clone(facts) as _), Given::Rules(parse::rules(rules).expect(rules))];
    let given = given.into_iter().chain(input).collect::<Vec<_>>();
    let [answer, by_two] = [Way::Never, Way::Always].map(|threads| {
        let budget = Budget::default().with_threads(threads);
        engine::query(text, &given, &budget).unwrap_or_else(|error| panic!("{text} {rules}: {error}"))
    });
    assert!(answer.rows == by_two.rows, "two threads answer otherwise: {text} {rules}");
    let number = |value: &Value| nodes.iter().position(|node| node == value).expect("it is a node");
    let found: Vec<_> = answer.rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
    let pairs: Pairs = found.iter().copied().collect();
    assert_eq!(pairs.len(), found.len(), "each answer once: {text}");
    pairs
}

#[track_caller]
fn check(graph: &Graph, node: fn(usize) -> Value, rules: &str) {
    let facts = Arc::new(graph.facts(node));
    let nodes: Vec<Value> = (0..graph.nodes).map(node).collect();
    let expected = graph.reached();
    let values = |numbers: &[usize]| Given::Value(Value::vector(numbers.iter().map(|number| nodes[*number].clone())));
    let check = |text: &str, input: Option<Given>, is_wanted: &dyn Fn(usize, usize) -> bool| {
        let found = asked(text, rules, &facts, &nodes, input);
        let expected: Pairs = expected.iter().copied().filter(|(from, to)| is_wanted(*from, *to)).collect();
        let shown = |pairs: Vec<&(usize, usize)>| format!("{:?}", &pairs[..pairs.len().min(5)]);
        let (missing, wrong) = (expected.difference(&found).collect(), found.difference(&expected).collect());
        assert!(found == expected, "{text} {rules}: missing {}, wrong {}", shown(missing), shown(wrong));
    };
    let some: Vec<usize> = (0..graph.nodes).filter(|number| number % 7 == 3).collect();
    let most: Vec<usize> = (0..graph.nodes).filter(|number| number % 3 != 0).collect();
    let pairs: Vec<(usize, usize)> = (0..graph.nodes).map(|number| (number, number * 31 % graph.nodes)).collect();
    let rows = pairs.iter().map(|(from, to)| vec![nodes[*from].clone(), nodes[*to].clone()]).collect();
    check("[:find ?x ?y :in $ % :where (r ?x ?y)]", None, &|_, _| true);
    check("[:find ?x ?y :in $ % [?x ...] :where (r ?x ?y)]", Some(values(&most)), &|from, _| from % 3 != 0);
    check("[:find ?x ?y :in $ % [?x ...] :where (r ?x ?y)]", Some(values(&some)), &|from, _| from % 7 == 3);
    check("[:find ?x ?y :in $ % [?y ...] :where (r ?x ?y)]", Some(values(&some)), &|_, to| to % 7 == 3);
    check("[:find ?x ?y :in $ % ?x :where (r ?x ?y)]", Some(Given::Value(nodes[5].clone())), &|from, _| from == 5);
    check("[:find ?x ?y :in $ % ?y :where (r ?x ?y)]", Some(Given::Value(nodes[6].clone())), &|_, to| to == 6);
    check("[:find ?x ?y :in $ % [[?x ?y]] :where (r ?x ?y)]", Some(Given::Value(rows_value(rows))), &|from, to| {
        from * 31 % graph.nodes == to
    });
    check("[:find ?x ?x :in $ % :where (r ?x ?x)]", None, &|from, to| from == to);
}

fn rows_value(rows: Vec<Vec<Value>>) -> Value {
    Value::vector(rows.into_iter().map(Value::vector))
}

/// Nodes in many ways: ids that lie close together, that a table still takes, that are far apart, at both ends of the longs, and at either; texts;
/// doubles.
const NODES: [fn(usize) -> Value; 8] = [
    |n| Value::Long((1 << 33) + n as i64),
    |n| Value::Long(-3 + 41 * n as i64),
    |n| Value::Long(1_000_003 * (n as i64 - 60)),
    |n| Value::Long(if n.is_multiple_of(2) { i64::MIN + n as i64 } else { i64::MAX - n as i64 }),
    |n| Value::Long(i64::MAX - n as i64),
    |n| Value::Long(i64::MIN + n as i64),
    |n| Value::from(format!("node {}", n * 37 % 1_009)),
    |n| Value::Double(n as f64 / 2.0 - 20.25),
];

/// A circle in which all is reached from everywhere, with a tail before it and one behind.
fn dense() -> Graph {
    let edges = (0..210).map(|n| (n, if n == 180 { 30 } else { n + 1 })).chain((30..180).step_by(9).map(|n| (n, n + 20)));
    Graph { nodes: 211, edges: edges.chain([(100, 181)]).collect(), goes_on: |_| true }
}

/// Many chains of four nodes, some of them loops.
fn sparse() -> Graph {
    let edges = (0..300).filter(|n| n % 4 != 3).map(|n| (n, n + 1)).chain((3..300).step_by(20).map(|n| (n, n - 3)));
    Graph { nodes: 300, edges: edges.chain([(7, 7), (299, 296)]).collect(), goes_on: |_| true }
}

/// From each of the first nodes to two that lie far apart, and are met again and again.
fn wide() -> Graph {
    let edges = (0..60).flat_map(|n| [(n, 100 + n % 3), (n, 3_900 + n % 4)]).chain([(102, 2_000), (3_901, 50)]);
    Graph { nodes: 3_904, edges: edges.collect(), goes_on: |_| true }
}

#[test]
fn what_lies_far_apart_is_found_each_time_it_is_met() {
    check(&wide(), NODES[0], PLAIN);
    check(&wide(), NODES[2], FROM_THE_RIGHT);
}

#[test]
fn a_dense_graph_gives_all_that_is_reached_whatever_its_nodes_are() {
    for (at, node) in NODES.iter().enumerate() {
        check(&dense(), *node, [PLAIN, FROM_THE_RIGHT, DOUBLED][at % 3]);
    }
}

#[test]
fn a_sparse_graph_gives_all_that_is_reached_whatever_its_nodes_are() {
    for (at, node) in NODES.iter().enumerate() {
        check(&sparse(), *node, [DOUBLED, PLAIN, FROM_THE_RIGHT][at % 3]);
    }
}

#[test]
fn walks_that_go_on_from_some_nodes_only_stop_at_once_from_the_others() {
    for (graph, node) in [(dense(), NODES[0]), (dense(), NODES[4]), (sparse(), NODES[1]), (sparse(), NODES[2])] {
        check(&Graph { goes_on: |number| number % 5 < 3, ..graph }, node, FROM_MARKED);
    }
}

#[test]
fn a_step_keeps_to_what_stays_wherever_it_stands() {
    // Of two colours, one goes to the next node, the other past it; nothing leads out of twenty nodes. So many edges that a walk looks them up.
    let nodes = (0..10_000).zip(1 << 33..);
    let edges =
        nodes.flat_map(|(n, edge)| [(n, 1, edge), (n, 2, edge + (1 << 32))]).filter(|(n, colour, _)| n % 20 + colour < 20);
    let edge = |(n, colour, edge)| {
        [("from", n), ("into", n + colour), ("colour", colour)].map(|(attribute, value)| (edge, attribute, Value::Long(value)))
    };
    let facts = Arc::new(MemoryFacts::of(edges.flat_map(edge)));
    for head in ["?x ?c", "?c ?x"] {
        let rules = format!(
            "[[(r {head} ?y) [?g :from ?x] [?g :into ?y] [?g :colour ?c]]
              [(r {head} ?y) (r {head} ?z) [?g :from ?z] [?g :into ?y] [?g :colour ?c]]]"
        );
        for (start, colour) in [(5, 1), (5, 2), (1, 2), (2, 1), (9_981, 2)] {
            let query = format!("[:find [?y ...] :in $ % ?x ?c :where (r {head} ?y)]");
            let longs = [start, colour].map(|value| Given::Value(Value::Long(value)));
            let given = [Given::Facts(Arc::clone(&facts) as _), Given::Rules(parse::rules(&rules).expect("they are rules"))];
            let given = given.into_iter().chain(longs).collect::<Vec<_>>();
            let answer = engine::query(&query, &given, &Budget::default()).expect("it is answered");
            let found: BTreeSet<Value> = answer.rows.into_iter().map(|mut row| row.remove(0)).collect();
            let end = start - start % 20 + 20;
            let expected: BTreeSet<Value> = (start + colour..end).step_by(colour as usize).map(Value::Long).collect();
            assert_eq!(found, expected, "{rules} {start} {colour}");
        }
    }
}
