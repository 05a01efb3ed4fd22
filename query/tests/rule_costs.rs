//! Promise: what a recursive rule costs changes only on purpose: one that is asked for little touches little, is given up at a bound where it turns
//! out to touch much, and then reads all there is once; one that is asked for all searches or joins in the cheaper of several ways, and holds no more
//! than it says. Attacked with walks and rules over graphs that lie just below and just above each bound; rows, facts handed out, steps and
//! bytes stand in `rule_costs/costs.txt`, and no machine changes them. Every way must give the same rows.

mod common;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use annals_query::ast::RuleSet;
use annals_query::check::Checked;
use annals_query::engine::{self, Options, Tuning, Way};
use annals_query::{Budget, Code, Facts, Given, Value, check, parse};
use common::edges::{EdgeFacts, FIRST};
use common::memory::MemoryFacts;

/// Walks by one attribute from either end, also spelled with two calls; steps of their own; an argument that stays; the same generation; and
/// what compares on the way, so that it is no walk.
const RULES: &str = "[[(after ?x ?y) [?x :next ?y]] [(after ?x ?y) [?x :next ?z] (after ?z ?y)]
    [(up ?x ?y) [?x :up ?y]] [(up ?x ?y) (up ?x ?z) [?z :up ?y]]
    [(down ?x ?y) [?x :down ?y]] [(down ?x ?y) (down ?x ?z) [?z :down ?y]]
    [(wide ?x ?y) [?x :wide ?y]] [(wide ?x ?y) (wide ?x ?z) [?z :wide ?y]]
    [(near ?x ?y) [?x :near ?y]] [(near ?x ?y) (near ?x ?z) [?z :near ?y]]
    [(other ?x ?y) [?x :up ?y]] [(other ?x ?y) (other ?x ?z) [?z :next ?y]]
    [(both ?x ?y) [?x :next ?y]] [(both ?x ?y) (both ?x ?z) (both ?z ?y)]
    [(mixed ?x ?y) [?x :next ?y]] [(mixed ?x ?y) [?x :next ?z] (mixed ?z ?y)] [(mixed ?x ?y) (mixed ?x ?z) [?z :near ?y]]
    [(kept ?k ?x ?y) [?k :up ?x] [?x :next ?y]] [(kept ?k ?x ?y) (kept ?k ?x ?z) [?z :next ?y]]
    [(same ?x ?y) [?x :up ?p] [?y :up ?p]] [(same ?x ?y) [?x :up ?a] (same ?a ?b) [?y :up ?b]]
    [(low ?x ?y) [?x :next ?y] [(!= ?x ?y)]] [(low ?x ?y) (low ?x ?z) [?z :next ?y] [(< ?z ?y)] [(!= ?x ?y)]]
    [(keyed ?k ?x ?y) [?k :up ?x] [?x :next ?y]] [(keyed ?k ?x ?y) (keyed ?k ?x ?z) [?z :next ?y] [(!= ?y ?k)]]
    [(under ?x ?y) [?y :near ?x]] [(under ?x ?y) (under ?x ?z) [?y :near ?z]]
    [(beyond ?x ?y) [?y :wide ?x]] [(beyond ?x ?y) (beyond ?x ?z) [?y :wide ?z]]
    [(self ?x ?y) [(identity ?x) ?y]] [(self ?x ?y) (self ?x ?z) [?z :next ?y]]
    [(reach ?x ?y) [?x :to ?y]] [(reach ?x ?y) (reach ?x ?z) [?z :to ?y]]
    [(marked ?x ?y) [?x :to ?y]] [(marked ?x ?y) [?x :mark _] (marked ?x ?z) [?z :to ?y]]
    [(back ?x ?y) [?y :to ?x]] [(back ?x ?y) (back ?x ?z) [?y :to ?z] [?y :pair _]]
    [(by ?k ?x ?y) [?x :to ?y] [?x :pair ?k]] [(by ?k ?x ?y) (by ?k ?x ?z) [?z :to ?y]]
    [(ends ?x ?y) [?x :to ?y]] [(ends ?x ?y) [?x :to ?z] (ends ?z ?y)] [(ends ?x ?y) (ends ?x ?z) [?z :pair ?y]]
    [(step ?x ?y) [?x :to ?y] [(!= ?x ?y)]] [(step ?x ?y) (step ?x ?z) [?z :to ?y] [(!= ?x ?y)]]
    [(meet ?x ?y) [?z :to ?x] [?z :to ?y]] [(meet ?x ?y) [?a :to ?x] (meet ?a ?b) [?b :to ?y]]
    [(flow ?v ?o) [?v :near ?o]] [(flow ?v ?o) [?v :to ?w] (flow ?w ?o)] [(flow ?v ?o) [?v :rare ?b] (flow ?b ?p) (held ?p ?o)]
    [(held ?p ?o) [?b :rare ?w] (flow ?b ?p) (flow ?w ?o)]
    [(join ?x ?y) [?x :near ?y]] [(join ?x ?y) (join ?x ?z) (join ?z ?w) (join ?w ?y) [(<= ?x ?y)]]
    [(lacks ?x ?y) [?x :to ?y]] [(lacks ?x ?y) (lacks ?y ?z) [?z :near ?x] (not [?x :rare ?y])]
    [(kind ?x ?y ?k) [?x :to ?y] [?x :kind ?k]] [(kind ?x ?y ?k) (kind ?x ?z ?k) (kind ?z ?y ?l)]
    [(over ?x ?k) [?x :kind ?k]] [(over ?x ?k) [?x :to ?y] (over ?y ?k) [?y :n ?n] [(> ?n 2)] [(not= ?k :a)]]
    [(line ?x ?y) [?x :near ?y]] [(line ?x ?y) (line ?y ?x) [?x :to _]] [(line ?x ?y) (line ?x ?x) [?x :to ?y]]]";

