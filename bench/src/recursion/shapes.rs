//! Rules of other shapes than a closure: same generation, points-to, mutual recursion, a rule with a predicate.

use std::hint::black_box;

use annals::store::Durability;
use annals::transact::{EntityTerm, TxData, ValueTerm};
use annals::{Connection, Options};

use super::graph::Graph;
use super::seminaive::Relation;
use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::chance::Chance;
use crate::scale::Scale;
use crate::sheet::{Line, Sheet, Target};
use crate::turns::{Contestant, Turns};

const SAME_GENERATION: &str = "[[(sg ?x ?y) [?z :edge ?x] [?z :edge ?y]]
                                [(sg ?x ?y) [?a :edge ?x] (sg ?a ?b) [?b :edge ?y]]]";
const ODD: &str = "[[(odd ?x ?y) [?x :edge ?y]]
                    [(odd ?x ?y) (even ?x ?z) [?z :edge ?y]]
                    [(even ?x ?y) (odd ?x ?z) [?z :edge ?y]]]";
const RISING: &str = "[[(up ?x ?y) [?x :edge ?y] [?x :number ?a] [?y :number ?b] [(< ?a ?b)]]
                       [(up ?x ?y) (up ?x ?z) [?z :edge ?y] [?z :number ?a] [?y :number ?b] [(< ?a ?b)]]]";
const POINTS_TO: &str = "[[(points ?v ?o) [?v :new ?o]]
                          [(points ?v ?o) [?v :assign ?w] (points ?w ?o)]
                          [(points ?v ?o) [?v :load ?b] (points ?b ?p) (holds ?p ?o)]
                          [(holds ?p ?o) [?b :store ?w] (points ?b ?p) (points ?w ?o)]]";

/// Measures rules of one shape.
type Measure = fn(&str, Scale, Turns) -> Line;

/// All shapes.
pub fn sheet(arguments: &Arguments, turns: Turns) -> Sheet {
    let scale = arguments.scale;
    let lines: [(&str, Measure); 4] = [
        ("same generation", same_generation),
        ("points-to", points_to),
        ("mutual recursion", mutual),
        ("rule with predicate", rising),
    ];
    let lines = lines.into_iter().filter(|(name, _)| arguments.wants(name)).map(|(name, measure)| measure(name, scale, turns));
    Sheet {
        title: "Rules of other shapes".into(),
        about: "Beside semi-naive loops by hand. Same generation in a tree; Andersen's points-to; paths of odd length by two rules that call \
                each other; paths along rising numbers."
            .into(),
        of: "rules",
        unit: "ms",
        ours: 1,
        columns: ["Annals", "semi-naive"].map(str::to_owned).to_vec(),
        lines: lines.collect(),
    }
}

fn beside(name: &str, turns: Turns, asked: &Asked<'_>, mut by_hand: impl FnMut() -> usize) -> Line {
    let mut contestants: Vec<Contestant<'_>> = vec![Box::new(|| asked.rows()), Box::new(|| Some(by_hand()))];
    let took = turns.take(&mut contestants);
    let rows = took[1].map(|took| took.rows);
    assert!(took[0].is_none() || took[0].map(|took| took.rows) == rows, "{name}: both find the same rows");
    Line {
        name: name.to_owned(),
        rows,
        figures: took.iter().map(|took| took.map(|took| took.ms)).collect(),
        target: Some(Target::Times(2.0, &[1])),
    }
}

fn of_graph(name: &str, graph: &Graph, turns: Turns, rules: &str, rule: &str, by_hand: impl FnMut() -> usize) -> Line {
    let (_folder, connection, _) = graph.store();
    let db = connection.db().expect("a value of the store");
    let asked = Asked::new(&db, &format!("[:find ?x ?y :in $ % :where ({rule} ?x ?y)]"), vec![rules.into()]);
    beside(name, turns, &asked, by_hand)
}

fn same_generation(name: &str, scale: Scale, turns: Turns) -> Line {
    let graph = Graph::tree(scale.of(3, 5), 3);
    let children = graph.adjacency();
    of_graph(name, &graph, turns, SAME_GENERATION, "sg", || {
        let mut found = Relation::default();
        for node in 0..graph.nodes {
            for &x in children.of(node) {
                for &y in children.of(node) {
                    found.add(x, y);
                }
            }
        }
        loop {
            let delta = found.delta();
            if delta.is_empty() {
                return black_box(found.pairs()).len();
            }
            for (a, b) in delta {
                for &x in children.of(a) {
                    for &y in children.of(b) {
                        found.add(x, y);
                    }
                }
            }
        }
    })
}

fn mutual(name: &str, scale: Scale, turns: Turns) -> Line {
    let graph = scale.of(Graph::random(100, 130), Graph::random(1_000, 1_300));
    let adjacency = graph.adjacency();
    of_graph(name, &graph, turns, ODD, "odd", || {
        let (mut odd, mut even) = (Relation::default(), Relation::default());
        for &(x, y) in &graph.edges {
            odd.add(x, y);
        }
        loop {
            let (of_odd, of_even) = (odd.delta(), even.delta());
            if of_odd.is_empty() && of_even.is_empty() {
                return black_box(odd.pairs()).len();
            }
            for (x, z) in of_odd {
                for &y in adjacency.of(z) {
                    even.add(x, y);
                }
            }
            for (x, z) in of_even {
                for &y in adjacency.of(z) {
                    odd.add(x, y);
                }
            }
        }
    })
}

