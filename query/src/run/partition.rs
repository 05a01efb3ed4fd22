//! Tells many rows apart: they are first divided by the hash of their code into parts that fit a cache near the processor, each of which needs
//! a small table only. One table of all would miss the cache with every row.
//!
//! This is the radix partitioning of Manegold, Boncz and Kersten, "Optimizing main-memory join on modern hardware" (2002), in one pass.

use crate::budget::Budget;
use crate::error::Result;
use crate::run::graph::drain_words_into;
use crate::run::index::hash;
use crate::run::join::CHUNK_ROWS;

/// Rows of a part, about.
const PART_ROWS: usize = 16_384;
/// More parts at once would need more pages than the processor keeps the addresses of.
const PARTS_MAX: usize = 512;

/// Codes and the rows that have them, part by part; within a part in the order of rows.
struct Parts {
    codes: Vec<i64>,
    rows: Vec<u32>,
    /// Where each part ends.
    ends: Vec<usize>,
}

/// True if so many rows are worth dividing.
pub(crate) fn is_worth(rows: usize) -> bool {
    rows >= PART_ROWS * 4
}

/// The first row of each code, ascending.
pub(crate) fn first_rows(codes: &[i64], budget: &Budget) -> Result<Vec<u32>> {
    let _held = budget.hold((codes.len() * (size_of::<i64>() + size_of::<u32>())) as u64)?;
    let parts = Parts::new(codes, budget)?;
    let mut is_first = vec![0_u64; codes.len().div_ceil(64)];
    for row in parts.first_rows(budget)? {
        is_first[row as usize / 64] |= 1 << (row % 64);
    }
    let mut rows = Vec::new();
    drain_words_into(&mut is_first, 0, &mut rows, |row| row);
    Ok(rows)
}

impl Parts {
    fn new(codes: &[i64], budget: &Budget) -> Result<Self> {
        let count = (codes.len() / PART_ROWS).next_power_of_two().clamp(2, PARTS_MAX);
        let shift = 64 - count.trailing_zeros();
        let part = |code: i64| (hash(code) >> shift) as usize;
        let mut ends = vec![0_usize; count];
        for chunk in codes.chunks(CHUNK_ROWS) {
            budget.spend_steps(chunk.len() as u64)?;
            for code in chunk {
                ends[part(*code)] += 1;
            }
        }
        let mut end = 0;
        for count in &mut ends {
            // Where the part begins: it moves to the end as the part is filled.
            end += std::mem::replace(count, end);
        }
        let (mut parted, mut rows) = (vec![0; codes.len()], vec![0; codes.len()]);
        for (at, chunk) in codes.chunks(CHUNK_ROWS).enumerate() {
            budget.spend_steps(chunk.len() as u64)?;
            for (row, code) in (at * CHUNK_ROWS..).zip(chunk) {
                let place = &mut ends[part(*code)];
                (parted[*place], rows[*place]) = (*code, row as u32);
                *place += 1;
            }
        }
        Ok(Self { codes: parted, rows, ends })
    }

    /// The first row of each code, in no order.
    fn first_rows(&self, budget: &Budget) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        // Of each place of the table the code at it, as one more than its place in the part; 0 where it is free.
        let mut table: Vec<u32> = Vec::new();
        let bits = self.ends.len().trailing_zeros();
        for part in 0..self.ends.len() {
            let range = if part == 0 { 0 } else { self.ends[part - 1] }..self.ends[part];
            let (codes, rows) = (&self.codes[range.clone()], &self.rows[range]);
            budget.spend_steps(codes.len() as u64)?;
            let size = (codes.len() * 2).next_power_of_two();
            table.clear();
            table.resize(size, 0);
            let shift = 64 - size.trailing_zeros();
            for (at, code) in codes.iter().enumerate() {
                // The upper bits are those of the part.
                let mut place = ((hash(*code) << bits) >> shift) as usize;
                loop {
                    let taken = table[place];
                    if taken == 0 {
                        table[place] = at as u32 + 1;
                        found.push(rows[at]);
                        break;
                    }
                    if codes[taken as usize - 1] == *code {
                        break;
                    }
                    place = (place + 1) % size;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[track_caller]
    fn check(codes: &[i64]) {
        let mut seen = HashSet::new();
        let expected = (0..codes.len() as u32).filter(|row| seen.insert(codes[*row as usize])).collect::<Vec<_>>();
        let budget = Budget::default();
        assert_eq!(first_rows(codes, &budget).expect("nothing limits it"), expected, "{} codes", codes.len());
        // All memory was given back.
        assert!(budget.with_limit_bytes(1).take_bytes(1).is_ok());
    }

    #[test]
    fn the_first_row_of_each_code_is_found() {
        check(&[]);
        check(&[7]);
        check(&[7, 7, i64::MIN, i64::MAX, 7, i64::MIN]);
        check(&vec![3; 100_000]);
        check(&(0..100_000).rev().collect::<Vec<_>>());
        // Codes that differ in their upper bits alone, each three times and apart.
        check(&(0..90_000).map(|row| (row % 30_000) << 40).collect::<Vec<_>>());
        check(&(0..200_000_i64).map(|row| row.wrapping_mul(row) % 50_021 * 1_000_003).collect::<Vec<_>>());
    }
}
