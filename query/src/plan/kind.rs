//! Which kinds of numbers a variable may carry, and which goals must therefore wait.
//!
//! Equal numbers of different kinds unify, and the variable then carries the lesser kind. A function such as `str` shows which kind
//! that is, so it may only be called when every goal that binds its arguments has spoken; otherwise the order of goals would show in
//! the answer. Where all of them bind numbers of one kind, or none, nothing has to wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::goal::{CallArgument, CallGoal, Goal, GoalKind, Place, ScanGoal};
use crate::plan::slot::Slot;
use crate::value::ValueType;

/// The kinds of numbers that a goal may bind a variable to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    /// No numbers.
    None,
    /// Numbers of this type.
    One(ValueType),
    /// Whatever there is.
    Any,
}

/// For each goal, the ids of those that must come before it so that its functions see the values that the whole block gives them.
pub(crate) fn waits(goals: &[Arc<Goal>], budget: &Budget) -> Result<Vec<Vec<u32>>> {
    let mut binders = Binders::new();
    for goal in goals {
        let numbers = numbers(goal);
        budget.spend_steps(numbers.len() as u64)?;
        for (slot, numbers) in numbers {
            binders.entry(slot).or_default().push((goal.id, numbers));
        }
    }
    goals.iter().map(|goal| waits_of(goal, &binders, budget)).collect()
}

/// For each variable the goals that bind it, by their ids.
type Binders = BTreeMap<Slot, Vec<(u32, Numbers)>>;

fn waits_of(goal: &Goal, binders: &Binders, budget: &Budget) -> Result<Vec<u32>> {
    let mut waits = Vec::new();
    let mut slots = shown_slots(goal);
    slots.sort_unstable();
    slots.dedup();
    for slot in slots {
        let binders = binders.get(&slot).map_or(&[][..], Vec::as_slice);
        budget.spend_steps(1 + binders.len() as u64)?;
        let binders = binders.iter().filter(|(id, _)| *id != goal.id).collect::<Vec<_>>();
        let is_one_kind = binders.iter().all(|(_, numbers)| *numbers != Numbers::Any && *numbers == binders[0].1);
        if binders.len() > 1 && !is_one_kind {
            waits.extend(binders.into_iter().map(|(id, _)| *id));
        }
    }
    waits.sort_unstable();
    waits.dedup();
    Ok(waits)
}

/// The variables whose kind of number the goal's functions may show, those inside it included.
fn shown_slots(goal: &Goal) -> Vec<Slot> {
    let of_all = |goals: &[Arc<Goal>]| goals.iter().flat_map(|goal| shown_slots(goal)).collect::<Vec<_>>();
    match &goal.kind {
        GoalKind::Call(call) if is_by_meaning(call) => Vec::new(),
        GoalKind::Call(call) => call.args.iter().filter_map(as_slot).collect(),
        GoalKind::Union(union) => {
            let mut slots = union.branches.iter().flat_map(|branch| of_all(branch)).collect::<Vec<_>>();
            slots.retain(|slot| union.border.contains(slot));
            slots
        }
        GoalKind::Absent(absent) => {
            let mut slots = of_all(&absent.goals);
            slots.retain(|slot| absent.shared.contains(slot));
            slots
        }
        GoalKind::Scan(_)
        | GoalKind::Rows(..)
        | GoalKind::Given(_)
        | GoalKind::Input(_)
        | GoalKind::Rule(_)
        | GoalKind::Group(_) => Vec::new(),
    }
}

fn as_slot(arg: &CallArgument) -> Option<Slot> {
    match arg {
        CallArgument::Slot(slot) => Some(*slot),
        CallArgument::Constant(_) => None,
    }
}

/// True for comparisons, to which equal numbers are the same.
fn is_by_meaning(call: &CallGoal) -> bool {
    call.binding.is_none() && matches!(call.function.name(), "=" | "==" | "!=" | "not=" | "<" | "<=" | ">" | ">=")
}

/// The variables that a goal binds, each once, and what it may bind them to.
fn numbers(goal: &Goal) -> Vec<(Slot, Numbers)> {
    if let GoalKind::Given(relation) = &goal.kind {
        return relation.slots.iter().copied().zip(relation.columns.iter().map(numbers_of_column)).collect();
    }
    let mut slots = goal.binds();
    slots.sort_unstable();
    slots.dedup();
    let numbers = |slot: Slot| match &goal.kind {
        GoalKind::Scan(scan) => Some((slot, numbers_of_scan(scan, slot)?)),
        _ => Some((slot, Numbers::Any)),
    };
    slots.into_iter().filter_map(numbers).collect()
}

fn numbers_of_scan(scan: &ScanGoal, slot: Slot) -> Option<Numbers> {
    let [t, m, added] = &scan.rest;
    let is_slot = |place: &Place| place.slot() == Some(slot);
    let is_id = [&scan.entity, &scan.attribute, t, m].into_iter().any(is_slot);
    if !is_slot(&scan.value) {
        return match (is_id, is_slot(added)) {
            (true, _) => Some(Numbers::One(ValueType::Long)),
            (false, true) => Some(Numbers::None),
            (false, false) => None,
        };
    }
    let facts = scan.source.facts();
    let declared = scan.attribute_id().and_then(|id| facts?.attribute_by_id(id)?.value_type);
    Some(match declared {
        _ if is_id => Numbers::Any,
        Some(ValueType::Ref | ValueType::Long) => Numbers::One(ValueType::Long),
        Some(kind @ (ValueType::BigInt | ValueType::Double | ValueType::BigDec)) => Numbers::One(kind),
        // Equal tuples may hold equal numbers of different kinds.
        Some(ValueType::Tuple) | None => Numbers::Any,
        Some(_) => Numbers::None,
    })
}

fn numbers_of_column(column: &Column) -> Numbers {
    match column {
        Column::Long(_) => Numbers::One(ValueType::Long),
        Column::Double(_) => Numbers::One(ValueType::Double),
        Column::Boolean(_) | Column::Instant(_) | Column::Text(..) => Numbers::None,
        Column::Value(_) => Numbers::Any,
    }
}
