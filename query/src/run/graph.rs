//! A graph of numbered nodes, and a search in it from many starts.

use crate::budget::Budget;
use crate::error::Result;
use crate::run::join::CHUNK_ROWS;

/// The nodes that each node leads to, in one array.
#[derive(Clone, Debug)]
pub(crate) struct Adjacency {
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl Adjacency {
    /// Of `nodes` nodes and an edge from each of `from` to the one in the same place of `to`.
    pub(crate) fn new(nodes: usize, from: &[u32], to: &[u32], budget: &Budget) -> Result<Self> {
        let mut offsets = vec![0_u32; nodes + 1];
        for chunk in from.chunks(CHUNK_ROWS) {
            budget.spend_steps(chunk.len() as u64)?;
            for node in chunk {
                offsets[*node as usize + 1] += 1;
            }
        }
        for node in 0..nodes {
            offsets[node + 1] += offsets[node];
        }
        let mut next = offsets.clone();
        let mut targets = vec![0; to.len()];
        for (from, to) in from.chunks(CHUNK_ROWS).zip(to.chunks(CHUNK_ROWS)) {
            budget.spend_steps(from.len() as u64)?;
            for (from, to) in from.iter().zip(to) {
                let place = &mut next[*from as usize];
                targets[*place as usize] = *to;
                *place += 1;
            }
        }
        Ok(Self { offsets, targets })
    }

    #[inline]
    fn of(&self, node: u32) -> &[u32] {
        &self.targets[self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize]
    }
}

/// Any number of steps, with an edge behind or before them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'g> {
    /// Taken once.
    pub(crate) edges: &'g Adjacency,
    /// Taken any number of times.
    pub(crate) steps: &'g Adjacency,
    /// True if the edge comes before the steps.
    pub(crate) is_edge_first: bool,
}

/// Marks of nodes, cleared for each start by counting on.
struct Marks {
    seen: Vec<u32>,
    round: u32,
}

impl Marks {
    fn new(nodes: usize) -> Self {
        Self { seen: vec![0; nodes], round: 0 }
    }

    /// True if the node was not marked in this round.
    #[inline]
    fn mark(&mut self, node: u32) -> bool {
        let seen = &mut self.seen[node as usize];
        let is_new = *seen != self.round;
        *seen = self.round;
        is_new
    }
}

impl Search<'_> {
    /// All pairs of a start and a node it reaches, each once.
    pub(crate) fn run(&self, nodes: usize, starts: &[u32], budget: &Budget) -> Result<(Vec<u32>, Vec<u32>)> {
        let (mut from, mut to) = (Vec::new(), Vec::new());
        let (mut stepped, mut reached) = (Marks::new(nodes), Marks::new(nodes));
        let mut open = Vec::new();
        for start in starts {
            stepped.round += 1;
            reached.round += 1;
            let before = to.len();
            if self.is_edge_first {
                self.edge_then_steps(*start, &mut reached, &mut to, budget)?;
            } else {
                open.clear();
                open.push(*start);
                stepped.mark(*start);
                self.steps_then_edge(&mut stepped, &mut reached, &mut open, &mut to, budget)?;
            }
            from.resize(to.len(), *start);
            budget.spend_steps((to.len() - before + 1) as u64)?;
            budget.check_rows(to.len())?;
        }
        Ok((from, to))
    }

    /// The part of `to` that belongs to this start is the queue of the search.
    fn edge_then_steps(&self, start: u32, reached: &mut Marks, to: &mut Vec<u32>, budget: &Budget) -> Result<()> {
        let mut next = to.len();
        to.extend(self.edges.of(start).iter().filter(|node| reached.mark(**node)));
        while let Some(node) = to.get(next).copied() {
            next += 1;
            to.extend(self.steps.of(node).iter().filter(|node| reached.mark(**node)));
            if next.is_multiple_of(CHUNK_ROWS) {
                budget.spend_steps(CHUNK_ROWS as u64)?;
                budget.check_rows(to.len())?;
            }
        }
        Ok(())
    }

    /// `open` holds the start, marked.
    fn steps_then_edge(
        &self,
        stepped: &mut Marks,
        reached: &mut Marks,
        open: &mut Vec<u32>,
        to: &mut Vec<u32>,
        budget: &Budget,
    ) -> Result<()> {
        let mut visited = 0;
        while let Some(node) = open.pop() {
            to.extend(self.edges.of(node).iter().filter(|node| reached.mark(**node)));
            open.extend(self.steps.of(node).iter().filter(|node| stepped.mark(**node)));
            visited += 1;
            if usize::is_multiple_of(visited, CHUNK_ROWS) {
                budget.spend_steps(CHUNK_ROWS as u64)?;
                budget.check_rows(to.len())?;
            }
        }
        Ok(())
    }
}
