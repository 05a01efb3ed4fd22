//! Orders the goals of a block by cost: what keeps the intermediate result small comes first, what is connected before what is not,
//! and what cannot run yet waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::Budget;
use crate::error::{Code, Error, Result};
use crate::plan::estimate::{Expectation, Known, expect};
use crate::plan::goal::{Goal, GoalKind, Predicate};
use crate::plan::memory::{KeyWriter, OrderKey, Orders};
use crate::plan::range::with_ranges;
use crate::plan::slot::{Slot, SlotSet};
use crate::plan::{Plan, Step};

/// More rows than this are not handed to a recursive rule as demands, unless it needs them.
const DEMANDS_MAX: f64 = 10_000.0;
/// What it costs to scan a row, compared with carrying one on.
const SCAN_COST: f64 = 0.1;
/// By how much an unconnected goal is worse than a connected one.
const CROSS_COST: f64 = 1e3;
/// Why a goal stands first that had to.
const FIRST_REASON: &str = "holds what is new in this round";

/// What the planner knows beside the goals.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'p> {
    /// The recursive rules.
    pub(crate) predicates: &'p [Predicate],
    /// The names of variables, for errors.
    pub(crate) names: &'p [crate::ast::Variable],
    /// Variables with one value.
    pub(crate) known: &'p Known,
    /// Rows of the surrounding block.
    pub(crate) input_rows: f64,
    /// What ordering may use and spend.
    pub(crate) planner: &'p Planner,
    /// The same of the query as a whole.
    pub(crate) budget: &'p Budget,
}

/// What is kept from one run of a query to the next, and what this one cost to order.
#[derive(Debug, Default)]
pub(crate) struct Planner {
    /// Orders that were chosen before.
    pub(crate) orders: Option<Arc<Orders>>,
    /// How often it was weighed what a goal would do in some place.
    pub(crate) weighed: AtomicU64,
}

/// Plans a block that answers `output`. `first` is a goal that is to stand first, if it can.
pub(crate) fn plan_block(
    goals: &[Arc<Goal>],
    output: &[Slot],
    first: Option<u32>,
    surroundings: Surroundings<'_>,
) -> Result<Plan> {
    let goals = with_ranges(goals, surroundings.known);
    let waiting = goals.into_iter().map(|goal| Candidate::new(goal, surroundings)).collect::<Vec<_>>();
    surroundings.budget.spend_steps(waiting.len() as u64)?;
    let mut block = Block { waiting, state: State::default(), steps: Vec::new(), surroundings };
    match &surroundings.planner.orders {
        None => block.choose_all(first)?,
        Some(orders) => {
            let key = block.key(first, output);
            match orders.get(&key).filter(|order| block.allows(order)) {
                Some(order) => {
                    orders.took();
                    block.follow(&order, first)?;
                }
                None => {
                    block.choose_all(first)?;
                    orders.keep(key, block.steps.iter().map(|step| step.goal.id).collect());
                }
            }
        }
    }
    let Block { state, mut steps, .. } = block;
    if let Some(missing) = output.iter().find(|slot| !state.distinct.contains_key(slot)) {
        return Err(unbound(*missing, surroundings));
    }
    set_keep(&mut steps, output);
    Ok(Plan { steps, output: output.to_vec() })
}

/// A block while its goals find their places.
struct Block<'p> {
    waiting: Vec<Candidate>,
    state: State,
    steps: Vec<Step>,
    surroundings: Surroundings<'p>,
}

