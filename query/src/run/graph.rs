//! A graph of numbered nodes, and a search in it that gives what it reached in ascending order.

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
    /// Of `sources` nodes and an edge from each of `from` to the one in the same place of `to`.
    pub(crate) fn new(sources: usize, from: &[u32], to: &[u32], budget: &Budget) -> Result<Self> {
        budget.take_bytes((sources + to.len()) as u64 * 4)?;
        let mut offsets = vec![0_u32; sources + 1];
        let mut is_ascending = true;
        let mut last = 0;
        for chunk in from.chunks(CHUNK_ROWS) {
            budget.spend_steps(chunk.len() as u64)?;
            for node in chunk {
                is_ascending &= *node >= last;
                last = *node;
                offsets[*node as usize + 1] += 1;
            }
        }
        budget.spend_steps(sources as u64 / 16)?;
        for node in 0..sources {
            offsets[node + 1] += offsets[node];
        }
        if is_ascending {
            return Ok(Self { offsets, targets: to.to_vec() });
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

    /// The same edges from the other end, where there are `targets` nodes.
    pub(crate) fn reversed(&self, targets: usize, budget: &Budget) -> Result<Self> {
        let mut from = Vec::with_capacity(self.targets.len());
        for node in 0..self.sources() as u32 {
            from.resize(from.len() + self.of(node).len(), node);
        }
        Self::new(targets, &self.targets, &from, budget)
    }

    /// Where a node leads to.
    #[inline]
    pub(crate) fn of(&self, node: u32) -> &[u32] {
        &self.targets[self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize]
    }

    /// Where all nodes lead to, in their order.
    pub(crate) fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// How many nodes edges may start from.
    pub(crate) fn sources(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many edges there are.
    pub(crate) fn edges(&self) -> usize {
        self.targets.len()
    }

    /// True if every edge of `other` is one of these.
    pub(crate) fn contains(&self, other: &Self, targets: usize, budget: &Budget) -> Result<bool> {
        let mut last_of = vec![0_u32; targets];
        budget.spend_steps((self.edges() + other.edges()) as u64)?;
        let holds = (0..other.sources().min(self.sources()) as u32).all(|node| {
            self.of(node).iter().for_each(|target| last_of[*target as usize] = node + 1);
            other.of(node).iter().all(|target| last_of[*target as usize] == node + 1)
        });
        Ok(holds && other.sources() <= self.sources())
    }
}

/// The nodes reached from a start.
#[derive(Debug)]
pub(crate) struct Reached {
    /// A bit a node.
    pub(crate) words: Vec<u64>,
    /// In the order in which they were reached.
    queue: Vec<u32>,
}

impl Reached {
    /// None of so many.
    pub(crate) fn new(nodes: usize, budget: &Budget) -> Result<Self> {
        let words = nodes.div_ceil(64);
        budget.check_bytes(words as u64 * 8)?;
        Ok(Self { words: vec![0; words], queue: Vec::new() })
    }

    /// True if the node was not reached before.
    #[inline]
    pub(crate) fn mark(&mut self, node: u32) -> bool {
        let (word, bit) = (&mut self.words[node as usize / 64], 1_u64 << (node % 64));
        let is_new = *word & bit == 0;
        if is_new {
            *word |= bit;
            self.queue.push(node);
        }
        is_new
    }

    /// Goes on from all that was reached until nothing new comes, or `stop` says so of a node. Gives the number of edges that were walked.
    pub(crate) fn spread(&mut self, steps: &Adjacency, budget: &Budget, mut stop: impl FnMut(u32) -> bool) -> Result<usize> {
        let (mut next, mut walked) = (0, 0);
        if self.queue.iter().any(|node| stop(*node)) {
            return Ok(0);
        }
        while let Some(node) = self.queue.get(next).copied() {
            next += 1;
            let targets = steps.of(node);
            walked += targets.len();
            for target in targets {
                if self.mark(*target) && stop(*target) {
                    return Ok(walked);
                }
            }
            if next.is_multiple_of(CHUNK_ROWS) {
                budget.spend_steps(CHUNK_ROWS as u64)?;
                budget.check_rows(self.queue.len())?;
            }
        }
        budget.spend_steps((walked + self.queue.len() + 1) as u64)?;
        Ok(walked)
    }

    /// The nodes reached so far, in no order.
    pub(crate) fn nodes(&self) -> &[u32] {
        &self.queue
    }

    /// Hands over all that was reached, ascending, and forgets it.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(u32)) {
        let (least, most) = self.queue.iter().fold((u32::MAX, 0), |(least, most), node| (least.min(*node), most.max(*node)));
        if self.queue.is_empty() {
            return;
        }
        let range = least as usize / 64..most as usize / 64 + 1;
        if self.queue.len() * 4 < range.len() {
            self.queue.sort_unstable();
            for node in &self.queue {
                self.words[*node as usize / 64] = 0;
                take(*node);
            }
        } else {
            let first = range.start as u32 * 64;
            drain_words(&mut self.words[range], first, take);
        }
        self.queue.clear();
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.queue.drain(..).for_each(|node| self.words[node as usize / 64] = 0);
    }
}

/// Hands over the number of each bit that is set, counting from `first`, and clears it.
#[inline]
pub(crate) fn drain_words(words: &mut [u64], first: u32, mut take: impl FnMut(u32)) {
    for (at, word) in words.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
        let base = first + at as u32 * 64;
        let mut bits = std::mem::take(word);
        if bits == u64::MAX {
            (base..base + 64).for_each(&mut take);
            continue;
        }
        while bits != 0 {
            take(base + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Adjacency, Reached};
    use crate::budget::Budget;

    #[track_caller]
    fn check(nodes: usize, edges: &[(u32, u32)], start: u32, expected: &[u32]) {
        let budget = Budget::default();
        let (from, to): (Vec<_>, Vec<_>) = edges.iter().copied().unzip();
        let graph = Adjacency::new(nodes, &from, &to, &budget).expect("nothing limits it");
        let back = graph.reversed(nodes, &budget).and_then(|back| back.reversed(nodes, &budget)).expect("nothing limits it");
        for graph in [graph, back] {
            let mut reached = Reached::new(nodes, &budget).expect("nothing limits it");
            for _ in 0..2 {
                for node in graph.of(start) {
                    reached.mark(*node);
                }
                reached.spread(&graph, &budget, |_| false).expect("nothing limits it");
                let mut found = Vec::new();
                reached.drain(|node| found.push(node));
                assert_eq!(found, expected, "from {start} in {edges:?}");
            }
        }
    }

    #[test]
    fn what_is_reached_comes_in_ascending_order_once() {
        check(1, &[], 0, &[]);
        check(3, &[(2, 0), (0, 1), (1, 0)], 2, &[0, 1]);
        check(3, &[(0, 0), (0, 0)], 0, &[0]);
        let chain = (0..299).rev().map(|node| (node, node + 1)).collect::<Vec<_>>();
        check(300, &chain, 10, &(11..300).collect::<Vec<_>>());
        check(9_000, &[(8_999, 3), (3, 5_000)], 8_999, &[3, 5_000]);
    }

    fn graph(sources: usize, edges: &[(u32, u32)]) -> Adjacency {
        let (from, to): (Vec<_>, Vec<_>) = edges.iter().copied().unzip();
        Adjacency::new(sources, &from, &to, &Budget::default()).expect("nothing limits it")
    }

    #[test]
    fn a_graph_contains_another_if_it_has_all_its_edges() {
        let own = [(0, 1), (0, 3), (2, 0), (2, 2)];
        for (sources, other, expected) in [
            (3, &[][..], true),
            (3, &[(0, 1)], true),
            (3, &[(2, 2), (0, 3), (0, 3)], true),
            (1, &[(0, 3)], true),
            (3, &own, true),
            (3, &[(0, 0)], false),
            (3, &[(1, 1)], false),
            // What another node leads to does not count, whether it comes before or after.
            (3, &[(1, 3)], false),
            (3, &[(0, 2)], false),
            (3, &[(2, 1)], false),
            (4, &[(3, 0)], false),
            (4, &[(0, 1)], false),
        ] {
            let budget = Budget::default();
            let holds = graph(3, &own).contains(&graph(sources, other), 4, &budget).expect("nothing limits it");
            assert_eq!(holds, expected, "{other:?} of {sources}");
            assert_eq!(budget.steps(), (own.len() + other.len()) as u64);
        }
    }

    #[test]
    fn what_was_reached_is_handed_over_once_wherever_it_lies() {
        let mut reached = Reached::new(10_000, &Budget::default()).expect("nothing limits it");
        let full = (128..192).collect::<Vec<_>>();
        for nodes in [
            &[9_999][..],
            &[0],
            &[63, 64],
            &[9_999, 0],
            &[5_000, 4_999, 5_100, 5_063, 5_064],
            &full,
            &[1, 200, 300, 400, 500, 600, 700, 1_100],
            &[3, 3_000, 6_000],
        ] {
            for is_cleared in [true, false] {
                assert!(nodes.iter().all(|node| reached.mark(*node)));
                assert!(!nodes.iter().any(|node| reached.mark(*node)));
                assert_eq!(reached.nodes(), nodes);
                let (mut found, mut expected) = (Vec::new(), nodes.to_vec());
                if is_cleared {
                    reached.clear();
                    expected.clear();
                }
                reached.drain(|node| found.push(node));
                expected.sort_unstable();
                assert_eq!(found, expected);
                assert!(reached.nodes().is_empty() && reached.words.iter().all(|word| *word == 0));
            }
        }
    }

    #[test]
    fn a_search_stops_where_it_is_told_and_says_how_many_edges_it_walked() {
        let chain = graph(10, &(0..9).map(|node| (node, node + 1)).chain([(0, 5), (3, 3)]).collect::<Vec<_>>());
        for (stop, walked, last) in [(0, 0, 0), (1, 2, 1), (5, 2, 5), (3, 5, 3), (99, 11, 9)] {
            let mut reached = Reached::new(10, &Budget::default()).expect("nothing limits it");
            reached.mark(0);
            let found = reached.spread(&chain, &Budget::default(), |node| node == stop).expect("nothing limits it");
            assert_eq!((found, reached.nodes().contains(&last)), (walked, true), "until {stop}");
        }
    }
}