fn rising(name: &str, scale: Scale, turns: Turns) -> Line {
    let graph = scale.of(Graph::random(200, 1_000), Graph::random(1_000, 6_000));
    let adjacency = graph.adjacency();
    of_graph(name, &graph, turns, RISING, "up", || {
        let mut found = Relation::default();
        for &(x, y) in graph.edges.iter().filter(|(x, y)| x < y) {
            found.add(x, y);
        }
        loop {
            let delta = found.delta();
            if delta.is_empty() {
                return black_box(found.pairs()).len();
            }
            for (x, z) in delta {
                for &y in adjacency.of(z).iter().filter(|y| **y > z) {
                    found.add(x, y);
                }
            }
        }
    })
}

/// A program by chance: which variable is given a new object, another variable, what lies behind one, or is stored behind one.
struct Program {
    variables: u32,
    /// News, assignments, loads and stores, each as pairs.
    parts: [(&'static str, Vec<(u32, u32)>); 4],
}

impl Program {
    fn random(variables: u32) -> Self {
        let mut chance = Chance::new(11);
        let mut pairs = |count: u32, second: u32| {
            let drawn: std::collections::BTreeSet<(u32, u32)> =
                (0..count).map(|_| (chance.below(u64::from(variables)) as u32, chance.below(u64::from(second)) as u32)).collect();
            drawn.into_iter().collect::<Vec<_>>()
        };
        let objects = variables / 4;
        let parts = [
            ("new", pairs(objects, objects)),
            ("assign", pairs(variables * 9 / 10, variables)),
            ("load", pairs(variables / 8, variables)),
            ("store", pairs(variables / 8, variables)),
        ];
        Self { variables, parts }
    }

    fn store(&self) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = Options { durability: Durability::Normal, ..Options::default() };
        let connection = Connection::open_with(folder.path().join("program.db"), options).expect("a store");
        let declared: String = (self.parts.iter())
            .map(|(name, _)| format!("{{:db/ident :{name} :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}}"))
            .collect();
        connection.transact(&format!("[{declared}]")).expect("the declaration is right");
        let mut data = TxData::new();
        let variables: Vec<EntityTerm> = (0..self.variables).map(|_| data.fresh()).collect();
        let objects: Vec<EntityTerm> = (0..self.variables).map(|_| data.fresh()).collect();
        for (at, node) in variables.iter().chain(&objects).enumerate() {
            data.add(node.clone(), "number", ValueTerm::Value((at as i64).into()));
        }
        for (name, pairs) in &self.parts {
            let seconds = if *name == "new" { &objects } else { &variables };
            for (first, second) in pairs {
                data.add(variables[*first as usize].clone(), *name, ValueTerm::Entity(seconds[*second as usize].clone()));
            }
        }
        connection.transact_data(&data).expect("the program is right");
        (folder, connection)
    }

    /// The pairs of a part, found by their second or first place.
    fn by(&self, part: usize, is_by_second: bool) -> super::graph::Adjacency {
        let turned = self.parts[part].1.iter().map(|&(x, y)| if is_by_second { (y, x) } else { (x, y) });
        Graph { nodes: self.variables, edges: turned.collect() }.adjacency()
    }
}

fn points_to(name: &str, scale: Scale, turns: Turns) -> Line {
    let program = Program::random(scale.of(200, 2_000));
    let (_folder, connection) = program.store();
    let db = connection.db().expect("a value of the store");
    let asked = Asked::new(&db, "[:find ?v ?o :in $ % :where (points ?v ?o)]", vec![POINTS_TO.into()]);
    let (assigned_to, loaded_to) = (program.by(1, true), program.by(2, true));
    let (stored_in, stores_of) = (program.by(3, false), program.by(3, true));
    beside(name, turns, &asked, || {
        let (mut points, mut holds) = (Relation::default(), Relation::default());
        let n = program.variables as usize;
        // What is known of each variable and each object, for joins from the other side.
        let (mut points_of, mut loaders_of, mut held_by) = (vec![Vec::new(); n], vec![Vec::new(); n], vec![Vec::new(); n]);
        for &(v, o) in &program.parts[0].1 {
            points.add(v, o);
        }
        loop {
            let (of_points, of_holds) = (points.delta(), holds.delta());
            if of_points.is_empty() && of_holds.is_empty() {
                return black_box(points.pairs()).len();
            }
            for &(v, o) in &of_points {
                points_of[v as usize].push(o);
                loaders_of[o as usize].extend_from_slice(loaded_to.of(v));
            }
            for &(p, o) in &of_holds {
                held_by[p as usize].push(o);
                for &v in &loaders_of[p as usize] {
                    points.add(v, o);
                }
            }
            for (w, o) in of_points {
                for &v in assigned_to.of(w) {
                    points.add(v, o);
                }
                for &v in loaded_to.of(w) {
                    for &held in &held_by[o as usize] {
                        points.add(v, held);
                    }
                }
                for &b in stores_of.of(w) {
                    for &p in &points_of[b as usize] {
                        holds.add(p, o);
                    }
                }
                for &stored in stored_in.of(w) {
                    for &held in &points_of[stored as usize] {
                        holds.add(o, held);
                    }
                }
            }
        }
    })
}
