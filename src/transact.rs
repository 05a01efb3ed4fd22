//! Transaction data to datoms: passes as files, in the order in which data meets them.
//!
//! ```text
//! text -> TxData -> Statement -> Claim -> Change -> Datom
//!     forms   expand      claim    delta     prepared
//! ```
//!
//! Before all of them `calls` puts what transaction functions ask for in the place of their calls. Between: `vocabulary` says which attributes there are, `redact` takes declared secrets out, `upsert` follows identities, `place` gives ids, `sequence` numbers,
//! `sweep` asks the store what a retraction takes along; after `delta`, `compose` keeps composed values, and `check` and
//! `declare` judge the outcome. Nothing here writes; every pass sees the store as it was before.

mod before;
mod calls;
mod check;
mod claim;
mod compose;
mod data;
mod declare;
mod delta;
mod expand;
mod forms;
mod nodes;
mod place;
mod prepared;
mod redact;
mod refusal;
mod resolve;
mod sequence;
mod sweep;
mod upsert;
mod value;
mod vocabulary;

pub use before::Before;
pub(crate) use calls::answered;
pub(crate) use check::is_whole;
pub use data::{AttributeTerm, EntityTerm, Fresh, MapEntry, MapForm, Operation, TxData, ValueTerm};
pub(crate) use forms::unknown_operation;
pub use prepared::Prepared;
pub(crate) use value::conforms;

use annals_query::Functions;

use crate::error::Result;
use delta::Change;
use refusal::Refusals;
use resolve::Resolver;
use vocabulary::{SchemaFact, Vocabulary};

use crate::schema::SchemaBuilder;

/// Checks a transaction against the store before it and computes its datoms. Nothing is written.
///
/// Errors carry the place of the form, and line and column if the data was read from text.
pub fn prepare(before: &dyn Before, data: &TxData, now_micros: i64) -> Result<Prepared> {
    prepare_with(before, data, &Functions::default(), now_micros)
}

/// The same where `:db.attr/preds` and `:db.entity/preds` may name any of these functions.
pub fn prepare_with(before: &dyn Before, data: &TxData, functions: &Functions, now_micros: i64) -> Result<Prepared> {
    prepare_in_passes(before, data, functions, now_micros).map_err(|error| match data.text() {
        Some(text) => error.located_in(text),
        None => error,
    })
}

fn prepare_in_passes(before: &dyn Before, data: &TxData, functions: &Functions, now_micros: i64) -> Result<Prepared> {
    let mut refusals = Refusals::default();
    let mut resolver = Resolver::new(before, functions, data.fresh);
    let mut expanded = expand::expand(data, &mut resolver, &mut refusals);
    refusals.settle()?;
    let vocabulary = Vocabulary::read(&mut expanded, &mut resolver)?;
    let mut claimed = claim::claim(&expanded.statements, &vocabulary, &mut resolver, &mut refusals);
    refusals.settle()?;
    redact::redact(&mut claimed, &resolver)?;
    upsert::upsert(&claimed.claims, &vocabulary, &mut resolver, &mut refusals)?;
    place::place(&mut claimed, &mut resolver, &mut refusals)?;
    refusals.settle()?;
    sequence::number(&mut claimed.claims, &vocabulary, &resolver, &mut refusals)?;
    refusals.settle()?;
    sweep::sweep(&mut claimed, &vocabulary, &resolver, &mut refusals)?;
    refusals.settle()?;
    let mut changes = delta::compare(&mut claimed.claims, &resolver, &mut refusals)?;
    refusals.settle()?;
    let after = Vocabulary::after(before, &schema_facts(&changes))?;
    if after.is_changed() {
        for change in &mut changes {
            change.declaration = after.declaration(change.datom.a).unwrap_or(change.declaration);
        }
    }
    compose::compose(&mut changes, &after, &resolver)?;
    check::check_unique(&changes, &mut resolver, &mut refusals)?;
    check::check_predicates(&changes, &resolver, &mut refusals);
    check::check_ensured(&claimed, &changes, &resolver, &mut refusals)?;
    refusals.settle()?;
    if after.is_changed() {
        declare::check_declarations(&changes, &after, &resolver, &mut refusals)?;
        refusals.settle()?;
    }
    prepared::finish(changes, &claimed.instants, &after, &resolver, now_micros)
}

/// What the changes say through attributes of the schema, documentation included.
fn schema_facts(changes: &[Change<'_>]) -> Vec<SchemaFact> {
    let concerns =
        |change: &&Change<'_>| SchemaBuilder::concerns(change.datom.a) || change.datom.a == crate::schema::attribute::DOC;
    let fact = |change: &Change<'_>| {
        let datom = &change.datom;
        SchemaFact { e: datom.e, a: datom.a, v: datom.v.clone(), added: datom.added }
    };
    changes.iter().filter(concerns).map(fact).collect()
}
