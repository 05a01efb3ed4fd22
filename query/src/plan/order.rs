//! Orders the goals of a block by cost: what keeps the intermediate result small comes first, what is connected before what is not,
//! and what cannot run yet waits.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::Budget;
use crate::error::{Code, Error, Result};
use crate::plan::choose::{self, Candidate, Choice, FIRST_REASON, State};
use crate::plan::estimate::{Expectation, Known};
use crate::plan::goal::{Goal, GoalKind, GroupGoal, Predicate};
use crate::plan::kind;
use crate::plan::memory::{KeyWriter, OrderKey, Orders};
use crate::plan::range::with_ranges;
use crate::plan::search::{equalities, searched};
use crate::plan::slot::{Slot, SlotSet};
use crate::plan::tree::{self, Grouping, Item};
use crate::plan::unit::is_rider;
use crate::plan::{Plan, Step};
use crate::run::relation::Relation;
use crate::tuning::{Tuning, Way};

/// More rows than this are not handed to a recursive rule as demands, unless it needs them.
pub(crate) const DEMANDS_MAX: usize = 10_000;
/// What is asked of rows alone waits for a clause that leaves less than this share of them.
const RIDER_SHARE: f64 = 0.95;
/// The number of goals that the planner made.
const GROUP_ID: u32 = u32::MAX - 3;

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
    /// What may be done.
    pub(crate) tuning: Tuning,
    /// Orders that were chosen before.
    pub(crate) orders: Option<Arc<Orders>>,
    /// How often it was weighed what a goal would do in some place.
    pub(crate) weighed: AtomicU64,
    /// How many steps there are.
    steps: AtomicU64,
}

impl Planner {
    /// With these orders, if there are some, and nothing planned yet.
    pub(crate) fn new(tuning: Tuning, orders: Option<Arc<Orders>>) -> Self {
        Self { tuning, orders, ..Self::default() }
    }

    /// The number of one more step.
    fn number(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::Relaxed)
    }
}

/// Plans a block that answers `output`. `first` is a goal that is to stand first, if it can.
pub(crate) fn plan_block(
    goals: &[Arc<Goal>],
    output: &[Slot],
    first: Option<u32>,
    surroundings: Surroundings<'_>,
) -> Result<Plan> {
    surroundings.budget.spend_steps(goals.len() as u64)?;
    let goals = with_ranges(goals, surroundings.known);
    let waits = kind::waits(&goals, surroundings.budget)?;
    let candidates = goals.into_iter().zip(waits).map(|(goal, waits)| Candidate::new(goal, waits, surroundings));
    let candidates = candidates.collect::<Result<Vec<_>>>()?;
    let places = candidates.iter().enumerate().map(|(at, candidate)| (candidate.goal.id, at)).collect();
    let equalities = if surroundings.planner.tuning.bridges == Way::Never { Vec::new() } else { equalities(&candidates) };
    let block = Block { candidates, places, equalities, output, first, surroundings };
    let items = block.order()?;
    let (mut steps, state) = block.steps(&items)?;
    if let Some(missing) = output.iter().find(|slot| !state.is_bound(**slot)) {
        return Err(unbound(*missing, surroundings));
    }
    set_keep(&mut steps, output, surroundings.budget)?;
    Ok(Plan { steps, output: output.to_vec() })
}

/// The goals that must all hold, while they find their places.
struct Block<'p> {
    candidates: Vec<Candidate>,
    /// Where each is, by the id of its goal.
    places: HashMap<u32, usize>,
    /// Pairs of variables that a predicate says are equal, if rows may be joined by them.
    equalities: Vec<(Slot, Slot)>,
    /// What the block answers.
    output: &'p [Slot],
    /// The goal that stands first, if it can.
    first: Option<u32>,
    surroundings: Surroundings<'p>,
}

