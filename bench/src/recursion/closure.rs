//! Closures and what one node reaches.

use std::hint::black_box;

use annals::{Input, Value};

use super::graph::Graph;
use super::{frog, seminaive};
use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::scale::Scale;
use crate::sheet::{Line, Sheet, Target};
use crate::sqlite;
use crate::turns::{Contestant, Turns};

/// The same closure: the call first, last, and twice.
const SPELLINGS: [&str; 3] = [
    "[[(tc ?x ?y) [?x :edge ?y]] [(tc ?x ?y) (tc ?x ?z) [?z :edge ?y]]]",
    "[[(tc ?x ?y) [?x :edge ?y]] [(tc ?x ?y) [?x :edge ?z] (tc ?z ?y)]]",
    "[[(tc ?x ?y) [?x :edge ?y]] [(tc ?x ?y) (tc ?x ?z) (tc ?z ?y)]]",
];
const WHOLE: &str = "[:find ?x ?y :in $ % :where (tc ?x ?y)]";
const REACHED: &str = "[:find ?y :in $ % ?from :where (tc ?from ?y)]";
const CTE: &str =
    "WITH RECURSIVE tc(x, y) AS (SELECT x, y FROM edge UNION SELECT tc.x, edge.y FROM tc JOIN edge ON edge.x = tc.y)
                   SELECT x, y FROM tc";
const REACH_CTE: &str = "WITH RECURSIVE reach(y) AS (SELECT y FROM edge WHERE x = 0 UNION
                         SELECT edge.y FROM reach JOIN edge ON edge.x = reach.y) SELECT y FROM reach";

fn graphs(scale: Scale) -> Vec<(&'static str, bool, Graph)> {
    let small = vec![
        ("tc-chain100", true, Graph::chain(100)),
        ("tc-tree5x3", true, Graph::tree(5, 3)),
        ("tc-rand_200_300", true, Graph::random(200, 300)),
        ("reach-chain1000", false, Graph::chain(1_000)),
        ("reach-rand_500_1k", false, Graph::random(500, 1_000)),
    ];
    let full = || {
        vec![
            ("tc-chain100", true, Graph::chain(100)),
            ("tc-chain1000", true, Graph::chain(1_000)),
            ("tc-tree8x3", true, Graph::tree(8, 3)),
            ("tc-rand_1k_1500", true, Graph::random(1_000, 1_500)),
            ("tc-rand_10k_10k", true, Graph::random(10_000, 10_000)),
            ("reach-chain10000", false, Graph::chain(10_000)),
            ("reach-rand_5k_10k", false, Graph::random(5_000, 10_000)),
        ]
    };
    if scale == Scale::Small { small } else { full() }
}

/// All graphs.
pub fn sheet(arguments: &Arguments, turns: Turns) -> Sheet {
    let asked = graphs(arguments.scale).into_iter().filter(|(name, ..)| arguments.wants(name));
    Sheet {
        title: "Closures".into(),
        about: "`tc`: the whole closure; `reach`: what the first node reaches. Rows handed out. The same rules spelled with the call first \
                (left), last (right) and twice (double); the slowest counts. Beside them a search on adjacency arrays from each node, a \
                semi-naive loop by hand, datafrog, and SQLite's recursive CTE."
            .into(),
        of: "graph",
        unit: "ms",
        ours: 3,
        columns: ["left", "right", "double", "search", "semi-naive", "datafrog", "SQLite CTE"].map(str::to_owned).to_vec(),
        lines: asked.map(|(name, is_whole, graph)| line(name, is_whole, &graph, turns)).collect(),
    }
}

fn line(name: &str, is_whole: bool, graph: &Graph, turns: Turns) -> Line {
    let (_folder, connection, entities) = graph.store();
    let db = connection.db().expect("a value of the store");
    let (table, adjacency) = (graph.table(), graph.adjacency());
    let asked = SPELLINGS.map(|rules| {
        let mut inputs: Vec<Input> = vec![rules.into()];
        if !is_whole {
            inputs.push(Value::Ref(entities[0]).into());
        }
        Asked::new(&db, if is_whole { WHOLE } else { REACHED }, inputs)
    });
    let mut statement = sqlite::prepare(&table, if is_whole { CTE } else { REACH_CTE });
    let mut contestants: Vec<Contestant<'_>> = asked.iter().map(|asked| Box::new(|| asked.rows()) as Contestant<'_>).collect();
    if is_whole {
        contestants.push(Box::new(|| Some(black_box(adjacency.closure()).len())));
        contestants.push(Box::new(|| Some(black_box(seminaive::closure(&graph.edges, &adjacency)).len())));
        contestants.push(Box::new(|| Some(frog::closure(&graph.edges))));
    } else {
        contestants.push(Box::new(|| Some(black_box(adjacency.reach(0)).len())));
        contestants.push(Box::new(|| Some(black_box(seminaive::reach(0, &adjacency)).len())));
        contestants.push(Box::new(|| Some(frog::reach(&graph.edges, 0))));
    }
    contestants.push(Box::new(|| Some(sqlite::rows_of(&mut statement, &[]))));
    let took = turns.take(&mut contestants);
    let rows = took.iter().flatten().next().map(|took| took.rows);
    for other in took.iter().flatten() {
        assert_eq!(Some(other.rows), rows, "{name}: all find the same rows");
    }
    Line {
        name: name.to_owned(),
        rows,
        figures: took.iter().map(|took| took.map(|took| took.ms)).collect(),
        target: Some(Target::Times(3.0, &[3])),
    }
}
