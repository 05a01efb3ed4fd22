//! Runs a plan: every step takes the relation that the steps before it found, and gives the next one.

use std::cell::RefCell;

use crate::ast::Query;
use crate::budget::Budget;
use crate::error::Result;
use crate::find;
use crate::plan::Step;
use crate::plan::program::Program;
use crate::plan::slot::{Slot, SlotSet};
use crate::run::effort::{Effort, Efforts, Method};
use crate::run::fixpoint::Tables;
use crate::run::join::Joining;
use crate::run::relation::Relation;
use crate::tuning::Tuning;

pub(crate) mod arithmetic;
pub(crate) mod block;
pub(crate) mod call;
pub(crate) mod closure;
pub(crate) mod compare;
pub(crate) mod cycle;
pub(crate) mod effort;
pub(crate) mod entity;
pub(crate) mod explore;
pub(crate) mod fixpoint;
pub(crate) mod gather;
pub(crate) mod graph;
pub(crate) mod hops;
pub(crate) mod index;
pub(crate) mod inline;
pub(crate) mod join;
pub(crate) mod key;
pub(crate) mod loops;
pub(crate) mod matrix;
pub(crate) mod nested;
pub(crate) mod nodes;
pub(crate) mod outline;
pub(crate) mod partition;
pub(crate) mod relation;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod shape;
pub(crate) mod single;
pub(crate) mod sparing;
pub(crate) mod stable;
pub(crate) mod store;
pub(crate) mod texts;
pub(crate) mod threads;
pub(crate) mod top;
pub(crate) mod walk;

/// One run of a program.
pub(crate) struct Run<'p> {
    /// What is run.
    pub(crate) program: &'p Program,
    /// What it may spend.
    pub(crate) budget: &'p Budget,
    /// What rules have given so far.
    pub(crate) tables: RefCell<Tables>,
    /// What each step does, if somebody wants to know.
    pub(crate) efforts: Option<Efforts>,
}

impl<'p> Run<'p> {
    /// Nothing run yet.
    pub(crate) fn new(program: &'p Program, budget: &'p Budget) -> Self {
        Self { program, budget, tables: RefCell::default(), efforts: None }
    }

    /// Nothing run yet; notes what each step costs.
    pub(crate) fn with_efforts(program: &'p Program, budget: &'p Budget) -> Self {
        Self { efforts: Some(Efforts::default()), ..Self::new(program, budget) }
    }

    /// What it may do.
    pub(crate) fn tuning(&self) -> Tuning {
        self.program.planner.tuning
    }

    /// Adds to what is known of a step, if somebody wants to know.
    #[inline]
    pub(crate) fn note(&self, step: &Step, add: impl FnOnce(&mut Effort)) {
        if let Some(efforts) = &self.efforts {
            efforts.note(step, add);
        }
    }

    /// What a step did, if it ran and was noted.
    pub(crate) fn effort_of(&self, step: &Step) -> Option<Effort> {
        self.efforts.as_ref()?.of(step)
    }

    /// True if a predicate to come says which rows belong together, and nothing else does.
    fn is_bridged(&self, step: &Step, before: &Relation, found: &Relation, keep: &SlotSet) -> bool {
        let is_there = |(left, right): &(Slot, Slot)| before.position(*left).is_some() && found.position(*right).is_some();
        !step.bridge.is_empty()
            && step.bridge.iter().all(is_there)
            && join::joining(before, found, keep, self.tuning()) == Joining::Cross
    }

    /// Joins what a step found to the rows before it, and notes how.
    pub(crate) fn join(&self, step: &Step, before: &Relation, found: &Relation, keep: &SlotSet) -> Result<Relation> {
        self.note(step, |effort| {
            if self.is_bridged(step, before, found, keep) {
                return effort.took(Method::Bridge);
            }
            let method = join::joining(before, found, keep, self.tuning()).method();
            let is_more =
                effort.crossed.is_none_or(|(left, right)| left.saturating_mul(right) < before.rows.saturating_mul(found.rows));
            if method == Method::Cross && before.rows > 1 && found.rows > 1 && is_more {
                effort.crossed = Some((before.rows, found.rows));
            }
            effort.took(method);
        });
        if self.is_bridged(step, before, found, keep) {
            return join::bridged(before, found, &step.bridge, keep, self.budget);
        }
        join::join(before, found, keep, self.tuning(), self.budget)
    }

    /// The rows that an answer is made of: all of them, or at least those that come first in an order of which no more are wanted.
    pub(crate) fn relation_for(&self, query: &Query) -> Result<Relation> {
        if let Some(top) = find::top(query)
            && let Some((_, slot)) = self.program.output.iter().find(|(variable, _)| variable == top.variable)
            && let Some(relation) = top::relation(&self.program.plan, &top, *slot, self)?
        {
            return Ok(relation);
        }
        self.relation()
    }

    /// The rows over the variables of find, with and order-by, each once.
    pub(crate) fn relation(&self) -> Result<Relation> {
        block::run_plan(&self.program.plan, self, &block::Frame::default())
    }
}
