//! What a rule may touch that is asked for little: its patterns look up what is bound rather than read all there is. It is given up when it
//! has touched so much that running the rule over all facts costs less, so that asking so costs a part more at the most.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::facts::{Scan, Values};
use crate::plan::goal::{Goal, GoalKind, Place};
use crate::run::Run;
use crate::source::Source;
use crate::tuning::Way;

/// Rules over fewer facts than these run over all of them at once.
const FACTS_MIN: f64 = 16_384.0;
/// Looking up may cost what it takes to read one in so many of all facts.
const FACTS_PER_TOUCHED: f64 = 4.0;
/// What it costs to run one body once, in facts read.
const RUN_COST: f64 = 512.0;

/// What may still be touched, counted in facts read.
#[derive(Debug)]
pub(crate) struct Sparing {
    left: Cell<f64>,
}

impl Sparing {
    /// For a rule with some arguments bound. `None` if looking up is not worth it, or something in the rules of its component is read whole
    /// each time it is met.
    pub(crate) fn of(predicate: usize, bound: &[bool], run: &Run<'_>) -> Option<Self> {
        if !bound.contains(&true) || run.tuning().lookups == Way::Never {
            return None;
        }
        if run.tuning().lookups == Way::Always {
            return Some(Self { left: Cell::new(f64::INFINITY) });
        }
        let predicates = &run.program.predicates;
        let own = || predicates.iter().filter(|other| other.component == predicates[predicate].component);
        let goals = || own().flat_map(|other| &other.branches).flat_map(|branch| &branch.goals);
        if goals().any(|goal| matches!(goal.kind, GoalKind::Rows(..))) {
            return None;
        }
        let facts = facts(goals());
        (facts >= FACTS_MIN).then(|| Self { left: Cell::new(facts / FACTS_PER_TOUCHED) })
    }

    /// For what may touch so much.
    pub(crate) fn of_cost(cost: f64) -> Self {
        Self { left: Cell::new(cost) }
    }

    /// So much is about to be touched, or was; false if that is too much.
    pub(crate) fn spend(&self, cost: f64) -> bool {
        self.left.set(self.left.get() - cost);
        !self.is_spent()
    }

    /// A body was run, which took so many steps.
    pub(crate) fn ran(&self, steps: u64) {
        self.spend(steps as f64 + RUN_COST);
    }

    /// True if it touched too much: what was found since is worth nothing.
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get() < 0.0
    }
}

/// How many facts the patterns would read by themselves, patterns that read the same counted once.
fn facts<'g>(goals: impl Iterator<Item = &'g Arc<Goal>>) -> f64 {
    let mut known = BTreeSet::new();
    let mut sum = 0.0;
    for goal in goals {
        let GoalKind::Scan(scan) = &goal.kind else { continue };
        let Source::Facts(facts) = &scan.source else { continue };
        let wanted = if let Place::Constant(value) = &scan.value { Some(value) } else { None };
        let (attribute, values) = (scan.attribute_id(), wanted.map_or(Values::Any, Values::Equal));
        if !scan.matches_nothing && known.insert((Arc::as_ptr(facts).cast::<()>(), attribute, wanted)) {
            sum += facts.estimate(&Scan { attribute, values, ..Scan::default() }).rows;
        }
    }
    sum
}
