//! Relations that stay the same while others change round after round: what is looked up in them is indexed once.

use std::cell::{OnceCell, RefCell};
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
use crate::run::store::Store;

/// The scans of a derivation, by the number of the goal.
pub(crate) type StableScans = RefCell<BTreeMap<u32, Rc<Stable>>>;

/// A relation with the indexes made of it so far.
#[derive(Debug)]
pub(crate) struct Stable {
    relation: Relation,
    indexes: RefCell<BTreeMap<Slot, Rc<Index>>>,
    /// For what is looked up by texts or by several columns.
    store: OnceCell<Store>,
}

impl Stable {
    /// Nothing indexed yet.
    pub(crate) fn new(relation: Relation) -> Self {
        Self { relation, indexes: RefCell::default(), store: OnceCell::new() }
    }

    /// The same as [`Run::join`] of `current` with this relation.
    pub(crate) fn join(&self, step: &Step, current: &Relation, keep: &SlotSet, run: &Run<'_>) -> Result<Relation> {
        let shared = current.shared(&self.relation);
        if let [slot] = shared[..]
            && let (Some(Column::Long(keys)), Some(Column::Long(codes))) = (current.column(slot), self.relation.column(slot))
        {
            run.note(step, |effort| effort.took(Method::Kept));
            let index = self.index(slot, codes, run.budget)?;
            let (left, right) = probe_index(keys, codes, &index, run.budget)?;
            return Ok(assemble(current, &self.relation, &Pairs { left, right, ascending: current.ascending }, keep));
        }
        if !shared.is_empty() {
            let args = self.relation.slots.iter().copied().map(Some).collect::<Vec<_>>();
            if let Some(joined) = self.store(run.budget)?.join(&args, current, keep, run.budget)? {
                run.note(step, |effort| effort.took(Method::Kept));
                return Ok(joined);
            }
        }
        run.join(step, current, &self.relation, keep)
    }

    fn store(&self, budget: &Budget) -> Result<&Store> {
        if self.store.get().is_none() {
            let _ = self.store.set(Store::of(&self.relation, budget)?);
        }
        Ok(self.store.get().expect("it was set above"))
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