impl Block<'_> {
    /// The order of the goals, by their ids: one chosen before for goals of which as much was expected, else chosen now.
    fn order(&self) -> Result<Vec<Item>> {
        let items = |order: &[u32]| tree::read(order).expect("an order that was chosen is one");
        let Some(orders) = &self.surroundings.planner.orders else { return Ok(items(&self.chosen()?)) };
        let key = self.key();
        if let Some(order) = orders.get(&key)
            && let Some(known) = self.allowed(&order)?
        {
            return Ok(known);
        }
        let order = self.chosen()?;
        orders.keep(key, Arc::clone(&order));
        Ok(items(&order))
    }

    /// The order that costs least, where it can be searched for; else whatever is best next, until nothing is left. Nothing is looked at but
    /// what [`Block::key`] names.
    fn chosen(&self) -> Result<Arc<[u32]>> {
        if self.first.is_some() {
            return self.one_by_one();
        }
        let planner = self.surroundings.planner;
        let (found, weighed) = searched(&self.candidates, self.output, planner.tuning, self.surroundings.budget)?;
        planner.weighed.fetch_add(weighed as u64, Ordering::Relaxed);
        self.surroundings.budget.spend_steps(weighed as u64)?;
        let found = found.map_or(Ok(None), |items| self.with_riders(items))?;
        found.map_or_else(|| self.one_by_one(), |items| Ok(tree::written(&items).into()))
    }

    /// Whatever is best next, until nothing is left.
    fn one_by_one(&self) -> Result<Arc<[u32]>> {
        let mut waiting = self.candidates.iter().collect::<Vec<_>>();
        let mut state = State::default();
        let mut order = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            self.surroundings.planner.weighed.fetch_add(waiting.len() as u64, Ordering::Relaxed);
            self.surroundings.budget.spend_steps((waiting.len() + state.distinct.len()) as u64)?;
            let best = choose::best(&waiting, &state, self.first.filter(|_| order.is_empty()));
            let Some((at, choice)) = best else { return Err(stuck(&waiting, &state, self.surroundings)) };
            let candidate = waiting.remove(at);
            state.apply(&candidate.binds, &candidate.rounded, &choice);
            order.push(candidate.goal.id);
        }
        Ok(order.into())
    }

    /// The items in their order, and between them what binds nothing: each as soon as it can be taken and is worth it. `None` if something
    /// cannot run in its place.
    fn with_riders(&self, items: Vec<Item>) -> Result<Option<Vec<Item>>> {
        let mut waiting = self.candidates.iter().collect::<Vec<_>>();
        let mut state = State::default();
        let mut placed = Vec::with_capacity(items.len());
        let mut items = items.into_iter().peekable();
        while !waiting.is_empty() {
            self.surroundings.budget.spend_steps(waiting.len() as u64)?;
            let ready = choose::ready(&waiting, |slot| state.is_bound(slot));
            let next = items.peek().map(Item::goals).unwrap_or_default();
            let one = waiting.iter().find(|candidate| next == [candidate.goal.id]);
            let next_rows = one.map_or(f64::INFINITY, |one| choose::weigh(&one.goal, &one.rounded, &state).rows);
            let is_worth = |at: &&usize| {
                let goal = &waiting[**at].goal;
                let is_test = matches!(&goal.kind, GoalKind::Call(call) if call.is_test());
                is_rider(waiting[**at]) && (is_test || next.is_empty() || next_rows >= state.rows * RIDER_SHARE)
            };
            if let Some(at) = ready.iter().find(is_worth) {
                let rider = waiting.remove(*at);
                let choice = choose::weigh(&rider.goal, &rider.rounded, &state);
                state.apply(&[], &rider.rounded, &choice);
                placed.push(Item::Goal(rider.goal.id));
                continue;
            }
            let Some(item) = items.next() else { return Ok(None) };
            for id in &next {
                let Some(at) = waiting.iter().position(|candidate| candidate.goal.id == *id) else { return Ok(None) };
                let is_ready = matches!(item, Item::Group(..)) || ready.iter().any(|ready| waiting[*ready].goal.id == *id);
                if !is_ready {
                    return Ok(None);
                }
                let candidate = waiting.remove(at);
                let choice = choose::weigh(&candidate.goal, &candidate.rounded, &state);
                state.apply(&candidate.binds, &candidate.rounded, &choice);
            }
            placed.push(item);
        }
        Ok(items.next().is_none().then_some(placed))
    }

    /// The goals as steps in this order, with what is expected of each in its place.
    fn steps(&self, items: &[Item]) -> Result<(Vec<Step>, State)> {
        let mut state = State::default();
        let mut steps = Vec::with_capacity(items.len());
        for item in items {
            self.surroundings.budget.spend_steps(1 + state.distinct.len() as u64)?;
            match item {
                Item::Goal(id) => {
                    let Some(candidate) = self.candidate(*id) else { continue };
                    let mut choice = choose::weigh(&candidate.goal, &candidate.exact, &state);
                    if steps.is_empty() && self.first == Some(candidate.goal.id) {
                        choice.reason = FIRST_REASON;
                    }
                    let bridge = self.bridge(&candidate.goal, &candidate.exact, &state)?;
                    bridge_rows(&mut choice, &bridge, &candidate.exact, &state);
                    steps.push(Step { bridge, ..step(candidate, &choice, &state, self.surroundings)? });
                    state.apply(&candidate.binds, &candidate.exact, &choice);
                }
                Item::Group(grouping, inner) => {
                    let (group, plan, alone) = self.group(*grouping, inner)?;
                    let mut choice = choose::weigh(&group, &alone, &state);
                    choice.reason = match grouping {
                        Grouping::Apart => "fewer rows than one clause after the other",
                        Grouping::Cycle => "its clauses form a cycle",
                    };
                    let bridge = self.bridge(&group, &alone, &state)?;
                    bridge_rows(&mut choice, &bridge, &alone, &state);
                    state.apply(&group.binds(), &alone, &choice);
                    let (number, keep, bound) = (self.surroundings.planner.number(), SlotSet::default(), Vec::new());
                    let (estimated_rows, reason) = (choice.rows, choice.reason);
                    steps.push(Step { number, goal: group, branches: vec![plan], keep, bound, bridge, estimated_rows, reason });
                }
            }
        }
        Ok((steps, state))
    }

    /// A group as a goal, the plan of what is in it, and what is expected of it.
    fn group(&self, grouping: Grouping, items: &[Item]) -> Result<(Arc<Goal>, Plan, Expectation)> {
        let ids = items.iter().flat_map(Item::goals).collect::<Vec<_>>();
        let (inside, outside): (Vec<_>, Vec<_>) = self.candidates.iter().partition(|candidate| ids.contains(&candidate.goal.id));
        let mut needed: SlotSet = self.output.iter().copied().collect();
        for candidate in &outside {
            needed.extend(candidate.goal.mentions());
        }
        let (mut steps, state) = self.steps(items)?;
        let slots = state.distinct.keys().copied().filter(|slot| needed.contains(*slot)).collect::<Vec<_>>();
        set_keep(&mut steps, &slots, self.surroundings.budget)?;
        let distinct = slots.iter().map(|slot| (*slot, state.distinct[slot])).collect::<BTreeMap<_, _>>();
        let combinations = distinct.values().fold(1.0, |product: f64, distinct| product * distinct);
        let goals = ids.iter().filter_map(|id| Some(Arc::clone(&self.candidate(*id)?.goal))).collect();
        let kind = GoalKind::Group(GroupGoal { grouping, slots: slots.clone(), goals });
        let first = inside.first().map(|candidate| &candidate.goal);
        let (span, rule) = (first.map(|goal| goal.span).unwrap_or_default(), first.and_then(|goal| goal.rule.clone()));
        let goal = Arc::new(Goal { id: GROUP_ID, kind, span, rule });
        let rows = state.rows.min(combinations);
        Ok((goal, Plan { steps, output: slots }, Expectation { rows, read: rows, distinct }))
    }

    /// The equalities that connect a goal with what is bound, if it shares no variable with it.
    fn bridge(&self, goal: &Goal, alone: &Expectation, state: &State) -> Result<Vec<(Slot, Slot)>> {
        let is_join = !matches!(goal.kind, GoalKind::Call(_) | GoalKind::Absent(_));
        let is_shared = || alone.distinct.keys().any(|slot| state.is_bound(*slot));
        if !is_join || state.distinct.is_empty() || self.equalities.is_empty() || is_shared() {
            return Ok(Vec::new());
        }
        self.surroundings.budget.spend_steps(self.equalities.len() as u64)?;
        let equalities = self.equalities.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
        Ok(equalities.filter(|(known, own)| state.is_bound(*known) && alone.distinct.contains_key(own)).collect())
    }

    fn candidate(&self, id: u32) -> Option<&Candidate> {
        self.places.get(&id).map(|at| &self.candidates[*at])
    }

    /// The items of an order that names each goal once, and none before it can run: so it would even if it were another query's.
    fn allowed(&self, order: &[u32]) -> Result<Option<Vec<Item>>> {
        let Some(items) = tree::read(order) else { return Ok(None) };
        let mut bound = SlotSet::default();
        let mut waiting = self.candidates.iter().collect::<Vec<_>>();
        for item in &items {
            let is_group = matches!(item, Item::Group(..));
            for id in item.goals() {
                self.surroundings.budget.spend_steps(waiting.len() as u64)?;
                let Some(at) = waiting.iter().position(|candidate| candidate.goal.id == id) else { return Ok(None) };
                let is_ready = || choose::ready(&waiting, |slot| bound.contains(slot)).contains(&at);
                let can_run = if is_group { is_groupable(&waiting[at].goal) } else { is_ready() };
                if !can_run {
                    return Ok(None);
                }
                bound.extend(waiting.remove(at).binds.iter().copied());
            }
        }
        Ok(waiting.is_empty().then_some(items))
    }

    /// All that the choice of an order depends on.
    fn key(&self) -> OrderKey {
        let mut key = KeyWriter::default();
        key.exact(self.first.map_or(0, |id| id + 1));
        key.exact(self.surroundings.planner.tuning.number());
        key.slots(self.output);
        for candidate in &self.candidates {
            key.exact(candidate.goal.id);
            key.exact(candidate.needs.ways().len() as u32);
            candidate.needs.ways().iter().for_each(|way| key.slots(way));
            key.slots(&candidate.waits);
            key.slots(&candidate.binds);
            key.amount(candidate.rounded.rows);
            key.amount(candidate.rounded.read);
            for (slot, distinct) in &candidate.rounded.distinct {
                key.exact(*slot);
                key.amount(*distinct);
            }
        }
        key.into_key()
    }
}

