//! Comparisons over typed columns: a loop over plain arrays, no value made.

use std::cmp::Ordering;

use crate::column::{Column, TextKind};
use crate::plan::goal::{CallArgument, CallGoal};
use crate::run::relation::Relation;
use crate::value::Value;

/// One side of a comparison.
enum Side<'c, T> {
    Column(&'c [T]),
    Constant(T),
}

/// The rows for which the comparison holds, if it is one that typed columns can answer without an error.
pub(crate) fn chosen(current: &Relation, goal: &CallGoal) -> Option<Vec<u32>> {
    let holds = operator(goal.function.name())?;
    let [left, right] = &goal.args[..] else { return None };
    if let (Some(left), Some(right)) = (longs(current, left), longs(current, right)) {
        return Some(select(current.rows, &left, &right, |a, b| holds(a.cmp(&b))));
    }
    if let (Some(left), Some(right)) = (instants(current, left), instants(current, right)) {
        return Some(select(current.rows, &left, &right, |a, b| holds(a.cmp(&b))));
    }
    if let (Some(left), Some(right)) = (doubles(current, left), doubles(current, right)) {
        return Some(select(current.rows, &left, &right, |a, b| a.partial_cmp(&b).is_some_and(&holds)));
    }
    equal_text(current, left, right).map(|rows| match goal.function.name() {
        "=" | "==" => Some(rows.0),
        "!=" | "not=" => Some(rows.1),
        _ => None,
    })?
}

fn operator(name: &str) -> Option<fn(Ordering) -> bool> {
    Some(match name {
        "=" | "==" => Ordering::is_eq,
        "!=" | "not=" => Ordering::is_ne,
        "<" => Ordering::is_lt,
        "<=" => Ordering::is_le,
        ">" => Ordering::is_gt,
        ">=" => Ordering::is_ge,
        _ => return None,
    })
}

fn select<T: Copy>(rows: usize, left: &Side<'_, T>, right: &Side<'_, T>, holds: impl Fn(T, T) -> bool) -> Vec<u32> {
    let mut chosen = vec![0; rows];
    let mut count = 0;
    let mut tick = |row: usize, is_chosen: bool| {
        chosen[count] = row as u32;
        count += usize::from(is_chosen);
    };
    match (left, right) {
        (Side::Column(left), Side::Constant(right)) => {
            left.iter().enumerate().for_each(|(row, left)| tick(row, holds(*left, *right)));
        }
        (Side::Constant(left), Side::Column(right)) => {
            right.iter().enumerate().for_each(|(row, right)| tick(row, holds(*left, *right)));
        }
        (Side::Column(left), Side::Column(right)) => {
            left.iter().zip(*right).enumerate().for_each(|(row, (left, right))| tick(row, holds(*left, *right)));
        }
        (Side::Constant(left), Side::Constant(right)) => (0..rows).for_each(|row| tick(row, holds(*left, *right))),
    }
    chosen.truncate(count);
    chosen
}

fn longs<'c>(current: &'c Relation, arg: &CallArgument) -> Option<Side<'c, i64>> {
    match arg {
        CallArgument::Constant(Value::Long(n)) => Some(Side::Constant(*n)),
        CallArgument::Constant(_) => None,
        CallArgument::Slot(slot) => match current.column(*slot)? {
            Column::Long(items) => Some(Side::Column(items)),
            _ => None,
        },
    }
}

fn instants<'c>(current: &'c Relation, arg: &CallArgument) -> Option<Side<'c, i64>> {
    match arg {
        CallArgument::Constant(Value::Instant(n)) => Some(Side::Constant(*n)),
        CallArgument::Constant(_) => None,
        CallArgument::Slot(slot) => match current.column(*slot)? {
            Column::Instant(items) => Some(Side::Column(items)),
            _ => None,
        },
    }
}

fn doubles<'c>(current: &'c Relation, arg: &CallArgument) -> Option<Side<'c, f64>> {
    match arg {
        CallArgument::Constant(Value::Double(n)) => Some(Side::Constant(*n)),
        CallArgument::Constant(_) => None,
        CallArgument::Slot(slot) => match current.column(*slot)? {
            Column::Double(items) => Some(Side::Column(items)),
            _ => None,
        },
    }
}

/// The rows in which a text equals a constant, and the others.
fn equal_text(current: &Relation, left: &CallArgument, right: &CallArgument) -> Option<(Vec<u32>, Vec<u32>)> {
    let (slot, constant) = match (left, right) {
        (CallArgument::Slot(slot), CallArgument::Constant(value)) | (CallArgument::Constant(value), CallArgument::Slot(slot)) => {
            (*slot, value)
        }
        _ => return None,
    };
    let Column::Text(kind, texts, codes) = current.column(slot)? else { return None };
    let ((TextKind::String, Value::String(text)) | (TextKind::Keyword, Value::Keyword(text))) = (kind, constant) else {
        return None;
    };
    let code = texts.iter().position(|own| own == text).map_or(u32::MAX, |at| at as u32);
    Some((0..current.rows as u32).partition(|row| codes[*row as usize] == code))
}
