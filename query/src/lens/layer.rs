//! What one map of a lens says: names as written, nothing resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ast::RuleSet;
use crate::value::Value;

use super::coercion::Coercion;
use super::formula::Formula;

/// One lens, names without colons.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layer {
    /// What people call it.
    pub(super) name: Option<Arc<str>>,
    /// Stored names by new name.
    pub(super) renames: BTreeMap<Arc<str>, Arc<str>>,
    /// Names that lead nowhere.
    pub(super) hidden: BTreeSet<Arc<str>>,
    /// How the values of attributes are read.
    pub(super) coercions: Vec<(Arc<str>, Coercion)>,
    /// What holds where nothing was said.
    pub(super) defaults: Vec<Fallback>,
    /// Attributes that follow from others of the same entity.
    pub(super) computed: Vec<(Arc<str>, Formula)>,
    /// Rules in the lens' own names.
    pub(super) rules: RuleSet,
    /// Whether a fact that cannot be read is left out, rather than an error.
    pub(super) on_failure: OnFailure,
    /// The map as EDN.
    pub(super) source: String,
}

/// An attribute's value for the entities that have another attribute and lack this one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fallback {
    /// Who has this attribute has the default.
    pub(super) anchor: Arc<str>,
    /// The attribute that may be lacking.
    pub(super) attribute: Arc<str>,
    /// Its value then.
    pub(super) value: Value,
}

/// What happens to a fact that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// The question fails, and says which fact it is.
    #[default]
    Error,
    /// The fact is left out.
    Skip,
}

impl Layer {
    /// How errors call it.
    pub(super) fn title(&self) -> String {
        self.name.as_ref().map_or_else(|| "the lens".to_owned(), |name| format!("the lens :{name}"))
    }
}
