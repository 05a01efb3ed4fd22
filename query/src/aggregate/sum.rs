//! `sum` and `avg`. Both are exact until one last rounding, so that they do not depend on the order of the rows.

use super::{Aggregate, Bags, Call, aggregate};
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::function::{Arity, NumberKind, check_aligned, double_of, exact_of, refuse};
use crate::value::{BigDecimal, Value};

pub(super) const AGGREGATES: &[Aggregate] = &[
    aggregate("sum", Arity::exactly(1), sum, "The sum; longs that leave 64 bits are an error.", ("(sum ?x)", "[1 2 2]", "5")),
    aggregate("avg", Arity::exactly(1), average, "The mean; of integers a double.", ("(avg ?x)", "[1 2 2 3]", "2.0")),
];

fn sum(call: &Call<'_>) -> Result<Column> {
    if let Column::Long(items) = call.column {
        let sums = sums_of_longs(call, items).into_iter().map(|total| long_of(call.name, total));
        return Ok(Column::Long(sums.collect::<Result<_>>()?));
    }
    by_bag(call, |numbers| match numbers {
        Numbers::Longs(total, _) => long_of(call.name, *total).map(Value::Long),
        Numbers::Doubles(items) => Ok(sum_of_doubles(items).into()),
        Numbers::Mixed(items) => total_of(call.name, items),
    })
}

fn average(call: &Call<'_>) -> Result<Column> {
    if let Column::Long(items) = call.column {
        let sums = sums_of_longs(call, items).into_iter().zip(call.groups.counts());
        return Ok(Column::Double(sums.map(|(total, count)| total as f64 / f64::from(count)).collect()));
    }
    by_bag(call, |numbers| match numbers {
        Numbers::Longs(total, count) => Ok((*total as f64 / *count as f64).into()),
        Numbers::Doubles(items) => Ok(mean_of_doubles(items).into()),
        Numbers::Mixed(items) => mean_of(call.name, items),
    })
}

/// Exact: the low and the high halves of the longs are added up apart, where neither sum can leave 64 bits.
fn sums_of_longs(call: &Call<'_>, items: &[i64]) -> Vec<i128> {
    let (mut low, mut high) = (vec![0_i64; call.groups.len()], vec![0_i64; call.groups.len()]);
    for (group, item) in call.groups.of_rows().iter().zip(items) {
        low[*group as usize] += item & i64::from(u32::MAX);
        high[*group as usize] += item >> u32::BITS;
    }
    low.into_iter().zip(high).map(|(low, high)| i128::from(low) + (i128::from(high) << u32::BITS)).collect()
}

fn long_of(name: &str, total: i128) -> Result<i64> {
    i64::try_from(total).map_err(|_| {
        Error::new(Code::Overflow, format!("the aggregate `{name}` leaves the range of 64-bit integers"))
            .with_value(total)
            .with_help("sum bigints, [(* 1N ?x) ?n] with (sum ?n), or doubles, [(* 1.0 ?x) ?n]")
    })
}

/// The numbers of a bag, by what is exact for them.
enum Numbers {
    /// The sum of longs, and how many they were.
    Longs(i128, usize),
    Doubles(Vec<f64>),
    Mixed(Vec<Value>),
}

fn by_bag(call: &Call<'_>, compute: impl Fn(&Numbers) -> Result<Value>) -> Result<Column> {
    let bags = Bags::new(call.groups);
    let results = bags.iter().map(|rows| {
        call.budget.spend_steps(rows.len() as u64)?;
        compute(&numbers_of(call, rows)?)
    });
    Ok(Column::Value(results.collect::<Result<_>>()?))
}

fn numbers_of(call: &Call<'_>, rows: &[u32]) -> Result<Numbers> {
    if let Column::Double(items) = call.column {
        return Ok(Numbers::Doubles(rows.iter().map(|row| items[*row as usize]).collect()));
    }
    let values: Vec<Value> = rows.iter().map(|row| call.column.value(*row as usize)).collect();
    let mut has_others = false;
    let mut total = 0_i128;
    for value in &values {
        match value {
            Value::Long(n) => total += i128::from(*n),
            number if number.is_number() => has_others = true,
            other => return Err(not_a_number(call.name, other)),
        }
    }
    Ok(if has_others { Numbers::Mixed(values) } else { Numbers::Longs(total, values.len()) })
}

