//! Searches for the order that costs least, by dynamic programming over sets of units: the best way to a set follows from the best ways to
//! two sets that make it up, of which the second is one unit more, or joined apart. Where there are too many ways, nothing is found, and
//! the goals are ordered one by one.

use std::collections::BTreeSet;

use crate::budget::Budget;
use crate::error::Result;
use crate::plan::choose::{Candidate, State};
use crate::plan::cost::{ENTITY_COST, PROBE_COST, PROBES_MAX, VALUES_MAX};
use crate::plan::estimate::Expectation;
use crate::plan::goal::GoalKind;
use crate::plan::slot::Slot;
use crate::plan::tree::{Grouping, Item};
use crate::plan::unit::{Unit, is_rider, units};
use crate::tuning::{Tuning, Way};

/// More units than this are not searched: 3 to the power of it is the number of ways to split a set in two.
const UNITS_MAX: usize = 8;
/// More joins than this are not weighed: planning has to stay below what it saves.
const JOINS_MAX: usize = 400;
/// What a row costs that is read in order.
const SCAN_COST: f64 = 0.1;
/// What a row costs that is looked up by its entity.
const LOOKUP_COST: f64 = 0.4;
/// What a row costs on either side of a join by hashing.
const HASH_COST: f64 = 1.0;
/// What a row costs that comes out of a join.
const ROW_COST: f64 = 0.5;
/// What a function costs a row.
const CALL_COST: f64 = 5.0;
/// What a query inside the query costs a row.
const NESTED_COST: f64 = 500.0;
/// In more rows than this it is not counted how many values they have, unless there is much to read.
const PROBED_MAX: f64 = 64.0;
/// By how much a join of what is not connected is worse.
const CROSS_COST: f64 = 1e3;

/// The best way to a set of units.
#[derive(Clone)]
struct Part {
    cost: f64,
    state: State,
    items: Vec<Item>,
}

struct Search<'s> {
    candidates: &'s [Candidate],
    units: Vec<Unit>,
    /// Pairs of variables that a predicate says are equal.
    equalities: Vec<(Slot, Slot)>,
    /// Slots that something outside of the units, or the answer, needs.
    wanted: BTreeSet<Slot>,
    /// By unit: those that share a variable with it.
    near: Vec<u32>,
    tuning: Tuning,
    weighed: usize,
}

/// The goals that bind, in the order that costs least, and how many joins were weighed. `None` if there are too few or too many of them.
pub(crate) fn searched(
    candidates: &[Candidate],
    output: &[Slot],
    tuning: Tuning,
    budget: &Budget,
) -> Result<(Option<Vec<Item>>, usize)> {
    if tuning.search == Way::Never {
        return Ok((None, 0));
    }
    let units = units(candidates, tuning, budget)?;
    let is_small = units.iter().map(|unit| unit.goals.len()).sum::<usize>() < 2;
    // Each goal of a unit is weighed in each place of it.
    let is_large = units.iter().any(|unit| unit.goals.len() * (unit.goals.len() + 1) / 2 > JOINS_MAX);
    if units.len() > UNITS_MAX || is_small || is_large {
        return Ok((None, 0));
    }
    let outside = candidates.iter().filter(|candidate| is_rider(candidate));
    let wanted = outside.flat_map(|candidate| candidate.goal.mentions()).chain(output.iter().copied()).collect();
    let equalities = if tuning.bridges == Way::Never { Vec::new() } else { equalities(candidates) };
    let near = nearness(&units, &equalities);
    let mut search = Search { candidates, units, equalities, wanted, near, tuning, weighed: 0 };
    let found = search.run();
    Ok((found, search.weighed))
}

/// What `(= ?x ?y)` says.
pub(crate) fn equalities(candidates: &[Candidate]) -> Vec<(Slot, Slot)> {
    let equated = |candidate: &Candidate| match &candidate.goal.kind {
        GoalKind::Call(call) => call.equated(),
        _ => None,
    };
    candidates.iter().filter_map(equated).collect()
}

