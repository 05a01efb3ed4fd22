//! The one thing the engine asks the outside: columns of facts, and how many there would be.

use std::ops::Bound;
use std::sync::Arc;

use crate::budget::Budget;
use crate::column::Column;
use crate::error::{Code, Error, Result};
use crate::value::{Value, ValueType};

/// What is known of an attribute, declared or not, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// Its entity id.
    pub id: i64,
    /// Its keyword, without the colon.
    pub ident: Arc<str>,
    /// The declared type, if one is declared.
    pub value_type: Option<ValueType>,
    /// One value an entity, or many.
    pub cardinality: Cardinality,
    /// Whether a value leads to at most one entity.
    pub unique: Option<Unique>,
    /// Whether the value belongs to its entity, and goes with it.
    pub is_component: bool,
}

impl Attribute {
    /// An attribute nobody declared: any type, one value.
    pub fn new(id: i64, ident: impl Into<Arc<str>>) -> Self {
        Self { id, ident: ident.into(), value_type: None, cardinality: Cardinality::One, unique: None, is_component: false }
    }
}

/// How many values an entity may have for an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// One at a time.
    One,
    /// A set.
    Many,
}

/// What happens when a second entity claims a unique value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unique {
    /// It is the same entity (upsert).
    Identity,
    /// It is refused.
    Value,
}

/// A choice of facts. Conditions are joined by *and*; an empty scan means all facts.
#[derive(Clone, Debug, Default)]
pub struct Scan<'a> {
    /// Facts of this attribute.
    pub attribute: Option<i64>,
    /// Facts of these entities: ascending, each once.
    pub entities: Option<&'a [i64]>,
    /// Facts of entities below the first or above the last of these are not needed, and may be left out.
    pub within: Option<(i64, i64)>,
    /// Facts with such a value.
    pub values: Values<'a>,
    /// Facts of this transaction.
    pub t: Option<i64>,
    /// The places the caller will read; others may be left out of the batch.
    pub places: Places,
}

/// A choice of values. References match longs: an entity id is written as a long here.
#[derive(Clone, Copy, Debug, Default)]
pub enum Values<'a> {
    /// Any value.
    #[default]
    Any,
    /// Values that are the [`same`](Value::same) as this one.
    Equal(&'a Value),
    /// Values that are the same as one of these: [canonical](Value::canonical), ascending, each once.
    Among(&'a [Value]),
    /// Values of the bounds' type (numbers count as one type) between the bounds.
    Range(Bound<&'a Value>, Bound<&'a Value>),
}

/// Which places of a fact are wanted; `e` always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five independent places of a fact, each wanted or not")]
pub struct Places {
    /// Attribute id.
    pub a: bool,
    /// Value.
    pub v: bool,
    /// Transaction.
    pub t: bool,
    /// Metadata entity.
    pub m: bool,
    /// Added or retracted.
    pub added: bool,
}

/// Facts in columns, a row a fact. A place that was not wanted may be `None`.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Entity ids ([`Column::Long`]). Ascending when the scan named an attribute.
    pub e: Column,
    /// Attribute ids ([`Column::Long`]).
    pub a: Option<Column>,
    /// Values; references as longs.
    pub v: Option<Column>,
    /// Transactions ([`Column::Long`]).
    pub t: Option<Column>,
    /// Metadata entities ([`Column::Long`]), 0 for none.
    pub m: Option<Column>,
    /// [`Column::Boolean`]: true but for retractions, which only a history shows.
    pub added: Option<Column>,
}

impl Batch {
    /// Number of facts.
    pub fn len(&self) -> usize {
        self.e.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.e.is_empty()
    }

