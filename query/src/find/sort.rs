//! Sorting rows by columns: each column gives numbers whose order is the order of its values, as many columns as fit are packed into one
//! number a row, and the numbers are sorted digit by digit. Further columns are looked at only for rows that are still tied.

use std::cmp::Ordering;
use std::ops::Range;

use super::rank::{Numbers, Ranks};
use crate::ast::Direction;
use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;

/// Rows that are sorted or looked through in a few milliseconds, between two looks at the clock.
pub(super) const RUN_ROWS: usize = 1 << 13;

/// Rows that are looked at between two looks at the budget.
pub(super) const ROWS_PER_LOOK: usize = 1 << 12;

/// So few tied rows are compared value by value: numbers would cost more than they save. In debug builds almost none, so that small tests try
/// the other way too.
const FEW_ROWS: usize = if cfg!(debug_assertions) { 3 } else { 24 };

/// Of so many rows the first ones are found before each has a number to sort by. In debug builds of few, so that small tests try it too.
const MANY_ROWS: usize = if cfg!(debug_assertions) { 32 } else { 1 << 10 };

/// They are found so if one in so many rows is wanted, or fewer.
const ROWS_PER_FIRST: usize = 16;

/// Bits of a number that one pass sorts by.
const DIGIT_BITS: u32 = 11;

/// A column to sort by.
pub(super) struct Field<'c> {
    column: &'c Column,
    is_descending: bool,
    /// True if 1 and 1.0 are one, so that the next field decides between them.
    is_by_meaning: bool,
    ranks: Ranks,
}

impl<'c> Field<'c> {
    /// By the total order.
    pub(super) fn exact(column: &'c Column, rows: usize) -> Self {
        Self { column, is_descending: false, is_by_meaning: false, ranks: Ranks::of_column(column, rows) }
    }

    /// Equal numbers of two kinds are one.
    pub(super) fn by_meaning(column: &'c Column, direction: Direction, rows: usize) -> Self {
        Self { is_descending: direction == Direction::Descending, is_by_meaning: true, ..Self::exact(column, rows) }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let order = match self.column {
            Column::Double(items) if self.is_by_meaning => items[a].partial_cmp(&items[b]).unwrap_or(Ordering::Equal),
            // Canonical values are ordered by meaning also inside of vectors.
            Column::Value(items) if self.is_by_meaning => items[a].canonical().cmp(&items[b].canonical()),
            column => column.compare(a, b),
        };
        if self.is_descending { order.reverse() } else { order }
    }

    /// True if numbers for rows come from an array.
    fn is_cheap(&self) -> bool {
        !matches!(self.column, Column::Value(_)) && (!matches!(self.column, Column::Text(..)) || self.ranks.is_of_dictionary())
    }

    fn numbers(&self, rows: &[u32], budget: &Budget) -> Result<Numbers> {
        let mut numbers = self.ranks.numbers(self.column, rows, self.is_by_meaning, budget)?;
        if self.is_descending {
            numbers.of_rows.iter_mut().for_each(|number| *number = numbers.most - *number);
        }
        Ok(numbers)
    }
}

impl Field<'_> {
    /// The least of so many rows, ascending: at least `count`, and all that equal the last of them. Nothing if the values would have to be
    /// compared one by one.
    pub(super) fn least(&self, rows: usize, count: usize, budget: &Budget) -> Result<Option<Vec<u32>>> {
        if !self.is_cheap() || count == 0 {
            return Ok(None);
        }
        if let Some(least) = self.least_of_sorted(rows, count, budget)? {
            return Ok(Some(least.map(|row| row as u32).collect()));
        }
        let rows = (0..rows as u32).collect::<Vec<_>>();
        let rows = self.shortlist(&rows, count, budget)?.unwrap_or(rows);
        let (mut keyed, _) = keyed(std::slice::from_ref(self), &rows, budget)?;
        if count < keyed.len() {
            keep_least(&mut keyed, count);
        }
        let mut least: Vec<u32> = keyed.into_iter().map(|(_, row)| row).collect();
        least.sort_unstable();
        Ok(Some(least))
    }
}

