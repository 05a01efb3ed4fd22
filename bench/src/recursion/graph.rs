//! Graphs by a fixed seed, the search that is the floor of closures, and the same edges as facts and as rows.

use annals::store::Durability;
use annals::transact::{EntityTerm, TxData, ValueTerm};
use annals::{Connection, Options, Value};

use crate::chance::Chance;

/// Nodes from 0, and edges.
#[derive(Clone)]
pub struct Graph {
    pub nodes: u32,
    pub edges: Vec<(u32, u32)>,
}

impl Graph {
    /// So many edges in a row.
    pub fn chain(edges: u32) -> Self {
        Self { nodes: edges + 1, edges: (0..edges).map(|at| (at, at + 1)).collect() }
    }

    /// A tree from its root.
    pub fn tree(depth: u32, fanout: u32) -> Self {
        let inner: u32 = (0..depth).map(|level| fanout.pow(level)).sum();
        let edges: Vec<(u32, u32)> = (0..inner).flat_map(|at| (1..=fanout).map(move |child| (at, at * fanout + child))).collect();
        Self { nodes: edges.len() as u32 + 1, edges }
    }

    /// So many different edges by chance.
    pub fn random(nodes: u32, edges: usize) -> Self {
        let mut chance = Chance::new(7);
        let mut drawn = std::collections::BTreeSet::new();
        while drawn.len() < edges {
            drawn.insert((chance.below(u64::from(nodes)) as u32, chance.below(u64::from(nodes)) as u32));
        }
        Self { nodes, edges: drawn.into_iter().collect() }
    }

    /// Where each node's edges lead, in one array.
    pub fn adjacency(&self) -> Adjacency {
        let mut starts = vec![0_u32; self.nodes as usize + 1];
        for (from, _) in &self.edges {
            starts[*from as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let (mut next, mut heads) = (starts.clone(), vec![0; self.edges.len()]);
        for (from, to) in &self.edges {
            heads[next[*from as usize] as usize] = *to;
            next[*from as usize] += 1;
        }
        Adjacency { starts, heads }
    }

    /// The same edges in a store: `:edge` from entity to entity, `:number` of each node. Gives the entities of the nodes.
    pub fn store(&self) -> (tempfile::TempDir, Connection, Vec<i64>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = Options { durability: Durability::Normal, ..Options::default() };
        let connection = Connection::open_with(folder.path().join("graph.db"), options).expect("a store");
        connection
            .transact("[{:db/ident :edge :db/valueType :db.type/ref :db/cardinality :db.cardinality/many}]")
            .expect("the declaration is right");
        let mut data = TxData::new();
        let nodes: Vec<EntityTerm> = (0..self.nodes).map(|_| data.fresh()).collect();
        for (at, node) in nodes.iter().enumerate() {
            data.add(node.clone(), "number", ValueTerm::Value(Value::from(at as i64)));
        }
        for (from, to) in &self.edges {
            data.add(nodes[*from as usize].clone(), "edge", ValueTerm::Entity(nodes[*to as usize].clone()));
        }
        let report = connection.transact_data(&data).expect("the edges are right");
        let entities = nodes.iter().map(|node| report.id_of(node).expect("every node has an entity")).collect();
        (folder, connection, entities)
    }

    /// The same edges as a table of SQLite in memory.
    pub fn table(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open_in_memory().expect("SQLite in memory");
        connection
            .execute_batch("CREATE TABLE edge (x INTEGER, y INTEGER, PRIMARY KEY (x, y)) WITHOUT ROWID; BEGIN")
            .expect("the schema is right");
        let mut insert = connection.prepare("INSERT INTO edge VALUES (?, ?)").expect("the statement is right");
        for edge in &self.edges {
            insert.execute(rusqlite::params![edge.0, edge.1]).expect("an edge goes in");
        }
        drop(insert);
        connection.execute_batch("COMMIT; ANALYZE").expect("SQLite commits");
        connection
    }
}

/// Edges by their first node.
pub struct Adjacency {
    starts: Vec<u32>,
    heads: Vec<u32>,
}

impl Adjacency {
    /// Where this node's edges lead.
    pub fn of(&self, node: u32) -> &[u32] {
        &self.heads[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    fn nodes(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// What each node reaches, as pairs: one search from each.
    pub fn closure(&self) -> Vec<(u32, u32)> {
        let mut pairs = Vec::new();
        let (mut seen, mut waiting) = (vec![u32::MAX; self.nodes() as usize], Vec::new());
        for from in 0..self.nodes() {
            self.search(from, from, &mut seen, &mut waiting, |to| pairs.push((from, to)));
        }
        pairs
    }

    /// What one node reaches.
    pub fn reach(&self, from: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let (mut seen, mut waiting) = (vec![u32::MAX; self.nodes() as usize], Vec::new());
        self.search(from, 0, &mut seen, &mut waiting, |to| found.push(to));
        found
    }

    fn search(&self, from: u32, stamp: u32, seen: &mut [u32], waiting: &mut Vec<u32>, mut take: impl FnMut(u32)) {
        waiting.push(from);
        while let Some(node) = waiting.pop() {
            for &to in self.of(node) {
                if seen[to as usize] != stamp {
                    seen[to as usize] = stamp;
                    take(to);
                    waiting.push(to);
                }
            }
        }
    }
}
