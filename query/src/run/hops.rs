//! A walk from fact to fact, from one beginning or back from one end: where each edge is one pattern, and few are met, they are looked up one
//! by one, without a plan and without a graph. It is given up when it has met so many that making the graph costs no more.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::budget::Budget;
use crate::error::Result;
use crate::facts::{Facts, Found, Point};
use crate::plan::goal::{GoalKind, Place, ScanGoal};
use crate::plan::slot::Slot;
use crate::run::shape::{Body, Shape, Steps};
use crate::source::Source;
use crate::value::Value;

/// Looking up one fact in memory costs as much as making so many edges of a graph.
const EDGES_PER_HOP: f64 = 24.0;
/// A walk is given up once what is waiting would take so many times as many lookups as are left, if it led to as much as what was met so far.
const HOPELESS: usize = 4;
/// Looking up one that is not in memory costs as much as so many that are.
const HOPS_PER_READ: usize = 64;

/// The patterns of a walk, and how many facts it may look up.
pub(crate) struct Hops<'s> {
    begin: Vec<Edge<'s>>,
    /// How it goes on, if by other edges.
    go_on: Option<Vec<Edge<'s>>>,
    left: usize,
    /// How many lookups were made, and how many facts they found.
    looked_up: usize,
    facts: usize,
    found: Vec<Found>,
}

/// A pattern between two nodes.
struct Edge<'s> {
    facts: &'s Arc<dyn Facts>,
    attribute: i64,
    /// True if it leads from values to entities.
    is_turned: bool,
}

/// Nodes, each once, in the order in which they were met.
#[derive(Default)]
struct Met {
    nodes: Vec<i64>,
    known: FxHashSet<i64>,
}

impl Met {
    fn add(&mut self, node: i64) {
        if self.known.insert(node) {
            self.nodes.push(node);
        }
    }
}

impl<'s> Hops<'s> {
    /// The walks of a rule over about so many edges, of which `spent` were looked up before; nothing if its edges are no single patterns.
    pub(crate) fn of(shape: &'s Shape, edges: f64, spent: usize) -> Option<Self> {
        if shape.keys.len() != 1 || !shape.contexts.is_empty() || shape.condition.is_some() {
            return None;
        }
        let begin = edges_of(&shape.bases)?;
        let go_on = match &shape.steps {
            Steps::Base => None,
            Steps::Own(bodies) => Some(edges_of(bodies)?),
            Steps::BaseIfContained { .. } => return None,
        };
        let left = ((edges / EDGES_PER_HOP) as usize).saturating_sub(spent);
        Some(Self { begin, go_on, left, looked_up: 0, facts: 0, found: Vec::new() })
    }

    /// How many facts may still be looked up.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// The nodes to which walks from a node lead, up to the wanted one if that is met; nothing if it is given up.
    pub(crate) fn forward(&mut self, start: i64, wanted: Option<i64>, budget: &Budget) -> Result<Option<Vec<i64>>> {
        let (mut met, mut next) = (Met::default(), 0);
        if !self.hop(start, true, false, budget, &mut |node| met.add(node))? {
            return Ok(None);
        }
        while let Some(node) = met.nodes.get(next).copied().filter(|node| Some(*node) != wanted) {
            next += 1;
            if self.is_hopeless(met.nodes.len() - next) || !self.hop(node, false, false, budget, &mut |node| met.add(node))? {
                return Ok(None);
            }
        }
        Ok(Some(met.nodes))
    }

    /// The nodes from which walks lead to a node; nothing if it is given up.
    pub(crate) fn backward(&mut self, end: i64, budget: &Budget) -> Result<Option<Vec<i64>>> {
        let (mut passed, mut keys, mut next) = (Met::default(), Met::default(), 0);
        passed.add(end);
        while let Some(node) = passed.nodes.get(next).copied() {
            next += 1;
            let (is_one, waiting) = (self.go_on.is_none(), passed.nodes.len() - next);
            let mut begin = |node| {
                keys.add(node);
                if is_one {
                    passed.add(node);
                }
            };
            if self.is_hopeless(waiting)
                || !self.hop(node, true, true, budget, &mut begin)?
                || !is_one && !self.hop(node, false, true, budget, &mut |node| passed.add(node))?
            {
                return Ok(None);
            }
        }
        Ok(Some(keys.nodes))
    }

    fn is_hopeless(&self, waiting: usize) -> bool {
        let expected = waiting.saturating_mul(self.looked_up + self.facts) / self.looked_up.max(1);
        expected / HOPELESS > self.left
    }

    /// Hands over where the edges lead from a node, or back from it; false if that is to be given up.
    fn hop(&mut self, node: i64, is_beginning: bool, is_back: bool, budget: &Budget, take: &mut dyn FnMut(i64)) -> Result<bool> {
        let edges = if is_beginning { &self.begin } else { self.go_on.as_ref().unwrap_or(&self.begin) };
        let value = Value::Long(node);
        for edge in edges {
            let by_value = edge.is_turned != is_back;
            let (entity, value) = if by_value { (None, Some(&value)) } else { (Some(node), None) };
            let point = Point { attribute: edge.attribute, entity, value, limit: self.left };
            self.found.clear();
            let (are_few, cost) = match edge.facts.held(&point, &mut self.found) {
                Some(are_few) => (are_few, 1),
                None if self.left < HOPS_PER_READ => return Ok(false),
                None => (edge.facts.points(&point, budget, &mut self.found)?, HOPS_PER_READ),
            };
            self.looked_up += 1;
            self.facts += self.found.len();
            let cost = cost + self.found.len();
            budget.spend_steps(cost as u64)?;
            let Some(left) = self.left.checked_sub(cost).filter(|_| are_few) else { return Ok(false) };
            self.left = left;
            for found in &self.found {
                // What is no entity is left to those who know all kinds of values.
                let (Value::Ref(to) | Value::Long(to)) = found.v else { return Ok(false) };
                take(if by_value { found.e } else { to });
            }
        }
        Ok(true)
    }
}

fn edges_of(bodies: &[Body]) -> Option<Vec<Edge<'_>>> {
    bodies.iter().map(Edge::of).collect()
}

impl<'s> Edge<'s> {
    fn of(body: &'s Body) -> Option<Self> {
        let ([goal], [from, to]) = (&body.goals[..], &body.ends[..]) else { return None };
        let GoalKind::Scan(scan) = &goal.kind else { return None };
        let Source::Facts(facts) = &scan.source else { return None };
        let is_turned = between(scan, *from, *to)?;
        let attribute = scan.attribute_id()?;
        (!facts.is_history()).then_some(Self { facts, attribute, is_turned })
    }
}

/// True if a pattern leads from the value to the entity, where it is nothing but a pattern between the two.
fn between(scan: &ScanGoal, from: Slot, to: Slot) -> Option<bool> {
    let is_plain = !scan.matches_nothing && scan.range.is_none() && scan.rest.iter().all(|place| *place == Place::Blank);
    let ends = (scan.entity.slot()?, scan.value.slot()?);
    match () {
        () if !is_plain || from == to => None,
        () if ends == (from, to) => Some(false),
        () if ends == (to, from) => Some(true),
        () => None,
    }
}
