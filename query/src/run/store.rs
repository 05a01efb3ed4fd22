//! The rows of a rule's table: what is new is told from what is known, round after round.

use std::cell::OnceCell;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::slot::Slot;
use crate::run::block::stack;
use crate::run::relation::Relation;
use crate::value::Value;

/// A growing set of rows.
#[derive(Debug, Default)]
pub(crate) struct Store {
    slots: Vec<Slot>,
    parts: Vec<Relation>,
    /// Number of rows.
    pub(crate) rows: usize,
    seen: Seen,
    /// By column: the numbers of values, once a column is not all longs.
    numbers: Vec<Option<FxHashMap<Value, i64>>>,
    whole: OnceCell<Relation>,
}

/// The rows known, by their codes.
#[derive(Debug)]
enum Seen {
    One(FxHashSet<i64>),
    Two(FxHashSet<(i64, i64)>),
    Many(FxHashSet<Box<[i64]>>),
}

impl Default for Seen {
    fn default() -> Self {
        Self::Many(FxHashSet::default())
    }
}

impl Store {
    /// No rows over these variables.
    pub(crate) fn new(slots: Vec<Slot>) -> Self {
        let numbers = slots.iter().map(|_| None).collect();
        Self { seen: Seen::of_width(slots.len()), slots, numbers, ..Self::default() }
    }

    /// Every row, in the order in which they came.
    pub(crate) fn all(&self) -> Relation {
        self.whole.get_or_init(|| stack(&self.slots, &self.parts)).clone()
    }

    /// Adds the rows that are not known yet, and gives them back.
    pub(crate) fn add(&mut self, rows: &Relation, budget: &Budget) -> Result<Relation> {
        budget.spend_steps(rows.rows as u64)?;
        if self.needs_numbers(rows) {
            self.number_again();
        }
        let codes = self.codes(rows);
        let chosen = (0..rows.rows).filter(|row| self.seen.insert(&codes, *row)).map(|row| row as u32).collect::<Vec<_>>();
        let fresh = rows.select(&chosen);
        if fresh.rows > 0 {
            self.rows += fresh.rows;
            budget.check_rows(self.rows)?;
            // As much again for telling what is new.
            budget.take_bytes(fresh.bytes() * 2)?;
            self.parts.push(fresh.clone());
            self.whole = OnceCell::new();
        }
        Ok(fresh)
    }

    /// True if a column that held only longs meets something else.
    fn needs_numbers(&mut self, rows: &Relation) -> bool {
        let mut has_changed = false;
        for (numbers, column) in self.numbers.iter_mut().zip(&rows.columns) {
            if numbers.is_none() && rows.rows > 0 && !matches!(column, Column::Long(_)) {
                *numbers = Some(FxHashMap::default());
                has_changed = true;
            }
        }
        has_changed && self.rows > 0
    }

    fn number_again(&mut self) {
        self.seen = Seen::of_width(self.slots.len());
        for part in std::mem::take(&mut self.parts) {
            let codes = self.codes(&part);
            for row in 0..part.rows {
                self.seen.insert(&codes, row);
            }
            self.parts.push(part);
        }
    }

    fn codes(&mut self, rows: &Relation) -> Vec<Vec<i64>> {
        let numbered = rows.columns.iter().zip(&mut self.numbers).map(|(column, numbers)| match (column, numbers) {
            (Column::Long(items), None) => items.to_vec(),
            (column, numbers) => {
                let numbers = numbers.get_or_insert_default();
                let mut number = |value: Value| {
                    let next = numbers.len() as i64;
                    *numbers.entry(value.canonical()).or_insert(next)
                };
                match column {
                    Column::Text(_, texts, codes) if codes.len() >= texts.len() => {
                        let mut memo = vec![-1; texts.len()];
                        let code_of = |row: usize| {
                            let known = &mut memo[codes[row] as usize];
                            if *known < 0 {
                                *known = number(column.value(row));
                            }
                            *known
                        };
                        (0..column.len()).map(code_of).collect()
                    }
                    _ => (0..column.len()).map(|row| number(column.value(row))).collect(),
                }
            }
        });
        numbered.collect()
    }
}

impl Seen {
    fn of_width(width: usize) -> Self {
        match width {
            1 => Self::One(FxHashSet::default()),
            2 => Self::Two(FxHashSet::default()),
            _ => Self::Many(FxHashSet::default()),
        }
    }

    /// True if the row was not known.
    fn insert(&mut self, codes: &[Vec<i64>], row: usize) -> bool {
        match (self, codes) {
            (Self::One(seen), [only]) => seen.insert(only[row]),
            (Self::Two(seen), [first, second]) => seen.insert((first[row], second[row])),
            (Self::Many(seen), codes) => seen.insert(codes.iter().map(|column| column[row]).collect()),
            // A store's rows all have its width.
            (Self::One(_) | Self::Two(_), _) => false,
        }
    }
}
