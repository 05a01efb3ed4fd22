//! What goes into a query beside its text, and what comes out.

use std::sync::Arc;

use crate::ast::{Find, PullPattern, ReturnMap, RuleSet};
use crate::facts::Facts;
use crate::value::Value;

/// What is given for one place of `:in`.
#[derive(Clone)]
pub enum Given {
    /// A database value, for `$`.
    Facts(Arc<dyn Facts>),
    /// Rows of data, for `$`.
    Relation(Vec<Vec<Value>>),
    /// Rules, for `%`.
    Rules(RuleSet),
    /// A value, for a binding form: collections and relations as vectors, lists or sets.
    Value(Value),
    /// A pull pattern, for a plain symbol.
    Pattern(PullPattern),
}

/// The result of a query: rows, and the shape the query asked them in.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The names of the find elements as written: `?e`, `(count ?x)`.
    pub header: Vec<String>,
    /// The shape.
    pub shape: Shape,
    /// The rows, in order if one was asked for. A scalar over nothing has none.
    pub rows: Vec<Vec<Value>>,
    /// What the asker should know: attributes the store has never seen.
    pub warnings: Vec<Warning>,
}

/// The shape of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Rows.
    Relation,
    /// Rows as maps.
    RelationOfMaps(ReturnMap),
    /// One column.
    Collection,
    /// One row.
    Tuple,
    /// One row as a map.
    TupleAsMap(ReturnMap),
    /// One value.
    Scalar,
}

impl Shape {
    /// The shape that `find` and its return map ask for.
    pub fn of(find: &Find, return_map: Option<&ReturnMap>) -> Self {
        match (find, return_map) {
            (Find::Relation(_), None) => Self::Relation,
            (Find::Relation(_), Some(names)) => Self::RelationOfMaps(names.clone()),
            (Find::Collection(_), _) => Self::Collection,
            (Find::Tuple(_), None) => Self::Tuple,
            (Find::Tuple(_), Some(names)) => Self::TupleAsMap(names.clone()),
            (Find::Scalar(_), _) => Self::Scalar,
        }
    }
}

/// Something that is no error, but that the asker should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A code such as `query/unknown-attribute`.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}
