//! Joins with rows of which each value of a variable has at most one: whichever other variables are shared, a row of the other side has at most
//! one partner, which is found by that one value. The others are only compared.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::slot::Slot;
use crate::run::index::{Index, NONE};
use crate::run::join::{CHUNK_ROWS, Pairs, check_pairs, leap};
use crate::run::key::{Codes, column_codes};
use crate::run::relation::Relation;
use crate::tuning::{Tuning, Way};

/// Below so many rows on the larger side any join is quick, and nothing is looked at beforehand.
const ROWS_MIN: usize = 1_024;
/// Where one side has so many times the rows of the other, and both ascend, it is crossed in leaps.
const LEAP_ROWS: usize = 8;

/// A variable that tells the rows of one side apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Single {
    slot: Slot,
    /// True if it is the right side in which no value stands twice.
    is_right: bool,
}

impl Single {
    /// Such a variable, if it pays to go by it: always if its values have no gap, as their rows are then counted; and else if that saves making
    /// one key of several variables.
    pub(crate) fn of(left: &Relation, right: &Relation, shared: &[Slot], tuning: Tuning) -> Option<Self> {
        let is_worth = match tuning.stars {
            Way::Never => false,
            Way::Chosen => left.rows.max(right.rows) >= ROWS_MIN,
            Way::Always => true,
        };
        let candidates = |wants_counted: bool| {
            [(right, true), (left, false)].into_iter().flat_map(move |(side, is_right)| {
                let slots = shared.iter().filter(move |slot| {
                    longs(left, **slot).is_some()
                        && longs(right, **slot).is_some()
                        && wants_counted == have_no_gap(side, **slot)
                        && stands_once(side, **slot)
                });
                slots.map(move |slot| Self { slot: *slot, is_right })
            })
        };
        let pays = is_worth && !shared.is_empty();
        let counted = pays.then(|| candidates(true).next()).flatten();
        counted.or_else(|| (pays && shared.len() > 1).then(|| candidates(false).next()).flatten())
    }

    /// The rows that belong together.
    pub(crate) fn pairs(self, left: &Relation, right: &Relation, shared: &[Slot], budget: &Budget) -> Result<Pairs> {
        let partners = Partners::new(self, left, right, shared, budget)?;
        let (mut many, mut one) = (Vec::new(), Vec::new());
        partners.each(budget, |row, partner| {
            many.push(row);
            one.push(partner);
        })?;
        check_pairs(many.len(), budget)?;
        let ascending = if partners.is_in_order_of_many() == self.is_right { left.ascending } else { right.ascending };
        let (left, right) = if self.is_right { (many, one) } else { (one, many) };
        Ok(Pairs { left, right, ascending })
    }

    /// The rows of the left that have a partner, or those that have none.
    pub(crate) fn filter(
        self,
        left: &Relation,
        right: &Relation,
        shared: &[Slot],
        wants_match: bool,
        budget: &Budget,
    ) -> Result<Vec<u32>> {
        let partners = Partners::new(self, left, right, shared, budget)?;
        if wants_match && self.is_right && partners.is_in_order_of_many() {
            let mut matched = Vec::new();
            partners.each(budget, |row, _| matched.push(row))?;
            return Ok(matched);
        }
        let mut is_matched = vec![false; left.rows];
        partners.each(budget, |row, partner| is_matched[if self.is_right { row } else { partner } as usize] = true)?;
        Ok((0..left.rows as u32).filter(|row| is_matched[*row as usize] == wants_match).collect())
    }
}

fn longs(relation: &Relation, slot: Slot) -> Option<&[i64]> {
    relation.column(slot).and_then(Column::as_longs)
}

/// True if no value of the variable stands twice.
fn stands_once(side: &Relation, slot: Slot) -> bool {
    let ascends = || side.ascends_by(slot) && longs(side, slot).is_some_and(|keys| keys.is_sorted_by(|a, b| a < b));
    side.key.as_deref() == Some(&[slot]) || ascends()
}

/// True if each value is one more than that before it, provided that none stands twice.
fn have_no_gap(side: &Relation, slot: Slot) -> bool {
    let Some([first, .., last]) = longs(side, slot) else { return side.rows == 1 };
    side.ascends_by(slot) && last.checked_sub(*first).is_some_and(|width| width as usize == side.rows - 1)
}

/// Who belongs to whom: `many` is the side in which a value may stand several times.
struct Partners<'r> {
    many: &'r [i64],
    one: &'r [i64],
    others: Vec<Shared<'r>>,
    finding: Finding,
}

/// A further variable that both sides share: its codes there.
enum Shared<'r> {
    Longs(&'r [i64], &'r [i64]),
    Texts(&'r [u32], &'r [u32]),
    Codes(Codes<'r>, Codes<'r>),
}

