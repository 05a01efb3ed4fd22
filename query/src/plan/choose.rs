//! What a goal would do in some place of the order, and which goal is best next.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::error::Result;
use crate::plan::estimate::{Expectation, expect};
use crate::plan::goal::{Goal, GoalKind};
use crate::plan::memory;
use crate::plan::needs::Needs;
use crate::plan::order::Surroundings;
use crate::plan::slot::Slot;

/// What it costs to scan a row, compared with carrying one on.
const SCAN_COST: f64 = 0.1;
/// What it costs to run a query inside the query, compared with calling a function.
const NESTED_COST: f64 = 100.0;
/// By how much an unconnected goal is worse than a connected one.
const CROSS_COST: f64 = 1e3;
/// Why a goal stands first that had to.
pub(crate) const FIRST_REASON: &str = "holds what is new in this round";

/// A goal that is to find its place.
pub(crate) struct Candidate {
    pub(crate) goal: Arc<Goal>,
    pub(crate) needs: Needs,
    /// Goals that come before it if they can: they settle which kinds of numbers its functions see.
    pub(crate) waits: Vec<u32>,
    pub(crate) binds: Vec<Slot>,
    /// What is expected of it alone.
    pub(crate) exact: Expectation,
    /// The same, rounded to its magnitude: orders are chosen by this, so that they depend on nothing else.
    pub(crate) rounded: Expectation,
}

impl Candidate {
    pub(crate) fn new(goal: Arc<Goal>, waits: Vec<u32>, surroundings: Surroundings<'_>) -> Result<Self> {
        surroundings.budget.spend_steps(1)?;
        let exact = expect(&goal, surroundings.known, surroundings.input_rows);
        let distinct = exact.distinct.iter().map(|(slot, count)| (*slot, memory::rounded(*count))).collect();
        Ok(Self {
            needs: goal.needs(surroundings.predicates, surroundings.budget)?,
            waits,
            binds: goal.binds(),
            rounded: Expectation { rows: memory::rounded(exact.rows), read: memory::rounded(exact.read), distinct },
            exact,
            goal,
        })
    }
}

/// What the steps so far give.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) rows: f64,
    /// Different values of each bound variable.
    pub(crate) distinct: BTreeMap<Slot, f64>,
}

impl Default for State {
    fn default() -> Self {
        Self { rows: 1.0, distinct: BTreeMap::new() }
    }
}

/// What a candidate would do.
pub(crate) struct Choice {
    pub(crate) rows: f64,
    score: f64,
    pub(crate) reason: &'static str,
}

impl State {
    pub(crate) fn is_bound(&self, slot: Slot) -> bool {
        self.distinct.contains_key(&slot)
    }

    pub(crate) fn apply(&mut self, binds: &[Slot], alone: &Expectation, choice: &Choice) {
        self.take(choice.rows, binds, alone);
    }

    /// So many rows after a goal that binds these.
    pub(crate) fn take(&mut self, rows: f64, binds: &[Slot], alone: &Expectation) {
        self.rows = rows;
        for slot in binds {
            let own = alone.distinct.get(slot).copied().unwrap_or(rows);
            self.distinct.entry(*slot).and_modify(|known| *known = known.min(own)).or_insert(own);
        }
        for known in self.distinct.values_mut() {
            *known = known.min(self.rows).max(1.0);
        }
    }
}

/// The candidates that can run now, by their places: those that need not wait for another, or all if there are only such.
pub(crate) fn ready(waiting: &[&Candidate], is_bound: impl Fn(Slot) -> bool) -> Vec<usize> {
    let is_ready = |at: &usize| waiting[*at].needs.are_met(&is_bound);
    let ready = (0..waiting.len()).filter(is_ready).collect::<Vec<_>>();
    if ready.iter().all(|at| waiting[*at].waits.is_empty()) {
        return ready;
    }
    let ids = waiting.iter().map(|other| other.goal.id).collect::<HashSet<_>>();
    let is_waiting = |id: &u32| ids.contains(id);
    let settled = ready.iter().copied().filter(|at| !waiting[*at].waits.iter().any(is_waiting)).collect::<Vec<_>>();
    if settled.is_empty() { ready } else { settled }
}

/// The best of the candidates that can run now, by its place among them.
pub(crate) fn best(waiting: &[&Candidate], state: &State, first: Option<u32>) -> Option<(usize, Choice)> {
    let mut best: Option<(usize, Choice)> = None;
    for at in ready(waiting, |slot| state.is_bound(slot)) {
        let candidate = waiting[at];
        let mut choice = weigh(&candidate.goal, &candidate.rounded, state);
        if first == Some(candidate.goal.id) {
            choice.score = f64::NEG_INFINITY;
        }
        if best.as_ref().is_none_or(|(_, other)| choice.score < other.score) {
            best = Some((at, choice));
        }
    }
    best
}

/// What a goal would do next, if so much is expected of it alone.
pub(crate) fn weigh(goal: &Goal, alone: &Expectation, state: &State) -> Choice {
    match &goal.kind {
        GoalKind::Call(call) if call.is_test() => {
            Choice { rows: state.rows * 0.4, score: -1.0, reason: "its arguments are bound" }
        }
        GoalKind::Call(call) => {
            let rows = if call.binding.is_none() { state.rows * 0.4 } else { state.rows };
            let cost = if call.nested.is_some() { NESTED_COST } else { 1.0 };
            Choice { rows, score: state.rows * cost, reason: "its arguments are bound" }
        }
        GoalKind::Absent(_) => Choice { rows: state.rows * 0.8, score: state.rows * 0.95, reason: "all it shares is bound" },
        _ => weigh_join(alone, state),
    }
}

fn weigh_join(alone: &Expectation, state: &State) -> Choice {
    let shared = alone.distinct.iter().filter_map(|(slot, own)| state.distinct.get(slot).map(|known| own.max(*known)));
    let shared = shared.collect::<Vec<_>>();
    let rows = shared.iter().fold(state.rows * alone.rows, |rows, spread| rows / spread);
    if shared.is_empty() {
        let is_start = state.rows <= 1.0;
        let score = rows + alone.read * SCAN_COST;
        let reason = match (state.distinct.is_empty(), is_start) {
            (true, _) => "fewest rows to start with",
            (false, true) => "not connected, but at most one row is expected before it",
            (false, false) => "nothing connected is left",
        };
        // A source of no or one row multiplies nothing, so it may come at any time.
        let is_harmless = is_start || alone.rows <= 1.0;
        return Choice { rows, score: if is_harmless { score } else { (score + 1.0) * CROSS_COST }, reason };
    }
    let scanned = alone.rows.min(state.rows * 8.0);
    let reason = if rows <= state.rows { "connected, and adds no rows" } else { "connected, and adds the fewest rows" };
    Choice { rows, score: rows + scanned * SCAN_COST, reason }
}
