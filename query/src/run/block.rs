//! Runs the steps of a block, one after the other.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::error::{Code, Error, Result};
use crate::plan::goal::{CallGoal, GoalKind, GroupGoal, RuleGoal};
use crate::plan::order::{DEMANDS_MAX, planned_again};
use crate::plan::slot::{Slot, SlotSet};
use crate::plan::tree::Grouping;
use crate::plan::{Plan, Step};
use crate::run::effort::Method;
use crate::run::gather::{concat, repeat};
use crate::run::join::{anti, distinct, matching};
use crate::run::key::is_exact;
use crate::run::relation::Relation;
use crate::run::sparing::Sparing;
use crate::run::stable::StableScans;
use crate::run::store::Store;
use crate::run::{Run, call, cycle, fixpoint, rows, scan};
use crate::tuning::Way;

/// Rows from which on it pays to remove duplicates between steps.
const DISTINCT_ROWS_MIN: usize = 256;

/// What the surroundings of a block put into it.
#[derive(Default)]
pub(crate) struct Frame<'f> {
    /// The rows of the surrounding block, or the demands on a rule.
    pub(crate) input: Option<&'f Relation>,
    /// What is known of the input, where it is more than what is new.
    pub(crate) known: Option<&'f Store>,
    /// The rows that calls of rules are to see in this round, by the number of the goal.
    pub(crate) round: Option<&'f BTreeMap<u32, Round<'f>>>,
    /// Scans that give the same in every round.
    pub(crate) scans: Option<&'f StableScans>,
    /// What scans may touch, where they are to look up what is bound.
    pub(crate) sparing: Option<&'f Sparing>,
    /// True if rows may be given more than once.
    pub(crate) is_bag: bool,
}

