//! Comparisons with constants become ranges of the scans that bind their variables, where the declared type makes that exact.

use std::ops::Bound;
use std::sync::Arc;

use crate::plan::estimate::Known;
use crate::plan::goal::{CallArgument, CallGoal, Goal, GoalKind, ScanGoal, ValueRange};
use crate::plan::slot::Slot;
use crate::source::Source;
use crate::value::{Value, ValueType};

/// The goals, scans with the ranges that the comparisons among the goals allow.
pub(crate) fn with_ranges(goals: &[Arc<Goal>], known: &Known) -> Vec<Arc<Goal>> {
    let comparisons = goals.iter().filter_map(|goal| comparison(goal, known)).collect::<Vec<_>>();
    let narrowed = |goal: &Arc<Goal>| {
        let GoalKind::Scan(scan) = &goal.kind else { return None };
        let slot = scan.value.slot()?;
        let declared = declared_type(scan)?;
        let mut range = None;
        for (_, operator, value) in comparisons.iter().filter(|(own, _, value)| *own == slot && fits(declared, value)) {
            tighten(range.get_or_insert(ValueRange { low: Bound::Unbounded, high: Bound::Unbounded }), operator, value);
        }
        let scan = ScanGoal { range: Some(range?), ..ScanGoal::clone(scan) };
        Some(Arc::new(Goal { id: goal.id, kind: GoalKind::Scan(Box::new(scan)), span: goal.span }))
    };
    goals.iter().map(|goal| narrowed(goal).unwrap_or_else(|| Arc::clone(goal))).collect()
}

/// `?x`, an operator, and the constant it is compared with.
fn comparison(goal: &Goal, known: &Known) -> Option<(Slot, &'static str, Value)> {
    let GoalKind::Call(CallGoal { function, args, binding: None, .. }) = &goal.kind else { return None };
    let constant = |arg: &CallArgument| match arg {
        CallArgument::Constant(value) => Some(value.clone()),
        CallArgument::Slot(slot) => known.get(slot).cloned(),
    };
    let [left, right] = &args[..] else { return None };
    match (left, right) {
        (CallArgument::Slot(slot), other) if !known.contains_key(slot) => {
            let operator = ["<", "<=", ">", ">="].into_iter().find(|name| *name == function.name())?;
            Some((*slot, operator, constant(other)?))
        }
        (other, CallArgument::Slot(slot)) => {
            let turned = [("<", ">"), ("<=", ">="), (">", "<"), (">=", "<=")];
            let operator = turned.into_iter().find(|(name, _)| *name == function.name())?.1;
            Some((*slot, operator, constant(other)?))
        }
        _ => None,
    }
}

fn declared_type(scan: &ScanGoal) -> Option<ValueType> {
    let Source::Facts(facts) = &scan.source else { return None };
    facts.attribute_by_id(scan.attribute_id()?)?.value_type
}

/// True if every value of the declared type can be compared with this one without an error.
fn fits(declared: ValueType, value: &Value) -> bool {
    let is_number = matches!(declared, ValueType::Long | ValueType::BigInt | ValueType::Double | ValueType::BigDec);
    match value.value_type() {
        Some(_) if value.is_number() => is_number,
        Some(kind) => kind == declared && kind != ValueType::Ref,
        None => false,
    }
}

fn tighten(range: &mut ValueRange, operator: &str, value: &Value) {
    let bound = if operator.len() == 1 { Bound::Excluded(value.clone()) } else { Bound::Included(value.clone()) };
    let is_tighter = |old: &Bound<Value>, wanted: std::cmp::Ordering| match old {
        Bound::Unbounded => true,
        Bound::Included(old) => value.compare_within_type(old).is_some_and(|order| order == wanted || order.is_eq()),
        Bound::Excluded(old) => value.compare_within_type(old) == Some(wanted),
    };
    if operator.starts_with('>') {
        if is_tighter(&range.low, std::cmp::Ordering::Greater) {
            range.low = bound;
        }
    } else if is_tighter(&range.high, std::cmp::Ordering::Less) {
        range.high = bound;
    }
}
