//! A graph of numbered nodes, and a search in it that gives what it reached in ascending order.

use std::ops::Range;

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
        if let Some(offsets) = offsets_of_ascending(sources, from, budget)? {
            return Ok(Self { offsets, targets: to.to_vec() });
        }
        let mut offsets = vec![0_u32; sources + 1];
        for chunk in from.chunks(CHUNK_ROWS) {
            budget.spend_steps(chunk.len() as u64)?;
            for node in chunk {
                offsets[*node as usize + 1] += 1;
            }
        }
        for node in 0..sources {
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
        let ends = &self.offsets[node as usize..][..2];
        &self.targets[ends[0] as usize..ends[1] as usize]
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

/// Where the edges of each node begin, and behind the last where they end, if they stand in the order of the nodes that they start from.
fn offsets_of_ascending(sources: usize, from: &[u32], budget: &Budget) -> Result<Option<Vec<u32>>> {
    budget.spend_steps(sources as u64 / 16)?;
    let mut offsets = Vec::with_capacity(sources + 1);
    for (chunk, nodes) in from.chunks(CHUNK_ROWS).enumerate() {
        for (node, edge) in nodes.iter().zip(chunk as u32 * CHUNK_ROWS as u32..) {
            let places = *node as usize + 1;
            match offsets.len() {
                known if known + 1 == places => offsets.push(edge),
                known if known < places => offsets.resize(places, edge),
                known if known > places => return Ok(None),
                _ => {}
            }
        }
        budget.spend_steps(nodes.len() as u64)?;
    }
    offsets.resize(sources + 1, from.len() as u32);
    Ok(Some(offsets))
}

/// The nodes reached from a start.
#[derive(Debug)]
pub(crate) struct Reached {
    /// A bit a node.
    pub(crate) words: Vec<u64>,
    /// In the order in which they were reached, and room for all others and one more: a node is written behind the last whether it is new
    /// or not, and counts if it is.
    queue: Vec<u32>,
    count: usize,
}

impl Reached {
    /// None of so many.
    pub(crate) fn new(nodes: usize, budget: &Budget) -> Result<Self> {
        let words = nodes.div_ceil(64);
        budget.check_bytes((words * 8 + nodes * 4) as u64)?;
        Ok(Self { words: vec![0; words], queue: vec![0; nodes + 1], count: 0 })
    }

    /// True if the node was not reached before.
    #[inline]
    pub(crate) fn mark(&mut self, node: u32) -> bool {
        mark(&mut self.words, &mut self.queue, &mut self.count, node)
    }

    /// Goes on from all that was reached until nothing new comes, or `stop` says so of a node. Gives the number of edges that were walked.
    pub(crate) fn spread(&mut self, steps: &Adjacency, budget: &Budget, mut stop: impl FnMut(u32) -> bool) -> Result<usize> {
        if self.nodes().iter().any(|node| stop(*node)) {
            return Ok(0);
        }
        let (words, queue) = (&mut self.words[..], &mut self.queue[..]);
        let (mut next, mut walked, mut count) = (0, 0, self.count);
        let mut is_stopped = false;
        while next < count && !is_stopped {
            let targets = steps.of(queue[next]);
            next += 1;
            walked += targets.len();
            is_stopped = targets.iter().any(|target| mark(words, queue, &mut count, *target) && stop(*target));
            if next.is_multiple_of(CHUNK_ROWS) {
                budget.spend_steps(CHUNK_ROWS as u64)?;
                budget.check_rows(count)?;
            }
        }
        self.count = count;
        if !is_stopped {
            budget.spend_steps((walked + count + 1) as u64)?;
        }
        Ok(walked)
    }

    /// The nodes reached so far, in no order.
    pub(crate) fn nodes(&self) -> &[u32] {
        &self.queue[..self.count]
    }

    /// Hands over all that was reached, ascending, and forgets it.
    pub(crate) fn drain(&mut self, take: impl FnMut(u32)) {
        if self.sort_if_scattered() {
            self.drain_queue(take);
        } else {
            let words = self.range();
            drain_words(&mut self.words[words.clone()], words.start as u32 * 64, take);
            self.count = 0;
        }
    }

    /// The same into a list, as what the nodes stand for.
    pub(crate) fn drain_into<T>(&mut self, values: &mut Vec<T>, value: impl Fn(u32) -> T) {
        if self.sort_if_scattered() {
            self.drain_queue(|node| values.push(value(node)));
        } else {
            let words = self.range();
            values.reserve(self.count);
            drain_words_into(&mut self.words[words.clone()], words.start as u32 * 64, values, value);
            self.count = 0;
        }
    }

    /// Puts the queue into order, if that is less than looking at all words between its ends.
    fn sort_if_scattered(&mut self) -> bool {
        let is_scattered = self.count * 4 < self.range().len();
        if is_scattered {
            self.queue[..self.count].sort_unstable();
        }
        is_scattered
    }

    fn drain_queue(&mut self, mut take: impl FnMut(u32)) {
        for node in &self.queue[..std::mem::take(&mut self.count)] {
            self.words[*node as usize / 64] = 0;
            take(*node);
        }
    }

    /// The words between the first and the last bit; all, if there are fewer than nodes to look at for that.
    fn range(&self) -> Range<usize> {
        if self.count >= self.words.len() {
            return 0..self.words.len();
        }
        let ends = self.nodes().iter().fold(None, |ends: Option<(u32, u32)>, node| {
            Some(ends.map_or((*node, *node), |(least, most)| (least.min(*node), most.max(*node))))
        });
        ends.map_or(0..0, |(least, most)| least as usize / 64..most as usize / 64 + 1)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.drain_queue(|_| ());
    }
}

/// Sets the bit of a node and writes the node behind `count` others, where it counts if the bit is new; then true.
#[inline]
fn mark(words: &mut [u64], queue: &mut [u32], count: &mut usize, node: u32) -> bool {
    let (word, bit) = (&mut words[node as usize / 64], 1_u64 << (node % 64));
    let is_new = *word & bit == 0;
    *word |= bit;
    queue[*count] = node;
    *count += usize::from(is_new);
    is_new
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

/// The same into a list, as what the numbers stand for.
pub(crate) fn drain_words_into<T>(words: &mut [u64], first: u32, values: &mut Vec<T>, value: impl Fn(u32) -> T) {
    for (at, word) in words.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
        let base = first + at as u32 * 64;
        let mut bits = std::mem::take(word);
        if bits == u64::MAX {
            values.extend((base..base + 64).map(&value));
            continue;
        }
        while bits != 0 {
            values.push(value(base + bits.trailing_zeros()));
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
    fn edges_are_found_from_their_node_in_whatever_order_they_stand() {
        let ascending = (0..3_000).map(|edge| (edge / 7 * 3, edge)).collect::<Vec<_>>();
        let swapped = |at: usize| {
            let mut edges = ascending.clone();
            edges.swap(at, at + 7);
            edges
        };
        let descending = ascending.iter().rev().copied().collect::<Vec<_>>();
        for edges in
            [Vec::new(), vec![(0, 5)], vec![(1_300, 5)], swapped(0), swapped(1_020), swapped(2_992), descending, ascending]
        {
            let graph = graph(1_301, &edges);
            for node in 0..1_301 {
                let expected = edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| *to).collect::<Vec<_>>();
                assert_eq!(graph.of(node), expected, "from {node} of {} edges", edges.len());
            }
            assert_eq!((graph.sources(), graph.edges()), (1_301, edges.len()));
        }
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
        let many = (0..400).rev().map(|node| node * 25).collect::<Vec<_>>();
        for nodes in [
            &[9_999][..],
            &[0],
            &[63, 64],
            &[9_999, 0],
            &[5_000, 4_999, 5_100, 5_063, 5_064],
            &full,
            &many,
            &[1, 200, 300, 400, 500, 600, 700, 1_100],
            &[3, 3_000, 6_000],
        ] {
            for way in ["cleared", "handed over", "listed"] {
                assert!(nodes.iter().all(|node| reached.mark(*node)));
                assert!(!nodes.iter().any(|node| reached.mark(*node)));
                assert_eq!(reached.nodes(), nodes);
                let (mut found, mut expected) = (vec![7], nodes.to_vec());
                match way {
                    "cleared" => reached.clear(),
                    "handed over" => reached.drain(|node| found.push(node * 2)),
                    _ => reached.drain_into(&mut found, |node| node * 2),
                }
                if way == "cleared" {
                    expected.clear();
                }
                reached.drain(|node| found.push(node));
                expected.sort_unstable();
                let expected = [7].into_iter().chain(expected.into_iter().map(|node| node * 2)).collect::<Vec<_>>();
                assert_eq!(found, expected, "{nodes:?}, {way}");
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
