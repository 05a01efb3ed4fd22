//! What names mean where a clause stands.

use std::collections::BTreeMap;

use crate::ast::{SourceName, Variable};
use crate::plan::slot::Slot;

/// The names of one scope, and what `$` means in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) names: BTreeMap<Variable, Slot>,
    pub(crate) source: SourceName,
}

impl Scope {
    /// A scope without names.
    pub(crate) fn of(source: SourceName) -> Self {
        Self { names: BTreeMap::new(), source }
    }

    /// The name of a source: in a rule, `$` stands for the one that the rule is called on.
    pub(crate) fn inherited(&self, source: Option<&SourceName>) -> SourceName {
        match source {
            Some(name) if *name != SourceName::default() => name.clone(),
            _ => self.source.clone(),
        }
    }
}