/// The rows of a rule's table in one round.
#[derive(Clone, Copy)]
pub(crate) enum Round<'f> {
    /// Those that the round before found.
    New(&'f Relation),
    /// All.
    Known(&'f Store),
}

/// The distinct rows that a plan answers.
///
/// A step that fails for some arguments waits until every other step has spoken: the error counts only if such arguments are left then. So
/// whether there is an answer does not depend on the order of the steps: rows only become fewer, and a step that succeeds on many
/// succeeds on fewer.
pub(crate) fn run_plan(plan: &Plan, run: &Run<'_>, frame: &Frame<'_>) -> Result<Relation> {
    let mut block = Block { current: Relation::unit(), failing: Vec::new(), run, frame };
    let mut held = run.budget.hold(0)?;
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    let mut is_in_order = true;
    while !steps.is_empty() {
        let mut waiting: Vec<&Step> = Vec::new();
        let mut refusal: Option<Error> = None;
        for (at, step) in steps.iter().enumerate() {
            if !is_in_order && !block.is_ready(step)? {
                waiting.push(step);
                continue;
            }
            let later = if is_in_order { &[][..] } else { &steps[at + 1..] };
            let keep = block.keep(step, waiting.iter().chain(later), plan);
            let (slots, rows) = (block.current.slots.clone(), block.current.rows);
            match block.take(step, &keep, is_in_order) {
                Ok(()) => {}
                Err(error) if error.is_of_the_budget() => return Err(error),
                Err(error) => {
                    is_in_order = false;
                    refusal.get_or_insert(error);
                    waiting.push(step);
                    continue;
                }
            }
            held.set(block.current.bytes())?;
            let is_last = at + 1 == steps.len();
            if !is_last && block.may_repeat(step, &slots, rows) {
                block.current = distinct(block.current, run.budget)?;
            }
            if block.current.rows == 0 {
                return Ok(Relation::empty(plan.output.clone()));
            }
        }
        if waiting.len() == steps.len() {
            let stuck = || Error::new(Code::UnboundVariable, "no clause can run first");
            return Err(refusal.unwrap_or_else(stuck));
        }
        steps = waiting;
    }
    for (step, goal) in block.failing {
        block.current = call::filter_strictly(&block.current, goal, run.budget).map_err(|error| error.at(step.goal.span))?;
    }
    let rows = block.current.project(&plan.output)?;
    if frame.is_bag { Ok(rows) } else { distinct(rows, run.budget) }
}

/// Runs steps that fail for no row and need nothing bound, in this order, on rows found before; `later` are those that are still to come.
pub(crate) fn run_steps(steps: &[&Step], later: &[&Step], current: Relation, plan: &Plan, run: &Run<'_>) -> Result<Relation> {
    let frame = Frame::default();
    let mut block = Block { current, failing: Vec::new(), run, frame: &frame };
    let mut held = run.budget.hold(0)?;
    for (at, step) in steps.iter().enumerate() {
        let mut keep = block.keep(step, steps[at + 1..].iter().chain(later), plan);
        keep.extend(plan.output.iter().copied());
        block.take(step, &keep, true)?;
        held.set(block.current.bytes())?;
        if block.current.rows == 0 {
            break;
        }
    }
    Ok(block.current)
}

/// A block while it runs.
struct Block<'b, 'p> {
    /// The rows found so far.
    current: Relation,
    /// Predicates that failed for some of them.
    failing: Vec<(&'b Step, &'b CallGoal)>,
    run: &'b Run<'p>,
    frame: &'b Frame<'b>,
}

impl<'b> Block<'b, '_> {
    /// True if what the step needs is bound: a step before it may have failed.
    fn is_ready(&self, step: &Step) -> Result<bool> {
        let needs = step.goal.needs(&self.run.program.predicates, self.run.budget)?;
        Ok(needs.are_met(|slot| self.current.position(slot).is_some()))
    }

    /// The variables that are needed after a step.
    fn keep<'s>(&self, step: &Step, others: impl Iterator<Item = &'s &'s Step>, plan: &Plan) -> SlotSet {
        let mut keep = step.keep.clone();
        for (step, _) in &self.failing {
            keep.extend(step.goal.mentions());
        }
        let mut others = others.peekable();
        if others.peek().is_some() {
            keep.extend(plan.output.iter().copied());
        }
        others.for_each(|step| keep.extend(step.goal.mentions()));
        keep
    }

    /// True if a step has left out variables, so that rows may be the same now, and it pays to look. Values that are the same but not
    /// identical are left alone: a function to come may tell them apart.
    fn may_repeat(&self, step: &Step, slots_before: &[Slot], rows_before: usize) -> bool {
        let is_left_out = |slot: &Slot| self.current.position(*slot).is_none();
        let (current, way) = (&self.current, self.run.tuning().distinct);
        let pays = current.slots.len() < slots_before.len() || current.rows > rows_before;
        let is_worth = way == Way::Always || (way == Way::Chosen && current.rows >= DISTINCT_ROWS_MIN && pays);
        is_worth
            && current.key.is_none()
            && (slots_before.iter().any(is_left_out) || step.goal.binds().iter().any(is_left_out))
            && current.columns.iter().all(|column| is_exact(column, column))
    }

    fn take(&mut self, step: &'b Step, keep: &SlotSet, is_in_order: bool) -> Result<()> {
        let run = self.run;
        run.budget.spend_steps(1 + (self.current.slots.len() + keep.words()) as u64)?;
        let started = run.efforts.as_ref().map(|_| Instant::now());
        let rows_before = self.current.rows;
        if let GoalKind::Call(goal) = &step.goal.kind
            && goal.is_test()
        {
            run.note(step, |effort| effort.took(call::method(&self.current, goal)));
            let (mut filtered, has_failed) = call::filter(&self.current, goal, run.budget)?;
            if has_failed {
                self.failing.push((step, goal));
                let mut keep = keep.clone();
                keep.extend(step.goal.mentions());
                filtered = filtered.keep(&keep);
            } else {
                filtered = filtered.keep(keep);
            }
            self.current = filtered;
        } else {
            let mut found = run_step(step, keep, &self.current, run, self.frame);
            if !is_in_order && found.as_ref().is_err_and(|error| !error.is_of_the_budget()) {
                // More may be bound now than when it was planned: what is inside of it then meets fewer arguments.
                let again = planned_again(step, &self.current, fixpoint::surroundings(run))?;
                found = run_step(&again, keep, &self.current, run, self.frame);
            }
            self.current = found.map_err(|error| error.at(step.goal.span))?;
        }
        run.budget.check_rows(self.current.rows)?;
        if let Some(started) = started {
            run.note(step, |effort| {
                effort.runs += 1;
                effort.rows_before += rows_before;
                effort.rows += self.current.rows;
                effort.time += started.elapsed();
            });
        }
        Ok(())
    }
}