/// The error for what cannot be added up.
pub(super) fn not_a_number(name: &str, value: &Value) -> Error {
    refuse(name, 0, "numbers only", value).with_help("keep the rows with numbers: [(type ?x) :db.type/long]")
}

/// Of numbers of several kinds: doubles if there is one among them, else exact and of the latest kind.
fn total_of(name: &str, items: &[Value]) -> Result<Value> {
    match latest_kind(items) {
        NumberKind::Double => Ok(sum_of_doubles(&doubles_of(items)).into()),
        NumberKind::BigDec => exact_total(name, items).map(Value::from),
        NumberKind::BigInt | NumberKind::Long => Ok(exact_total(name, items)?.into_bigint_and_scale().0.into()),
    }
}

fn mean_of(name: &str, items: &[Value]) -> Result<Value> {
    let kind = latest_kind(items);
    if kind == NumberKind::Double {
        return Ok(mean_of_doubles(&doubles_of(items)).into());
    }
    let mean: Value = (exact_total(name, items)? / BigDecimal::from(items.len() as u64)).into();
    Ok(if kind == NumberKind::BigDec { mean } else { double_of(&mean).map_or(Value::Nil, Value::from) })
}

fn latest_kind(items: &[Value]) -> NumberKind {
    items.iter().filter_map(NumberKind::of).max().expect("a bag of numbers is not empty")
}

/// Of numbers without a double among them.
fn exact_total(name: &str, items: &[Value]) -> Result<BigDecimal> {
    let mut total = BigDecimal::from(0);
    for exact in items.iter().filter_map(exact_of) {
        check_aligned(name, &total, &exact)?;
        total += &*exact;
    }
    Ok(total)
}

fn doubles_of(items: &[Value]) -> Vec<f64> {
    items.iter().filter_map(double_of).collect()
}

pub(super) fn mean_of_doubles(items: &[f64]) -> f64 {
    let count = items.len() as f64;
    let total = sum_of_doubles(items);
    if total.is_finite() {
        return total / count;
    }
    // The sum may lie outside the doubles while the mean does not.
    sum_of_doubles(&items.iter().map(|item| item / count).collect::<Vec<_>>())
}

/// The double nearest to the exact sum, in any order of the items: Shewchuk's algorithm, which keeps the rounding error of
/// every addition as a further part of the sum.
pub(super) fn sum_of_doubles(items: &[f64]) -> f64 {
    let mut parts: Vec<f64> = Vec::new();
    for item in items {
        let mut carried = *item;
        let mut kept = 0;
        for place in 0..parts.len() {
            let (sum, error) = add_exactly(carried, parts[place]);
            if error != 0.0 {
                parts[kept] = error;
                kept += 1;
            }
            carried = sum;
        }
        parts.truncate(kept);
        parts.push(carried);
        if !carried.is_finite() {
            return sum_of_extreme_doubles(items);
        }
    }
    round_parts(&parts)
}

/// The rounded sum, and what rounding lost.
fn add_exactly(a: f64, b: f64) -> (f64, f64) {
    let (large, small) = if a.abs() >= b.abs() { (a, b) } else { (b, a) };
    let sum = large + small;
    (sum, small - (sum - large))
}

/// Adds parts that do not overlap, the largest last, and rounds once, to even.
fn round_parts(parts: &[f64]) -> f64 {
    let mut rest = parts.iter().rev().copied();
    let mut total = rest.next().unwrap_or(0.0);
    let mut lost = 0.0;
    for part in rest.by_ref() {
        (total, lost) = add_exactly(total, part);
        if lost != 0.0 {
            break;
        }
    }
    // Exactly half way, the next part decides which neighbour is the nearer one.
    if let Some(next) = rest.next()
        && ((lost < 0.0 && next < 0.0) || (lost > 0.0 && next > 0.0))
    {
        let twice = lost * 2.0;
        let other = total + twice;
        if twice.to_bits() == (other - total).to_bits() {
            total = other;
        }
    }
    total
}

/// Where an item is infinite, or a sum on the way left the doubles.
fn sum_of_extreme_doubles(items: &[f64]) -> f64 {
    if items.iter().any(|item| item.is_infinite()) {
        return items.iter().filter(|item| item.is_infinite()).sum();
    }
    let exact = items.iter().filter_map(|item| BigDecimal::try_from(*item).ok()).sum::<BigDecimal>();
    double_of(&exact.into()).unwrap_or(f64::NAN)
}
