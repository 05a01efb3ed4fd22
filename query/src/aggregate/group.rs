//! Groups: which rows agree in the columns that are grouped by. Each column is first turned into small dense codes, then
//! codes are combined pair by pair, so that no key is ever allocated for a row.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::value::Value;

/// Rows between two looks at the budget.
const ROWS_PER_LOOK: usize = 1_024;

/// Rows divided into groups, numbered from 0 in the order of their first rows.
#[derive(Clone, Debug)]
pub struct Groups {
    of_row: Vec<u32>,
    first_rows: Vec<u32>,
}

impl Groups {
    /// All rows in one group; none, if there is no row.
    pub fn single(rows: usize) -> Self {
        Self { of_row: vec![0; rows], first_rows: if rows == 0 { Vec::new() } else { vec![0] } }
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
        let keys = self.of_row.iter().zip(&other.of_row).map(|(a, b)| u64::from(*a) * width + u64::from(*b));
        Self::by_dense_keys(keys, self.len() as u64 * width, self.of_row.len(), budget)
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

    /// The first row of each group, ascending.
    pub fn first_rows(&self) -> &[u32] {
        &self.first_rows
    }

    fn by_column(column: &Column, budget: &Budget) -> Result<Self> {
        let rows = column.len();
        match column {
            Column::Text(_, texts, codes) => {
                Self::by_dense_keys(codes.iter().map(|code| u64::from(*code)), texts.len() as u64, rows, budget)
            }
            Column::Boolean(flags) => Self::by_dense_keys(flags.iter().map(|flag| u64::from(*flag)), 2, rows, budget),
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
        let width = most.abs_diff(least).saturating_add(1);
        Self::by_dense_keys(items.iter().map(|item| item.abs_diff(least)), width, items.len(), budget)
    }

    /// Keys below `width`: through an array where that is not much larger than the rows, else through a hash table.
    fn by_dense_keys(keys: impl Iterator<Item = u64>, width: u64, rows: usize, budget: &Budget) -> Result<Self> {
        const NONE: u32 = u32::MAX;
        if width > 4 * rows as u64 + 1024 {
            return Self::by_keys(keys, rows, budget);
        }
        let mut group_of_key = vec![NONE; width as usize];
        Self::assign(keys, rows, budget, |key, next| {
            let group = &mut group_of_key[key as usize];
            if *group == NONE {
                *group = next;
            }
            *group
        })
    }

    fn by_keys<K: Hash + Eq>(keys: impl Iterator<Item = K>, rows: usize, budget: &Budget) -> Result<Self> {
        let mut group_of_key: FxHashMap<K, u32> = FxHashMap::default();
        Self::assign(keys, rows, budget, |key, next| *group_of_key.entry(key).or_insert(next))
    }

    /// `group_of` gives the group of a key, which is the number offered if the key is new.
    fn assign<K>(
        keys: impl Iterator<Item = K>,
        rows: usize,
        budget: &Budget,
        mut group_of: impl FnMut(K, u32) -> u32,
    ) -> Result<Self> {
        let mut of_row = Vec::with_capacity(rows);
        let mut first_rows = Vec::new();
        for (row, key) in keys.enumerate() {
            let group = group_of(key, first_rows.len() as u32);
            if group as usize == first_rows.len() {
                first_rows.push(row as u32);
            }
            of_row.push(group);
            if row % ROWS_PER_LOOK == 0 {
                budget.spend_steps(ROWS_PER_LOOK as u64)?;
            }
        }
        Ok(Self { of_row, first_rows })
    }
}
