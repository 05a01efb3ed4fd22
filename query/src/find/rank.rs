//! Numbers for values: the greater value of a column has the greater number, and equal values have one.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::sync::Arc;

use super::sort::sort_by;
use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::value::Value;

/// A number for each of some rows.
pub(super) struct Numbers {
    pub(super) of_rows: Vec<u64>,
    /// No number is greater.
    pub(super) most: u64,
}

/// The ranks of a column's texts, found once for all rows where there are about as many rows as texts.
pub(super) struct Ranks {
    is_of_dictionary: bool,
    of_texts: OnceCell<Vec<u32>>,
}

impl Ranks {
    /// Nothing ranked yet.
    pub(super) fn of_column(column: &Column, rows: usize) -> Self {
        let is_of_dictionary = matches!(column, Column::Text(_, texts, _) if texts.len() <= rows);
        Self { is_of_dictionary, of_texts: OnceCell::new() }
    }

    /// True if every text has its rank, whichever rows are asked for.
    pub(super) fn is_of_dictionary(&self) -> bool {
        self.is_of_dictionary
    }

    /// The numbers of these rows.
    pub(super) fn numbers(&self, column: &Column, rows: &[u32], is_by_meaning: bool, budget: &Budget) -> Result<Numbers> {
        budget.spend_steps(rows.len() as u64)?;
        match column {
            Column::Long(items) | Column::Instant(items) => Ok(from_least(rows, |row| items[row] as u64 ^ 1 << 63)),
            Column::Boolean(items) => Ok(from_least(rows, |row| u64::from(items[row]))),
            // Adding 0.0 makes the two zeros one.
            Column::Double(items) if is_by_meaning => Ok(from_least(rows, |row| ascending_bits(items[row] + 0.0))),
            Column::Double(items) => Ok(from_least(rows, |row| ascending_bits(items[row]))),
            Column::Text(_, texts, codes) if self.is_of_dictionary => {
                if self.of_texts.get().is_none() {
                    let ranks = ranks_of(texts, (0..texts.len() as u32).collect(), budget)?;
                    self.of_texts.get_or_init(|| ranks);
                }
                let ranks = self.of_texts.get().expect("it was set if it was not there");
                Ok(from_least(rows, |row| u64::from(ranks[codes[row] as usize])))
            }
            Column::Text(_, texts, codes) => of_few_texts(texts, codes, rows, budget),
            Column::Value(items) => of_values(items, rows, is_by_meaning, budget),
        }
    }
}

/// Numbers counted from the least of them, so that they take few bits.
fn from_least(rows: &[u32], number: impl Fn(usize) -> u64) -> Numbers {
    let mut of_rows: Vec<u64> = rows.iter().map(|row| number(*row as usize)).collect();
    let (least, most) = of_rows.iter().fold((u64::MAX, 0), |(least, most), number| (least.min(*number), most.max(*number)));
    for number in &mut of_rows {
        *number -= least;
    }
    Numbers { of_rows, most: most.saturating_sub(least) }
}

/// The bits of a double, such that the greater double has the greater bits.
fn ascending_bits(double: f64) -> u64 {
    let bits = double.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The rank of each code among `used`; other codes have none that means anything.
fn ranks_of(texts: &[Arc<str>], mut used: Vec<u32>, budget: &Budget) -> Result<Vec<u32>> {
    let compare = |a: &u32, b: &u32| texts[*a as usize].as_bytes().cmp(texts[*b as usize].as_bytes());
    budget.spend_steps(used.len() as u64)?;
    if !used.is_sorted_by(|a, b| compare(a, b).is_le()) {
        sort_by(&mut used, compare, budget)?;
    }
    let mut ranks = vec![0; texts.len()];
    for (rank, code) in (0..).zip(used) {
        ranks[code as usize] = rank;
    }
    Ok(ranks)
}

/// Of a dictionary that has many more texts than there are rows: only those that occur are compared, by their beginnings first.
fn of_few_texts(texts: &[Arc<str>], codes: &[u32], rows: &[u32], budget: &Budget) -> Result<Numbers> {
    let beginnings: Vec<u64> = rows.iter().map(|row| beginning(&texts[codes[*row as usize] as usize])).collect();
    let text = |at: u32| texts[codes[rows[at as usize] as usize] as usize].as_bytes();
    let compare = |a: &u32, b: &u32| {
        let by_beginning = beginnings[*a as usize].cmp(&beginnings[*b as usize]);
        by_beginning.then_with(|| {
            if codes[rows[*a as usize] as usize] == codes[rows[*b as usize] as usize] {
                Ordering::Equal
            } else {
                text(*a).cmp(text(*b))
            }
        })
    };
    by_comparing(rows.len(), compare, budget)
}

/// The first bytes of a text, such that the greater text never has the lesser ones.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

fn of_values(items: &[Value], rows: &[u32], is_by_meaning: bool, budget: &Budget) -> Result<Numbers> {
    if is_by_meaning {
        let canonical: Vec<Value> = rows.iter().map(|row| items[*row as usize].canonical()).collect();
        return by_comparing(rows.len(), |a, b| canonical[*a as usize].cmp(&canonical[*b as usize]), budget);
    }
    let value = |at: u32| &items[rows[at as usize] as usize];
    by_comparing(rows.len(), |a, b| value(*a).cmp(value(*b)), budget)
}

/// Ranks by an order of places.
fn by_comparing(count: usize, compare: impl Fn(&u32, &u32) -> Ordering, budget: &Budget) -> Result<Numbers> {
    let mut places: Vec<u32> = (0..count as u32).collect();
    sort_by(&mut places, &compare, budget)?;
    let mut of_rows = vec![0; count];
    let mut rank = 0;
    for pair in places.windows(2) {
        rank += u64::from(compare(&pair[0], &pair[1]) != Ordering::Equal);
        of_rows[pair[1] as usize] = rank;
    }
    Ok(Numbers { of_rows, most: rank })
}
