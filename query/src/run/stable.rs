//! Relations that stay the same while others change round after round: what is looked up in them is indexed once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::Result;
use crate::plan::Step;
use crate::plan::slot::{Slot, SlotSet};
use crate::run::Run;
use crate::run::effort::Method;
use crate::run::index::Index;
use crate::run::join::{Pairs, assemble, probe_index};
use crate::run::relation::Relation;

/// From so many times the rows on, the index of the longer side is worth keeping.
const INDEX_RATIO: usize = 4;

/// The scans of a derivation, by the number of the goal.
pub(crate) type StableScans = RefCell<BTreeMap<u32, Rc<Stable>>>;

/// A relation with the indexes made of it so far.
#[derive(Debug)]
pub(crate) struct Stable {
    relation: Relation,
    indexes: RefCell<BTreeMap<Slot, Rc<Index>>>,
}

impl Stable {
    /// Nothing indexed yet.
    pub(crate) fn new(relation: Relation) -> Self {
        Self { relation, indexes: RefCell::default() }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.relation.rows
    }

    /// The same as [`Run::join`] of `current` with this relation.
    pub(crate) fn join(&self, step: &Step, current: &Relation, keep: &SlotSet, run: &Run<'_>) -> Result<Relation> {
        if let [slot] = current.shared(&self.relation)[..]
            && let (Some(Column::Long(keys)), Some(Column::Long(codes))) = (current.column(slot), self.relation.column(slot))
            && current.rows * INDEX_RATIO < self.relation.rows
        {
            run.note(step, |effort| effort.took(Method::Kept));
            let index = self.index(slot, codes, run.budget)?;
            let (left, right) = probe_index(keys, codes, &index, run.budget)?;
            return Ok(assemble(current, &self.relation, &Pairs { left, right, ascending: current.ascending }, keep));
        }
        run.join(step, current, &self.relation, keep)
    }

    fn index(&self, slot: Slot, codes: &[i64], budget: &Budget) -> Result<Rc<Index>> {
        if let Some(known) = self.indexes.borrow().get(&slot) {
            return Ok(Rc::clone(known));
        }
        let index = Rc::new(Index::new(codes, budget)?);
        self.indexes.borrow_mut().insert(slot, Rc::clone(&index));
        Ok(index)
    }
}
