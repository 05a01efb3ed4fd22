//! What must be bound before something can run. A block, and with it a rule, may run in several ways: with the one argument bound or with
//! the other.

use std::sync::Arc;

use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::plan::goal::{Goal, Predicate};
use crate::plan::slot::{Slot, SlotSet};

/// Of more ways to run than this the ones that need least are known, and one that needs all.
const WAYS_MAX: usize = 64;
/// Sets of variables that are tried for a block, to find its ways to run.
const TRIES_MAX: usize = 512;

/// Ways to run: all variables of one of these sets must be bound. None is part of another, and the small ones come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs(Vec<Vec<Slot>>);

impl Needs {
    /// All of these.
    pub(crate) fn all(slots: impl IntoIterator<Item = Slot>) -> Self {
        let mut slots = slots.into_iter().collect::<Vec<_>>();
        slots.sort_unstable();
        slots.dedup();
        Self(vec![slots])
    }

    /// Ways to run a block within its border, so that all of the border is bound in the end; `required` must be bound in any case.
    pub(crate) fn of_block(
        goals: &[Arc<Goal>],
        border: &[Slot],
        required: &[Slot],
        predicates: &[Predicate],
        budget: &Budget,
    ) -> Result<Self> {
        let wait = |goal: &Arc<Goal>| Ok((goal.needs(predicates, budget)?, goal.binds()));
        let waits = goals.iter().map(wait).collect::<Result<Vec<_>>>()?;
        let runs = |given: &SlotSet| {
            let mut bound = given.clone();
            let mut waiting = waits.iter().collect::<Vec<_>>();
            loop {
                let count = waiting.len();
                budget.spend_steps((count + border.len()) as u64)?;
                waiting.retain(|(needs, binds)| {
                    let is_ready = needs.are_met(|slot| bound.contains(slot));
                    if is_ready {
                        bound.extend(binds.iter().copied());
                    }
                    !is_ready
                });
                if waiting.is_empty() || waiting.len() == count {
                    return Ok(waiting.is_empty() && bound.contains_all(border));
                }
            }
        };
        let given: SlotSet = required.iter().copied().collect();
        if runs(&given)? {
            return Ok(Self::all(required.iter().copied()));
        }
        let free = border.iter().copied().filter(|slot| !given.contains(*slot)).collect::<SlotSet>();
        least(given, &free.iter().collect::<Vec<_>>(), runs)
    }

    /// True if nothing need be bound.
    pub(crate) fn is_none(&self) -> bool {
        self.are_met(|_| false)
    }

    /// True if it can run where these are bound.
    pub(crate) fn are_met(&self, is_bound: impl Fn(Slot) -> bool) -> bool {
        self.way(is_bound).is_some()
    }

    /// The variables of the first way to run where these are bound.
    pub(crate) fn way(&self, is_bound: impl Fn(Slot) -> bool) -> Option<&[Slot]> {
        self.0.iter().find(|way| way.iter().all(|slot| is_bound(*slot))).map(Vec::as_slice)
    }

    /// The ways.
    pub(crate) fn ways(&self) -> &[Vec<Slot>] {
        &self.0
    }

    /// Every variable that some way needs.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.0.iter().flatten().copied()
    }

    /// What both need: each way of the one with each of the other.
    pub(crate) fn and(&self, other: &Self) -> Self {
        if self == other || other.is_none() {
            return self.clone();
        }
        if self.is_none() {
            return other.clone();
        }
        let both = |a: &Vec<Slot>, b: &Vec<Slot>| a.iter().chain(b).copied().collect::<SlotSet>().iter().collect::<Vec<_>>();
        Self::of(self.0.iter().flat_map(|a| other.0.iter().map(move |b| both(a, b))).collect())
    }

    /// The same with other variables. A way for which there is no variable is none.
    pub(crate) fn renamed(&self, name: impl Fn(Slot) -> Option<Slot>) -> Self {
        if self.is_none() {
            return self.clone();
        }
        let renamed = self.0.iter().filter_map(|way| way.iter().map(|slot| name(*slot)).collect::<Option<SlotSet>>());
        Self::of(renamed.map(|way| way.iter().collect()).collect())
    }

    fn of(mut ways: Vec<Vec<Slot>>) -> Self {
        ways.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        let mut least: Vec<Vec<Slot>> = Vec::new();
        for way in ways {
            if least.len() < WAYS_MAX && !least.iter().any(|known| known.iter().all(|slot| way.contains(slot))) {
                least.push(way);
            }
        }
        Self(least)
    }
}

