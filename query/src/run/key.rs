//! Keys of joins and sets: every row becomes one 64-bit code, such that two rows have one code exactly if their values are
//! the same. Longs are their own code; texts are compared by dictionary; only what is mixed or rare is hashed value by value.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::column::{Column, Dictionary};
use crate::error::Result;
use crate::run::join::CHUNK_ROWS;
use crate::value::Value;

/// A code a row.
pub(crate) type Codes<'c> = Cow<'c, [i64]>;

/// True if two values of such columns that are the same are always identical, so that it does not matter which is kept.
pub(crate) fn is_exact(left: &Column, right: &Column) -> bool {
    match (left, right) {
        (Column::Long(_), Column::Long(_))
        | (Column::Instant(_), Column::Instant(_))
        | (Column::Boolean(_), Column::Boolean(_)) => true,
        (Column::Text(a, ..), Column::Text(b, ..)) => a == b,
        _ => false,
    }
}

/// The codes of rows of one relation.
pub(crate) fn codes<'c>(columns: &[&'c Column], rows: usize, budget: &Budget) -> Result<Codes<'c>> {
    let empty: Vec<Column> = columns.iter().map(|column| first_none(column)).collect();
    let (codes, _) = paired_codes(columns, rows, &empty.iter().collect::<Vec<_>>(), 0, budget)?;
    Ok(Cow::Owned(codes.into_owned()))
}

/// A column without rows, of the same kind.
fn first_none(column: &Column) -> Column {
    column.gather(&[])
}

/// The codes of the rows of two relations, comparable with each other.
pub(crate) fn paired_codes<'c>(
    left: &[&'c Column],
    left_rows: usize,
    right: &[&'c Column],
    right_rows: usize,
    budget: &Budget,
) -> Result<(Codes<'c>, Codes<'c>)> {
    let mut pairs = left.iter().zip(right).map(|(left, right)| column_codes(left, right, budget));
    let Some(joined) = pairs.next() else {
        return Ok((Cow::Owned(vec![0; left_rows]), Cow::Owned(vec![0; right_rows])));
    };
    let mut joined = joined?;
    for next in pairs {
        joined = combine(&joined, &next?, budget)?;
    }
    Ok(joined)
}

/// The codes of two columns, comparable with each other.
pub(crate) fn column_codes<'c>(left: &'c Column, right: &'c Column, budget: &Budget) -> Result<(Codes<'c>, Codes<'c>)> {
    Ok(match (left, right) {
        (Column::Long(a), Column::Long(b)) | (Column::Instant(a), Column::Instant(b)) => (Cow::Borrowed(a), Cow::Borrowed(b)),
        (Column::Boolean(a), Column::Boolean(b)) => (widen(a), widen(b)),
        (Column::Double(a), Column::Double(b)) => (bits(a), bits(b)),
        (Column::Text(kind_a, texts_a, a), Column::Text(kind_b, texts_b, b)) if kind_a == kind_b => {
            text_codes((texts_a, a), (texts_b, b), budget)?
        }
        (Column::Value(_), _)
        | (_, Column::Value(_))
        | (Column::Long(_) | Column::Double(_), Column::Long(_) | Column::Double(_)) => value_codes(left, right, budget)?,
        _ => (Cow::Owned(vec![0; left.len()]), Cow::Owned(vec![1; right.len()])),
    })
}

fn widen<'c, T: Copy + Into<i64>>(items: &[T]) -> Codes<'c> {
    Cow::Owned(items.iter().map(|item| (*item).into()).collect())
}

/// Doubles by their bits; both zeros are one.
fn bits<'c>(items: &[f64]) -> Codes<'c> {
    Cow::Owned(items.iter().map(|item| if *item == 0.0 { 0 } else { item.to_bits() as i64 }).collect())
}

fn text_codes<'c>(left: (&Dictionary, &[u32]), right: (&Dictionary, &[u32]), budget: &Budget) -> Result<(Codes<'c>, Codes<'c>)> {
    if Arc::ptr_eq(left.0, right.0) || right.1.is_empty() {
        return Ok((widen(left.1), widen(right.1)));
    }
    let mut known: FxHashMap<&str, i64> = FxHashMap::default();
    let left_codes = renumbered(left, &mut known, budget)?;
    let right_codes = renumbered(right, &mut known, budget)?;
    Ok((left_codes, right_codes))
}

