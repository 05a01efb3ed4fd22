//! Runs a plan: every step takes the relation that the steps before it found, and gives the next one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::budget::Budget;
use crate::error::Result;
use crate::plan::Step;
use crate::plan::program::Program;
use crate::run::fixpoint::Tables;
use crate::run::relation::Relation;

pub(crate) mod arithmetic;
pub(crate) mod block;
pub(crate) mod call;
pub(crate) mod closure;
pub(crate) mod compare;
pub(crate) mod fixpoint;
pub(crate) mod gather;
pub(crate) mod graph;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod key;
pub(crate) mod relation;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod stable;
pub(crate) mod store;

/// What a step did, summed over all its runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Rows after the step.
    pub(crate) rows: usize,
    /// Time.
    pub(crate) time: Duration,
}

/// One run of a program.
pub(crate) struct Run<'p> {
    /// What is run.
    pub(crate) program: &'p Program,
    /// What it may spend.
    pub(crate) budget: &'p Budget,
    /// What rules have given so far.
    pub(crate) tables: RefCell<Tables>,
    /// By the address of a step, if somebody wants to know.
    pub(crate) efforts: Option<RefCell<BTreeMap<usize, Effort>>>,
}

impl<'p> Run<'p> {
    /// Nothing run yet.
    pub(crate) fn new(program: &'p Program, budget: &'p Budget) -> Self {
        Self { program, budget, tables: RefCell::default(), efforts: None }
    }

    /// Nothing run yet; notes what each step costs.
    pub(crate) fn with_efforts(program: &'p Program, budget: &'p Budget) -> Self {
        Self { efforts: Some(RefCell::default()), ..Self::new(program, budget) }
    }

    /// What a step cost, if it ran and was noted.
    pub(crate) fn effort_of(&self, step: &Step) -> Option<Effort> {
        self.efforts.as_ref()?.borrow().get(&(std::ptr::from_ref(step) as usize)).copied()
    }

    /// True if a rule was found to be a transitive closure.
    pub(crate) fn is_closure(&self, predicate: usize) -> bool {
        self.tables.borrow().is_closure(predicate)
    }

    /// The rows over the variables of find, with and order-by, each once.
    pub(crate) fn relation(&self) -> Result<Relation> {
        block::run_plan(&self.program.plan, self, &block::Frame::default())
    }
}
