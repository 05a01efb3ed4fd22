//! What every node of a graph reaches, as rows of bits: cheaper than a search from each where much is reached, as what one node has
//! found serves all that lead to it.

use crate::budget::Budget;
use crate::error::Result;
use crate::run::graph::Adjacency;

/// Stands for no component yet.
const NONE: u32 = u32::MAX;

/// For each group of nodes that reach each other, all nodes that they reach, themselves included.
#[derive(Debug)]
pub(crate) struct Matrix {
    component: Vec<u32>,
    bits: Vec<u64>,
    words: usize,
}

impl Matrix {
    /// About how many bytes it takes for so many nodes.
    pub(crate) fn bytes(nodes: usize) -> u64 {
        nodes as u64 * nodes.div_ceil(64) as u64 * 8
    }

    /// Of a graph with so many nodes.
    pub(crate) fn new(steps: &Adjacency, nodes: usize, budget: &Budget) -> Result<Self> {
        let (component, order) = components(steps, nodes, budget)?;
        let words = nodes.div_ceil(64);
        let count = order.last().map_or(0, |node| component[*node as usize] as usize + 1);
        budget.check_bytes((count * words * 8) as u64)?;
        let mut bits = vec![0_u64; count * words];
        // Components are numbered, and their nodes ordered, such that what a component leads to has a lesser number.
        for node in &order {
            let own = component[*node as usize] as usize;
            let (known, rest) = bits.split_at_mut(own * words);
            let row = &mut rest[..words];
            row[*node as usize / 64] |= 1 << (node % 64);
            for target in steps.of(*node) {
                let other = component[*target as usize] as usize;
                if other != own && row[*target as usize / 64] & (1 << (target % 64)) == 0 {
                    join(row, &known[other * words..(other + 1) * words]);
                    budget.spend_steps(words as u64 / 8)?;
                }
            }
            budget.spend_steps(steps.of(*node).len() as u64 + 1)?;
        }
        Ok(Self { component, bits, words })
    }

    /// Adds to a row of bits the node and all that it reaches.
    #[inline]
    pub(crate) fn add(&self, node: u32, row: &mut [u64]) {
        if row[node as usize / 64] & (1 << (node % 64)) == 0 {
            let own = self.component[node as usize] as usize;
            join(row, &self.bits[own * self.words..(own + 1) * self.words]);
        }
    }
}

#[inline]
fn join(row: &mut [u64], other: &[u64]) {
    row.iter_mut().zip(other).for_each(|(own, other)| *own |= other);
}

/// The component of each node, and all nodes by component; after Tarjan, without a deep stack.
fn components(steps: &Adjacency, nodes: usize, budget: &Budget) -> Result<(Vec<u32>, Vec<u32>)> {
    let mut walk = Walk {
        steps,
        component: vec![NONE; nodes],
        least: vec![0; nodes],
        path: Vec::new(),
        open: Vec::new(),
        order: Vec::with_capacity(nodes),
        next_number: 1,
        next_component: 0,
    };
    for node in 0..nodes as u32 {
        if walk.least[node as usize] == 0 {
            walk.from(node, budget)?;
        }
    }
    Ok((walk.component, walk.order))
}

struct Walk<'g> {
    steps: &'g Adjacency,
    component: Vec<u32>,
    /// The least number seen from a node; 0 before it is visited.
    least: Vec<u32>,
    /// The nodes from the start to here: each with its own number and the place of its next edge.
    path: Vec<(u32, u32, u32)>,
    /// Visited, and in no component yet.
    open: Vec<u32>,
    order: Vec<u32>,
    next_number: u32,
    next_component: u32,
}

impl Walk<'_> {
    fn enter(&mut self, node: u32) {
        self.path.push((node, self.next_number, 0));
        self.least[node as usize] = self.next_number;
        self.next_number += 1;
        self.open.push(node);
    }

    fn from(&mut self, start: u32, budget: &Budget) -> Result<()> {
        self.enter(start);
        while let Some((node, number, edge)) = self.path.last_mut() {
            let (node, number) = (*node, *number);
            let targets = self.steps.of(node);
            if let Some(target) = targets.get(*edge as usize).copied() {
                *edge += 1;
                if self.least[target as usize] == 0 {
                    self.enter(target);
                } else if self.component[target as usize] == NONE {
                    self.least[node as usize] = self.least[node as usize].min(self.least[target as usize]);
                }
                continue;
            }
            budget.spend_steps(targets.len() as u64 + 1)?;
            self.path.pop();
            let least = self.least[node as usize];
            if let Some((parent, ..)) = self.path.last() {
                let parent = &mut self.least[*parent as usize];
                *parent = (*parent).min(least);
            }
            if least == number {
                self.close(node);
            }
        }
        Ok(())
    }

    /// All that is open down to this node reaches each other.
    fn close(&mut self, root: u32) {
        while let Some(node) = self.open.pop() {
            self.component[node as usize] = self.next_component;
            self.order.push(node);
            if node == root {
                break;
            }
        }
        self.next_component += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Matrix;
    use crate::budget::Budget;
    use crate::run::graph::{Adjacency, Reached, drain_words};

    #[test]
    fn nodes_that_lead_nowhere_take_as_much_as_is_said() {
        let budget = Budget::default();
        for nodes in [0, 1, 64, 65, 200] {
            let graph = Adjacency::new(nodes, &[], &[], &budget).expect("nothing limits it");
            let matrix = Matrix::new(&graph, nodes, &budget).expect("nothing limits it");
            assert_eq!(Matrix::bytes(nodes), matrix.bits.len() as u64 * 8, "{nodes}");
        }
    }

    #[test]
    fn rows_of_bits_hold_what_a_search_reaches() {
        let budget = Budget::default();
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for nodes in [1, 2, 5, 70, 200] {
            for edges in [0, nodes / 2, nodes, nodes * 3] {
                let (from, to): (Vec<_>, Vec<_>) = (0..edges).map(|_| (random(nodes) as u32, random(nodes) as u32)).unzip();
                let graph = Adjacency::new(nodes as usize, &from, &to, &budget).expect("nothing limits it");
                let matrix = Matrix::new(&graph, nodes as usize, &budget).expect("nothing limits it");
                for node in 0..nodes as u32 {
                    let mut reached = Reached::new(nodes as usize, &budget).expect("nothing limits it");
                    reached.mark(node);
                    reached.spread(&graph, &budget, |_| false).expect("nothing limits it");
                    let (mut searched, mut found) = (Vec::new(), Vec::new());
                    reached.drain(|node| searched.push(node));
                    let mut row = vec![0; (nodes as usize).div_ceil(64)];
                    matrix.add(node, &mut row);
                    drain_words(&mut row, 0, |node| found.push(node));
                    assert_eq!(found, searched, "from {node} in {from:?} {to:?}");
                }
            }
        }
    }
}
