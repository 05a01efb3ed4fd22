//! Finds clauses that form a cycle: what is left of the graph of variables when all that hangs on by one end is taken away.

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::error::Result;
use crate::plan::choose::Candidate;
use crate::plan::goal::{GoalKind, Place};
use crate::plan::slot::{Slot, SlotSet};
use crate::plan::unit::arm_of;
use crate::tuning::{Tuning, Way};

/// A cycle of less than so many facts is joined clause by clause: there is too little to explode.
const FACTS_MIN: f64 = 256.0;
/// A cycle is not joined at once if something connected to it is so many times smaller: then that is the way in.
const ENTRY_RATIO: f64 = 64.0;
/// A clause with at most so many times the facts of the smallest one is as good to begin with.
const SMALL_RATIO: f64 = 4.0;

/// The places of the clauses of one cycle, if it pays to join them variable by variable.
pub(crate) fn found(candidates: &[Candidate], tuning: Tuning, budget: &Budget) -> Result<Option<Vec<usize>>> {
    let mut arms = candidates.iter().filter_map(arm_of).map(|(_, entity)| entity).collect::<Vec<_>>();
    arms.sort_unstable();
    let is_taken = |candidate: &&Candidate| tuning.cycles != Way::Always && is_of_a_star(candidate, &arms);
    let edges = candidates.iter().enumerate().filter(|(_, candidate)| !is_taken(candidate));
    let edges = edges.filter_map(|(at, candidate)| edge(candidate).map(|ends| (at, ends))).collect::<Vec<_>>();
    let edges = without_loose_ends(edges);
    let Some(cycle) = connected(&edges) else { return Ok(None) };
    let clauses = cycle.iter().map(|at| &candidates[*at]).collect::<Vec<_>>();
    if tuning.cycles != Way::Always && cannot_explode(&clauses, budget)? {
        return Ok(None);
    }
    let smallest = cycle.iter().map(|at| candidates[*at].rounded.rows).fold(f64::INFINITY, f64::min);
    let slots = cycle.iter().flat_map(|at| candidates[*at].binds.iter().copied()).collect::<SlotSet>();
    let is_entry =
        |candidate: &&Candidate| candidate.binds.iter().any(|slot| slots.contains(*slot)) && candidate.rounded.rows.is_finite();
    let entry = candidates.iter().filter(is_entry).map(|candidate| candidate.rounded.rows).fold(f64::INFINITY, f64::min);
    let pays = smallest >= FACTS_MIN && entry * ENTRY_RATIO >= smallest;
    Ok((pays || tuning.cycles == Way::Always).then_some(cycle))
}

/// What is left when every edge that hangs on by one end is taken away, and those that then do, and so on. Each is taken away once, so that
/// chains of thousands of clauses cost hardly more than their length.
fn without_loose_ends(mut edges: Vec<(usize, (Slot, Slot))>) -> Vec<(usize, (Slot, Slot))> {
    let mut slots = edges.iter().flat_map(|(_, (a, b))| [*a, *b]).collect::<Vec<_>>();
    slots.sort_unstable();
    slots.dedup();
    let ends = |(a, b): (Slot, Slot)| [a, b].map(|slot| slots.binary_search(&slot).expect("each end is listed"));
    // By variable, how many edges are left of it, and their places added up without carrying: of one edge, its place.
    let mut left = vec![(0, 0); slots.len()];
    for (place, (_, edge)) in edges.iter().enumerate() {
        for end in ends(*edge) {
            left[end] = (left[end].0 + 1, left[end].1 ^ place);
        }
    }
    let mut is_kept = vec![true; edges.len()];
    let mut loose = (0..slots.len()).filter(|end| left[*end].0 == 1).collect::<Vec<_>>();
    while let Some(end) = loose.pop() {
        let (1, place) = left[end] else { continue };
        is_kept[place] = false;
        for end in ends(edges[place].1) {
            left[end] = (left[end].0 - 1, left[end].1 ^ place);
            if left[end].0 == 1 {
                loose.push(end);
            }
        }
    }
    let mut is_kept = is_kept.into_iter();
    edges.retain(|_| is_kept.next().unwrap_or(false));
    edges
}

/// True if the clause says one thing about each entity, and another clause does so too: they are joined row by row, which cannot explode,
/// and what is compared with other entities are then several values at once. `arms` are the entities of all such clauses, in ascending order.
fn is_of_a_star(candidate: &Candidate, arms: &[Slot]) -> bool {
    let Some((_, entity)) = arm_of(candidate) else { return false };
    let first = arms.partition_point(|other| *other < entity);
    arms.get(first + 1) == Some(&entity)
}

/// True if the clauses can be joined one after the other, from one of the small ones on, without more rows than that one has: each of the others
/// says one thing about an entity that is known by then, or only drops rows.
fn cannot_explode(cycle: &[&Candidate], budget: &Budget) -> Result<bool> {
    let smallest = cycle.iter().map(|candidate| candidate.rounded.rows).fold(f64::INFINITY, f64::min);
    for first in cycle.iter().filter(|first| first.rounded.rows <= smallest * SMALL_RATIO) {
        let mut bound = first.binds.iter().copied().collect::<SlotSet>();
        let mut waiting = cycle.to_vec();
        loop {
            let count = waiting.len();
            budget.spend_steps(count as u64)?;
            waiting.retain(|candidate| {
                let adds_nothing =
                    bound.contains_all(&candidate.binds) || arm_of(candidate).is_some_and(|(_, slot)| bound.contains(slot));
                if adds_nothing {
                    bound.extend(candidate.binds.iter().copied());
                }
                !adds_nothing
            });
            if waiting.is_empty() {
                return Ok(true);
            }
            if waiting.len() == count {
                break;
            }
        }
    }
    Ok(false)
}

/// The two variables of a clause that connects an entity with a value.
fn edge(candidate: &Candidate) -> Option<(Slot, Slot)> {
    let GoalKind::Scan(scan) = &candidate.goal.kind else { return None };
    scan.attribute_id()?;
    let ends = (scan.entity.slot()?, scan.value.slot()?);
    let is_plain = scan.rest.iter().all(|place| *place == Place::Blank) && scan.range.is_none() && !scan.matches_nothing;
    (is_plain && ends.0 != ends.1).then_some(ends)
}

/// The edges that are connected with the first one, if they have three variables or more.
fn connected(edges: &[(usize, (Slot, Slot))]) -> Option<Vec<usize>> {
    let first = edges.first()?.1.0;
    let mut near: BTreeMap<Slot, Vec<Slot>> = BTreeMap::new();
    for (_, (a, b)) in edges {
        near.entry(*a).or_default().push(*b);
        near.entry(*b).or_default().push(*a);
    }
    let mut reached: SlotSet = [first].into_iter().collect();
    let mut slots = vec![first];
    let mut at = 0;
    while let Some(slot) = slots.get(at) {
        for end in &near[slot] {
            if !reached.contains(*end) {
                reached.insert(*end);
                slots.push(*end);
            }
        }
        at += 1;
    }
    let cycle = edges.iter().filter(|(_, (a, _))| reached.contains(*a)).map(|(at, _)| *at).collect::<Vec<_>>();
    (slots.len() >= 3 && cycle.len() >= 3).then_some(cycle)
}
