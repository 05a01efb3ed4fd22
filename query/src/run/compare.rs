//! Comparisons over typed columns: a loop over plain arrays that makes a list of rows, and no value.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::column::{Column, TextKind};
use crate::plan::goal::{CallArgument, CallGoal};
use crate::run::relation::Relation;
use crate::value::Value;

/// Doubles hold every integer up to here.
const EXACT_DOUBLES: u64 = 1 << 53;

/// What a comparison asks of the order of its sides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operator {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// That of a predicate.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "=" | "==" => Self::Equal,
            "!=" | "not=" => Self::Different,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// The rows for which it holds. There is a loop for each operator, which compares and asks nothing else.
    fn rows(self, count: usize, order: impl Fn(usize) -> Ordering) -> Vec<u32> {
        match self {
            Self::Equal => ticked(count, |row| order(row).is_eq()),
            Self::Different => ticked(count, |row| order(row).is_ne()),
            Self::Less => ticked(count, |row| order(row).is_lt()),
            Self::LessOrEqual => ticked(count, |row| order(row).is_le()),
            Self::Greater => ticked(count, |row| order(row).is_gt()),
            Self::GreaterOrEqual => ticked(count, |row| order(row).is_ge()),
        }
    }

    /// True if sides in this order satisfy it.
    #[inline]
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Different => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// The same with its sides exchanged.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            symmetric => symmetric,
        }
    }
}

/// The rows for which something holds. Every row is written down and most are overwritten by the next: a loop without a branch.
fn ticked(count: usize, holds: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut rows = vec![0; count];
    let mut kept = 0;
    for row in 0..count {
        rows[kept] = row as u32;
        kept += usize::from(holds(row));
    }
    rows.truncate(kept);
    rows
}

/// The rows for which the comparison holds, if it is one that typed columns can answer without an error.
pub(crate) fn chosen(current: &Relation, goal: &CallGoal) -> Option<Vec<u32>> {
    let operator = Operator::named(goal.function.name())?;
    match &goal.args[..] {
        [left, right] => chosen_pair(current, operator, left, right),
        // Each with the next; what differs from the next one may differ from all.
        args if args.len() > 2 && !matches!(operator, Operator::Different) => {
            let mut pairs = args.windows(2).map(|pair| chosen_pair(current, operator, &pair[0], &pair[1]));
            let first = pairs.next()??;
            pairs.try_fold(first, |rows, others| Some(in_both(rows, &others?)))
        }
        _ => None,
    }
}

/// Rows of both lists, which ascend.
fn in_both(mut rows: Vec<u32>, others: &[u32]) -> Vec<u32> {
    let mut others = others.iter().copied().peekable();
    rows.retain(|row| {
        while others.next_if(|other| other < row).is_some() {}
        others.peek() == Some(row)
    });
    rows
}

fn chosen_pair(current: &Relation, operator: Operator, left: &CallArgument, right: &CallArgument) -> Option<Vec<u32>> {
    match (left, right) {
        (CallArgument::Slot(left), CallArgument::Slot(right)) => {
            of_columns(operator, current.column(*left)?, current.column(*right)?)
        }
        (CallArgument::Slot(slot), CallArgument::Constant(value)) => with_constant(operator, current.column(*slot)?, value),
        (CallArgument::Constant(value), CallArgument::Slot(slot)) => {
            with_constant(operator.turned(), current.column(*slot)?, value)
        }
        (CallArgument::Constant(_), CallArgument::Constant(_)) => None,
    }
}

