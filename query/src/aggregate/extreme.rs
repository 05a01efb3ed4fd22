//! `min` and `max`, of one value or several, by the total order of values.

use std::cmp::Ordering;

use super::{Aggregate, Bags, Call, aggregate};
use crate::column::Column;
use crate::error::Result;
use crate::function::Arity;
use crate::value::Value;

pub(super) const AGGREGATES: &[Aggregate] = &[
    aggregate(
        "min",
        Arity::between(1, 2),
        |call| extreme(call, Ordering::Less),
        "The least; with a count, the least different ones, ascending.",
        ("(min 2 ?x)", "[3 1 1 2]", "[1 2]"),
    ),
    aggregate(
        "max",
        Arity::between(1, 2),
        |call| extreme(call, Ordering::Greater),
        "The greatest; with a count, the greatest different ones, descending.",
        ("(max 2 ?x)", "[3 1 3 2]", "[3 2]"),
    ),
];

/// The values that come first when `wanted` is what an earlier one is to a later one.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<Column> {
    let Some(limit) = call.limit else { return Ok(first(call, wanted)) };
    let bags = Bags::new(call.groups);
    let results = bags.iter().map(|rows| {
        call.budget.spend_steps(rows.len() as u64)?;
        let mut rows = rows.to_vec();
        rows.sort_unstable_by(|a, b| {
            let order = call.column.compare(*a as usize, *b as usize);
            if wanted == Ordering::Less { order } else { order.reverse() }
        });
        let mut values: Vec<Value> = rows.iter().map(|row| call.column.value(*row as usize)).collect();
        values.dedup_by(|a, b| a.same(b));
        values.truncate(limit);
        Ok(values.into())
    });
    Ok(Column::Value(results.collect::<Result<_>>()?))
}

fn first(call: &Call<'_>, wanted: Ordering) -> Column {
    match call.column {
        Column::Long(items) => Column::Long(best(call, wanted, |a, b| items[a].cmp(&items[b])).map(|row| items[row]).collect()),
        Column::Instant(items) => {
            Column::Instant(best(call, wanted, |a, b| items[a].cmp(&items[b])).map(|row| items[row]).collect())
        }
        Column::Double(items) => {
            Column::Double(best(call, wanted, |a, b| items[a].total_cmp(&items[b])).map(|row| items[row]).collect())
        }
        other => Column::Value(best(call, wanted, |a, b| other.compare(a, b)).map(|row| other.value(row)).collect()),
    }
}

/// The row of each group that no other one beats.
fn best(call: &Call<'_>, wanted: Ordering, compare: impl Fn(usize, usize) -> Ordering) -> impl Iterator<Item = usize> {
    let mut best = call.groups.first_rows().to_vec();
    for (row, group) in call.groups.of_rows().iter().enumerate() {
        let best = &mut best[*group as usize];
        if compare(row, *best as usize) == wanted {
            *best = row as u32;
        }
    }
    best.into_iter().map(|row| row as usize)
}
