//! Comparisons with constants become ranges of the scans that bind their variables, where the type that all values have makes that exact.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::facts::Attribute;
use crate::plan::estimate::Known;
use crate::plan::goal::{CallArgument, CallGoal, Goal, GoalKind, ScanGoal, ValueRange};
use crate::plan::slot::Slot;
use crate::source::Source;
use crate::value::{Value, ValueType};

/// The goals, scans with the ranges that the comparisons among the goals allow.
pub(crate) fn with_ranges(goals: &[Arc<Goal>], known: &Known) -> Vec<Arc<Goal>> {
    let mut by_slot: BTreeMap<Slot, Vec<Compared>> = BTreeMap::new();
    for compared in goals.iter().flat_map(|goal| comparisons(goal, known)) {
        by_slot.entry(compared.slot).or_default().push(compared);
    }
    let narrowed = |goal: &Arc<Goal>| {
        let GoalKind::Scan(scan) = &goal.kind else { return None };
        let slot = scan.value.slot()?;
        let kind = type_of_values(scan)?;
        let mut range = None;
        for compared in by_slot.get(&slot)?.iter().filter(|compared| fits(kind, &compared.value)) {
            let range = range.get_or_insert(ValueRange { low: Bound::Unbounded, high: Bound::Unbounded });
            tighten(range, compared.operator, &compared.value);
        }
        let scan = ScanGoal { range: Some(range?), ..ScanGoal::clone(scan) };
        Some(Arc::new(Goal { kind: GoalKind::Scan(Box::new(scan)), ..Goal::clone(goal) }))
    };
    goals.iter().map(|goal| narrowed(goal).unwrap_or_else(|| Arc::clone(goal))).collect()
}

/// A variable, an operator, and the constant it is compared with.
pub(crate) struct Compared {
    pub(crate) slot: Slot,
    pub(crate) operator: &'static str,
    pub(crate) value: Value,
}

/// The comparisons that are ranges, each with the one that says the same from the other side.
const TURNED: [(&str, &str); 4] = [("<", ">"), ("<=", ">="), (">", "<"), (">=", "<=")];

/// What a goal compares with constants: `(< 1 ?x 9)` says two things.
pub(crate) fn comparisons(goal: &Goal, known: &Known) -> Vec<Compared> {
    let GoalKind::Call(CallGoal { function, args, binding: None, .. }) = &goal.kind else { return Vec::new() };
    let Some((operator, turned)) = TURNED.into_iter().find(|(name, _)| *name == function.name()) else { return Vec::new() };
    let constant = |arg: &CallArgument| match arg {
        CallArgument::Constant(value) => Some(value.clone()),
        CallArgument::Slot(slot) => known.get(slot).cloned(),
    };
    let compared = |pair: &[CallArgument]| match pair {
        [CallArgument::Slot(slot), other] if !known.contains_key(slot) => {
            Some(Compared { slot: *slot, operator, value: constant(other)? })
        }
        [other, CallArgument::Slot(slot)] => Some(Compared { slot: *slot, operator: turned, value: constant(other)? }),
        _ => None,
    };
    let found = args.windows(2).map(compared).collect::<Vec<_>>();
    // Every pair of a longer comparison may fail: only where none can is a part of it enough to drop a row.
    let constants = args.iter().filter_map(constant).collect::<Vec<_>>();
    let variables = args.len() - constants.len();
    let is_whole =
        args.len() == 2 || (variables == 1 && constants.windows(2).all(|pair| pair[0].compare_within_type(&pair[1]).is_some()));
    if is_whole { found.into_iter().flatten().collect() } else { Vec::new() }
}

/// Why a comparison did not become a range of the scan that gives its variable.
pub(crate) enum Hindrance {
    /// The attribute has no declared type, and it is not known that all values have one.
    Undeclared(Arc<str>),
    /// The attribute is declared as another type.
    OtherType(Arc<str>, ValueType),
    /// The pattern does not name its attribute.
    AnyAttribute,
    /// The variable does not stand in the place of the value.
    OtherPlace,
    /// A function computes the variable.
    Computed(String),
    /// The variable comes out of an `or` or a rule.
    Enclosed,
}

/// What keeps a comparison from being a range; `None` if it is one, or nothing can be done.
pub(crate) fn hindrance(goals: &[&Goal], compared: &Compared) -> Option<Hindrance> {
    let mut found = None;
    for goal in goals.iter().filter(|goal| goal.binds().contains(&compared.slot)) {
        let own = match &goal.kind {
            GoalKind::Scan(scan) if scan.matches_nothing => return None,
            GoalKind::Scan(scan) if scan.value.slot() != Some(compared.slot) => Hindrance::OtherPlace,
            GoalKind::Scan(scan) => match attribute_of(scan) {
                None => Hindrance::AnyAttribute,
                Some(attribute) => match attribute.value_type {
                    None if type_of_values(scan).is_some_and(|kind| fits(kind, &compared.value)) => return None,
                    None => Hindrance::Undeclared(Arc::clone(&attribute.ident)),
                    Some(declared) if fits(declared, &compared.value) || declared == ValueType::Ref => return None,
                    Some(declared) => Hindrance::OtherType(Arc::clone(&attribute.ident), declared),
                },
            },
            GoalKind::Call(call) => Hindrance::Computed(call.function.name().to_owned()),
            GoalKind::Union(_) | GoalKind::Rule(_) => Hindrance::Enclosed,
            GoalKind::Group(group) => {
                let inside = group.goals.iter().map(|goal| &**goal).collect::<Vec<_>>();
                return hindrance(&inside, compared);
            }
            GoalKind::Rows(..) | GoalKind::Given(_) | GoalKind::Input(_) | GoalKind::Absent(_) => return None,
        };
        let is_better = matches!(found, None | Some(Hindrance::OtherPlace));
        if is_better {
            found = Some(own);
        }
    }
    found
}

fn attribute_of(scan: &ScanGoal) -> Option<Arc<Attribute>> {
    let Source::Facts(facts) = &scan.source else { return None };
    facts.attribute_by_id(scan.attribute_id()?)
}

/// What lies at a value or beyond it, if all values that the scan can find are of a type that is compared with this one.
pub(crate) fn beyond(scan: &ScanGoal, value: Value, is_greatest: bool) -> Option<ValueRange> {
    type_of_values(scan).filter(|kind| fits(*kind, &value))?;
    let (at, open) = (Bound::Included(value), Bound::Unbounded);
    Some(if is_greatest { ValueRange { low: at, high: open } } else { ValueRange { low: open, high: at } })
}

fn type_of_values(scan: &ScanGoal) -> Option<ValueType> {
    let Source::Facts(facts) = &scan.source else { return None };
    facts.type_of_values(scan.attribute_id()?)
}

/// True if every value of the type can be compared with this one without an error.
fn fits(kind: ValueType, value: &Value) -> bool {
    let is_number = matches!(kind, ValueType::Long | ValueType::BigInt | ValueType::Double | ValueType::BigDec);
    match value.value_type() {
        Some(_) if value.is_number() => is_number,
        Some(own) => own == kind && own != ValueType::Ref,
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
