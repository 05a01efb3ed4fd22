//! Attacked with columns of every kind, in sizes on both sides of each border, beside a plain sort that compares values.

use std::sync::Arc;

use super::*;
use crate::column::TextKind;
use crate::value::Value;

/// Knuth's linear congruential generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A column of `rows` values; `kinds` of them differ.
fn column(kind: u64, rows: usize, kinds: u64, chance: &mut Chance) -> Column {
    let spread = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64;
    match kind {
        0 => Column::Long((0..rows).map(|_| spread(chance.below(kinds))).collect()),
        1 => Column::Long((0..rows).map(|_| chance.below(kinds) as i64 - 5).collect()),
        2 => Column::Instant((0..rows).map(|_| chance.below(kinds) as i64 * 3_600_000_000).collect()),
        3 => Column::Boolean((0..rows).map(|_| chance.below(2) == 0).collect()),
        4 => {
            let extremes = [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE];
            Column::Double(
                (0..rows)
                    .map(|_| match chance.below(kinds + 5) as usize {
                        at @ 0..5 => extremes[at],
                        n => n as f64 / 4.0 - 3.0,
                    })
                    .collect(),
            )
        }
        5 | 6 => {
            // Of the second kind there are many more texts than rows, most with one beginning.
            let unused = if kind == 6 { rows * 3 } else { 0 };
            let texts = (0..kinds as usize + unused)
                .map(|n| Arc::from(format!("{}{}", if n % 3 == 0 { "beginning " } else { "" }, spread(n as u64))));
            let texts: Vec<Arc<str>> = texts.collect();
            let codes = (0..rows).map(|_| chance.below(texts.len() as u64) as u32).collect();
            Column::Text(TextKind::String, Arc::new(texts), codes)
        }
        7 => Column::Long((0..rows).map(|row| row as i64 * 7).collect()),
        _ => Column::Value(
            (0..rows)
                .map(|_| match chance.below(4) {
                    0 => Value::from(chance.below(kinds) as i64),
                    1 => Value::from(chance.below(kinds) as f64),
                    2 => Value::vector([Value::from(chance.below(3) as i64), Value::from(chance.below(3) as f64)]),
                    _ => Value::from("text"),
                })
                .collect(),
        ),
    }
}

fn slowly(fields: &[Field<'_>], rows: usize, end: usize) -> Vec<u32> {
    let mut all: Vec<u32> = (0..rows as u32).collect();
    let order = |field: &Field<'_>, a: u32, b: u32| {
        let (a, b) = (field.column.value(a as usize), field.column.value(b as usize));
        let order = if field.is_by_meaning { a.canonical().cmp(&b.canonical()) } else { a.cmp(&b) };
        if field.is_descending { order.reverse() } else { order }
    };
    all.sort_by(|a, b| fields.iter().map(|field| order(field, *a, *b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal));
    all.truncate(end);
    all
}

#[test]
fn rows_are_sorted_as_their_values_are() {
    let mut chance = Chance(7);
    let budget = Budget::default();
    for round in 0..400_u64 {
        let rows = [0, 1, 2, 23, 24, 25, 60, 300, 1_500][chance.below(9) as usize] * if round % 100 == 99 { 8 } else { 1 };
        let end = [rows, rows, 1, rows / 2, rows / 9][chance.below(5) as usize];
        let columns: Vec<Column> = (0..=chance.below(4))
            .map(|_| {
                let kinds = [1, 2, 30, 5_000][chance.below(4) as usize];
                let kind = chance.below(9);
                column(kind, rows, kinds, &mut chance)
            })
            .collect();
        let fields: Vec<Field<'_>> = columns
            .iter()
            .map(|column| match chance.below(3) {
                0 => Field::exact(column, rows),
                1 => Field::by_meaning(column, Direction::Ascending, rows),
                _ => Field::by_meaning(column, Direction::Descending, rows),
            })
            .collect();
        let found = sorted(&fields, (0..rows as u32).collect(), end, &budget).expect("nothing limits it");
        let expected = slowly(&fields, rows, end);
        let values = |rows: &[u32]| -> Vec<Vec<Value>> {
            let shown = |field: &Field<'_>, row: u32| {
                let value = field.column.value(row as usize);
                if field.is_by_meaning { value.canonical() } else { value }
            };
            rows.iter().map(|row| fields.iter().map(|field| shown(field, *row)).collect()).collect()
        };
        assert_eq!(values(&found), values(&expected), "round {round}");
        let is_sorted = slowly(&fields, rows, rows).is_sorted();
        if is_in_order(&fields, rows, &budget).expect("nothing limits it") {
            assert!(is_sorted, "round {round}: said to be in order");
        } else {
            assert!(!is_sorted, "round {round}: not seen to be in order");
        }
        let least = fields[0].least(rows, end, &budget).expect("nothing limits it");
        if let Some(least) = least {
            let first = &fields[..1];
            let border = expected_border(first, rows, end);
            assert!(least.is_sorted() && least.len() >= end.min(rows), "round {round}");
            let wanted: Vec<u32> =
                (0..rows as u32).filter(|row| border.is_none_or(|border| compare_rows(first, *row, border).is_le())).collect();
            assert_eq!(least, wanted, "round {round}");
        }
    }
}

/// The last row that is among the least.
fn expected_border(fields: &[Field<'_>], rows: usize, end: usize) -> Option<u32> {
    slowly(fields, rows, rows).get(end.checked_sub(1)?).copied().filter(|_| end < rows)
}