impl Field<'_> {
    /// Rows of which the first `end` are some, if that is known by looking at numbers where they stand, and they are few among many.
    fn shortlist(&self, rows: &[u32], end: usize, budget: &Budget) -> Result<Option<Vec<u32>>> {
        let (Column::Long(items) | Column::Instant(items)) = self.column else { return Ok(None) };
        if end == 0 || rows.len() < MANY_ROWS || end > rows.len() / ROWS_PER_FIRST {
            return Ok(None);
        }
        let turn = if self.is_descending { u64::MAX } else { 0 };
        let mut least = Least::new(end);
        for chunk in rows.chunks(ROWS_PER_LOOK) {
            budget.spend_steps(chunk.len() as u64)?;
            for row in chunk {
                least.take(((items[*row as usize] as u64 ^ 1 << 63) ^ turn, *row));
            }
        }
        Ok(Some(least.finish().into_iter().map(|(_, row)| row).collect()))
    }

    /// The same for numbers that ascend or descend from row to row, as they do where rows are scanned by entity: one end of the rows.
    fn least_of_sorted(&self, rows: usize, count: usize, budget: &Budget) -> Result<Option<Range<usize>>> {
        let (Column::Long(items) | Column::Instant(items)) = self.column else { return Ok(None) };
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return Ok(None) };
        if count >= rows {
            return Ok(Some(0..rows));
        }
        let is_rising = first <= last;
        for start in (0..rows).step_by(ROWS_PER_LOOK) {
            let chunk = &items[start..(start + ROWS_PER_LOOK + 1).min(rows)];
            if !(if is_rising { chunk.is_sorted() } else { chunk.is_sorted_by(|a, b| a >= b) }) {
                return Ok(None);
            }
            budget.spend_steps(chunk.len() as u64)?;
        }
        Ok(Some(if is_rising == self.is_descending {
            let start = rows - count;
            start - items[..start].iter().rev().take_while(|item| **item == items[start]).count()..rows
        } else {
            let end = items[count - 1];
            0..count + items[count..].iter().take_while(|item| **item == end).count()
        }))
    }
}

/// True if the rows stand in order already, as they often do: facts are scanned by entity.
pub(super) fn is_in_order(fields: &[Field<'_>], rows: usize, budget: &Budget) -> Result<bool> {
    if let [first, second, ..] = fields
        && let (Some(first), Some(second)) = (first.longs(), second.longs())
        && ascend_in_pairs(first, second, budget)?
    {
        return Ok(true);
    }
    // Rows that equal the one before in all fields so far; nothing while no field was looked at.
    let mut tied: Option<Vec<u32>> = None;
    for field in fields {
        let mut still = Vec::new();
        let is_ordered = match &tied {
            None => each_chunk(rows, budget, |row| field.compare(row - 1, row), field.longs(), &mut still)?,
            Some(tied) => {
                let mut is_ordered = true;
                for chunk in tied.chunks(ROWS_PER_LOOK) {
                    budget.spend_steps(chunk.len() as u64)?;
                    is_ordered = is_ordered
                        && chunk.iter().all(|row| in_order(*row, field.compare(*row as usize - 1, *row as usize), &mut still));
                }
                is_ordered
            }
        };
        if !is_ordered || still.is_empty() {
            return Ok(is_ordered);
        }
        tied = Some(still);
    }
    Ok(true)
}

impl Field<'_> {
    /// The numbers to be compared, if the column is of such and ascends.
    fn longs(&self) -> Option<&[i64]> {
        match self.column {
            Column::Long(items) | Column::Instant(items) if !self.is_descending => Some(items),
            _ => None,
        }
    }
}

