//! Arithmetic over columns of longs: a loop over plain arrays, no value made.

use crate::column::Column;
use crate::plan::goal::{CallArgument, CallGoal};
use crate::run::relation::Relation;
use crate::value::Value;

/// What a call gives in each row, if it is one that columns of longs can answer and no row overflows.
pub(crate) fn computed(current: &Relation, goal: &CallGoal) -> Option<Column> {
    let compute: fn(i64, i64) -> Option<i64> = match (goal.function.name(), goal.args.len()) {
        ("+", 2) => i64::checked_add,
        ("-", 2) => i64::checked_sub,
        ("*", 2) => i64::checked_mul,
        ("inc", 1) => |n, _| n.checked_add(1),
        ("dec", 1) => |n, _| n.checked_sub(1),
        _ => return None,
    };
    let left = longs(current, &goal.args[0])?;
    let right = goal.args.get(1).map_or(Some(Longs::Constant(0)), |arg| longs(current, arg))?;
    let results = (0..current.rows).map(|row| compute(left.at(row), right.at(row)));
    Some(Column::Long(results.collect::<Option<Vec<_>>>()?.into()))
}

enum Longs<'c> {
    Column(&'c [i64]),
    Constant(i64),
}

impl Longs<'_> {
    #[inline]
    fn at(&self, row: usize) -> i64 {
        match self {
            Self::Column(items) => items[row],
            Self::Constant(n) => *n,
        }
    }
}

fn longs<'c>(current: &'c Relation, arg: &CallArgument) -> Option<Longs<'c>> {
    match arg {
        CallArgument::Constant(Value::Long(n)) => Some(Longs::Constant(*n)),
        CallArgument::Constant(_) => None,
        CallArgument::Slot(slot) => match current.column(*slot)? {
            Column::Long(items) => Some(Longs::Column(items)),
            _ => None,
        },
    }
}