fn run_step(step: &Step, keep: &SlotSet, current: &Relation, run: &Run<'_>, frame: &Frame<'_>) -> Result<Relation> {
    match &step.goal.kind {
        GoalKind::Scan(goal) => scan::extend(current, goal, step, keep, run, frame),
        GoalKind::Rows(data, places) => {
            run.note(step, |effort| {
                effort.read += data.len();
                effort.took(Method::Data);
            });
            run.join(step, current, &rows::matching(data, places, run.budget)?, keep)
        }
        GoalKind::Given(relation) => match constant(relation, run) {
            Some(replaced) => run.join(step, current, &replaced, keep),
            None => run.join(step, current, relation, keep),
        },
        GoalKind::Input(slots) => {
            run.note(step, |effort| effort.took(Method::Handed));
            if slots.is_empty() && frame.input.is_none_or(|input| input.rows > 0) {
                return Ok(current.clone().keep(keep));
            }
            if let Some(known) = frame.known {
                let args = slots.iter().copied().map(Some).collect::<Vec<_>>();
                if let Some(joined) = known.join(&args, current, keep, run.budget)? {
                    return Ok(joined);
                }
                return run.join(step, current, &known.all().renamed(slots.clone()).project(slots)?, keep);
            }
            let unit = Relation::unit();
            let input = frame.input.unwrap_or(&unit).project(slots)?;
            run.join(step, current, &input, keep)
        }
        GoalKind::Call(_) if run.program.grounded.contains_key(&step.goal.id) => {
            run.join(step, current, &run.program.grounded[&step.goal.id], keep)
        }
        GoalKind::Call(goal) => {
            run.note(step, |effort| effort.took(call::method(current, goal)));
            Ok(call::apply(current, goal, run.program.expected_of(&step.goal), run.budget)?.keep(keep))
        }
        GoalKind::Union(goal) => {
            run.note(step, |effort| effort.took(Method::Branches));
            let found = union(step, &goal.border, current, run, frame)?;
            run.join(step, current, &found, keep)
        }
        GoalKind::Absent(goal) => {
            let plan = &step.branches[0];
            let found = nested(plan, &goal.shared, current, run, frame)?;
            run.note(step, |effort| effort.took(matching(current, &found, &current.shared(&found), run.tuning()).method()));
            Ok(anti(current, &found, run.tuning(), run.budget)?.keep(keep))
        }
        GoalKind::Group(goal) => {
            let found = group(step, goal, run)?;
            run.join(step, current, &found, keep)
        }
        GoalKind::Rule(goal) => {
            if let Some(Round::Known(known)) = frame.round.and_then(|round| round.get(&step.goal.id))
                && let Some(joined) = known.join(&goal.args, current, keep, run.budget)?
            {
                run.note(step, |effort| effort.took(Method::Kept));
                return Ok(joined);
            }
            let found = rule(step, goal, current, run, frame)?;
            run.note(step, |effort| effort.read += found.rows);
            run.join(step, current, &found, keep)
        }
    }
}

/// A constant argument of a rule, as it was resolved.
fn constant(relation: &Relation, run: &Run<'_>) -> Option<Relation> {
    let [slot] = relation.slots[..] else { return None };
    Some(match run.program.constants.get(&slot)? {
        Some(value) => Relation::new(vec![slot], vec![repeat(value, 1)], 1),
        None => Relation::empty(vec![slot]),
    })
}

/// Runs a plan inside a border, on the distinct rows of the surrounding block where the plan asks for them.
fn nested(plan: &Plan, border: &[Slot], current: &Relation, run: &Run<'_>, frame: &Frame<'_>) -> Result<Relation> {
    let mut input = None;
    if plan.reads_input() {
        let outer = border.iter().copied().filter(|slot| current.position(*slot).is_some()).collect::<Vec<_>>();
        input = Some(distinct(current.project(&outer)?, run.budget)?);
    }
    run_plan(plan, run, &Frame { input: input.as_ref(), round: frame.round, sparing: frame.sparing, ..Frame::default() })
}

/// What goals give that are joined by themselves.
fn group(step: &Step, goal: &GroupGoal, run: &Run<'_>) -> Result<Relation> {
    if goal.grouping == Grouping::Cycle
        && let Some(found) = cycle::joined(goal, &step.branches[0], run)?
    {
        run.note(step, |effort| effort.took(Method::Cycle));
        return Ok(found);
    }
    run.note(step, |effort| effort.took(Method::Apart));
    run_plan(&step.branches[0], run, &Frame::default())
}