impl Block<'_> {
    /// Whatever is best next, until nothing is left.
    fn choose_all(&mut self, first: Option<u32>) -> Result<()> {
        while !self.waiting.is_empty() {
            self.weigh(self.waiting.len())?;
            let best = choose(&self.waiting, &self.state, if self.steps.is_empty() { first } else { None });
            let Some((at, choice)) = best else { return Err(stuck(&self.waiting, &self.state, self.surroundings)) };
            self.place(at, &choice)?;
        }
        Ok(())
    }

    /// An order that was chosen before.
    fn follow(&mut self, order: &[u32], first: Option<u32>) -> Result<()> {
        for id in order {
            let at = self.waiting.iter().position(|candidate| candidate.goal.id == *id);
            let at = at.expect("the order was found to name each goal once");
            self.weigh(1)?;
            let mut choice = weigh(&self.waiting[at], &self.state);
            if self.steps.is_empty() && first == Some(*id) {
                choice.reason = FIRST_REASON;
            }
            self.place(at, &choice)?;
        }
        Ok(())
    }

    /// True if an order names each goal once, and none before its variables are bound.
    fn allows(&self, order: &[u32]) -> bool {
        let mut bound = SlotSet::default();
        let mut is_placed = vec![false; self.waiting.len()];
        order.len() == self.waiting.len()
            && order.iter().all(|id| {
                let Some(at) = self.waiting.iter().position(|candidate| candidate.goal.id == *id) else { return false };
                let candidate = &self.waiting[at];
                let is_allowed = !is_placed[at] && bound.contains_all(&candidate.requires);
                is_placed[at] = true;
                bound.extend(candidate.binds.iter().copied());
                is_allowed
            })
    }

    fn weigh(&self, goals: usize) -> Result<()> {
        self.surroundings.planner.weighed.fetch_add(goals as u64, Ordering::Relaxed);
        self.surroundings.budget.spend_steps(goals as u64)
    }

    fn place(&mut self, at: usize, choice: &Choice) -> Result<()> {
        let candidate = self.waiting.remove(at);
        let step = step(&candidate, choice, &self.state, self.surroundings)?;
        self.state.apply(&candidate, choice);
        self.steps.push(step);
        Ok(())
    }

    /// All that the choice of an order depends on.
    fn key(&self, first: Option<u32>, output: &[Slot]) -> OrderKey {
        let mut key = KeyWriter::default();
        key.exact(first.map_or(0, |id| id + 1));
        key.amount(self.surroundings.input_rows);
        key.slots(output);
        for candidate in &self.waiting {
            key.exact(candidate.goal.id);
            key.slots(&candidate.requires);
            key.slots(&candidate.binds);
            key.amount(candidate.alone.rows);
            for distinct in candidate.alone.distinct.values() {
                key.amount(*distinct);
            }
        }
        key.into_key()
    }
}

/// A goal that has no place yet.
struct Candidate {
    goal: Arc<Goal>,
    requires: Vec<Slot>,
    binds: Vec<Slot>,
    alone: Expectation,
}

impl Candidate {
    fn new(goal: Arc<Goal>, surroundings: Surroundings<'_>) -> Self {
        Self {
            requires: goal.requires(surroundings.predicates),
            binds: goal.binds(),
            alone: expect(&goal, surroundings.known, surroundings.input_rows),
            goal,
        }
    }
}

/// What the steps so far give.
struct State {
    rows: f64,
    /// Different values of each bound variable.
    distinct: BTreeMap<Slot, f64>,
}

impl Default for State {
    fn default() -> Self {
        Self { rows: 1.0, distinct: BTreeMap::new() }
    }
}

/// What a candidate would do.
struct Choice {
    rows: f64,
    score: f64,
    reason: &'static str,
}

impl State {
    fn is_bound(&self, slot: Slot) -> bool {
        self.distinct.contains_key(&slot)
    }

    fn apply(&mut self, candidate: &Candidate, choice: &Choice) {
        self.rows = choice.rows;
        for slot in &candidate.binds {
            let own = candidate.alone.distinct.get(slot).copied().unwrap_or(choice.rows);
            self.distinct.entry(*slot).and_modify(|known| *known = known.min(own)).or_insert(own);
        }
        for known in self.distinct.values_mut() {
            *known = known.min(self.rows).max(1.0);
        }
    }
}

fn choose(waiting: &[Candidate], state: &State, first: Option<u32>) -> Option<(usize, Choice)> {
    let mut best: Option<(usize, Choice)> = None;
    for (at, candidate) in waiting.iter().enumerate() {
        if !candidate.requires.iter().all(|slot| state.is_bound(*slot)) {
            continue;
        }
        let mut choice = weigh(candidate, state);
        if first == Some(candidate.goal.id) {
            choice.score = f64::NEG_INFINITY;
            choice.reason = FIRST_REASON;
        }
        if best.as_ref().is_none_or(|(_, other)| choice.score < other.score) {
            best = Some((at, choice));
        }
    }
    best
}

fn weigh(candidate: &Candidate, state: &State) -> Choice {
    match &candidate.goal.kind {
        GoalKind::Call(call) if call.binding.is_none() && call.source.is_none() => {
            Choice { rows: state.rows * 0.4, score: -1.0, reason: "its arguments are bound" }
        }
        GoalKind::Call(call) => {
            let rows = if call.binding.is_none() { state.rows * 0.4 } else { state.rows };
            Choice { rows, score: state.rows, reason: "its arguments are bound" }
        }
        GoalKind::Absent(_) => Choice { rows: state.rows * 0.8, score: state.rows * 0.95, reason: "all it shares is bound" },
        _ => weigh_join(candidate, state),
    }
}

