//! Semi-naive loops as one writes them by hand: what is new joins what it can, until nothing is new.

use rustc_hash::FxHashSet;

use super::graph::Adjacency;

/// Pairs that were found, and those of them that were not used yet.
#[derive(Default)]
pub struct Relation {
    seen: FxHashSet<u64>,
    fresh: Vec<(u32, u32)>,
}

impl Relation {
    /// Notes a pair; true if it is new.
    pub fn add(&mut self, x: u32, y: u32) -> bool {
        let is_new = self.seen.insert(u64::from(x) << 32 | u64::from(y));
        if is_new {
            self.fresh.push((x, y));
        }
        is_new
    }

    /// What is new since the last call.
    pub fn delta(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.fresh)
    }

    /// All pairs.
    pub fn pairs(self) -> Vec<(u32, u32)> {
        self.seen.into_iter().map(|pair| ((pair >> 32) as u32, pair as u32)).collect()
    }
}

/// `tc(x, y) <- edge(x, y)`, `tc(x, y) <- tc(x, z), edge(z, y)`.
pub fn closure(edges: &[(u32, u32)], adjacency: &Adjacency) -> Vec<(u32, u32)> {
    let mut found = Relation::default();
    for &(x, y) in edges {
        found.add(x, y);
    }
    loop {
        let delta = found.delta();
        if delta.is_empty() {
            return found.pairs();
        }
        for (x, z) in delta {
            for &y in adjacency.of(z) {
                found.add(x, y);
            }
        }
    }
}

/// `reach(y) <- edge(from, y)`, `reach(y) <- reach(z), edge(z, y)`.
pub fn reach(from: u32, adjacency: &Adjacency) -> Vec<u32> {
    let mut found: FxHashSet<u32> = adjacency.of(from).iter().copied().collect();
    let mut delta: Vec<u32> = found.iter().copied().collect();
    while !delta.is_empty() {
        let mut fresh = Vec::new();
        for z in delta {
            fresh.extend(adjacency.of(z).iter().copied().filter(|&y| found.insert(y)));
        }
        delta = fresh;
    }
    found.into_iter().collect()
}