fn union(step: &Step, border: &[Slot], current: &Relation, run: &Run<'_>, frame: &Frame<'_>) -> Result<Relation> {
    let parts = step.branches.iter().map(|plan| nested(plan, border, current, run, frame)).collect::<Result<Vec<_>>>()?;
    let all = stack(border, &parts);
    run.budget.check_rows(all.rows)?;
    distinct(all, run.budget)
}

/// The rows of all parts, which have the same variables.
pub(crate) fn stack(slots: &[Slot], parts: &[Relation]) -> Relation {
    let parts = parts.iter().filter(|part| part.rows > 0).collect::<Vec<_>>();
    if let [only] = &parts[..] {
        return Relation::clone(only);
    }
    let columns = slots.iter().map(|slot| concat(&parts.iter().filter_map(|part| part.column(*slot)).collect::<Vec<_>>()));
    Relation::new(slots.to_vec(), columns.collect(), parts.iter().map(|part| part.rows).sum())
}

/// The rows of a rule's table, under the names of the call.
fn rule(step: &Step, goal: &RuleGoal, current: &Relation, run: &Run<'_>, frame: &Frame<'_>) -> Result<Relation> {
    if let Some(table) = frame.round.and_then(|round| round.get(&step.goal.id)) {
        run.note(step, |effort| effort.took(Method::Handed));
        return match table {
            Round::New(rows) => call_columns(rows, &goal.args, run),
            Round::Known(store) => call_columns(&store.all(), &goal.args, run),
        };
    }
    let predicate = &run.program.predicates[goal.predicate];
    let (bound, demand) = demanded(step, goal, current, run)?;
    let params = predicate.params.iter().zip(&bound).filter(|(_, is_bound)| **is_bound).map(|(slot, _)| *slot);
    let table = fixpoint::solve(goal.predicate, &bound, &demand.renamed(params.collect()), run)?;
    run.note(step, |effort| {
        effort.took(run.tables.borrow().method_of(goal.predicate));
        effort.bound = bound;
    });
    call_columns(&table, &goal.args, run)
}

/// Which arguments of a rule are asked for, and their values: all that are bound, if these are few, else those of the plan, which could only
/// expect how many there would be.
fn demanded(step: &Step, goal: &RuleGoal, current: &Relation, run: &Run<'_>) -> Result<(Vec<bool>, Relation)> {
    let demand = |bound: &[bool]| {
        let slots = goal.args.iter().zip(bound).filter(|(_, is_bound)| **is_bound).filter_map(|(arg, _)| *arg);
        distinct(current.project(&slots.collect::<Vec<_>>())?, run.budget)
    };
    let all = goal.args.iter().map(|arg| arg.is_some_and(|slot| current.position(slot).is_some())).collect::<Vec<_>>();
    if all != step.bound {
        let few = demand(&all)?;
        if few.rows <= DEMANDS_MAX {
            return Ok((all, few));
        }
    }
    Ok((step.bound.clone(), demand(&step.bound)?))
}

/// The table's columns under the names of the arguments; a variable that stands twice must be the same in both places.
fn call_columns(table: &Relation, args: &[Option<Slot>], run: &Run<'_>) -> Result<Relation> {
    let ascending = table.ascending.and_then(|slot| args[table.position(slot)?]);
    let mut named = Relation { slots: Vec::new(), columns: Vec::new(), rows: table.rows, ascending, key: None };
    let mut repeated = Vec::new();
    for (arg, column) in args.iter().zip(&table.columns) {
        match arg {
            Some(slot) if named.position(*slot).is_some() => repeated.push((*slot, column)),
            Some(slot) => named.push(*slot, column.clone()),
            None => {}
        }
    }
    let mut is_kept = vec![true; table.rows];
    for (slot, column) in &repeated {
        rows::keep_same(named.column(*slot).unwrap_or(column), column, &mut is_kept, run.budget)?;
        if let Some(at) = named.position(*slot) {
            named.columns[at] = rows::smaller(&named.columns[at], column);
        }
    }
    if !repeated.is_empty() {
        named = named.select(&rows::chosen(&is_kept));
    }
    // A repeated variable stands for both of its columns.
    let key = table.key.as_ref().and_then(|key| key.iter().map(|slot| args[table.position(*slot)?]).collect::<Option<Vec<_>>>());
    named.key = key.or(named.key);
    distinct(named, run.budget)
}
