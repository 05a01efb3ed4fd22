//! `count`, `count-distinct`, `distinct`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Aggregate, Call, Groups, aggregate};
use crate::column::Column;
use crate::error::Result;
use crate::function::Arity;
use crate::run::join::first_of_few;
use crate::value::Value;

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
    let few = if call.groups.len() == 1 { first_of_few(call.column, call.budget)? } else { None };
    let first_rows = if let Some(first_rows) = few {
        first_rows
    } else {
        let values = Groups::by(&[call.column], call.column.len(), call.budget)?;
        call.groups.divided_by(&values, call.budget)?.first_rows().to_vec()
    };
    Ok(first_rows.into_iter().map(|row| (call.groups.of_rows()[row as usize] as usize, row as usize)))
}

fn count_distinct(call: &Call<'_>) -> Result<Column> {
    let mut counts = vec![0_i64; call.groups.len()];
    for (group, _) in parts(call)? {
        counts[group] += 1;
    }
    Ok(Column::Long(counts.into()))
}

fn distinct(call: &Call<'_>) -> Result<Column> {
    let mut sets = vec![BTreeSet::new(); call.groups.len()];
    for (group, row) in parts(call)? {
        sets[group].insert(call.column.value(row));
    }
    Ok(Column::Value(sets.into_iter().map(|set| Value::Set(Arc::new(set))).collect()))
}
