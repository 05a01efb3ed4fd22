//! Keys of joins and sets: every row becomes one 64-bit code, such that two rows have one code exactly if their values are
//! the same. Longs are their own code; texts are compared by dictionary; only what is mixed or rare is hashed value by value.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::column::{Column, Dictionary};
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
pub(crate) fn codes<'c>(columns: &[&'c Column], rows: usize) -> Codes<'c> {
    let empty: Vec<Column> = columns.iter().map(|column| first_none(column)).collect();
    let (codes, _) = paired_codes(columns, rows, &empty.iter().collect::<Vec<_>>(), 0);
    Cow::Owned(codes.into_owned())
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
) -> (Codes<'c>, Codes<'c>) {
    let mut pairs = left.iter().zip(right).map(|(left, right)| column_codes(left, right));
    let Some(mut joined) = pairs.next() else {
        return (Cow::Owned(vec![0; left_rows]), Cow::Owned(vec![0; right_rows]));
    };
    for next in pairs {
        joined = combine(&joined, &next);
    }
    joined
}

fn column_codes<'c>(left: &'c Column, right: &'c Column) -> (Codes<'c>, Codes<'c>) {
    match (left, right) {
        (Column::Long(a), Column::Long(b)) | (Column::Instant(a), Column::Instant(b)) => (Cow::Borrowed(a), Cow::Borrowed(b)),
        (Column::Boolean(a), Column::Boolean(b)) => (widen(a), widen(b)),
        (Column::Double(a), Column::Double(b)) => (bits(a), bits(b)),
        (Column::Text(kind_a, texts_a, a), Column::Text(kind_b, texts_b, b)) if kind_a == kind_b => {
            text_codes((texts_a, a), (texts_b, b))
        }
        (Column::Value(_), _)
        | (_, Column::Value(_))
        | (Column::Long(_) | Column::Double(_), Column::Long(_) | Column::Double(_)) => value_codes(left, right),
        _ => (Cow::Owned(vec![0; left.len()]), Cow::Owned(vec![1; right.len()])),
    }
}

fn widen<'c, T: Copy + Into<i64>>(items: &[T]) -> Codes<'c> {
    Cow::Owned(items.iter().map(|item| (*item).into()).collect())
}

/// Doubles by their bits; both zeros are one.
fn bits<'c>(items: &[f64]) -> Codes<'c> {
    Cow::Owned(items.iter().map(|item| if *item == 0.0 { 0 } else { item.to_bits() as i64 }).collect())
}

fn text_codes<'c>(left: (&Dictionary, &[u32]), right: (&Dictionary, &[u32])) -> (Codes<'c>, Codes<'c>) {
    if Arc::ptr_eq(left.0, right.0) || right.1.is_empty() {
        return (widen(left.1), widen(right.1));
    }
    let mut known: FxHashMap<&str, i64> = FxHashMap::default();
    let left_codes = renumbered(left, &mut known);
    let right_codes = renumbered(right, &mut known);
    (left_codes, right_codes)
}

/// Codes by first occurrence; each text of the dictionary that is used is looked up once.
fn renumbered<'d, 'c>((texts, codes): (&'d Dictionary, &[u32]), known: &mut FxHashMap<&'d str, i64>) -> Codes<'c> {
    let mut lookup = |code: u32| {
        let next = known.len() as i64;
        *known.entry(&texts[code as usize]).or_insert(next)
    };
    if codes.len() < texts.len() / 8 {
        return Cow::Owned(codes.iter().map(|code| lookup(*code)).collect());
    }
    let mut memo = vec![-1_i64; texts.len()];
    Cow::Owned(
        codes
            .iter()
            .map(|code| {
                let known_as = &mut memo[*code as usize];
                if *known_as < 0 {
                    *known_as = lookup(*code);
                }
                *known_as
            })
            .collect(),
    )
}

fn value_codes<'c>(left: &Column, right: &Column) -> (Codes<'c>, Codes<'c>) {
    let mut known: FxHashMap<Value, i64> = FxHashMap::default();
    let mut code = |value: &Value| {
        let next = known.len() as i64;
        *known.entry(value.canonical()).or_insert(next)
    };
    let left_codes = (0..left.len()).map(|row| code(&left.value(row))).collect::<Vec<_>>();
    let right_codes = (0..right.len()).map(|row| code(&right.value(row))).collect::<Vec<_>>();
    (Cow::Owned(left_codes), Cow::Owned(right_codes))
}

/// Two codes a row become one: packed side by side if their ranges allow, else numbered by first occurrence.
fn combine<'c>(high: &(Codes<'_>, Codes<'_>), low: &(Codes<'_>, Codes<'_>)) -> (Codes<'c>, Codes<'c>) {
    let (high_range, low_range) = (range(high), range(low));
    let (high_width, low_width) = (width(high_range), width(low_range));
    if high_width.checked_mul(low_width).is_some_and(|product| product <= 1 << 63) {
        let pack = |high: &[i64], low: &[i64]| {
            let packed = high.iter().zip(low).map(|(high, low)| {
                high.wrapping_sub(high_range.0).wrapping_mul(low_width as i64).wrapping_add(low.wrapping_sub(low_range.0))
            });
            Cow::Owned(packed.collect())
        };
        return (pack(&high.0, &low.0), pack(&high.1, &low.1));
    }
    let mut known: FxHashMap<(i64, i64), i64> = FxHashMap::default();
    let mut number = |high: &[i64], low: &[i64]| {
        let numbered = high.iter().zip(low).map(|pair| {
            let next = known.len() as i64;
            *known.entry((*pair.0, *pair.1)).or_insert(next)
        });
        Cow::Owned(numbered.collect::<Vec<_>>())
    };
    (number(&high.0, &low.0), number(&high.1, &low.1))
}

fn range((left, right): &(Codes<'_>, Codes<'_>)) -> (i64, i64) {
    left.iter().chain(right.iter()).fold((i64::MAX, i64::MIN), |(least, most), code| (least.min(*code), most.max(*code)))
}

fn width((least, most): (i64, i64)) -> u128 {
    if least > most { 1 } else { (i128::from(most) - i128::from(least) + 1) as u128 }
}
