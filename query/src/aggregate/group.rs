//! Groups: which rows agree in the columns that are grouped by. Each column is first turned into small dense codes, then
//! codes are combined pair by pair, so that no key is ever allocated for a row.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::column::{Column, Slice};
use crate::error::Result;
use crate::value::Value;

/// Rows between two looks at the budget.
const ROWS_PER_LOOK: usize = 4_096;

/// Stands for no row and no group.
const NONE: u32 = u32::MAX;

/// Rows divided into groups, numbered from 0.
#[derive(Clone, Debug)]
pub struct Groups {
    of_row: Slice<u32>,
    first_rows: Vec<u32>,
}

impl Groups {
    /// All rows in one group; none, if there is no row.
    pub fn single(rows: usize) -> Self {
        Self { of_row: vec![0; rows].into(), first_rows: if rows == 0 { Vec::new() } else { vec![0] } }
    }

    /// Rows that agree in all of these columns, numbers by their numeric value.
    pub fn by(columns: &[&Column], rows: usize, budget: &Budget) -> Result<Self> {
        let Some((first, rest)) = columns.split_first() else { return Ok(Self::single(rows)) };
        let mut groups = Self::by_column(first, budget)?;
        for column in rest {
            groups = groups.divided_by(&Self::by_column(column, budget)?, budget)?;
        }
        Ok(groups)
    }

    /// These groups, each divided further by the other ones.
    pub fn divided_by(&self, other: &Self, budget: &Budget) -> Result<Self> {
        budget.spend_steps(self.of_row.len() as u64)?;
        if self.len() <= 1 {
            return Ok(other.clone());
        }
        if other.len() <= 1 {
            return Ok(self.clone());
        }
        let width = other.len() as u64;
        let keys = || self.of_row.iter().zip(&*other.of_row).map(|(a, b)| u64::from(*a) * width + u64::from(*b));
        Self::by_numbers(keys, self.len() as u64 * width, self.of_row.len(), budget)
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.first_rows.len()
    }

    /// True if there is none, as there is no row.
    pub fn is_empty(&self) -> bool {
        self.first_rows.is_empty()
    }

    /// The group of each row.
    pub fn of_rows(&self) -> &[u32] {
        &self.of_row
    }

    /// The first row of each group.
    pub fn first_rows(&self) -> &[u32] {
        &self.first_rows
    }

    /// How many rows each group has.
    pub fn counts(&self) -> Vec<u32> {
        if self.len() == 1 {
            return vec![self.of_row.len() as u32];
        }
        // Neighbouring rows are often of one group: two arrays, so that an addition need not wait for the one before.
        let (mut even, mut odd) = (vec![0_u32; self.len()], vec![0_u32; self.len()]);
        let (pairs, last) = self.of_row.as_chunks::<2>();
        for [a, b] in pairs {
            even[*a as usize] += 1;
            odd[*b as usize] += 1;
        }
        for group in last {
            even[*group as usize] += 1;
        }
        even.iter().zip(&odd).map(|(even, odd)| even + odd).collect()
    }

    /// A value for each group of a column that it was made by: of equal numbers of several kinds the least, so that no plan shows in it.
    pub(crate) fn keys(&self, column: &Column) -> Column {
        if !matches!(column, Column::Double(_) | Column::Value(_)) {
            return column.gather(&self.first_rows);
        }
        let mut least = self.first_rows.clone();
        for (row, group) in self.of_row.iter().enumerate() {
            let least = &mut least[*group as usize];
            if *least as usize != row && column.compare(row, *least as usize).is_lt() {
                *least = row as u32;
            }
        }
        column.gather(&least)
    }

