//! Rows of numbers, each packed into one: which of them are known, as bits where that takes no more room than a table of hashes.

use crate::budget::Budget;
use crate::error::Result;

/// Rows are packed into so many bits at the most; the number of all ones stands for no row.
const BITS_MAX: u32 = 63;
/// As many bits as this are always a table of bits: 256 KiB.
const BITS_FREE: u32 = 21;
/// Bits are looked through in order where there are not more words of them a row.
const WORDS_PER_ROW: usize = 4;
/// Places of the smallest table of hashes.
const PLACES_MIN: usize = 64;
/// Stands for no row.
const NONE: u64 = u64::MAX;

/// How the numbers of a row are packed: the first one stands highest, so that packed rows ascend as rows do.
#[derive(Clone, Debug)]
pub(crate) struct Packing {
    /// By place: how far its number is moved, and what covers it.
    places: Vec<(u32, u64)>,
    /// All bits together.
    bits: u32,
}

impl Packing {
    /// For numbers below these counts. `None` if they do not fit.
    pub(crate) fn new(counts: &[usize]) -> Option<Self> {
        let widths = counts.iter().map(|count| usize::BITS - count.saturating_sub(1).leading_zeros()).collect::<Vec<_>>();
        let bits = widths.iter().sum::<u32>();
        if bits > BITS_MAX {
            return None;
        }
        let mut above = bits;
        let place = |width: u32| {
            above -= width;
            (above, (1_u64 << width) - 1)
        };
        Some(Self { places: widths.into_iter().map(place).collect(), bits })
    }

    /// How many numbers a row has.
    pub(crate) fn width(&self) -> usize {
        self.places.len()
    }

    /// How far the number at a place is moved.
    #[inline]
    pub(crate) fn shift(&self, place: usize) -> u32 {
        self.places[place].0
    }

    /// The number at a place.
    #[inline]
    pub(crate) fn number(&self, row: u64, place: usize) -> u32 {
        let (shift, mask) = self.places[place];
        (row >> shift & mask) as u32
    }

    /// A row of these numbers.
    #[inline]
    pub(crate) fn row(&self, numbers: impl Iterator<Item = u32>) -> u64 {
        self.places.iter().zip(numbers).fold(0, |row, ((shift, _), number)| row | u64::from(number) << shift)
    }
}

/// A set of packed rows.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// A bit for each row there may be.
    Bits(Vec<u64>),
    /// Those there are.
    Hashed(Hashed),
}

/// Packed rows in open places.
#[derive(Clone, Debug)]
pub(crate) struct Hashed {
    places: Vec<u64>,
    shift: u32,
    count: usize,
    /// Bits of a row.
    bits: u32,
}

impl Seen {
    /// No rows of this packing.
    pub(crate) fn new(packing: &Packing, budget: &Budget) -> Result<Self> {
        if packing.bits <= BITS_FREE {
            budget.take_bytes(1 << packing.bits >> 3)?;
            return Ok(Self::Bits(vec![0; (1_usize << packing.bits).div_ceil(64)]));
        }
        Ok(Self::Hashed(Hashed::with_places(PLACES_MIN, packing.bits)))
    }

    /// Adds a row; true if it was not known.
    #[inline]
    pub(crate) fn insert(&mut self, row: u64) -> bool {
        match self {
            Self::Bits(words) => insert_bit(words, row),
            Self::Hashed(hashed) => {
                let is_new = hashed.insert(row);
                if is_new && hashed.count * 2 > hashed.places.len() {
                    self.grow();
                }
                is_new
            }
        }
    }

    /// True if the row is known.
    #[inline]
    pub(crate) fn contains(&self, row: u64) -> bool {
        match self {
            Self::Bits(words) => words[(row / 64) as usize] & (1 << (row % 64)) != 0,
            Self::Hashed(hashed) => hashed.places[hashed.place(row)] == row,
        }
    }

    /// Twice the places, or bits if these take no more.
    #[cold]
    fn grow(&mut self) {
        let Self::Hashed(hashed) = self else { return };
        let places = hashed.places.len() * 4;
        let rows = hashed.places.iter().copied().filter(|row| *row != NONE);
        if 1_u64 << hashed.bits >> 6 <= places as u64 {
            let mut words = vec![0; 1_usize << hashed.bits >> 6];
            rows.for_each(|row| _ = insert_bit(&mut words, row));
            *self = Self::Bits(words);
            return;
        }
        let mut larger = Hashed::with_places(places, hashed.bits);
        rows.for_each(|row| _ = larger.insert(row));
        *hashed = larger;
    }