/// The facts that a heading of the page names.
fn world(name: &str) -> (Arc<dyn Facts>, Option<Arc<EdgeFacts>>) {
    let (kind, count) = name.split_once(' ').expect("a kind and a number");
    let count: i64 = count.parse().expect("a number");
    let all = |edge: fn(i64) -> (i64, i64)| (0..count).map(edge).collect::<Vec<_>>();
    let marks = |every: i64| (0..count).filter(|n| n % every == 1).map(|n| (n, n)).collect::<Vec<_>>();
    let facts = match kind {
        // Chains of 32 nodes that end in loops; trees whose nodes lead to their parents or to their children.
        "trees" => EdgeFacts::new([
            ("next", all(|n| (n, if n % 32 == 31 { n } else { n + 1 }))),
            ("up", all(|n| (n, if n == 0 { -1 } else { (n - 1) / 3 }))),
            ("wide", all(|n| (n, n / 17))),
            ("near", all(|n| (n, n / 16))),
            ("down", all(|n| (n / 3, n + 1))),
        ]),
        // All is reached from everywhere but from a tail; three edges a node.
        "circle" => {
            let edges = (0..count).flat_map(|n| [(n, (n + 1) % count), (n, n * 7 % count), (n, (n + count / 2) % count)]);
            let edges = edges.chain((0..count / 10).map(|n| (count + n, count + n - 1))).collect();
            EdgeFacts::new([("to", edges), ("mark", marks(60)), ("pair", all(|n| (n, n * 31 % 97)))])
        }
        // Chains of four nodes.
        "chains" => {
            let edges = (0..count).filter(|n| n % 4 != 3).map(|n| (n, n + 1)).collect();
            EdgeFacts::new([("to", edges), ("mark", marks(3)), ("pair", all(|n| (n, n + n % 2)))])
        }
        // Ids far apart.
        "apart" => {
            let edges = (0..count).map(|n| (n * 1_000_003, (n + 1) % count * 1_000_003)).collect();
            EdgeFacts::new([("to", edges), ("mark", vec![(0, 0), (3_000_009, 0)]), ("pair", vec![(0, 1_000_003)])])
        }
        _ => return (Arc::new(mixed(count)), None),
    };
    let facts = Arc::new(facts);
    (Arc::clone(&facts) as Arc<dyn Facts>, Some(facts))
}

/// Nodes that lead to each other by three attributes, one of them rare, with a number and a kind each.
fn mixed(nodes: i64) -> MemoryFacts {
    // What it costs is written down, so the seed is always this one.
    let mut state = 11_u64;
    let mut next = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % below
    };
    let mut rows = Vec::new();
    for (attribute, count) in [("to", nodes * 5 / 4), ("near", nodes), ("rare", nodes / 8 + 1)] {
        rows.extend((0..count).map(|_| (FIRST + next(nodes) * next(nodes) / nodes, attribute, Value::Ref(FIRST + next(nodes)))));
    }
    for node in FIRST..FIRST + nodes {
        rows.push((node, "n", Value::Long(next(6))));
        rows.push((node, "kind", Value::Keyword(["a", "b"][next(2) as usize].into())));
    }
    rows.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    rows.dedup();
    MemoryFacts::of(rows)
}

/// A question, and what it is asked of.
struct Question {
    text: String,
    checked: Checked,
    given: Vec<Given>,
}

