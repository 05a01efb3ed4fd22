//! `:order-by`, and the least rows under it.

use std::cmp::Ordering;

use super::{Computed, Ordered, header};
use crate::ast::{Direction, Element, OrderKey};
use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;

/// Rows that are sorted in a few milliseconds, between two looks at the clock.
const RUN_ROWS: usize = 1 << 13;

/// Rows that are merged between two looks at the budget.
const ROWS_PER_LOOK: usize = 1 << 12;

/// A column to order by, and the direction.
pub(super) type Key = (usize, Direction);

/// The places of the keys among the elements.
pub(super) fn keys(keys: &[OrderKey], elements: &[&Element]) -> Vec<Key> {
    keys.iter().map(|key| (header::place_of(&key.element, elements), key.direction)).collect()
}

/// The first `end` rows of the table in the order of `keys`, ties broken by the whole row: so neither the order of rows nor what is cut
/// off depends on the plan, also where nobody asked for an order.
pub(super) fn first_rows(table: &Computed, keys: &[Key], end: usize, budget: &Budget) -> Result<Ordered> {
    let end = end.min(table.rows);
    if end == 0 {
        return Ok(Ordered::AsTheyStand(0..0));
    }
    budget.spend_steps(table.rows as u64)?;
    if keys.is_empty() && is_ascending(&table.columns, table.rows, budget)? {
        return Ok(Ordered::AsTheyStand(0..end));
    }
    let mut rows: Vec<u32> = (0..table.rows as u32).collect();
    let columns: Vec<Column> = table.columns.iter().map(ranked).collect();
    let compare = |a: &u32, b: &u32| compare_rows(&columns, keys, *a as usize, *b as usize);
    if end < rows.len() {
        rows.select_nth_unstable_by(end - 1, compare);
        rows.truncate(end);
    }
    sort_by(&mut rows, compare, budget)?;
    Ok(Ordered::Sorted(rows))
}

/// True if the rows stand in ascending order already, as they often do: facts are scanned by entity.
fn is_ascending(columns: &[Column], rows: usize, budget: &Budget) -> Result<bool> {
    for start in (1..rows).step_by(ROWS_PER_LOOK) {
        budget.spend_steps(ROWS_PER_LOOK as u64)?;
        let end = (start + ROWS_PER_LOOK).min(rows);
        if (start..end).any(|row| compare_rows(columns, &[], row - 1, row).is_gt()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sorts in runs and joins neighbouring ones, as a sort of everything at once could not be stopped in time.
fn sort_by(rows: &mut Vec<u32>, compare: impl Fn(&u32, &u32) -> Ordering, budget: &Budget) -> Result<()> {
    let mut run = RUN_ROWS;
    for part in rows.chunks_mut(run) {
        budget.spend_steps(part.len() as u64)?;
        part.sort_unstable_by(&compare);
    }
    let mut joined = Vec::with_capacity(rows.len());
    while run < rows.len() {
        for pair in rows.chunks(2 * run) {
            let (left, right) = pair.split_at(run.min(pair.len()));
            merge(left, right, &compare, &mut joined, budget)?;
        }
        std::mem::swap(rows, &mut joined);
        joined.clear();
        run *= 2;
    }
    Ok(())
}

/// Joins two sorted runs behind what is there.
fn merge(
    left: &[u32],
    right: &[u32],
    compare: &impl Fn(&u32, &u32) -> Ordering,
    joined: &mut Vec<u32>,
    budget: &Budget,
) -> Result<()> {
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        if (l + r) % ROWS_PER_LOOK == 0 {
            budget.spend_steps(ROWS_PER_LOOK as u64)?;
        }
        if compare(&left[l], &right[r]).is_le() {
            joined.push(left[l]);
            l += 1;
        } else {
            joined.push(right[r]);
            r += 1;
        }
    }
    joined.extend_from_slice(&left[l..]);
    joined.extend_from_slice(&right[r..]);
    Ok(())
}

fn compare_rows(columns: &[Column], keys: &[Key], a: usize, b: usize) -> Ordering {
    for (place, direction) in keys {
        let order = compare_by_meaning(&columns[*place], a, b);
        let order = if *direction == Direction::Descending { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    columns.iter().map(|column| column.compare(a, b)).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// By the total order, but 1 and 1.0 are one, so that the next key decides between them.
fn compare_by_meaning(column: &Column, a: usize, b: usize) -> Ordering {
    match column {
        Column::Double(items) => items[a].partial_cmp(&items[b]).unwrap_or(Ordering::Equal),
        Column::Value(items) if items[a].same(&items[b]) => Ordering::Equal,
        other => other.compare(a, b),
    }
}

/// Texts as their ranks, so that rows are ordered without reading a text twice.
fn ranked(column: &Column) -> Column {
    match column {
        Column::Text(_, texts, codes) if texts.len() <= codes.len() => {
            let mut by_text: Vec<u32> = (0..texts.len() as u32).collect();
            by_text.sort_unstable_by(|a, b| texts[*a as usize].as_bytes().cmp(texts[*b as usize].as_bytes()));
            let mut ranks = vec![0_i64; texts.len()];
            for (rank, code) in by_text.into_iter().enumerate() {
                ranks[code as usize] = rank as i64;
            }
            Column::Long(codes.iter().map(|code| ranks[*code as usize]).collect())
        }
        other => other.clone(),
    }
}
