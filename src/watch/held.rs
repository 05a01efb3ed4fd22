//! The answer that was given last: rows, each as often as it is there, and what a later answer adds to them and takes away.

use annals_query::Value;
use rustc_hash::FxHashMap;

/// A row of an answer.
pub(super) type Row = Vec<Value>;

/// Rows and how often each is there.
#[derive(Debug, Default)]
pub(super) struct Held {
    rows: FxHashMap<Row, usize>,
    /// True if a row shows a number that may stand for an equal one of another kind: see [`super::delta`].
    has_odd_numbers: bool,
}

impl Held {
    /// These rows.
    pub(super) fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut held = Self::default();
        rows.into_iter().for_each(|row| held.add(row));
        held
    }

    /// True if the row is there.
    pub(super) fn contains(&self, row: &Row) -> bool {
        self.rows.contains_key(row)
    }

    /// Says whether a row shows such a number.
    pub(super) fn look_for_odd_numbers(&mut self, is_odd: impl Fn(&Row) -> bool) {
        self.has_odd_numbers = self.rows.keys().any(is_odd);
    }

    /// True if a row showed such a number when they were looked for.
    pub(super) fn has_odd_numbers(&self) -> bool {
        self.has_odd_numbers
    }

    /// Takes these rows in and gives those up, each once.
    pub(super) fn change(&mut self, added: &[Row], removed: &[Row]) {
        for row in added {
            self.add(row.clone());
        }
        for row in removed {
            self.remove(row);
        }
    }

    fn remove(&mut self, row: &Row) {
        let count = self.rows.get_mut(row).expect("what is taken away was there");
        *count -= 1;
        if *count == 0 {
            self.rows.remove(row);
        }
    }

    /// Takes in one more row.
    pub(super) fn add(&mut self, row: Row) {
        *self.rows.entry(row).or_default() += 1;
    }

    /// All rows, ascending.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows.iter().flat_map(|(row, count)| std::iter::repeat_n(row.clone(), *count)).collect();
        rows.sort_unstable();
        rows
    }

    /// Becomes these rows, and gives those that were added and those that were removed, both ascending.
    pub(super) fn replace(&mut self, rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let mut before = std::mem::replace(self, Self::of(rows));
        let mut added = Vec::new();
        for (row, count) in &self.rows {
            let known = before.rows.remove(row).unwrap_or_default();
            added.extend(std::iter::repeat_n(row, count.saturating_sub(known)).cloned());
            if known > *count {
                before.rows.insert(row.clone(), known - count);
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
