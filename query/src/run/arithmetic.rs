//! Arithmetic over columns of longs, doubles and instants: a loop over plain arrays, no value made.

use crate::column::Column;
use crate::function::Stepped;
use crate::plan::goal::{CallArgument, CallGoal};
use crate::run::relation::Relation;
use crate::value::Value;

/// What a call gives in each row, if it is one that typed columns can answer and no row fails.
pub(crate) fn computed(current: &Relation, goal: &CallGoal) -> Option<Column> {
    let name = goal.function.built_in()?.name;
    if let Some(column) = in_steps(name, current, goal) {
        return Some(column);
    }
    match (name, &goal.args[..]) {
        ("inc", [arg]) => of_longs(current, arg, |n| n.checked_add(1)),
        ("dec", [arg]) => of_longs(current, arg, |n| n.checked_sub(1)),
        ("+", [left, right]) => of_two(current, left, right, i64::checked_add, |a, b| a + b),
        ("-", [left, right]) => of_two(current, left, right, i64::checked_sub, |a, b| a - b),
        ("*", [left, right]) => of_two(current, left, right, i64::checked_mul, |a, b| a * b),
        _ => None,
    }
}

/// One side of an operation.
#[derive(Clone, Copy)]
enum Side<'c, T> {
    Column(&'c [T]),
    Constant(T),
}

fn of_longs(current: &Relation, arg: &CallArgument, compute: impl Fn(i64) -> Option<i64>) -> Option<Column> {
    match longs(current, arg)? {
        Side::Column(items) => Some(Column::Long(items.iter().map(|n| compute(*n)).collect::<Option<Vec<_>>>()?.into())),
        Side::Constant(_) => None,
    }
}

fn of_two(
    current: &Relation,
    left: &CallArgument,
    right: &CallArgument,
    long: impl Fn(i64, i64) -> Option<i64>,
    double: impl Fn(f64, f64) -> f64,
) -> Option<Column> {
    if let (Some(left), Some(right)) = (longs(current, left), longs(current, right)) {
        return Some(Column::Long(each(current.rows, left, right, long)?.into()));
    }
    // What is no number any more is no double: such rows go another way.
    let double = |a, b| Some(double(a, b)).filter(|result| !result.is_nan());
    Some(Column::Double(each(current.rows, doubles(current, left)?, doubles(current, right)?, double)?.into()))
}

fn each<T: Copy>(rows: usize, left: Side<'_, T>, right: Side<'_, T>, compute: impl Fn(T, T) -> Option<T>) -> Option<Vec<T>> {
    match (left, right) {
        (Side::Column(left), Side::Column(right)) => left.iter().zip(right).map(|(a, b)| compute(*a, *b)).collect(),
        (Side::Column(left), Side::Constant(b)) => left.iter().map(|a| compute(*a, b)).collect(),
        (Side::Constant(a), Side::Column(right)) => right.iter().map(|b| compute(a, *b)).collect(),
        (Side::Constant(a), Side::Constant(b)) => Some(vec![compute(a, b)?; rows]),
    }
}

fn longs<'c>(current: &'c Relation, arg: &CallArgument) -> Option<Side<'c, i64>> {
    match arg {
        CallArgument::Constant(Value::Long(n)) => Some(Side::Constant(*n)),
        CallArgument::Constant(_) => None,
        CallArgument::Slot(slot) => current.column(*slot)?.as_longs().map(Side::Column),
    }
}

fn doubles<'c>(current: &'c Relation, arg: &CallArgument) -> Option<Side<'c, f64>> {
    match arg {
        CallArgument::Constant(Value::Double(n)) => Some(Side::Constant(*n)),
        CallArgument::Constant(_) => None,
        CallArgument::Slot(slot) => current.column(*slot)?.as_doubles().map(Side::Column),
    }
}

/// A function of an instant that is the same from the beginning of a step to the next one: rows that follow each other are mostly in one step.
fn in_steps(name: &str, current: &Relation, goal: &CallGoal) -> Option<Column> {
    let mut instants = None;
    let mut constant = None;
    for arg in &goal.args {
        match arg {
            CallArgument::Slot(slot) if instants.is_none() => instants = Some(current.column(*slot)?.as_instants()?),
            CallArgument::Constant(value) if constant.is_none() => constant = Some(value),
            _ => return None,
        }
    }
    let stepped = Stepped::of(name, constant)?;
    let (mut start, mut value) = (0, None);
    let result = |micros: &i64| {
        let within = micros.wrapping_sub(start) as u64;
        if value.is_none() || within >= stepped.length() as u64 {
            start = stepped.start(*micros)?;
            value = Some(stepped.value(*micros)?);
        }
        value
    };
    let results = instants?.iter().map(result).collect::<Option<Vec<_>>>()?.into();
    Some(if stepped.gives_instants() { Column::Instant(results) } else { Column::Long(results) })
}