/// Fewer rows are expected where equalities connect.
fn bridge_rows(choice: &mut Choice, bridge: &[(Slot, Slot)], alone: &Expectation, state: &State) {
    for (known, own) in bridge {
        choice.rows /= state.distinct[known].max(alone.distinct[own]).max(1.0);
        choice.reason = "connected by an equality that is asked for";
    }
}

/// The same step planned anew for a block that has come further than it was planned for: more is bound around it.
pub(crate) fn planned_again(step: &Step, current: &Relation, surroundings: Surroundings<'_>) -> Result<Step> {
    // What is in a group does not depend on what is around it.
    if matches!(step.goal.kind, GoalKind::Group(_)) {
        return Ok(step.clone());
    }
    let bound = current.slots.iter().map(|slot| (*slot, current.rows as f64)).collect();
    let state = State { rows: current.rows as f64, distinct: bound };
    let again = step_of(&step.goal, (step.estimated_rows, step.reason), &state, surroundings)?;
    // Nothing is left for a bridge: what is bound now connects it, else it fails as it did.
    Ok(Step { number: step.number, ..again })
}

fn step(candidate: &Candidate, choice: &Choice, state: &State, surroundings: Surroundings<'_>) -> Result<Step> {
    step_of(&candidate.goal, (choice.rows, choice.reason), state, surroundings)
}