    fn by_column(column: &Column, budget: &Budget) -> Result<Self> {
        let rows = column.len();
        match column {
            Column::Text(_, texts, codes) => Self::by_codes(codes, texts.len(), budget),
            Column::Boolean(flags) => Self::by_numbers(|| flags.iter().map(|flag| u64::from(*flag)), 2, rows, budget),
            Column::Long(items) | Column::Instant(items) => Self::by_longs(items, budget),
            // Adding 0.0 makes the two zeros one.
            Column::Double(items) => Self::by_keys(items.iter().map(|item| (item + 0.0).to_bits()), rows, budget),
            Column::Value(items) => Self::by_keys(items.iter().map(Value::canonical), rows, budget),
        }
    }

    fn by_longs(items: &[i64], budget: &Budget) -> Result<Self> {
        let (least, most) = items.iter().fold((i64::MAX, i64::MIN), |(least, most), item| (least.min(*item), most.max(*item)));
        if items.is_empty() {
            return Ok(Self::single(0));
        }
        budget.spend_steps(items.len() as u64)?;
        let width = most.abs_diff(least).saturating_add(1);
        Self::by_numbers(|| items.iter().map(|item| item.abs_diff(least)), width, items.len(), budget)
    }

    /// Codes below `width`. Where every code occurs they are the groups as they stand: nothing is written.
    fn by_codes(codes: &Slice<u32>, width: usize, budget: &Budget) -> Result<Self> {
        if width > 4 * codes.len() + 1024 {
            return Self::by_keys(codes.iter().copied(), codes.len(), budget);
        }
        let mut first_of_code = vec![NONE; width];
        let mut found = 0;
        for (at, chunk) in codes.chunks(ROWS_PER_LOOK).enumerate() {
            budget.spend_steps(chunk.len() as u64)?;
            for (offset, code) in chunk.iter().enumerate() {
                let first = &mut first_of_code[*code as usize];
                if *first == NONE {
                    *first = (at * ROWS_PER_LOOK + offset) as u32;
                    found += 1;
                }
            }
            if found == width {
                return Ok(Self { of_row: codes.clone(), first_rows: first_of_code });
            }
        }
        let mut first_rows = Vec::with_capacity(found);
        let mut number = |first: &u32| {
            first_rows.extend((*first != NONE).then_some(*first));
            (first_rows.len() as u32).wrapping_sub(1)
        };
        let group_of_code: Vec<u32> = first_of_code.iter().map(&mut number).collect();
        let of_row = codes.iter().map(|code| group_of_code[*code as usize]).collect();
        Ok(Self { of_row, first_rows })
    }

    /// Keys below `width`: through an array where that is not much larger than the rows, else through a hash table.
    fn by_numbers<I: Iterator<Item = u64>>(keys: impl Fn() -> I, width: u64, rows: usize, budget: &Budget) -> Result<Self> {
        if width > 4 * rows as u64 + 1024 {
            return Self::by_keys(keys(), rows, budget);
        }
        budget.spend_steps(rows as u64)?;
        Self::by_codes(&keys().map(|key| key as u32).collect(), width as usize, budget)
    }

    /// A key that equals the one before is not looked up: values that came together are often the same.
    fn by_keys<K: Hash + Eq + Clone>(keys: impl Iterator<Item = K>, rows: usize, budget: &Budget) -> Result<Self> {
        let mut group_of_key: FxHashMap<K, u32> = FxHashMap::default();
        let mut of_row = Vec::with_capacity(rows);
        let mut first_rows = Vec::new();
        let mut before: Option<(K, u32)> = None;
        for (row, key) in keys.enumerate() {
            let group = match &before {
                Some((known, group)) if *known == key => *group,
                _ => {
                    let next = first_rows.len() as u32;
                    let group = *group_of_key.entry(key.clone()).or_insert(next);
                    if group == next {
                        first_rows.push(row as u32);
                    }
                    before = Some((key, group));
                    group
                }
            };
            of_row.push(group);
            if row % ROWS_PER_LOOK == 0 {
                budget.spend_steps(ROWS_PER_LOOK as u64)?;
            }
        }
        Ok(Self { of_row: of_row.into(), first_rows })
    }
}