fn of_columns(operator: Operator, left: &Column, right: &Column) -> Option<Vec<u32>> {
    let rows = left.len();
    Some(match (left, right) {
        (Column::Long(left), Column::Long(right)) | (Column::Instant(left), Column::Instant(right)) => {
            let (left, right) = (&left[..rows], &right[..rows]);
            operator.rows(rows, |row| left[row].cmp(&right[row]))
        }
        (Column::Double(left), Column::Double(right)) => {
            let (left, right) = (&left[..rows], &right[..rows]);
            operator.rows(rows, |row| order_of_doubles(left[row], right[row]))
        }
        (Column::Boolean(left), Column::Boolean(right)) => {
            let (left, right) = (&left[..rows], &right[..rows]);
            operator.rows(rows, |row| left[row].cmp(&right[row]))
        }
        (Column::Text(kind, texts, left), Column::Text(other_kind, other_texts, right)) if kind == other_kind => {
            let (left, right, is_one) = (&left[..rows], &right[..rows], Arc::ptr_eq(texts, other_texts));
            operator.rows(rows, |row| {
                if is_one && left[row] == right[row] {
                    return Ordering::Equal;
                }
                texts[left[row] as usize].as_bytes().cmp(other_texts[right[row] as usize].as_bytes())
            })
        }
        _ => return None,
    })
}

fn with_constant(operator: Operator, column: &Column, constant: &Value) -> Option<Vec<u32>> {
    let rows = column.len();
    Some(match (column, constant) {
        (Column::Long(items), Value::Long(constant)) | (Column::Instant(items), Value::Instant(constant)) => {
            let (items, constant) = (&items[..rows], *constant);
            operator.rows(rows, |row| items[row].cmp(&constant))
        }
        (Column::Long(items), Value::Double(constant)) => {
            let (items, (whole, rest)) = (&items[..rows], whole_and_rest(*constant));
            operator.rows(rows, |row| items[row].cmp(&whole).then(rest))
        }
        (Column::Double(items), Value::Double(constant)) => {
            let (items, constant) = (&items[..rows], *constant);
            operator.rows(rows, |row| order_of_doubles(items[row], constant))
        }
        (Column::Double(items), Value::Long(constant)) if constant.unsigned_abs() <= EXACT_DOUBLES => {
            let (items, constant) = (&items[..rows], *constant as f64);
            operator.rows(rows, |row| order_of_doubles(items[row], constant))
        }
        (Column::Boolean(items), Value::Boolean(constant)) => {
            let items = &items[..rows];
            operator.rows(rows, |row| items[row].cmp(constant))
        }
        (Column::Text(TextKind::String, texts, codes), Value::String(constant))
        | (Column::Text(TextKind::Keyword, texts, codes), Value::Keyword(constant)) => {
            with_text(operator, texts, codes, constant)
        }
        _ => return None,
    })
}

/// Neither side is NaN.
#[inline]
fn order_of_doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}

/// The long to compare with instead of a double, and how a long that equals it stands to the double.
fn whole_and_rest(constant: f64) -> (i64, Ordering) {
    const PAST_THE_LAST: f64 = 9_223_372_036_854_775_808.0;
    if constant >= PAST_THE_LAST {
        return (i64::MAX, Ordering::Less);
    }
    if constant < -PAST_THE_LAST {
        return (i64::MIN, Ordering::Greater);
    }
    let floor = constant.floor();
    (floor as i64, order_of_doubles(floor, constant))
}

/// Each text of the dictionary is compared once, as long as there are not many more of them than rows.
fn with_text(operator: Operator, texts: &[Arc<str>], codes: &[u32], constant: &str) -> Vec<u32> {
    if let Operator::Equal | Operator::Different = operator
        && texts.len() / 4 <= codes.len()
    {
        let code = texts.iter().position(|text| &**text == constant).map_or(u32::MAX, |at| at as u32);
        let is_wanted = matches!(operator, Operator::Equal);
        return ticked(codes.len(), |row| (codes[row] == code) == is_wanted);
    }
    if texts.len() <= codes.len() {
        let holds: Vec<bool> = texts.iter().map(|text| operator.holds(text.as_bytes().cmp(constant.as_bytes()))).collect();
        return ticked(codes.len(), |row| holds[codes[row] as usize]);
    }
    operator.rows(codes.len(), |row| texts[codes[row] as usize].as_bytes().cmp(constant.as_bytes()))
}
