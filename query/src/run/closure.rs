//! Transitive closure, recognised and run as a graph search, however its recursion is spelled.
//!
//! A rule is a closure if each of its heads is one of these, where `edge` and `step` are any clauses that do not recurse:
//!
//! ```text
//! base      [(r ?x ?y) edge(?x, ?y)]
//! right     [(r ?x ?y) step(?x, ?z) (r ?z ?y)]       r = step* then edge
//! left      [(r ?x ?y) (r ?x ?z) step(?z, ?y)]       r = edge then step*
//! doubled   [(r ?x ?y) (r ?x ?z) (r ?z ?y)]          r = edge+
//! ```

use std::sync::Arc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::Plan;
use crate::plan::goal::{Goal, GoalKind, Place, PredicateBranch, block_needs};
use crate::plan::order::plan_block;
use crate::plan::slot::Slot;
use crate::run::Run;
use crate::run::block::{Frame, run_plan};
use crate::run::fixpoint::{spread, surroundings};
use crate::run::gather::concat;
use crate::run::graph::{Adjacency, Search};
use crate::run::index::{Index, NONE};
use crate::run::join::distinct;
use crate::run::key::paired_codes;
use crate::run::relation::Relation;

/// Which side of an edge the repeated steps stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Steps, then an edge.
    Before,
    /// An edge, then steps.
    After,
}

/// The graph of a rule that is a closure.
#[derive(Debug)]
pub(crate) struct Closure {
    /// The value of each node, each once.
    nodes: Column,
    /// Forward and backward.
    edges: [Adjacency; 2],
    /// The same, where steps are other than edges, and where they stand.
    steps: Option<(Side, [Adjacency; 2])>,
    /// How edges and steps were found.
    plans: Vec<Plan>,
}

/// What one head of a closure says.
enum Head {
    Base,
    Doubled,
    Linear(Side, Vec<Arc<Goal>>, [Slot; 2]),
}