fn step_of(
    goal: &Arc<Goal>,
    (estimated_rows, reason): (f64, &'static str),
    state: &State,
    surroundings: Surroundings<'_>,
) -> Result<Step> {
    let inner = Surroundings { input_rows: state.rows, ..surroundings };
    let mut bound = Vec::new();
    let branches = match &goal.kind {
        GoalKind::Union(union) => {
            let outer = union.border.iter().copied().filter(|slot| state.is_bound(*slot)).collect::<Vec<_>>();
            let plans = union.branches.iter().map(|branch| plan_inner(branch, &outer, &union.border, inner));
            plans.collect::<Result<_>>()?
        }
        GoalKind::Absent(absent) => vec![plan_inner(&absent.goals, &absent.shared, &absent.shared, inner)?],
        GoalKind::Rule(rule) => {
            let is_bound = |place: usize| rule.args[place].is_some_and(|slot| state.is_bound(slot));
            bound = (0..rule.args.len()).map(is_bound).collect::<Vec<_>>();
            if state.rows > DEMANDS_MAX as f64 {
                bound = surroundings.predicates[rule.predicate].least_bound(&bound);
            }
            Vec::new()
        }
        _ => Vec::new(),
    };
    let (number, keep, bridge) = (surroundings.planner.number(), SlotSet::default(), Vec::new());
    Ok(Step { number, goal: Arc::clone(goal), branches, keep, bound, bridge, estimated_rows, reason })
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
    // A call may fail for arguments that the rows around it would have excluded.
    if is_last && can_do_without && !goals.iter().any(|goal| goal.has_call()) {
        plan.steps.pop();
        set_keep(&mut plan.steps, output, surroundings.budget)?;
    }
    Ok(plan)
}

/// True for what can stand in a group: it needs nothing and cannot fail.
fn is_groupable(goal: &Goal) -> bool {
    matches!(goal.kind, GoalKind::Scan(_) | GoalKind::Rows(..) | GoalKind::Given(_))
}

fn set_keep(steps: &mut [Step], output: &[Slot], budget: &Budget) -> Result<()> {
    let mut needed: SlotSet = output.iter().copied().collect();
    for step in steps.iter_mut().rev() {
        budget.spend_steps(1 + needed.words() as u64)?;
        step.keep = needed.clone();
        needed.extend(step.goal.mentions());
    }
    Ok(())
}

fn stuck(waiting: &[&Candidate], state: &State, surroundings: Surroundings<'_>) -> Error {
    let missing = waiting.iter().flat_map(|candidate| candidate.needs.slots().map(|slot| (slot, candidate.goal.span)));
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
