//! Where the clauses of a query look: databases and rows of data, by the name that `:in` gives them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::ast::SourceName;
use crate::facts::Facts;
use crate::value::Value;

/// One place to look.
#[derive(Clone)]
pub enum Source {
    /// A database at one moment.
    Facts(Arc<dyn Facts>),
    /// Rows given as data.
    Relation(Arc<Vec<Vec<Value>>>),
}

impl Source {
    /// The facts, if the source is a database.
    pub fn facts(&self) -> Option<&Arc<dyn Facts>> {
        match self {
            Self::Facts(facts) => Some(facts),
            Self::Relation(_) => None,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Facts(_) => f.write_str("Facts"),
            Self::Relation(rows) => write!(f, "Relation of {} rows", rows.len()),
        }
    }
}

/// The sources of a query by name.
pub type Sources = BTreeMap<SourceName, Source>;