    /// The rows as facts. A place that is not in the batch is 0, nil or, for an addition, true.
    pub fn facts(&self) -> Vec<Fact> {
        let long = |column: Option<&Column>, row: usize| column.and_then(|column| column.value(row).as_long()).unwrap_or(0);
        let fact = |row: usize| Fact {
            e: long(Some(&self.e), row),
            a: long(self.a.as_ref(), row),
            v: self.v.as_ref().map_or(Value::Nil, |column| column.value(row)),
            t: long(self.t.as_ref(), row),
            m: long(self.m.as_ref(), row),
            added: self.added.as_ref().is_none_or(|column| column.value(row).is_truthy()),
        };
        (0..self.len()).map(fact).collect()
    }
}

/// One fact, with its value as stored (a reference is a [`Value::Ref`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Entity.
    pub e: i64,
    /// Attribute id.
    pub a: i64,
    /// Value.
    pub v: Value,
    /// Transaction.
    pub t: i64,
    /// Metadata entity, 0 for none.
    pub m: i64,
    /// Added or retracted.
    pub added: bool,
}

/// A fact whose text matches a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Entity.
    pub e: i64,
    /// The text.
    pub v: Value,
    /// The transaction that said it.
    pub t: i64,
    /// How well it matches: the greater the better.
    pub score: f64,
}

/// What is expected of a scan, for the planner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Facts the scan would give.
    pub rows: f64,
    /// What it takes to find them, counted in facts read in order from memory: as many as are given, if no others have to be looked at.
    pub read: f64,
    /// Distinct entities among all facts of the attribute (of the store, if no attribute is named).
    pub distinct_e: f64,
    /// Distinct values among all facts of the attribute.
    pub distinct_v: f64,
}

/// A handful of facts of one attribute that hold. Conditions are joined by *and*.
#[derive(Clone, Debug)]
pub struct Point<'a> {
    /// The attribute.
    pub attribute: i64,
    /// Of this entity.
    pub entity: Option<i64>,
    /// With a value that is the [`same`](Value::same) as this one.
    pub value: Option<&'a Value>,
    /// So many facts are no handful any more.
    pub limit: usize,
}

/// One fact that a [`Point`] found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Entity.
    pub e: i64,
    /// Value; a reference as itself or as a long.
    pub v: Value,
    /// Transaction.
    pub t: i64,
}

/// A source of facts at one moment: every call answers from the same unchanging view, including its window of time.
pub trait Facts: Send + Sync {
    /// The attribute with this keyword (without colon), under its present or an earlier name.
    fn attribute(&self, ident: &str) -> Option<Arc<Attribute>>;

    /// The attribute with this entity id.
    fn attribute_by_id(&self, id: i64) -> Option<Arc<Attribute>>;

    /// The type of all values of an attribute as queries see them, where a reference is a long: the declared one, or the one that all of them
    /// happen to have, if that is known without reading them.
    fn type_of_values(&self, attribute: i64) -> Option<ValueType> {
        self.attribute_by_id(attribute)?.value_type
    }

    /// A value of the attribute with about `count` facts at it or beyond, towards the greatest or the least, where the source knows one at once. A
    /// hint: who asks for the facts beyond it counts them, and asks for others if they are too few.
    fn value_near_end(&self, attribute: i64, is_greatest: bool, count: usize) -> Option<Value> {
        let _ = (attribute, is_greatest, count);
        None
    }

    /// The entity with this ident (without colon), which may be an attribute.
    fn entity_by_ident(&self, ident: &str) -> Result<Option<i64>>;

    /// The ident of an entity, without colon.
    fn ident_of(&self, entity: i64) -> Result<Option<Arc<str>>>;

    /// The entity that has `value` for the unique attribute `attribute`, in this view. A tuple with a missing part is not unique and
    /// leads to none.
    fn lookup(&self, attribute: &Attribute, value: &Value) -> Result<Option<i64>>;

    /// Known attribute names near to this one, the nearest first, at most three.
    fn names_near(&self, ident: &str) -> Vec<String>;

    /// Says which attributes are about to be scanned, so that they can be fetched together.
    fn announce(&self, attributes: &[i64], budget: &Budget) -> Result<()>;

