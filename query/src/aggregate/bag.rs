//! Bags: the rows of each group side by side, for aggregates that look at a group as a whole.

use super::Groups;

/// The rows of each group, ascending.
#[derive(Clone, Debug)]
pub(super) struct Bags {
    rows: Vec<u32>,
    /// Where each bag ends in `rows`.
    ends: Vec<u32>,
}

impl Bags {
    /// Sorts rows by their group, by counting.
    pub(super) fn new(groups: &Groups) -> Self {
        let mut ends = vec![0_u32; groups.len()];
        for group in groups.of_rows() {
            ends[*group as usize] += 1;
        }
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        // Each end is now its bag's start, and grows into its end while the rows are placed.
        let mut rows = vec![0_u32; groups.of_rows().len()];
        for (row, group) in groups.of_rows().iter().enumerate() {
            let end = &mut ends[*group as usize];
            rows[*end as usize] = row as u32;
            *end += 1;
        }
        Self { rows, ends }
    }

    /// The rows of each group, group by group.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.rows[start as usize..*end as usize])
    }
}
