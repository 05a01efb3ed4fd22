//! Facts that are read one by one from the store, counted by attribute: once they have cost a share of what columns would, columns are
//! made, and the next points are looked up in memory. Whoever asks for a few points never pays for columns, and whoever asks for many pays
//! little more than if it had been known from the start (as one who rents skis, and buys them once the rent comes to a part of the price).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A point read costs about as much as reading so many datoms of the log, and one more for each datom that it finds.
pub(super) const DATOMS_PER_READ: u64 = 48;

/// Columns that cost less than so many datoms are not worth a look at what they would cost.
const LEAST_COST: u64 = 4_000;

/// What was read of each attribute, in datoms.
#[derive(Debug, Default)]
pub(super) struct Points(Mutex<HashMap<i64, Spent>>);

#[derive(Debug)]
struct Spent {
    datoms: u64,
    /// What it takes to look again.
    next_look: u64,
}

impl Points {
    /// So many points of an attribute were read, which found so many datoms.
    pub(super) fn read(&self, attribute: i64, points: usize, found: usize) {
        let mut spent = self.locked();
        let spent = spent.entry(attribute).or_insert(Spent { datoms: 0, next_look: 0 });
        spent.datoms += points as u64 * DATOMS_PER_READ + found as u64;
    }

    /// True if points of an attribute have cost one part in `share` of what columns would, which is asked seldom. They begin anew then: if
    /// columns cannot be made, or are let go of, points are read again.
    pub(super) fn deserve_columns<E>(&self, attribute: i64, share: u64, cost: impl Fn() -> Result<u64, E>) -> Result<bool, E> {
        let due = |spent: &Spent| (spent.datoms >= spent.next_look.max(LEAST_COST / share.max(1))).then_some(spent.datoms);
        let Some(datoms) = self.locked().get(&attribute).and_then(due) else { return Ok(false) };
        let is_worth_it = datoms.saturating_mul(share) >= cost()?;
        let mut spent = self.locked();
        if is_worth_it {
            spent.remove(&attribute);
        } else if let Some(spent) = spent.get_mut(&attribute) {
            spent.next_look = 2 * datoms;
        }
        Ok(is_worth_it)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<i64, Spent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    //! The promise: columns are made once points have cost their share, and what columns cost is seldom asked.

    use std::cell::Cell;

    use super::*;

    #[track_caller]
    fn check(share: u64, cost: u64, found: usize, reads: usize, looks: usize) {
        let points = Points::default();
        let looked = Cell::new(0);
        let price = || {
            looked.set(looked.get() + 1);
            Ok::<u64, ()>(cost)
        };
        let read = |n: &usize| {
            assert_eq!(points.deserve_columns(8, share, price), Ok(false), "another attribute was not read");
            points.read(7, 1, found);
            *n > 0 && points.deserve_columns(7, share, price) == Ok(true)
        };
        let needed = (1..100_000).find(read).expect("the price is paid at last");
        assert_eq!((needed, looked.get()), (reads, looks));
        assert_eq!(points.deserve_columns(7, share, price), Ok(false), "it begins anew");
    }

    #[test]
    fn points_that_cost_their_share_deserve_columns() {
        check(4, 0, 1, 21, 1);
        check(4, 4_000, 1, 21, 1);
        check(4, 40_000, 1, 336, 5);
        check(1, 40_000, 1, 1_312, 5);
        check(u64::MAX, 40_000, 1, 1, 1);
        check(4, 40_000, 952, 16, 5);
    }
}