/// True if pairs of numbers ascend, none of them twice: what closures give. A loop without branches, up to the first chunk that does not.
fn ascend_in_pairs(first: &[i64], second: &[i64], budget: &Budget) -> Result<bool> {
    let rows = first.len().min(second.len());
    for start in (1..rows).step_by(ROWS_PER_LOOK) {
        budget.spend_steps(ROWS_PER_LOOK as u64)?;
        let end = (start + ROWS_PER_LOOK).min(rows);
        let (before, after) = (start - 1..end - 1, start..end);
        let firsts = first[before.clone()].iter().zip(&first[after.clone()]);
        let seconds = second[before].iter().zip(&second[after]);
        let misplaced = firsts
            .zip(seconds)
            .fold(0, |misplaced, ((a, b), (c, d))| misplaced + usize::from(a > b) + usize::from(a == b) * usize::from(c >= d));
        if misplaced > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Looks at neighbouring rows, chunk by chunk; a chunk of numbers that all ascend is seen as such by one plain loop.
fn each_chunk(
    rows: usize,
    budget: &Budget,
    compare: impl Fn(usize) -> Ordering,
    longs: Option<&[i64]>,
    tied: &mut Vec<u32>,
) -> Result<bool> {
    for start in (1..rows).step_by(ROWS_PER_LOOK) {
        budget.spend_steps(ROWS_PER_LOOK as u64)?;
        let end = (start + ROWS_PER_LOOK).min(rows);
        if longs.is_some_and(|items| items[start - 1..end - 1].iter().zip(&items[start..end]).all(|(a, b)| a < b)) {
            continue;
        }
        if !(start..end).all(|row| in_order(row as u32, compare(row), tied)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn in_order(row: u32, order: Ordering, tied: &mut Vec<u32>) -> bool {
    if order == Ordering::Equal {
        tied.push(row);
    }
    order != Ordering::Greater
}

/// The first `end` of these rows in the order of the fields.
pub(super) fn sorted(fields: &[Field<'_>], rows: Vec<u32>, end: usize, budget: &Budget) -> Result<Vec<u32>> {
    if rows.len() <= FEW_ROWS || fields.is_empty() {
        let mut rows = rows;
        rows.sort_unstable_by(|a, b| compare_rows(fields, *a, *b));
        rows.truncate(end);
        return Ok(rows);
    }
    let rows = fields[0].shortlist(&rows, end, budget)?.unwrap_or(rows);
    let (mut keyed, used) = keyed(fields, &rows, budget)?;
    if end < keyed.len() {
        keep_least(&mut keyed, end);
    }
    sort(&mut keyed, budget)?;
    let rest = &fields[used..];
    if rest.is_empty() {
        keyed.truncate(end);
        return Ok(keyed.into_iter().map(|(_, row)| row).collect());
    }
    let mut sorted_rows = Vec::with_capacity(end.min(keyed.len()));
    for tied in keyed.chunk_by(|a, b| a.0 == b.0) {
        let room = end - sorted_rows.len();
        match tied {
            _ if room == 0 => break,
            [(_, only)] => sorted_rows.push(*only),
            _ => sorted_rows.extend(sorted(rest, tied.iter().map(|(_, row)| *row).collect(), room, budget)?),
        }
    }
    Ok(sorted_rows)
}

fn compare_rows(fields: &[Field<'_>], a: u32, b: u32) -> Ordering {
    let orders = fields.iter().map(|field| field.compare(a as usize, b as usize));
    orders.into_iter().find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
}

/// A number for each row, in the order of the first fields, and of how many fields.
fn keyed(fields: &[Field<'_>], rows: &[u32], budget: &Budget) -> Result<(Vec<(u64, u32)>, usize)> {
    let Numbers { of_rows, most } = fields[0].numbers(rows, budget)?;
    let mut keyed: Vec<(u64, u32)> = of_rows.into_iter().zip(rows.iter().copied()).collect();
    let mut bits = bits_of(most);
    let mut used = 1;
    for field in &fields[1..] {
        if bits == u64::BITS || !field.is_cheap() {
            break;
        }
        let next = field.numbers(rows, budget)?;
        let width = bits_of(next.most);
        if bits + width > u64::BITS {
            break;
        }
        if width > 0 {
            keyed
                .iter_mut()
                .zip(&next.of_rows)
                .for_each(|((key, _), number)| *key = key.checked_shl(width).unwrap_or(0) | number);
        }
        bits += width;
        used += 1;
    }
    Ok((keyed, used))
}

fn bits_of(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

/// Keeps the `end` least keys and all that equal the last of them.
fn keep_least(keyed: &mut Vec<(u64, u32)>, end: usize) {
    if end >= keyed.len() / 4 {
        cut(keyed, end);
        return;
    }
    let mut least = Least::new(end);
    // Rows often ascend: from the end that has the least ones, the others are turned away at once.
    if keyed.first() > keyed.last() {
        for pair in keyed.iter().rev() {
            least.take(*pair);
        }
    } else {
        for pair in keyed.iter() {
            least.take(*pair);
        }
    }
    *keyed = least.finish();
}

/// The least keys of those that come one after the other.
struct Least {
    end: usize,
    kept: Vec<(u64, u32)>,
    /// What is greater is turned away.
    most: u64,
    room: usize,
}

impl Least {
    /// At least so many, and all that equal the last of them.
    fn new(end: usize) -> Self {
        Self { end, kept: Vec::with_capacity(4 * end), most: u64::MAX, room: 4 * end }
    }

    /// One more. Most are turned away by one comparison with what is known to be too much.
    #[inline]
    fn take(&mut self, pair: (u64, u32)) {
        if pair.0 <= self.most {
            self.kept.push(pair);
            if self.kept.len() >= self.room {
                self.most = cut(&mut self.kept, self.end);
                self.room = self.room.max(2 * self.kept.len());
            }
        }
    }

    fn finish(mut self) -> Vec<(u64, u32)> {
        if self.kept.len() > self.end {
            cut(&mut self.kept, self.end);
        }
        self.kept
    }
}

/// The same, and the last of the least keys.
fn cut(kept: &mut Vec<(u64, u32)>, end: usize) -> u64 {
    kept.select_nth_unstable(end - 1);
    let most = kept[end - 1].0;
    kept.retain(|(key, _)| *key <= most);
    most
}

/// Sorts by the keys: few by comparing, many digit by digit, as long as the digits are not more work than comparing.
fn sort(keyed: &mut Vec<(u64, u32)>, budget: &Budget) -> Result<()> {
    let Some(first) = keyed.first().map(|(key, _)| *key) else { return Ok(()) };
    let varying = keyed.iter().fold(0, |varying, (key, _)| varying | (key ^ first));
    let digits: Vec<u32> =
        (0..u64::BITS).step_by(DIGIT_BITS as usize).filter(|shift| varying >> shift & ((1 << DIGIT_BITS) - 1) != 0).collect();
    let comparing = keyed.len() * (usize::BITS - keyed.len().leading_zeros()) as usize;
    if keyed.len() <= RUN_ROWS && comparing < digits.len() * (3 * keyed.len() + (1 << DIGIT_BITS)) {
        keyed.sort_unstable();
        return budget.spend_steps(comparing as u64);
    }
    let mut sorted = vec![(0, 0); keyed.len()];
    for shift in digits {
        by_digit(keyed, &mut sorted, shift, budget)?;
        std::mem::swap(keyed, &mut sorted);
    }
    Ok(())
}

/// One pass: counts the digits, then deals the pairs out, those of one digit in the order in which they come.
fn by_digit(from: &[(u64, u32)], to: &mut [(u64, u32)], shift: u32, budget: &Budget) -> Result<()> {
    let digit = |key: u64| (key >> shift) as usize & ((1 << DIGIT_BITS) - 1);
    let mut places = vec![0_u32; 1 << DIGIT_BITS];
    for (key, _) in from {
        places[digit(*key)] += 1;
    }
    let mut start = 0;
    for place in &mut places {
        start += std::mem::replace(place, start);
    }
    for chunk in from.chunks(ROWS_PER_LOOK) {
        budget.spend_steps(chunk.len() as u64)?;
        for pair in chunk {
            let place = &mut places[digit(pair.0)];
            to[*place as usize] = *pair;
            *place += 1;
        }
    }
    Ok(())
}

/// Sorts in runs and joins neighbouring ones, as a sort of everything at once could not be stopped in time.
pub(super) fn sort_by(rows: &mut Vec<u32>, compare: impl Fn(&u32, &u32) -> Ordering, budget: &Budget) -> Result<()> {
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

#[cfg(test)]
mod tests;