/// The graph of a rule, if its heads say no more than that it is a closure.
pub(crate) fn recognise(predicate: usize, run: &Run<'_>) -> Result<Option<Closure>> {
    let own = &run.program.predicates[predicate];
    if own.params.len() != 2 || own.needs.contains(&true) {
        return Ok(None);
    }
    let branches = own.branches.iter().flat_map(|branch| spread(branch, predicate, run)).collect::<Vec<_>>();
    let Some(heads) = branches.iter().map(|branch| classify(branch, predicate, run)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let bases = branches.iter().zip(&heads).filter(|(_, head)| matches!(head, Head::Base)).map(|(branch, _)| branch);
    let bases = bases.collect::<Vec<_>>();
    let mut steps: Vec<PredicateBranch> = Vec::new();
    let mut sides = Vec::new();
    let mut repeats_base = false;
    for head in &heads {
        let (side, step) = match head {
            Head::Base => continue,
            Head::Doubled => {
                repeats_base = true;
                continue;
            }
            Head::Linear(side, goals, ends) => (*side, PredicateBranch { head: ends.to_vec(), goals: goals.clone() }),
        };
        if matches!(bases[..], [base] if is_alike(base, &step)) {
            repeats_base = true;
        } else {
            sides.push(side);
            steps.push(step);
        }
    }
    let is_closure = match &sides[..] {
        [] => repeats_base,
        [first, others @ ..] => !repeats_base && others.iter().all(|side| side == first),
    };
    if !is_closure {
        return Ok(None);
    }
    let mut plans = Vec::new();
    let edges = pairs(&bases, run, &mut plans)?;
    let steps = sides.first().map(|side| Ok((*side, pairs(&steps.iter().collect::<Vec<_>>(), run, &mut plans)?))).transpose()?;
    Closure::new(&edges, steps.as_ref(), plans, run.budget).map(Some)
}

fn classify(branch: &PredicateBranch, predicate: usize, run: &Run<'_>) -> Option<Head> {
    let [x, y] = branch.head[..] else { return None };
    if x == y {
        return None;
    }
    let component = run.program.predicates[predicate].component;
    let mut calls = Vec::new();
    let mut rest = Vec::new();
    for goal in &branch.goals {
        match &goal.kind {
            GoalKind::Rule(call) if call.predicate == predicate => calls.push([call.args[0]?, call.args[1]?]),
            GoalKind::Rule(call) if run.program.predicates[call.predicate].component == component => return None,
            _ => rest.push(Arc::clone(goal)),
        }
    }
    let is_free =
        |goals: &[Arc<Goal>], ends: [Slot; 2]| block_needs(goals, &ends, &[], &run.program.predicates).iter().next().is_none();
    let mentions = |slot: Slot| rest.iter().any(|goal| goal.mentions().contains(&slot));
    match calls[..] {
        [] => is_free(&rest, [x, y]).then_some(Head::Base),
        [[z, last]] if last == y && z != x && z != y && !mentions(y) => {
            is_free(&rest, [x, z]).then_some(Head::Linear(Side::Before, rest, [x, z]))
        }
        [[first, z]] if first == x && z != x && z != y && !mentions(x) => {
            is_free(&rest, [z, y]).then_some(Head::Linear(Side::After, rest, [z, y]))
        }
        [one, other] if rest.is_empty() => {
            let is_chain = |first: [Slot; 2], then: [Slot; 2]| {
                [first[0], then[1]] == [x, y] && first[1] == then[0] && !branch.head.contains(&first[1])
            };
            (is_chain(one, other) || is_chain(other, one)).then_some(Head::Doubled)
        }
        _ => None,
    }
}

/// True if both bodies are one and the same pattern between their ends.
fn is_alike(left: &PredicateBranch, right: &PredicateBranch) -> bool {
    let ([left_goal], [right_goal]) = (&left.goals[..], &right.goals[..]) else { return false };
    let (GoalKind::Scan(a), GoalKind::Scan(b)) = (&left_goal.kind, &right_goal.kind) else { return false };
    let is_one_source = match (&a.source, &b.source) {
        (crate::source::Source::Facts(a), crate::source::Source::Facts(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    is_one_source
        && a.matches_nothing == b.matches_nothing
        && a.places().into_iter().zip(b.places()).all(|(a, b)| match (a, b) {
            (Place::Slot(a), Place::Slot(b)) => {
                let place_of = |head: &[Slot], slot: &Slot| head.iter().position(|own| own == slot);
                place_of(&left.head, a).is_some() && place_of(&left.head, a) == place_of(&right.head, b)
            }
            (a, b) => a == b,
        })
}

/// The pairs that bodies give between their ends.
fn pairs(bodies: &[&PredicateBranch], run: &Run<'_>, plans: &mut Vec<Plan>) -> Result<Relation> {
    let mut parts = Vec::new();
    for body in bodies {
        let plan = plan_block(&body.goals, &body.head, None, surroundings(run))?;
        parts.push(run_plan(&plan, run, &Frame::default())?.renamed(vec![0, 1]));
        plans.push(plan);
    }
    Ok(crate::run::block::stack(&[0, 1], &parts))
}

impl Closure {
    /// How the edges, and the steps where they are others, were found.
    pub(crate) fn plans(&self) -> &[Plan] {
        &self.plans
    }

    fn new(edges: &Relation, steps: Option<&(Side, Relation)>, plans: Vec<Plan>, budget: &Budget) -> Result<Self> {
        let ends = [Some(edges), steps.map(|(_, steps)| steps)]
            .into_iter()
            .flatten()
            .flat_map(|pairs| &pairs.columns)
            .collect::<Vec<_>>();
        let every = concat(&ends);
        let rows = every.len();
        let nodes = distinct(Relation::new(vec![0], vec![every.clone()], rows), budget)?.columns.remove(0);
        let numbers = numbers(&every, &nodes, budget)?;
        budget.spend_steps(rows as u64)?;
        budget.take_bytes(rows as u64 * 16)?;
        let (edge_numbers, step_numbers) = numbers.split_at(edges.rows * 2);
        let graph = |numbers: &[u32]| -> Result<[Adjacency; 2]> {
            let (from, to) = numbers.split_at(numbers.len() / 2);
            Ok([Adjacency::new(nodes.len(), from, to, budget)?, Adjacency::new(nodes.len(), to, from, budget)?])
        };
        let edges = graph(edge_numbers)?;
        let steps = steps.map(|(side, _)| Ok((*side, graph(step_numbers)?))).transpose()?;
        Ok(Self { nodes, edges, steps, plans })
    }

    /// The pairs that answer the demands; where both ends are demanded, those of the first.
    pub(crate) fn answer(&self, params: &[Slot], bound: &[bool], demand: &Relation, budget: &Budget) -> Result<Relation> {
        let is_backward = matches!(bound, [false, true]);
        let starts = match demand.columns.first() {
            Some(column) => {
                let found = numbers(column, &self.nodes, budget)?.into_iter().filter(|node| *node != NONE).collect::<Vec<_>>();
                let unique = distinct(Relation::new(vec![0], vec![longs(&found)], found.len()), budget)?;
                (0..unique.rows).filter_map(|row| unique.columns[0].value(row).as_long()).map(|node| node as u32).collect()
            }
            None => (0..self.nodes.len() as u32).collect::<Vec<_>>(),
        };
        let at = usize::from(is_backward);
        let edges = &self.edges[at];
        let search = match &self.steps {
            // Seen from the other end, what came before comes after.
            Some((side, steps)) => Search { edges, steps: &steps[at], is_edge_first: (*side == Side::After) != is_backward },
            None => Search { edges, steps: edges, is_edge_first: true },
        };
        let (from, to) = search.run(self.nodes.len(), &starts, budget)?;
        let rows = from.len();
        let (first, second) = if is_backward { (to, from) } else { (from, to) };
        Ok(Relation::new(params.to_vec(), vec![self.nodes.gather(&first), self.nodes.gather(&second)], rows))
    }
}

fn longs(nodes: &[u32]) -> Column {
    Column::Long(nodes.iter().map(|node| i64::from(*node)).collect())
}

/// The number of the node of each value.
fn numbers(values: &Column, nodes: &Column, budget: &Budget) -> Result<Vec<u32>> {
    let (values, nodes) = paired_codes(&[values], values.len(), &[nodes], nodes.len(), budget)?;
    let index = Index::new(&nodes, budget)?;
    Ok(values.iter().map(|code| index.first(&nodes, *code)).collect())
}