/// How partners are found.
enum Finding {
    /// The row of a value is as far from the first as the value.
    Counted,
    /// Both sides ascend.
    Merged,
    /// The side of single rows is indexed.
    OfOne(Index),
    /// The other side is.
    OfMany(Index),
}

impl<'r> Partners<'r> {
    fn new(single: Single, left: &'r Relation, right: &'r Relation, shared: &[Slot], budget: &Budget) -> Result<Self> {
        let slot = single.slot;
        let (many_side, one_side) = if single.is_right { (left, right) } else { (right, left) };
        let (many, one) = (longs(many_side, slot).unwrap_or_default(), longs(one_side, slot).unwrap_or_default());
        let both = |slot: &Slot| Some((many_side.column(*slot)?, one_side.column(*slot)?));
        let others = shared.iter().filter(|other| **other != slot).filter_map(both);
        let others = others.map(|(many, one)| Shared::of(many, one, budget)).collect::<Result<_>>()?;
        let do_ascend = many_side.ascends_by(slot) && one_side.ascends_by(slot);
        let is_counted = have_no_gap(one_side, slot);
        let finding = if do_ascend && (!is_counted || many.len() > one.len().saturating_mul(LEAP_ROWS)) {
            Finding::Merged
        } else if is_counted {
            Finding::Counted
        } else if one.len() <= many.len() {
            Finding::OfOne(Index::new(one, budget)?)
        } else {
            Finding::OfMany(Index::new(many, budget)?)
        };
        Ok(Self { many, one, others, finding })
    }

    /// True if partners are handed over in the order of the side in which values may stand several times.
    fn is_in_order_of_many(&self) -> bool {
        !matches!(self.finding, Finding::OfMany(_))
    }

    #[inline]
    fn agree(&self, row: usize, partner: usize) -> bool {
        self.others.iter().all(|other| match other {
            Shared::Longs(many, one) => many[row] == one[partner],
            Shared::Texts(many, one) => many[row] == one[partner],
            Shared::Codes(many, one) => many[row] == one[partner],
        })
    }

    /// Hands over each row of `many` that has a partner, and the partner.
    fn each(&self, budget: &Budget, mut take: impl FnMut(u32, u32)) -> Result<()> {
        let mut take = |row: usize, partner: usize| {
            if self.agree(row, partner) {
                take(row as u32, partner as u32);
            }
        };
        let (many, one) = (self.many, self.one);
        match &self.finding {
            Finding::Counted => {
                let (first, count) = (one.first().copied().unwrap_or(0), one.len());
                in_chunks(many, budget, |row, key| {
                    let partner = key.wrapping_sub(first) as u64;
                    if partner < count as u64 {
                        take(row, partner as usize);
                    }
                })
            }
            Finding::Merged => {
                let (mut row, mut partner, mut steps) = (0, 0, 0);
                while row < many.len() && partner < one.len() {
                    match many[row].cmp(&one[partner]) {
                        Ordering::Equal => {
                            take(row, partner);
                            row += 1;
                        }
                        Ordering::Less => row = leap(many, row, one[partner]),
                        Ordering::Greater => partner = leap(one, partner, many[row]),
                    }
                    steps += 1;
                    if steps % CHUNK_ROWS == 0 {
                        budget.spend_steps(CHUNK_ROWS as u64)?;
                    }
                }
                Ok(())
            }
            Finding::OfOne(index) => in_chunks(many, budget, |row, key| {
                let partner = index.first(one, key);
                if partner != NONE {
                    take(row, partner as usize);
                }
            }),
            Finding::OfMany(index) => in_chunks(one, budget, |partner, key| {
                let mut row = index.first(many, key);
                while row != NONE {
                    take(row as usize, partner);
                    row = index.following(many, key, row);
                }
            }),
        }
    }
}

impl<'r> Shared<'r> {
    fn of(many: &'r Column, one: &'r Column, budget: &Budget) -> Result<Self> {
        Ok(match (many, one) {
            (Column::Long(many), Column::Long(one)) | (Column::Instant(many), Column::Instant(one)) => Self::Longs(many, one),
            (Column::Text(kind, texts, many), Column::Text(other_kind, other_texts, one))
                if kind == other_kind && Arc::ptr_eq(texts, other_texts) =>
            {
                Self::Texts(many, one)
            }
            _ => {
                let (many, one) = column_codes(many, one, budget)?;
                Self::Codes(many, one)
            }
        })
    }
}

