//! A question that is asked again of each value of a store that may answer it in another way.

use std::sync::Arc;

use annals_query::ast::RuleSet;
use annals_query::engine::Options as Asking;
use annals_query::{Answer, Budget, Facts};

use super::follow::Step;
use super::reads::{Noticed, Reads};
use crate::db::prepared::Asked;
use crate::db::{Db, DbView, Input, LENSES, Prepared, RULES};
use crate::error::Result;
use crate::index::Window;
use crate::schema::SchemaBuilder;

/// A query with what it is asked with.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) prepared: Prepared,
    pub(super) inputs: Vec<Input>,
    /// In reach of a query that does not say `%`.
    pub(super) rules: RuleSet,
    pub(super) view: Option<DbView>,
    pub(super) is_strict: bool,
}

impl Question {
    /// The value that is `$`.
    pub(super) fn seen(&self, db: Db) -> Result<Db> {
        match &self.view {
            Some(view) => view.of(&db),
            None => Ok(db),
        }
    }

    /// The question as it is asked of a value, with a note of what is read to answer it.
    pub(super) fn asked(&self, db: Db, reads: &Arc<Reads>, budget: &Budget) -> Result<Asked> {
        let noticed = |db: Db| Arc::new(Noticed::new(db, reads)) as Arc<dyn Facts>;
        self.prepared.asked(&self.seen(db)?, &self.inputs, &self.rules, self.asking(), &noticed, budget)
    }

    /// The answer of a value, and what was read for it.
    pub(super) fn answer(&self, db: Db, budget: &Budget) -> Result<(Answer, Arc<Reads>)> {
        let reads = Arc::<Reads>::default();
        let answer = self.asked(db, &reads, budget)?.answer(budget)?;
        Ok((answer, reads))
    }

    /// True if all that moves along is `$`, which shows everything that holds, or a history of it, from a fixed moment on.
    pub(super) fn is_simple(&self, before: &Db, after: &Db) -> Result<bool> {
        if self.inputs.iter().any(|input| matches!(input, Input::View(_))) {
            return Ok(false);
        }
        if self.view.is_none() {
            return Ok(true);
        }
        let (before, after) = (self.seen(before.clone())?, self.seen(after.clone())?);
        let is_plain = |db: &Db| {
            db.lens().is_none()
                && db.through_view().filters.is_empty()
                && db.snapshot().novelty().is_empty()
                && db.through_view().window.until >= db.basis_t()
        };
        Ok(is_plain(&before) && is_plain(&after) && is_same_window(&before, &after))
    }

    fn asking(&self) -> Asking {
        Asking { strict: self.is_strict, ..Asking::default() }
    }

    /// False if the transaction cannot have changed the answer, for which so much was read.
    pub(super) fn is_concerned(&self, step: &Step, reads: &Reads, value_of: &dyn Fn(bool) -> Db) -> Result<bool> {
        if reads.may_concern(&step.datoms) {
            return Ok(true);
        }
        // Views that do not end at the basis, or begin elsewhere than before, show other facts although nothing was said of them.
        let views = self.inputs.iter().filter_map(|input| if let Input::View(view) = input { Some(view) } else { None });
        let mut views = views.collect::<Vec<_>>();
        if views.is_empty() && self.view.is_none() {
            return Ok(false);
        }
        let (before, after) = (self.seen(value_of(false))?, self.seen(value_of(true))?);
        if !is_same_window(&before, &after) {
            return Ok(true);
        }
        while let Some(view) = views.pop() {
            if !is_same_window(&view.of(&before)?, &view.of(&after)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// True if the transaction says something about attributes, idents, or what a store keeps under a name.
pub(super) fn touches_names(step: &Step) -> bool {
    let schema = step.after.schema();
    let kept = [RULES.name, RULES.text, LENSES.name, LENSES.text].map(|ident| schema.entity(ident));
    step.datoms.iter().any(|datom| SchemaBuilder::concerns(datom.a) || kept.contains(&Some(datom.a)))
}

/// True if two views, of a value and of the one that follows it, look at the same span of time, up to the newest or to a fixed end.
fn is_same_window(before: &Db, after: &Db) -> bool {
    let (old, new): (Window, Window) = (before.through_view().window, after.through_view().window);
    let is_open = old.until >= before.basis_t() && new.until >= after.basis_t();
    old.since == new.since && old.is_history == new.is_history && (is_open || old.until == new.until)
}
