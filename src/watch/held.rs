//! The answer that was given last: rows, each as often as it is there, and what a later answer adds to them and takes away.

use annals_query::Value;
use rustc_hash::FxHashMap;

/// A row of an answer.
pub(super) type Row = Vec<Value>;

/// Rows and how often each is there.
#[derive(Debug, Default)]
pub(super) struct Held(FxHashMap<Row, usize>);

impl Held {
    /// These rows.
    pub(super) fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut held = Self::default();
        rows.into_iter().for_each(|row| held.add(row));
        held
    }

    /// Takes in one more row.
    pub(super) fn add(&mut self, row: Row) {
        *self.0.entry(row).or_default() += 1;
    }

    /// All rows, ascending.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.0.iter().flat_map(|(row, count)| std::iter::repeat_n(row.clone(), *count)).collect();
        rows.sort_unstable();
        rows
    }

    /// Becomes these rows, and gives those that were added and those that were removed, both ascending.
    pub(super) fn replace(&mut self, rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let mut before = std::mem::replace(self, Self::of(rows));
        let mut added = Vec::new();
        for (row, count) in &self.0 {
            let known = before.0.remove(row).unwrap_or_default();
            added.extend(std::iter::repeat_n(row, count.saturating_sub(known)).cloned());
            if known > *count {
                before.0.insert(row.clone(), known - count);
            }
        }
        added.sort_unstable();
        (added, before.rows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[i64]) -> Vec<Row> {
        numbers.iter().map(|number| vec![Value::from(*number)]).collect()
    }

    #[track_caller]
    fn check(before: &[i64], after: &[i64], added: &[i64], removed: &[i64]) {
        let mut held = Held::of(rows(before));
        assert_eq!(held.replace(rows(after)), (rows(added), rows(removed)), "{before:?} to {after:?}");
        let mut sorted = after.to_vec();
        sorted.sort_unstable();
        assert_eq!(held.rows(), rows(&sorted));
    }

    #[test]
    fn a_difference_counts_rows_as_often_as_they_are_there() {
        check(&[], &[], &[], &[]);
        check(&[], &[2, 1], &[1, 2], &[]);
        check(&[1, 2], &[], &[], &[1, 2]);
        check(&[1, 2], &[2, 3], &[3], &[1]);
        check(&[1, 1, 2], &[1, 2, 2], &[2], &[1]);
        check(&[1, 1, 1], &[1], &[], &[1, 1]);
        check(&[1], &[1, 1, 1], &[1, 1], &[]);
    }
}
