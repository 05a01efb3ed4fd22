//! What a search for an order puts into its places: clauses about one entity together, cycles together, all else one by one.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::budget::Budget;
use crate::error::Result;
use crate::plan::choose::Candidate;
use crate::plan::cycle;
use crate::plan::goal::{GoalKind, Place, ScanGoal};
use crate::plan::needs::Needs;
use crate::plan::slot::Slot;
use crate::source::Source;
use crate::tuning::{Tuning, Way};

/// Facts of one attribute are one an entity, as far as is expected.
const FACTS_PER_ENTITY: f64 = 1.01;

/// Goals that find their place together.
#[derive(Debug)]
pub(crate) struct Unit {
    /// Their places among the candidates.
    pub(crate) goals: Vec<usize>,
    /// Their variables.
    pub(crate) slots: BTreeSet<Slot>,
    /// What must be bound before.
    pub(crate) needs: Needs,
    /// Goals that come before it.
    pub(crate) waits: Vec<u32>,
    /// True if it only reads facts or rows, so that it can be joined apart from the rest.
    pub(crate) is_apart: bool,
    /// True if it is a cycle that is joined variable by variable.
    pub(crate) is_cycle: bool,
}

impl Unit {
    fn of(at: usize, candidate: &Candidate) -> Self {
        Self {
            goals: vec![at],
            slots: candidate.binds.iter().copied().collect(),
            needs: candidate.needs.clone(),
            waits: candidate.waits.clone(),
            is_apart: matches!(candidate.goal.kind, GoalKind::Scan(_) | GoalKind::Rows(..) | GoalKind::Given(_)),
            is_cycle: false,
        }
    }

    fn add(&mut self, at: usize, candidate: &Candidate) {
        self.goals.push(at);
        self.slots.extend(candidate.binds.iter().copied());
    }
}

/// True for what binds nothing: it is taken as soon as it can be, whatever the order of the rest.
pub(crate) fn is_rider(candidate: &Candidate) -> bool {
    match &candidate.goal.kind {
        GoalKind::Call(call) => call.binding.is_none(),
        GoalKind::Absent(_) => true,
        _ => false,
    }
}

/// The units of all candidates but riders.
pub(crate) fn units(candidates: &[Candidate], tuning: Tuning, budget: &Budget) -> Result<Vec<Unit>> {
    let mut units: Vec<Unit> = Vec::new();
    // By the entity of a star: one of its clauses, and its unit.
    let mut stars: BTreeMap<Slot, Vec<(&ScanGoal, usize)>> = BTreeMap::new();
    let cycle = if tuning.cycles == Way::Never { None } else { cycle::found(candidates, tuning, budget)? };
    let cycle = cycle.unwrap_or_default().into_iter().collect::<HashSet<_>>();
    let mut cycle_unit: Option<usize> = None;
    for (at, candidate) in candidates.iter().enumerate().filter(|(_, candidate)| !is_rider(candidate)) {
        if cycle.contains(&at) {
            if let Some(unit) = cycle_unit {
                units[unit].add(at, candidate);
            } else {
                cycle_unit = Some(units.len());
                units.push(Unit { is_cycle: true, ..Unit::of(at, candidate) });
            }
            continue;
        }
        let Some((scan, slot)) = arm_of(candidate) else {
            units.push(Unit::of(at, candidate));
            continue;
        };
        let stars = stars.entry(slot).or_default();
        if let Some((_, unit)) = stars.iter().find(|(known, _)| is_same_source(&known.source, &scan.source)) {
            units[*unit].add(at, candidate);
        } else {
            stars.push((scan, units.len()));
            units.push(Unit::of(at, candidate));
        }
    }
    Ok(units)
}

/// The entity of a clause that says one thing about each.
pub(crate) fn arm_of(candidate: &Candidate) -> Option<(&ScanGoal, Slot)> {
    let GoalKind::Scan(scan) = &candidate.goal.kind else { return None };
    let slot = scan.entity.slot()?;
    scan.attribute_id()?;
    let entities = candidate.rounded.distinct.get(&slot)?;
    let is_one_each = candidate.rounded.rows <= entities * FACTS_PER_ENTITY;
    (is_one_each && scan.rest.iter().all(|place| *place == Place::Blank)).then_some((scan, slot))
}

fn is_same_source(left: &Source, right: &Source) -> bool {
    match (left, right) {
        (Source::Facts(left), Source::Facts(right)) => std::sync::Arc::ptr_eq(left, right),
        _ => false,
    }
}