/// The smallest sets of `given` and some of `free` for which `runs` holds, which it does not for `given` alone; if it holds for one, it holds
/// for more.
fn least(mut given: SlotSet, free: &[Slot], runs: impl Fn(&SlotSet) -> Result<bool>) -> Result<Needs> {
    let with = |given: &SlotSet, more: &[Slot]| given.iter().chain(more.iter().copied()).collect::<SlotSet>();
    // What it cannot do without, whatever else is bound.
    let without = |slots: &[Slot], slot: Slot| slots.iter().copied().filter(|other| *other != slot).collect::<Vec<_>>();
    let (mut needed, mut dispensable) = (Vec::new(), Vec::new());
    for slot in free {
        if runs(&with(&given, &without(free, *slot)))? { dispensable.push(*slot) } else { needed.push(*slot) }
    }
    given.extend(needed);
    let free = dispensable;
    if free.is_empty() || runs(&given)? {
        return Ok(Needs::all(given.iter()));
    }
    // What is left of all of them when one after the other is dropped that is not missed: there may be too many sets to try each.
    let dropped = |order: &mut dyn Iterator<Item = Slot>| {
        let mut left = free.clone();
        for slot in order {
            let fewer = without(&left, slot);
            if runs(&with(&given, &fewer))? {
                left = fewer;
            }
        }
        Ok::<_, Error>(left)
    };
    let mut ways = vec![dropped(&mut free.iter().copied())?, dropped(&mut free.iter().rev().copied())?];
    let mut tried = 0;
    // Sets of each size in turn, as places among the free ones.
    let mut sets = (0..free.len()).map(|at| vec![at]).collect::<Vec<_>>();
    while !sets.is_empty() {
        let mut larger = Vec::new();
        for set in sets {
            let slots = set.iter().map(|at| free[*at]).collect::<Vec<_>>();
            if tried == TRIES_MAX || ways.iter().any(|way| way.iter().all(|slot| slots.contains(slot))) {
                continue;
            }
            tried += 1;
            if runs(&with(&given, &slots))? {
                ways.push(slots);
            } else {
                let next = set.last().map_or(0, |at| at + 1);
                larger.extend((next..free.len()).map(|at| [&set[..], &[at]].concat()));
            }
        }
        sets = if tried < TRIES_MAX { larger } else { Vec::new() };
    }
    Ok(Needs::of(ways.into_iter().map(|way| with(&given, &way).iter().collect()).collect()))
}

#[cfg(test)]
mod tests {
    use super::{Needs, TRIES_MAX, least};
    use crate::plan::slot::SlotSet;

    /// What `least` finds where it runs with all slots of one of `ways`.
    #[track_caller]
    fn check(free: &[u32], ways: &[&[u32]], expected: &[&[u32]]) {
        let given: SlotSet = [9].into_iter().collect();
        let found = least(given, free, |bound| Ok(ways.iter().any(|way| bound.contains_all(way))));
        assert_eq!(found.expect("nothing stops it").ways(), expected);
    }

    #[test]
    fn every_smallest_way_is_found() {
        check(&[1, 2, 3], &[&[2]], &[&[2, 9]]);
        check(&[1, 2, 3], &[&[1], &[2]], &[&[1, 9], &[2, 9]]);
        check(&[1, 2, 3], &[&[1, 2, 3]], &[&[1, 2, 3, 9]]);
        check(&[1, 2, 3], &[&[1, 3], &[2, 3]], &[&[1, 3, 9], &[2, 3, 9]]);
        check(&[1, 2, 3, 4], &[&[1, 2], &[3, 4], &[1, 4]], &[&[1, 2, 9], &[1, 4, 9], &[3, 4, 9]]);
        check(&[1, 2, 3, 4], &[&[4], &[1, 2, 3]], &[&[4, 9], &[1, 2, 3, 9]]);
    }

    #[test]
    fn where_there_are_too_many_sets_to_try_some_of_the_ways_are_known() {
        let free = (0..60).collect::<Vec<u32>>();
        let tried = std::cell::Cell::new(0);
        let found = least(SlotSet::default(), &free, |bound| {
            tried.set(tried.get() + 1);
            Ok(bound.iter().count() >= 40)
        });
        let found = found.expect("nothing stops it");
        assert_eq!(found.ways(), [(0..40).collect::<Vec<u32>>(), (20..60).collect()]);
        assert!(tried.get() < TRIES_MAX + 4 * free.len(), "{} sets were tried", tried.get());
    }

    #[test]
    fn both_is_each_way_of_the_one_with_each_of_the_other() {
        let either = |a: &[u32], b: &[u32]| Needs::of(vec![a.to_vec(), b.to_vec()]);
        assert_eq!(either(&[1], &[2]).and(&either(&[1], &[2])).ways(), [vec![1], vec![2]]);
        assert_eq!(either(&[1], &[2]).and(&either(&[3], &[4])).ways(), [[1, 3], [1, 4], [2, 3], [2, 4]]);
        assert_eq!(either(&[1], &[2]).and(&Needs::all([2])).ways(), [[2]]);
        assert!(either(&[1], &[2]).and(&Needs::all([])) == either(&[1], &[2]));
        let many = (0..12).fold(Needs::all([]), |all, at| all.and(&either(&[at], &[at + 12])));
        assert_eq!(many.ways().len(), super::WAYS_MAX);
    }

    #[test]
    fn it_can_run_where_one_of_its_ways_is_bound() {
        let needs = Needs::of(vec![vec![1, 2], vec![3]]);
        assert_eq!(needs.way(|slot| slot != 4), Some(&[3][..]));
        assert_eq!(needs.way(|slot| slot < 3), Some(&[1, 2][..]));
        assert!(!needs.are_met(|slot| slot == 1) && !needs.is_none() && Needs::all([]).is_none());
        assert_eq!(needs.renamed(|slot| (slot < 3).then_some(slot + 5)).ways(), [[6, 7]]);
        assert!(!needs.renamed(|_| None).are_met(|_| true));
    }
}
