//! `median`, `variance`, `stddev`. The last two divide by the count, not by one less.

use super::sum::{mean_of_doubles, not_a_number, sum_of_doubles};
use super::{Aggregate, Bags, Call, aggregate};
use crate::column::Column;
use crate::error::Result;
use crate::function::{Arity, double_of};
use crate::value::Value;

pub(super) const AGGREGATES: &[Aggregate] = &[
    aggregate(
        "median",
        Arity::exactly(1),
        median,
        "The one in the middle; of an even count, the mean of the middle two as a double.",
        ("(median ?x)", "[1 2 4 9]", "3.0"),
    ),
    aggregate(
        "variance",
        Arity::exactly(1),
        variance,
        "The mean square distance from the mean.",
        ("(variance ?x)", "[1 2 3 4]", "1.25"),
    ),
    aggregate("stddev", Arity::exactly(1), deviation, "The square root of the variance.", ("(stddev ?x)", "[1 1 5 5]", "2.0")),
];

fn median(call: &Call<'_>) -> Result<Column> {
    let bags = Bags::new(call.groups);
    let medians = bags.iter().map(|rows| {
        call.budget.spend_steps(rows.len() as u64)?;
        // Refuses what is no number, wherever in the order it stands.
        doubles(call, rows)?;
        let mut rows = rows.to_vec();
        let middle = rows.len() / 2;
        let is_even = rows.len().is_multiple_of(2);
        let (below, at, _) = rows.select_nth_unstable_by(middle, |a, b| call.column.compare(*a as usize, *b as usize));
        let upper = call.column.value(*at as usize);
        if !is_even {
            return Ok(upper);
        }
        let lower = below.iter().copied().max_by(|a, b| call.column.compare(*a as usize, *b as usize));
        let lower = call.column.value(lower.expect("an even count is at least two") as usize);
        Ok(mean_of_two(&lower, &upper))
    });
    Ok(Column::Value(medians.collect::<Result<_>>()?))
}

fn mean_of_two(a: &Value, b: &Value) -> Value {
    if let (Value::Long(a), Value::Long(b)) = (a, b) {
        return ((i128::from(*a) + i128::from(*b)) as f64 / 2.0).into();
    }
    let both: Vec<f64> = [a, b].into_iter().filter_map(double_of).collect();
    mean_of_doubles(&both).into()
}

fn variance(call: &Call<'_>) -> Result<Column> {
    by_bag(call, |variance| variance)
}

fn deviation(call: &Call<'_>) -> Result<Column> {
    by_bag(call, f64::sqrt)
}

fn by_bag(call: &Call<'_>, finish: fn(f64) -> f64) -> Result<Column> {
    let bags = Bags::new(call.groups);
    let results = bags.iter().map(|rows| {
        call.budget.spend_steps(rows.len() as u64)?;
        let items = doubles(call, rows)?;
        let mean = mean_of_doubles(&items);
        let squares: Vec<f64> = items.iter().map(|item| (item - mean) * (item - mean)).collect();
        Ok(finish(sum_of_doubles(&squares) / items.len() as f64).into())
    });
    Ok(Column::Value(results.collect::<Result<_>>()?))
}

fn doubles(call: &Call<'_>, rows: &[u32]) -> Result<Vec<f64>> {
    let double = |row: &u32| match call.column {
        Column::Long(items) => Ok(items[*row as usize] as f64),
        Column::Double(items) => Ok(items[*row as usize]),
        other => {
            let value = other.value(*row as usize);
            double_of(&value).ok_or_else(|| not_a_number(call.name, &value))
        }
    };
    rows.iter().map(double).collect()
}