    /// All rows, ascending, if there are about `count` of them and that is no more work than to look at each.
    pub(crate) fn ascending(&self, count: usize) -> Option<Vec<u64>> {
        let Self::Bits(words) = self else { return None };
        if words.len() > count * WORDS_PER_ROW {
            return None;
        }
        let mut rows = Vec::with_capacity(count);
        for (at, word) in words.iter().enumerate() {
            let mut bits = *word;
            while bits != 0 {
                rows.push(at as u64 * 64 + u64::from(bits.trailing_zeros()));
                bits &= bits - 1;
            }
        }
        Some(rows)
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Bits(words) => words.len() as u64 * 8,
            Self::Hashed(hashed) => hashed.places.len() as u64 * 8,
        }
    }
}

#[inline]
pub(crate) fn insert_bit(words: &mut [u64], row: u64) -> bool {
    let (word, bit) = (&mut words[(row / 64) as usize], 1_u64 << (row % 64));
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}

impl Hashed {
    fn with_places(places: usize, bits: u32) -> Self {
        Self { places: vec![NONE; places], shift: 64 - places.trailing_zeros(), count: 0, bits }
    }

    /// Where the row is, or would be.
    #[inline]
    fn place(&self, row: u64) -> usize {
        let mut at = (row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while self.places[at] != row && self.places[at] != NONE {
            at = (at + 1) & (self.places.len() - 1);
        }
        at
    }

    #[inline]
    fn insert(&mut self, row: u64) -> bool {
        let at = self.place(row);
        let is_new = self.places[at] == NONE;
        self.places[at] = row;
        self.count += usize::from(is_new);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Packing, Seen};
    use crate::budget::Budget;

    #[test]
    fn rows_are_packed_in_their_order_and_taken_apart_again() {
        let packing = Packing::new(&[1, 300, 2]).expect("they fit");
        let rows = [[0, 0, 0], [0, 0, 1], [0, 255, 0], [0, 256, 1], [0, 299, 1]];
        let packed = rows.map(|row| packing.row(row.into_iter()));
        assert!(packed.is_sorted_by(|a, b| a < b));
        for (row, packed) in rows.iter().zip(packed) {
            let apart = (0..3).map(|place| packing.number(packed, place)).collect::<Vec<_>>();
            assert_eq!(apart, row);
        }
        assert!(Packing::new(&[u32::MAX as usize, u32::MAX as usize]).is_none(), "one bit too many");
        assert!(Packing::new(&[1 << 31, 1 << 32]).is_some());
    }

    #[test]
    fn a_set_knows_each_row_once_while_it_grows_from_hashes_to_bits() {
        for counts in [[40, 50], [5_000, 5_000], [1 << 31, 1 << 32]] {
            let packing = Packing::new(&counts).expect("they fit");
            let mut seen = Seen::new(&packing, &Budget::default()).expect("nothing limits it");
            let mut known = BTreeSet::new();
            let mut state = 5_u64;
            for _ in 0..300_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (first, second) = ((state >> 33) % counts[0] as u64 / 3, (state >> 20) % counts[1] as u64 / 3);
                let row = packing.row([first as u32, second as u32].into_iter());
                assert_eq!(seen.contains(row), known.contains(&row));
                assert_eq!(seen.insert(row), known.insert(row), "{row} of {counts:?}");
            }
            let last = packing.row([counts[0] as u32 - 1, (counts[1] - 1) as u32].into_iter());
            assert!(seen.insert(last) && !seen.insert(last));
        }
    }

    #[test]
    fn a_set_says_what_it_takes_and_gives_its_rows_in_order_where_they_stand_close() {
        let new = |counts: &[usize]| {
            let (packing, budget) = (Packing::new(counts).expect("they fit"), Budget::default().with_limit_bytes(1 << 18));
            Seen::new(&packing, &budget).expect("it takes no more")
        };
        // 256 KiB of bits are free, and what may be more begins as 64 places.
        assert_eq!(new(&[1 << 21]).bytes(), 1 << 18);
        assert_eq!(new(&[3]).bytes(), 8);
        let mut seen = new(&[1 << 22]);
        for (rows, bytes) in [(32, 64 * 8), (33, 256 * 8), (128, 256 * 8), (129, 1_024 * 8), (512, 1_024 * 8), (513, 4_096 * 8)] {
            (0..rows).for_each(|row| _ = seen.insert(row * 8_000));
            assert_eq!(seen.bytes(), bytes, "{rows} rows");
            assert!(seen.ascending(rows as usize).is_none());
        }
        // 65,536 words of bits take as much as as many places.
        (0..32_768).for_each(|row| _ = seen.insert(row * 3));
        assert_eq!(seen.bytes(), 65_536 * 8);
        let rows = (0..32_768).map(|row| row * 3).chain((0..513).map(|row| row * 8_000)).collect::<BTreeSet<_>>();
        assert_eq!(seen.ascending(rows.len()), Some(rows.iter().copied().collect()));
        assert!(seen.ascending(65_536 / 4).is_some(), "four words a row");
        assert!(seen.ascending(65_536 / 4 - 1).is_none());
        let packing = Packing::new(&[1 << 21]).expect("they fit");
        assert!(Seen::new(&packing, &Budget::default().with_limit_bytes((1 << 18) - 1)).is_err());
    }
}
