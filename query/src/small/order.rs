//! The order of steps: whatever leads to the fewest facts next. Where it cannot be told that they are few, the form is none.

use super::form::{FactStep, Step};
use crate::facts::Cardinality;

/// How many facts a step is expected to find, roughly: the order of what it costs.
type Rank = u32;

/// No fact is known to lead to those of a whole attribute.
const WHOLE_ATTRIBUTE: Rank = 1_000;

/// A value that is not unique leads to few facts or many.
const BY_VALUE: Rank = 6;

/// The steps in their order, if each finds what it needs bound; `bound` are the variables before them. Whole attributes are read only
/// where everything is to be tried.
pub(super) fn ordered(mut steps: Vec<Step>, mut bound: u64, is_forced: bool) -> Option<Vec<Step>> {
    let mut chosen = Vec::with_capacity(steps.len());
    while !steps.is_empty() {
        let ranks = steps.iter().enumerate().filter_map(|(at, step)| Some((rank(step, bound, is_forced)?, at)));
        let (_, at) = ranks.min()?;
        let step = inside_ordered(steps.remove(at), bound, is_forced)?;
        bound |= step.binds();
        chosen.push(step);
    }
    Some(chosen)
}

/// The step with what is inside of it in order.
fn inside_ordered(step: Step, bound: u64, is_forced: bool) -> Option<Step> {
    Some(match step {
        Step::Absent { shared, steps } => Step::Absent { shared, steps: ordered(steps, bound, is_forced)? },
        Step::Either { required, branches } => {
            let branches = branches.into_iter().map(|steps| ordered(steps, bound, is_forced)).collect::<Option<_>>()?;
            Step::Either { required, branches }
        }
        step => step,
    })
}

/// Nothing if the step cannot run yet.
fn rank(step: &Step, bound: u64, is_forced: bool) -> Option<Rank> {
    let are_bound = |terms: &[super::form::Term]| terms.iter().all(|term| term.is_bound(bound));
    match step {
        Step::Fact(fact) => Some(rank_of_fact(fact, bound)).filter(|rank| is_forced || *rank < WHOLE_ATTRIBUTE),
        Step::Test(_, args) => are_bound(args).then_some(0),
        Step::Call(_, args, _) => are_bound(args).then_some(1),
        Step::Get(get) => get.of.entity.is_bound(bound).then_some(1),
        Step::Missing(of) => of.entity.is_bound(bound).then_some(1),
        Step::Absent { shared, .. } => {
            let is_ready = shared & !bound == 0 && inside_ordered(step.clone(), bound, is_forced).is_some();
            is_ready.then_some(4)
        }
        Step::Either { required, .. } => {
            let is_ready = required & !bound == 0 && inside_ordered(step.clone(), bound, is_forced).is_some();
            is_ready.then_some(if step.binds() & !bound == 0 { 4 } else { 5 })
        }
    }
}

fn rank_of_fact(fact: &FactStep, bound: u64) -> Rank {
    let attribute = &fact.of.attribute;
    match (fact.of.entity.is_bound(bound), fact.value.is_bound(bound)) {
        (true, true) => 0,
        (true, false) if attribute.cardinality == Cardinality::One => 1,
        (_, true) if attribute.unique.is_some() => 2,
        (true, false) => 3,
        (false, true) => BY_VALUE + fact.of_value.max(1.0).log2().min(64.0) as Rank,
        (false, false) => WHOLE_ATTRIBUTE,
    }
}
