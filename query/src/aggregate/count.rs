//! `count`, `count-distinct`, `distinct`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Aggregate, Call, Groups, aggregate};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::function::Arity;
use crate::value::Value;

/// Values are counted by a bit each where they take at most so many bits a row.
const BITS_PER_ROW: i64 = 64;

/// Rows between two looks at the budget.
const ROWS_PER_LOOK: usize = 1 << 16;

pub(super) const AGGREGATES: &[Aggregate] = &[
    aggregate("count", Arity::exactly(1), |call| Ok(count(call)), "How many, repeated ones too.", ("(count ?x)", "[1 2 2]", "3")),
    aggregate(
        "count-distinct",
        Arity::exactly(1),
        count_distinct,
        "How many different ones.",
        ("(count-distinct ?x)", "[1 2 2]", "2"),
    ),
    aggregate("distinct", Arity::exactly(1), distinct, "The set of them.", ("(distinct ?x)", "[1 2 2]", "#{1 2}")),
];

fn count(call: &Call<'_>) -> Column {
    Column::Long(call.groups.counts().into_iter().map(i64::from).collect())
}

/// Each group divided by value: its parts are its different values, each with its first row.
pub(super) fn parts(call: &Call<'_>) -> Result<impl Iterator<Item = (usize, usize)>> {
    let values = Groups::by(&[call.column], call.column.len(), call.budget)?;
    let parts = call.groups.divided_by(&values, call.budget)?;
    let first_rows = parts.first_rows().to_vec();
    Ok(first_rows.into_iter().map(|row| (call.groups.of_rows()[row as usize] as usize, row as usize)))
}

fn count_distinct(call: &Call<'_>) -> Result<Column> {
    if let (1, Some(count)) = (call.groups.len(), different(call)?) {
        return Ok(Column::Long(vec![count].into()));
    }
    let mut counts = vec![0_i64; call.groups.len()];
    for (group, _) in parts(call)? {
        counts[group] += 1;
    }
    Ok(Column::Long(counts.into()))
}

/// How many values a column of numbers or texts has, if they lie close together.
fn different(call: &Call<'_>) -> Result<Option<i64>> {
    match call.column {
        Column::Long(items) | Column::Instant(items) => {
            let (mut least, mut most) = (i64::MAX, i64::MIN);
            for chunk in items.chunks(ROWS_PER_LOOK) {
                call.budget.look()?;
                (least, most) = chunk.iter().fold((least, most), |(least, most), item| (least.min(*item), most.max(*item)));
            }
            let width = most.checked_sub(least).filter(|width| *width < items.len() as i64 * BITS_PER_ROW);
            width.map(|width| marked(width as usize + 1, items, |item| (item - least) as usize, call.budget)).transpose()
        }
        Column::Text(_, texts, codes) if texts.len() < codes.len() * BITS_PER_ROW as usize => {
            marked(texts.len(), codes, |code| code as usize, call.budget).map(Some)
        }
        _ => Ok(None),
    }
}

/// How many of so many places the items name.
fn marked<T: Copy>(width: usize, items: &[T], place: impl Fn(T) -> usize, budget: &Budget) -> Result<i64> {
    let mut words = vec![0_u64; width.div_ceil(64)];
    for chunk in items.chunks(ROWS_PER_LOOK) {
        budget.spend_steps(chunk.len() as u64)?;
        chunk.iter().map(|item| place(*item)).for_each(|place| words[place / 64] |= 1 << (place % 64));
    }
    Ok(words.iter().map(|word| i64::from(word.count_ones())).sum())
}

fn distinct(call: &Call<'_>) -> Result<Column> {
    let mut sets = vec![BTreeSet::new(); call.groups.len()];
    for (group, row) in parts(call)? {
        sets[group].insert(call.column.value(row));
    }
    Ok(Column::Value(sets.into_iter().map(|set| Value::Set(Arc::new(set))).collect()))
}