impl Question {
    /// Of a line `(rule ?x ?y) ?x | 1 2`: what stands behind `|` are the numbers of nodes.
    fn new(line: &str, rules: &RuleSet, facts: &Arc<dyn Facts>) -> Self {
        let (question, given) = line.split_once('|').unwrap_or((line, ""));
        let (clauses, input) = question.rsplit_once(')').expect("clauses end in a bracket");
        let names = ["?k", "?v", "?x", "?y", "?z", "?w", "?o", "?n"];
        let found = names.iter().filter(|name| clauses.contains(**name)).copied().collect::<Vec<_>>().join(" ");
        let text = format!("[:find {found} :in $ % {input} :where {clauses})]");
        let node = |number: &str| Value::Long(FIRST + number.parse::<i64>().expect("a node"));
        let nodes = given.split_whitespace().map(node).collect::<Vec<_>>();
        let inputs = if input.contains('[') { vec![Value::vector(nodes)] } else { nodes };
        let checked = check::check(parse::query(&text).expect(&text), rules.clone());
        let given = [Given::Facts(Arc::clone(facts)), Given::Rules(rules.clone())];
        let given = given.into_iter().chain(inputs.into_iter().map(Given::Value)).collect();
        Self { checked: checked.unwrap_or_else(|error| panic!("{text}: {error}")), text, given }
    }

    fn asked(&self, tuning: Tuning, budget: &Budget) -> annals_query::Result<Vec<Vec<Value>>> {
        let options = Options { tuning: Tuning { small: Way::Never, ..tuning }, ..Options::default() };
        Ok(engine::answer(&self.checked, &self.given, &options, budget)?.rows)
    }

    fn all(&self, tuning: Tuning, budget: &Budget) -> Vec<Vec<Value>> {
        let mut rows = self.asked(tuning, budget).unwrap_or_else(|error| panic!("{}: {error}", self.text));
        rows.sort();
        rows
    }

    /// The least limit of bytes within which it is answered.
    fn bytes(&self) -> u64 {
        let is_enough = |limit: u64| match self.asked(Tuning::default(), &Budget::default().with_limit_bytes(limit)) {
            Ok(_) => true,
            Err(error) if error.code() == Code::LimitExceeded => false,
            Err(error) => panic!("{}: {error}", self.text),
        };
        let mut answered = 64;
        while !is_enough(answered) {
            answered *= 2;
        }
        let mut refused = answered / 2;
        while refused + 1 < answered {
            let limit = refused.midpoint(answered);
            *(if is_enough(limit) { &mut answered } else { &mut refused }) = limit;
        }
        answered
    }
}

/// The page, with every question as it is answered now.
fn written(page: &str) -> String {
    let rules = parse::rules(RULES).expect(RULES);
    let (mut text, mut current) = (String::new(), None);
    for line in page.lines().filter(|line| !line.starts_with("= ")) {
        writeln!(text, "{line}").expect("text grows");
        if let Some(name) = line.strip_prefix("# ") {
            current = Some(world(name));
        } else if line.starts_with('(') || line.starts_with('[') {
            let (facts, counted) = current.as_ref().expect("questions stand below their facts");
            let question = Question::new(line, &rules, facts);
            let budget = Budget::default();
            let read = || counted.as_ref().map_or(0, |facts| facts.read.load(Ordering::Relaxed));
            let before = read();
            let rows = question.all(Tuning::default(), &budget);
            write!(text, "= {} rows, {} read, {} steps", rows.len(), read() - before, budget.steps()).expect("text grows");
            for (name, tuning) in [
                ("lookups", Tuning { lookups: Way::Never, hops: Way::Never, ..Tuning::default() }),
                ("hops", Tuning { hops: Way::Never, ..Tuning::default() }),
                ("loops", Tuning { loops: Way::Never, ..Tuning::default() }),
            ] {
                let budget = Budget::default();
                assert!(question.all(tuning, &budget) == rows, "{line}: other rows without {name}");
                write!(text, ", without {name} {}", budget.steps()).expect("text grows");
            }
            if budget.steps() < 25_000 {
                write!(text, ", {} bytes", question.bytes()).expect("text grows");
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn what_a_recursive_rule_costs_is_as_written_down() {
    let page = include_str!("rule_costs/costs.txt");
    let now = written(page);
    if std::env::var("SHOW").is_ok_and(|shown| shown == "rules") {
        print!("{now}");
        return;
    }
    let mut question = "";
    for (expected, found) in page.lines().zip(now.lines()) {
        assert_eq!(found, expected, "{question}: if this is meant: query/tests/rule_costs/accept");
        question = expected;
    }
    assert_eq!(page.lines().count(), now.lines().count(), "a line of costs below each question");
}