/// Codes by first occurrence; each text of the dictionary that is used is looked up once.
fn renumbered<'d, 'c>(
    (texts, codes): (&'d Dictionary, &[u32]),
    known: &mut FxHashMap<&'d str, i64>,
    budget: &Budget,
) -> Result<Codes<'c>> {
    let mut lookup = |code: u32| {
        let next = known.len() as i64;
        *known.entry(&texts[code as usize]).or_insert(next)
    };
    if codes.len() < texts.len() / 8 {
        return Ok(Cow::Owned(mapped(codes.len(), budget, |row| lookup(codes[row]))?));
    }
    let mut memo = vec![-1_i64; texts.len()];
    let numbered = mapped(codes.len(), budget, |row| {
        let known_as = &mut memo[codes[row] as usize];
        if *known_as < 0 {
            *known_as = lookup(codes[row]);
        }
        *known_as
    });
    Ok(Cow::Owned(numbered?))
}

/// A number for each row, with a look at the budget now and then.
fn mapped(rows: usize, budget: &Budget, mut number: impl FnMut(usize) -> i64) -> Result<Vec<i64>> {
    let mut numbers = Vec::with_capacity(rows);
    for start in (0..rows).step_by(CHUNK_ROWS) {
        let end = (start + CHUNK_ROWS).min(rows);
        budget.spend_steps((end - start) as u64)?;
        numbers.extend((start..end).map(&mut number));
    }
    Ok(numbers)
}

fn value_codes<'c>(left: &Column, right: &Column, budget: &Budget) -> Result<(Codes<'c>, Codes<'c>)> {
    let mut known: FxHashMap<Value, i64> = FxHashMap::default();
    let mut code = |value: &Value| {
        let next = known.len() as i64;
        *known.entry(value.canonical()).or_insert(next)
    };
    let left_codes = mapped(left.len(), budget, |row| code(&left.value(row)))?;
    let right_codes = mapped(right.len(), budget, |row| code(&right.value(row)))?;
    Ok((Cow::Owned(left_codes), Cow::Owned(right_codes)))
}

/// Two codes a row become one: packed side by side if their ranges allow, else numbered by first occurrence.
fn combine<'c>(high: &(Codes<'_>, Codes<'_>), low: &(Codes<'_>, Codes<'_>), budget: &Budget) -> Result<(Codes<'c>, Codes<'c>)> {
    let (high_range, low_range) = (range(high), range(low));
    let (high_width, low_width) = (width(high_range), width(low_range));
    if high_width.checked_mul(low_width).is_some_and(|product| product <= 1 << 63) {
        let pack = |high: &[i64], low: &[i64]| {
            let packed = high.iter().zip(low).map(|(high, low)| {
                high.wrapping_sub(high_range.0).wrapping_mul(low_width as i64).wrapping_add(low.wrapping_sub(low_range.0))
            });
            Cow::Owned(packed.collect())
        };
        return Ok((pack(&high.0, &low.0), pack(&high.1, &low.1)));
    }
    let mut known: FxHashMap<(i64, i64), i64> = FxHashMap::default();
    let mut number = |high: &[i64], low: &[i64]| {
        let numbered = mapped(high.len().min(low.len()), budget, |row| {
            let next = known.len() as i64;
            *known.entry((high[row], low[row])).or_insert(next)
        });
        numbered.map(Cow::Owned)
    };
    Ok((number(&high.0, &low.0)?, number(&high.1, &low.1)?))
}

fn range((left, right): &(Codes<'_>, Codes<'_>)) -> (i64, i64) {
    left.iter().chain(right.iter()).fold((i64::MAX, i64::MIN), |(least, most), code| (least.min(*code), most.max(*code)))
}

fn width((least, most): (i64, i64)) -> u128 {
    if least > most { 1 } else { (i128::from(most) - i128::from(least) + 1) as u128 }
}