    /// The facts of a scan.
    fn scan(&self, scan: &Scan<'_>, budget: &Budget) -> Result<Batch>;

    /// Adds the facts of a point to what was found; false if they are more than its limit, and then any of them may be missing. Asked where
    /// columns would cost more than the few facts in them; by default a scan.
    fn points(&self, point: &Point<'_>, budget: &Budget, found: &mut Vec<Found>) -> Result<bool> {
        points_by_scan(self, point, budget, found)
    }

    /// The same where it costs next to nothing, as it does for facts that lie in memory in the order that it takes, with values as they are stored;
    /// elsewhere nothing.
    fn held(&self, point: &Point<'_>, found: &mut Vec<Found>) -> Option<bool> {
        let _ = (point, found);
        None
    }

    /// A number that two values of sources have in common only if names and attributes mean the same in both; nothing where that is not
    /// known. With it, what was found out about a query's names is kept.
    fn stamp(&self) -> Option<u64> {
        None
    }

    /// How many facts the scan would give. Cheap: it may be wrong, the answer never is.
    fn estimate(&self, scan: &Scan<'_>) -> Estimate;

    /// All facts of one entity, by attribute id and value: for pull.
    fn entity(&self, entity: i64, budget: &Budget) -> Result<Vec<Fact>>;

    /// The facts of some entities, ascending and each once, for one attribute, where the source finds them quicker than entity by entity;
    /// otherwise `None`, as here.
    fn facts_of(&self, entities: &[i64], attribute: i64, budget: &Budget) -> Result<Option<Vec<Fact>>> {
        let _ = (entities, attribute, budget);
        Ok(None)
    }

    /// All references to one entity through one attribute, ascending by entity: for reverse pull.
    fn referrers(&self, entity: i64, attribute: i64, budget: &Budget) -> Result<Vec<i64>>;

    /// The facts of an attribute whose text matches a search, the best first. A source without an index of words refuses.
    fn fulltext(&self, attribute: &Attribute, search: &str, _: &Budget) -> Result<Vec<Match>> {
        Err(Error::new(Code::Source, format!(":{} has no index of its words here", attribute.ident))
            .with_value(search)
            .with_help("match with like or re-find, or declare the attribute :db/fulltext in a store"))
    }

    /// The transactions that the view shows, ascending: those from `from` (included) until `until` (not included), each a t or an
    /// instant, and unbounded where nil.
    fn transactions(&self, from: &Value, until: &Value) -> Result<Vec<i64>> {
        let _ = (from, until);
        Err(Error::new(Code::Source, "this source has no log of transactions").with_help("ask a store"))
    }

    /// What one transaction recorded, additions and retractions alike, as far as the view's window reaches: also where the view shows
    /// no history.
    fn said(&self, t: i64, _: &Budget) -> Result<Vec<Fact>> {
        let error = Error::new(Code::Source, "this source has no log of transactions").with_value(t);
        Err(error.with_help("ask a store"))
    }

    /// True if the view shows additions and retractions as they happened: entity and pull refuse it.
    fn is_history(&self) -> bool;
}

/// What [`Facts::points`] does where a source knows nothing better.
pub fn points_by_scan<F: Facts + ?Sized>(facts: &F, point: &Point<'_>, budget: &Budget, found: &mut Vec<Found>) -> Result<bool> {
    let scan = Scan {
        attribute: Some(point.attribute),
        entities: point.entity.as_ref().map(std::slice::from_ref),
        values: point.value.map_or(Values::Any, Values::Equal),
        places: Places { v: true, t: true, ..Places::default() },
        ..Scan::default()
    };
    let batch = facts.scan(&scan, budget)?;
    if batch.len() > point.limit {
        return Ok(false);
    }
    found.extend(batch.facts().into_iter().map(|Fact { e, v, t, .. }| Found { e, v, t }));
    Ok(true)
}
