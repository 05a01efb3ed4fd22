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

impl Answer {
    /// The answer as one value: rows and columns as vectors, rows with names as maps; nil for a row or a value that is not there.
    pub fn into_value(self) -> Value {
        let row = |row: Vec<Value>| Value::from(row);
        let as_map = |keys: &ReturnMap, row: Vec<Value>| {
            Value::Map(Arc::new(keys.names.iter().map(|name| keys.kind.key(name)).zip(row).collect()))
        };
        let mut rows = self.rows.into_iter();
        match &self.shape {
            Shape::Relation => rows.map(row).collect::<Vec<_>>().into(),
            Shape::RelationOfMaps(names) => rows.map(|row| as_map(names, row)).collect::<Vec<_>>().into(),
            Shape::Collection => rows.flatten().collect::<Vec<_>>().into(),
            Shape::Tuple => rows.next().map_or(Value::Nil, row),
            Shape::TupleAsMap(names) => rows.next().map_or(Value::Nil, |row| as_map(names, row)),
            Shape::Scalar => rows.next().and_then(|row| row.into_iter().next()).unwrap_or(Value::Nil),
        }
    }
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