/// By unit, a bit for each that is connected with it: by a variable that both bind, one that it needs of the other, or an equality.
fn nearness(units: &[Unit], equalities: &[(Slot, Slot)]) -> Vec<u32> {
    let needs = |a: &Unit, b: &Unit| a.needs.slots().any(|slot| b.slots.contains(&slot));
    let is_bridge = |a: &Unit, b: &Unit| equalities.iter().any(|(left, right)| a.slots.contains(left) && b.slots.contains(right));
    let leads = |a: &Unit, b: &Unit| needs(a, b) || is_bridge(a, b);
    let are_near = |a: &Unit, b: &Unit| !a.slots.is_disjoint(&b.slots) || leads(a, b) || leads(b, a);
    let bits = |(at, unit): (usize, &Unit)| {
        let others = units.iter().enumerate().filter(|(other, near)| *other != at && are_near(unit, near));
        others.fold(0, |bits, (other, _)| bits | 1 << other)
    };
    units.iter().enumerate().map(bits).collect()
}

impl Search<'_> {
    fn run(&mut self) -> Option<Vec<Item>> {
        let all = (1_u32 << self.units.len()) - 1;
        let mut best: Vec<Option<Part>> = vec![None; all as usize + 1];
        for set in 1..=all {
            let mut found = self.best_of(set, &best, true);
            if found.is_none() {
                found = self.best_of(set, &best, false);
            }
            if self.weighed > JOINS_MAX {
                return None;
            }
            best[set as usize] = found;
        }
        best[all as usize].take().map(|part| part.items)
    }

    /// The best way to a set, over its parts: with `is_connected` only over such as share a variable.
    fn best_of(&mut self, set: u32, best: &[Option<Part>], is_connected: bool) -> Option<Part> {
        let mut found: Option<Part> = None;
        let mut right = set;
        while right != 0 {
            let left = set & !right;
            let near = self.near_of(right) & left != 0;
            if left == 0 || near == is_connected {
                let joined = self.joined(left, right, set, best, near);
                if let Some(part) = joined.filter(|part| found.as_ref().is_none_or(|known| part.cost < known.cost)) {
                    found = Some(part);
                }
            }
            right = (right - 1) & set;
        }
        found
    }

    fn near_of(&self, set: u32) -> u32 {
        self.members(set).fold(0, |bits, unit| bits | self.near[unit])
    }

    fn members(&self, set: u32) -> impl Iterator<Item = usize> + use<> {
        (0..self.units.len()).filter(move |unit| set & (1 << unit) != 0)
    }

    /// What joins two sets: one unit after the others, or a set apart from them.
    fn joined(&mut self, left: u32, right: u32, set: u32, best: &[Option<Part>], near: bool) -> Option<Part> {
        let is_one = right.is_power_of_two();
        let before = if left == 0 { Part::nothing() } else { best[left as usize].clone()? };
        if left == 0 && !is_one {
            return None;
        }
        let one = is_one.then(|| right.trailing_zeros() as usize);
        let after = match one {
            Some(unit) if !self.units[unit].is_cycle => self.extended(&before, unit),
            _ => None,
        };
        let apart = self.apart(left, right, best).and_then(|group| self.joined_apart(&before, &group, one));
        let always = self.tuning.groups == Way::Always;
        let mut part = match (after, apart) {
            (Some(after), Some(apart)) => Some(if apart.cost < after.cost || (always && left != 0) { apart } else { after }),
            (after, apart) => after.or(apart),
        }?;
        if !near && left != 0 && before.state.rows > 1.0 {
            part.cost *= CROSS_COST;
        }
        self.project(&mut part.state, set);
        Some(part)
    }

    /// The best way to a set by itself, if it is worth joining apart.
    fn apart(&mut self, left: u32, right: u32, best: &[Option<Part>]) -> Option<Part> {
        let mut members = self.members(right);
        let is_cycle = right.is_power_of_two() && self.units[right.trailing_zeros() as usize].is_cycle;
        if is_cycle {
            return Some(self.cycle(right.trailing_zeros() as usize));
        }
        let goals = self.members(right).map(|unit| self.units[unit].goals.len()).sum::<usize>();
        let can_be = left != 0 && goals >= 2 && self.tuning.groups != Way::Never;
        if !can_be || !members.all(|unit| self.units[unit].is_apart && self.units[unit].waits.is_empty()) {
            return None;
        }
        // A set of one unit is not known yet where this is asked for it and others.
        match right.count_ones() {
            1 => self.extended(&Part::nothing(), right.trailing_zeros() as usize),
            _ => best[right as usize].clone().filter(|_| self.is_connected(right)),
        }
    }

    fn is_connected(&self, set: u32) -> bool {
        let mut reached = 1 << set.trailing_zeros();
        loop {
            let next = (reached | self.near_of(reached)) & set;
            if next == reached {
                return reached == set;
            }
            reached = next;
        }
    }

    /// A cycle as a part of its own.
    fn cycle(&mut self, unit: usize) -> Part {
        let part = self.extended_by(&Part::nothing(), unit);
        Part { items: vec![Item::Group(Grouping::Cycle, part.items)], ..part }
    }

    /// One more unit, its goals one by one, those first that leave the fewest rows and read few others to find them.
    fn extended(&mut self, before: &Part, unit: usize) -> Option<Part> {
        let done = before.items.iter().flat_map(Item::goals).collect::<Vec<_>>();
        let own = &self.units[unit];
        let is_ready = own.needs.are_met(|slot| before.state.is_bound(slot)) && own.waits.iter().all(|id| done.contains(id));
        is_ready.then(|| self.extended_by(before, unit))
    }

    fn extended_by(&mut self, before: &Part, unit: usize) -> Part {
        let mut part = before.clone();
        let mut goals = self.units[unit].goals.clone();
        while !goals.is_empty() {
            let weighed = goals.iter().map(|at| self.weigh(&self.candidates[*at], &part.state)).collect::<Vec<_>>();
            self.weighed += goals.len();
            let order = |a: &usize, b: &usize| {
                let detour = |place: usize| detour_of(&self.candidates[goals[place]], &part.state);
                let (rows, cost) = (|place: usize| weighed[place].0 + detour(place), |place: usize| weighed[place].1);
                rows(*a).total_cmp(&rows(*b)).then(cost(*a).total_cmp(&cost(*b)))
            };
            let next = (0..goals.len()).min_by(order).unwrap_or(0);
            let (rows, cost) = weighed[next];
            let candidate = &self.candidates[goals.remove(next)];
            part.cost += cost;
            part.state.take(rows, &candidate.binds, &candidate.rounded);
            part.items.push(Item::Goal(candidate.goal.id));
        }
        part
    }

    /// Rows after a goal, and what it costs to get them.
    fn weigh(&self, candidate: &Candidate, state: &State) -> (f64, f64) {
        let alone = &candidate.rounded;
        if let GoalKind::Call(call) = &candidate.goal.kind {
            let cost = if call.nested.is_some() { NESTED_COST } else { CALL_COST };
            return (state.rows, state.rows * cost);
        }
        let rows = self.rows_of_join(state, alone);
        let is_bound = |slot: Option<Slot>| slot.filter(|slot| state.is_bound(*slot));
        let found = match &candidate.goal.kind {
            GoalKind::Scan(scan) => match (is_bound(scan.entity.slot()), is_bound(scan.value.slot())) {
                (Some(_), _) => state.rows * LOOKUP_COST,
                (None, Some(value)) if state.rows <= PROBED_MAX && state.distinct[&value] <= PROBES_MAX as f64 => state.rows,
                (None, Some(value)) => {
                    let joined = (state.rows + rows) * HASH_COST;
                    let read = alone.read * SCAN_COST + (state.rows + alone.rows) * HASH_COST;
                    let found = (state.distinct[&value] * PROBE_COST + rows * ENTITY_COST) * SCAN_COST;
                    let looked_up = found + joined;
                    if state.distinct[&value] <= VALUES_MAX as f64 { read.min(looked_up) } else { read }
                }
                (None, None) => alone.read * SCAN_COST,
            },
            GoalKind::Rule(_) | GoalKind::Union(_) => alone.rows.min(state.rows * 8.0) * SCAN_COST + state.rows,
            _ if state.distinct.is_empty() => alone.rows * SCAN_COST,
            _ => (state.rows + alone.rows) * HASH_COST,
        };
        (rows, found + rows * ROW_COST)
    }

    /// Rows of a join, as if all values were spread evenly.
    fn rows_of_join(&self, state: &State, alone: &Expectation) -> f64 {
        let shared = alone.distinct.iter().filter_map(|(slot, own)| state.distinct.get(slot).map(|known| own.max(*known)));
        let mut rows = shared.fold(state.rows * alone.rows, |rows, spread| rows / spread.max(1.0));
        for (left, right) in &self.equalities {
            for (a, b) in [(left, right), (right, left)] {
                if let (Some(own), Some(known)) = (alone.distinct.get(a), state.distinct.get(b))
                    && !state.is_bound(*a)
                {
                    rows /= own.max(*known).max(1.0);
                }
            }
        }
        rows
    }

    /// A set that was joined apart, joined to the rest.
    fn joined_apart(&mut self, before: &Part, group: &Part, one: Option<usize>) -> Option<Part> {
        self.weighed += 1;
        let is_cycle = one.is_some_and(|unit| self.units[unit].is_cycle);
        let alone = Expectation { rows: group.state.rows, read: group.state.rows, distinct: group.state.distinct.clone() };
        let rows = self.rows_of_join(&before.state, &alone);
        let is_start = before.items.is_empty();
        let join = if is_start { 0.0 } else { (before.state.rows + alone.rows) * HASH_COST };
        let mut items = before.items.clone();
        match group.items.first() {
            Some(only @ Item::Group(..)) if is_cycle => items.push(only.clone()),
            _ if is_start => return None,
            _ => items.push(Item::Group(Grouping::Apart, group.items.clone())),
        }
        let mut state = before.state.clone();
        let binds = alone.distinct.keys().copied().collect::<Vec<_>>();
        state.take(rows, &binds, &alone);
        Some(Part { cost: before.cost + group.cost + join + rows * ROW_COST, state, items })
    }

    /// Only what is needed outside of the set stays, each combination once.
    fn project(&self, state: &mut State, set: u32) {
        let is_needed = |slot: &Slot| {
            let outside = self.units.iter().enumerate().filter(|(unit, _)| set & (1 << unit) == 0);
            self.wanted.contains(slot)
                || outside
                    .into_iter()
                    .any(|(_, unit)| unit.slots.contains(slot) || unit.needs.slots().any(|needed| needed == *slot))
        };
        state.distinct.retain(|slot, _| is_needed(slot));
        let combinations = state.distinct.values().fold(1.0, |product: f64, distinct| product * distinct);
        state.rows = state.rows.min(combinations);
    }
}

/// What it costs to read rows that are not wanted, where neither the entity nor a few values say where to look.
fn detour_of(candidate: &Candidate, state: &State) -> f64 {
    let alone = &candidate.rounded;
    let GoalKind::Scan(scan) = &candidate.goal.kind else { return 0.0 };
    let is_bound = |slot: Slot| state.is_bound(slot);
    let is_led =
        scan.entity.slot().is_some_and(is_bound) || (state.rows <= PROBES_MAX as f64 && scan.value.slot().is_some_and(is_bound));
    if is_led { 0.0 } else { (alone.read - alone.rows).max(0.0) * SCAN_COST }
}

impl Part {
    fn nothing() -> Self {
        Self { cost: 0.0, state: State::default(), items: Vec::new() }
    }
}
