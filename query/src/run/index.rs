//! Finds the rows that have a code: an array where codes lie close together, else a hash table of chains.

use crate::budget::Budget;
use crate::error::Result;
use crate::run::join::CHUNK_ROWS;

/// Stands for no row.
pub(crate) const NONE: u32 = u32::MAX;

/// The rows of a relation by code.
#[derive(Debug)]
pub(crate) struct Index {
    heads: Vec<u32>,
    next: Vec<u32>,
    placement: Placement,
}

#[derive(Clone, Copy, Debug)]
enum Placement {
    /// The head of code `c` is at `c - least`.
    Dense { least: i64 },
    /// The head is at the top bits of the hash.
    Hashed { shift: u32 },
}

/// A code with its upper bits spread: it is multiplied by the golden ratio (Knuth, "The Art of Computer Programming", 6.4).
#[inline]
pub(crate) fn hash(code: i64) -> u64 {
    (code as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Index {
    /// Of these codes, a row each.
    pub(crate) fn new(codes: &[i64], budget: &Budget) -> Result<Self> {
        let least = codes.iter().copied().min().unwrap_or(0);
        let most = codes.iter().copied().max().unwrap_or(0);
        let width = most.wrapping_sub(least) as u64;
        let (placement, size) = if width < codes.len() as u64 * 8 + 1_024 {
            (Placement::Dense { least }, width as usize + 1)
        } else {
            let bits = (codes.len() * 2).next_power_of_two().trailing_zeros().max(1);
            (Placement::Hashed { shift: 64 - bits }, 1 << bits)
        };
        let mut index = Self { heads: vec![NONE; size], next: vec![NONE; codes.len()], placement };
        for (chunk, codes) in codes.chunks(CHUNK_ROWS).enumerate().rev() {
            budget.spend_steps(codes.len() as u64)?;
            for (offset, code) in codes.iter().enumerate().rev() {
                let (row, at) = (chunk * CHUNK_ROWS + offset, index.place(*code));
                index.next[row] = index.heads[at];
                index.heads[at] = row as u32;
            }
        }
        Ok(index)
    }

    #[inline]
    fn place(&self, code: i64) -> usize {
        match self.placement {
            Placement::Dense { least } => code.wrapping_sub(least) as usize,
            Placement::Hashed { shift } => (hash(code) >> shift) as usize,
        }
    }

    /// The first row with this code, or [`NONE`]. `codes` are those the index was made of.
    #[inline]
    pub(crate) fn first(&self, codes: &[i64], code: i64) -> u32 {
        let head = self.heads.get(self.place(code)).copied().unwrap_or(NONE);
        self.skip(codes, code, head)
    }

    /// The next row after `row` with the same code, or [`NONE`].
    #[inline]
    pub(crate) fn following(&self, codes: &[i64], code: i64, row: u32) -> u32 {
        self.skip(codes, code, self.next[row as usize])
    }

    #[inline]
    fn skip(&self, codes: &[i64], code: i64, mut row: u32) -> u32 {
        while row != NONE && codes[row as usize] != code {
            row = self.next[row as usize];
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::{Index, NONE};
    use crate::budget::Budget;

    #[track_caller]
    fn check(codes: &[i64], code: i64, expected: &[u32]) {
        let index = Index::new(codes, &Budget::default()).expect("nothing limits it");
        let mut found = Vec::new();
        let mut row = index.first(codes, code);
        while row != NONE {
            found.push(row);
            row = index.following(codes, code, row);
        }
        assert_eq!(found, expected, "{code} in {codes:?}");
    }

    #[test]
    fn an_index_finds_every_row_of_a_code_in_order() {
        check(&[], 1, &[]);
        check(&[5, 6, 5], 5, &[0, 2]);
        check(&[5, 6, 5], 4, &[]);
        check(&[5, 6, 5], 1_000_000, &[]);
        check(&[i64::MIN, i64::MAX, 0, i64::MAX], i64::MAX, &[1, 3]);
        check(&[i64::MIN, i64::MAX, 0, i64::MAX], 7, &[]);
    }
}