fn weigh_join(candidate: &Candidate, state: &State) -> Choice {
    let alone = &candidate.alone;
    let shared = alone.distinct.iter().filter_map(|(slot, own)| state.distinct.get(slot).map(|known| own.max(*known)));
    let shared = shared.collect::<Vec<_>>();
    let rows = shared.iter().fold(state.rows * alone.rows, |rows, spread| rows / spread);
    if shared.is_empty() {
        let is_start = state.rows <= 1.0;
        let score = rows + alone.rows * SCAN_COST;
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

fn step(candidate: &Candidate, choice: &Choice, state: &State, surroundings: Surroundings<'_>) -> Result<Step> {
    let inner = Surroundings { input_rows: state.rows, ..surroundings };
    let mut bound = Vec::new();
    let branches = match &candidate.goal.kind {
        GoalKind::Union(union) => {
            let outer = union.border.iter().copied().filter(|slot| state.is_bound(*slot)).collect::<Vec<_>>();
            let plans = union.branches.iter().map(|branch| plan_inner(branch, &outer, &union.border, inner));
            plans.collect::<Result<_>>()?
        }
        GoalKind::Absent(absent) => vec![plan_inner(&absent.goals, &absent.shared, &absent.shared, inner)?],
        GoalKind::Rule(rule) => {
            let needs = &surroundings.predicates[rule.predicate].needs;
            let is_bound = |arg: &Option<Slot>| arg.is_some_and(|slot| state.is_bound(slot));
            let is_worth = state.rows <= DEMANDS_MAX;
            bound = rule.args.iter().zip(needs).map(|(arg, is_needed)| *is_needed || (is_worth && is_bound(arg))).collect();
            Vec::new()
        }
        _ => Vec::new(),
    };
    Ok(Step {
        goal: Arc::clone(&candidate.goal),
        branches,
        keep: SlotSet::default(),
        bound,
        estimated_rows: choice.rows,
        reason: choice.reason,
    })
}

/// Plans what stands inside a border. The rows around it take part as one more goal; where they would come last, joining them is left to
/// the surrounding step.
fn plan_inner(goals: &[Arc<Goal>], outer: &[Slot], output: &[Slot], surroundings: Surroundings<'_>) -> Result<Plan> {
    let span = goals.first().map(|goal| goal.span).unwrap_or_default();
    let mut all = goals.to_vec();
    all.push(Arc::new(Goal { id: 0, kind: GoalKind::Input(outer.to_vec()), span, rule: None }));
    let mut plan = plan_block(&all, output, None, surroundings)?;
    let can_do_without = {
        let mut bound = SlotSet::default();
        plan.steps.iter().rev().skip(1).for_each(|step| bound.extend(step.goal.binds()));
        bound.contains_all(output)
    };
    let is_last = matches!(plan.steps.last(), Some(Step { goal, .. }) if matches!(goal.kind, GoalKind::Input(_)));
    if is_last && can_do_without {
        plan.steps.pop();
        set_keep(&mut plan.steps, output);
    }
    Ok(plan)
}

fn set_keep(steps: &mut [Step], output: &[Slot]) {
    let mut needed: SlotSet = output.iter().copied().collect();
    for step in steps.iter_mut().rev() {
        step.keep = needed.clone();
        needed.extend(step.goal.mentions());
    }
}

fn stuck(waiting: &[Candidate], state: &State, surroundings: Surroundings<'_>) -> Error {
    let missing = waiting.iter().flat_map(|candidate| candidate.requires.iter().map(|slot| (*slot, candidate.goal.span)));
    match missing.into_iter().find(|(slot, _)| !state.is_bound(*slot)) {
        Some((slot, span)) => unbound(slot, surroundings).at(span),
        None => Error::new(Code::UnboundVariable, "no clause can run first"),
    }
}

fn unbound(slot: Slot, surroundings: Surroundings<'_>) -> Error {
    let name = surroundings.names.get(slot as usize).map_or("?", |variable| &variable.0);
    Error::new(Code::UnboundVariable, format!("nothing binds `{name}`"))
        .with_value(name)
        .with_help(format!("add a pattern that binds `{name}`, or give it in :in"))
}
