//! A handful of facts out of the columns of one attribute, without columns of their own.

use std::cmp::Ordering;

use annals_query::{Found, Scan, Values};

use super::by_value::as_shown;
use super::lives::Lives;
use super::window::Window;

/// So many rows are looked at for each fact that is still wanted: of a key with many versions one holds.
const ROWS_PER_FACT: usize = 64;

impl Lives {
    /// Adds the facts of a scan for one entity, or for one value where the rows are sorted by value, that hold in a window; false if they are
    /// more than `limit`.
    pub(crate) fn points(&self, scan: &Scan<'_>, window: Window, limit: usize, found: &mut Vec<Found>) -> bool {
        let limit_rows = limit.saturating_mul(ROWS_PER_FACT);
        let last = found.len() + limit;
        let mut take = |row: usize| {
            if window.holds_life(self.t_added[row], self.t_retracted(row)) {
                found.push(Found { e: self.e[row], v: self.v.stored(row), t: self.t_added[row] });
            }
            found.len() <= last
        };
        match (scan.entities, &scan.values) {
            (Some([entity]), Values::Equal(wanted)) => {
                let wanted = as_shown(wanted).canonical();
                let rows = self.rows_of_one(*entity);
                let mut rows = rows.filter(|row| self.v.compare(*row, &wanted) == Ordering::Equal);
                rows.all(&mut take)
            }
            (Some([entity]), _) => {
                let mut rows = self.rows_of_one(*entity);
                rows.len() <= limit_rows && rows.all(&mut take)
            }
            (_, Values::Equal(wanted)) => {
                let places = self.by_value().equal(&self.v, wanted);
                places.len() <= limit_rows && self.by_value().rows(places).iter().all(|row| take(*row as usize))
            }
            _ => false,
        }
    }
}