fn in_chunks(keys: &[i64], budget: &Budget, mut take: impl FnMut(usize, i64)) -> Result<()> {
    for (at, chunk) in keys.chunks(CHUNK_ROWS).enumerate() {
        budget.spend_steps(chunk.len() as u64)?;
        for (row, key) in (at * CHUNK_ROWS..).zip(chunk) {
            take(row, *key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::TextKind;
    use crate::plan::slot::SlotSet;
    use crate::run::join::{Joining, Matching, anti, join, joining};
    use crate::value::Value;

    const WAYS: [Way; 2] = [Way::Never, Way::Always];

    /// Slots 1 and 2 of both sides, and one of their own. Keys are those of slot 1.
    fn relation(keys: &[i64], own: Slot, modulus: i64, is_key: bool) -> Relation {
        let texts = ["a", "b", "c"].map(std::sync::Arc::from).to_vec();
        let codes = keys.iter().enumerate().map(|(row, key)| key.wrapping_add(row as i64).rem_euclid(modulus) as u32).collect();
        let columns = vec![
            Column::Long(keys.to_vec().into()),
            Column::Text(TextKind::String, Arc::new(texts), codes),
            Column::Long((0..keys.len() as i64).collect()),
        ];
        let mut relation = Relation::new(vec![1, 2, own], columns, keys.len());
        relation.ascending = keys.is_sorted().then_some(1);
        relation.key = is_key.then(|| vec![1]);
        relation
    }

    /// The rows as values, those of the least slot first.
    fn rows(relation: &Relation) -> Vec<Vec<Value>> {
        let mut slots = relation.slots.clone();
        slots.sort_unstable();
        let row = |row: usize| slots.iter().filter_map(|slot| relation.column(*slot).map(|column| column.value(row))).collect();
        let mut rows = (0..relation.rows).map(row).collect::<Vec<Vec<_>>>();
        rows.sort_unstable();
        rows
    }

    /// Joins by one variable and by an index of all give the same rows; those that are said to ascend do.
    #[track_caller]
    fn check(left: &Relation, right: &Relation) {
        let shared = left.shared(right);
        for keep in [&[1, 2, 3, 4][..], &[1, 2, 3], &[2, 4], &[3, 4]] {
            let keep: SlotSet = keep.iter().copied().collect();
            let found = WAYS.map(|stars| {
                let tuning = Tuning { stars, ..Tuning::default() };
                let budget = Budget::default().with_threads(stars);
                let is_single = matches!(
                    joining(left, right, &keep, tuning),
                    Joining::Single(_) | Joining::Semi(Matching::Single(_)) | Joining::SemiRight(Matching::Single(_))
                );
                assert_eq!(is_single, stars == Way::Always, "{shared:?}, kept {keep:?}");
                let joined = join(left, right, &keep, tuning, &budget).expect("nothing limits it");
                let ascends = |slot| joined.column(slot).and_then(Column::as_longs).is_some_and(<[i64]>::is_sorted);
                assert!(joined.ascending.is_none_or(ascends), "{joined:?}");
                (rows(&joined), rows(&anti(left, right, tuning, &budget).expect("nothing limits it")))
            });
            assert_eq!(found[0], found[1], "{shared:?}, kept {keep:?}");
        }
    }

    #[test]
    fn a_row_meets_the_one_of_its_value_however_that_is_found() {
        let without_gap = (10..40).collect::<Vec<_>>();
        let with_gaps = (0..30).map(|n| n * n).collect::<Vec<_>>();
        let turned = without_gap.iter().rev().copied().collect::<Vec<_>>();
        let scattered = (0..25).map(|n| n * 7 % 31 + 8).collect::<Vec<_>>();
        let repeated = (0..90).map(|n| n / 3 * 2).collect::<Vec<_>>();
        let long = (0..400).map(|n| n / 9).collect::<Vec<_>>();
        for one in [&without_gap, &with_gaps, &turned] {
            let one = relation(one, 3, 3, true);
            for many in [&scattered, &repeated, &long, &with_gaps, &vec![11], &Vec::new()] {
                let many = relation(many, 4, 2, false);
                check(&one, &many);
                check(&many, &one);
            }
        }
    }

    #[test]
    fn one_shared_variable_is_gone_by_only_where_rows_are_counted() {
        let of = |keys: &[i64], is_key: bool| {
            let one = relation(keys, 3, 3, is_key).keep(&[1, 3].into_iter().collect());
            let many = relation(&[5, 1, 5, 9], 4, 3, false).keep(&[1, 4].into_iter().collect());
            Single::of(&many, &one, &[1], Tuning { stars: Way::Always, ..Tuning::default() })
        };
        assert_eq!(of(&[4, 5, 6], true), Some(Single { slot: 1, is_right: true }));
        // It is seen that none stands twice.
        assert_eq!(of(&[4, 5, 6], false), Some(Single { slot: 1, is_right: true }));
        assert_eq!(of(&[4, 6, 7], true), None);
        // As many as between the first and the last, but not each.
        assert_eq!(of(&[4, 4, 6], false), None);
        assert_eq!(of(&[4, 6, 5, 7], true), None);
        assert_eq!(of(&[i64::MIN, i64::MAX], true), None);
    }
}
