//! The first rows of an order, without all the others: the clauses up to the one that binds what is ordered by are run, and the rest of
//! them for the least rows alone. Only if too few of those stay are the others taken too.

use std::sync::Arc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::find::{Top, least_rows};
use crate::plan::goal::{Goal, GoalKind, ScanGoal};
use crate::plan::range;
use crate::plan::slot::Slot;
use crate::plan::{Plan, Step};
use crate::run::Run;
use crate::run::block::{Frame, run_plan, run_steps, stack};
use crate::run::join::distinct;
use crate::run::relation::Relation;
use crate::source::Source;
use crate::tuning::Way;

/// From so many times the rows that are wanted on, it pays to choose among them first.
const CHOICE_RATIO: usize = 4;
/// Where the source knows how far the first of an order reach, so many facts are read for each row that is wanted, as others may be dropped, ...
const FACTS_PER_ROW: usize = 4;
/// ... and so many more, as some may hold no longer.
const FACTS_MORE: usize = 64;
/// So few rows are never chosen among.
const ROWS_MIN: usize = 512;

/// Enough of the distinct rows that a plan answers: the first `top.count` by the order are among them. Nothing if the plan has to be run as a
/// whole.
pub(crate) fn relation(plan: &Plan, top: &Top, slot: Slot, run: &Run<'_>) -> Result<Option<Relation>> {
    let way = run.tuning().tops;
    if way == Way::Never {
        return Ok(None);
    }
    if let Some(found) = near_the_end(plan, top, slot, run)? {
        return Ok(Some(found));
    }
    let Some((first, rest)) = split(plan, slot) else { return Ok(None) };
    let budget = run.budget;
    let is_always = way == Way::Always;
    let current = run_steps(&first, &rest, Relation::unit(), plan, run)?;
    let wanted = if is_always { top.count } else { top.count.saturating_mul(2) };
    let least = match current.column(slot) {
        Some(Column::Value(_)) | None => None,
        _ if !is_always && (current.rows < ROWS_MIN || current.rows / CHOICE_RATIO < wanted) => None,
        Some(column) => least_rows(column, top, wanted, budget)?,
    };
    let finished = |current: Relation| -> Result<Relation> {
        if current.rows == 0 {
            return Ok(Relation::empty(plan.output.clone()));
        }
        let found = run_steps(&rest, &[], current, plan, run)?;
        if found.rows == 0 { Ok(Relation::empty(plan.output.clone())) } else { distinct(found.project(&plan.output)?, budget) }
    };
    let Some(least) = least else { return finished(current).map(Some) };
    let found = finished(current.select(&least))?;
    if found.rows >= top.count {
        return Ok(Some(found));
    }
    let others = finished(current.select(&all_but(&least, current.rows, budget)?))?;
    distinct(stack(&plan.output, &[found, others]), budget).map(Some)
}

/// The same where the source knows at once about how far the first of an order reach: facts beyond that are read, and if they give enough rows, all
/// others come later.
fn near_the_end(plan: &Plan, top: &Top, slot: Slot, run: &Run<'_>) -> Result<Option<Relation>> {
    let Some(first) = plan.steps.first().filter(|_| plan.steps.iter().all(is_plain)) else { return Ok(None) };
    let GoalKind::Scan(scan) = &first.goal.kind else { return Ok(None) };
    let Source::Facts(facts) = &scan.source else { return Ok(None) };
    let (Some(attribute), None, true) = (scan.attribute_id(), &scan.range, scan.value.slot() == Some(slot)) else {
        return Ok(None);
    };
    let wanted = top.count.saturating_mul(FACTS_PER_ROW).saturating_add(FACTS_MORE);
    let value = facts.value_near_end(attribute, top.is_descending(), wanted);
    let Some(range) = value.and_then(|value| range::beyond(scan, value, top.is_descending())) else { return Ok(None) };
    let scan = ScanGoal { range: Some(range), ..ScanGoal::clone(scan) };
    let mut plan = plan.clone();
    plan.steps[0].goal = Arc::new(Goal { kind: GoalKind::Scan(Box::new(scan)), ..Goal::clone(&plan.steps[0].goal) });
    let found = run_plan(&plan, run, &Frame::default())?;
    Ok((found.rows >= top.count).then_some(found))
}

/// True of steps that fail for no row.
fn is_plain(step: &Step) -> bool {
    matches!(step.goal.kind, GoalKind::Scan(_) | GoalKind::Given(_))
}

/// Rows that are not among these, which ascend.
fn all_but(rows: &[u32], count: usize, budget: &Budget) -> Result<Vec<u32>> {
    budget.spend_steps(count as u64)?;
    let mut left_out = rows.iter().copied().peekable();
    Ok((0..count as u32).filter(|row| left_out.next_if_eq(row).is_none()).collect())
}

/// The steps that are needed to know the variable, and the others, if none of them can fail for some rows: else whether the query fails would
/// depend on how many rows are looked at.
fn split(plan: &Plan, slot: Slot) -> Option<(Vec<&Step>, Vec<&Step>)> {
    if !plan.steps.iter().all(is_plain) {
        return None;
    }
    let mentions = |goal: &Goal, slot: Slot| goal.mentions().contains(&slot);
    let at = plan.steps.iter().position(|step| mentions(&step.goal, slot))?;
    // The clause that binds it may come as soon as its entity is known.
    let entity = match &plan.steps[at].goal.kind {
        GoalKind::Scan(scan) => scan.entity.slot(),
        _ => None,
    };
    let known = entity.and_then(|entity| plan.steps[..at].iter().position(|step| mentions(&step.goal, entity)));
    let end = known.map_or(at, |known| known + 1);
    let first: Vec<&Step> = plan.steps[..end].iter().chain(&plan.steps[at..=at]).collect();
    let rest: Vec<&Step> =
        plan.steps[end..].iter().enumerate().filter(|(place, _)| end + place != at).map(|(_, step)| step).collect();
    (!rest.is_empty()).then_some((first, rest))
}
