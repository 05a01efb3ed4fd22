//! `min` and `max`, of one value or several, by the total order of values.

use std::cmp::Ordering;

use super::count::parts;
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
    let Some(limit) = call.limit else { return first(call, wanted) };
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

fn first(call: &Call<'_>, wanted: Ordering) -> Result<Column> {
    Ok(match call.column {
        Column::Long(items) => Column::Long(best_of(call, items, |a, b| a.cmp(&b) == wanted).into()),
        Column::Instant(items) => Column::Instant(best_of(call, items, |a, b| a.cmp(&b) == wanted).into()),
        Column::Double(items) => Column::Double(best_of(call, items, |a, b| a.total_cmp(&b) == wanted).into()),
        // Texts are compared once for each group that they occur in.
        Column::Text(_, texts, codes) if texts.len() <= codes.len() => {
            let mut best = call.groups.first_rows().to_vec();
            parts(call)?.for_each(|(group, row)| take_better(&mut best[group], row, call.column, wanted));
            call.column.gather(&best)
        }
        other => {
            let mut best = call.groups.first_rows().to_vec();
            let groups = call.groups.of_rows().iter().enumerate();
            groups.for_each(|(row, group)| take_better(&mut best[*group as usize], row, other, wanted));
            other.gather(&best)
        }
    })
}

fn take_better(best: &mut u32, row: usize, column: &Column, wanted: Ordering) {
    if column.compare(row, *best as usize) == wanted {
        *best = row as u32;
    }
}

/// The item of each group that no other one beats.
fn best_of<T: Copy>(call: &Call<'_>, items: &[T], beats: impl Fn(T, T) -> bool) -> Vec<T> {
    let mut best: Vec<T> = call.groups.first_rows().iter().map(|row| items[*row as usize]).collect();
    for (group, item) in call.groups.of_rows().iter().zip(items) {
        let best = &mut best[*group as usize];
        if beats(*item, *best) {
            *best = *item;
        }
    }
    best
}
