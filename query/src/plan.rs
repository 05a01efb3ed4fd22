//! From a checked query to an order of steps. Nothing is fetched here; the facts are only asked how many there would be.

use std::sync::Arc;

use crate::plan::goal::Goal;
use crate::plan::slot::{Slot, SlotSet};

pub(crate) mod choose;
pub(crate) mod cost;
pub(crate) mod cycle;
pub(crate) mod dependency;
pub(crate) mod describe;
pub(crate) mod estimate;
pub(crate) mod goal;
pub(crate) mod input;
pub(crate) mod kind;
pub(crate) mod lower;
pub(crate) mod memory;
pub(crate) mod mention;
pub(crate) mod needs;
pub(crate) mod order;
pub(crate) mod program;
pub(crate) mod range;
pub(crate) mod resolve;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod slot;
pub(crate) mod tree;
pub(crate) mod unit;

/// The steps of one block, in the order in which they run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Each joins, filters or extends what the steps before it found.
    pub(crate) steps: Vec<Step>,
    /// The variables that the block answers.
    pub(crate) output: Vec<Slot>,
}

/// One goal in its place.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Its own among all steps of a query, by which it is known what it did.
    pub(crate) number: u64,
    /// What is asked.
    pub(crate) goal: Arc<Goal>,
    /// Plans of the branches of an `or`, or of the inside of a `not`.
    pub(crate) branches: Vec<Plan>,
    /// The variables that a later step or the answer needs.
    pub(crate) keep: SlotSet,
    /// Which arguments of a rule are bound when it is called.
    pub(crate) bound: Vec<bool>,
    /// Where the step shares no variable with those before: pairs of one of theirs and one of its own that a predicate says are equal.
    pub(crate) bridge: Vec<(Slot, Slot)>,
    /// Rows expected after the step.
    pub(crate) estimated_rows: f64,
    /// Why the step stands here.
    pub(crate) reason: &'static str,
}

impl Plan {
    /// True if some step reads the rows of the surrounding block.
    pub(crate) fn reads_input(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.goal.kind, goal::GoalKind::Input(_)))
    }
}
