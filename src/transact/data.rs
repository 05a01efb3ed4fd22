//! Transaction data: what a transaction asks for, from text or built by a program.

use std::sync::Arc;

use annals_query::{Span, Value};

use crate::error::Result;

/// The operations of one transaction. It is a set: their order means nothing, but for numbers given in a sequence.
///
/// ```
/// use annals::transact::TxData;
/// let mut data = TxData::new();
/// let ada = data.fresh();
/// data.add(ada.clone(), "user/name", "Ada").add(ada, "user/born", 1815);
/// assert_eq!(data.len(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TxData {
    pub(super) operations: Vec<Operation>,
    /// One place for each operation, or none at all if the data was not text.
    pub(super) spans: Vec<Span>,
    pub(super) fresh: u32,
    pub(super) text: Option<Arc<str>>,
}

/// One thing that a transaction asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// `[:db/add e a v]`, `[:db/add e a v m]`: the fact holds from now on.
    Add {
        /// Of whom.
        entity: EntityTerm,
        /// Which attribute.
        attribute: AttributeTerm,
        /// What.
        value: ValueTerm,
        /// Why this is believed.
        m: Option<EntityTerm>,
    },
    /// `[:db/retract e a v]`, `[:db/retract e a v m]`, or without a value all of them: the fact ceases to hold.
    Retract {
        /// Of whom.
        entity: EntityTerm,
        /// Which attribute.
        attribute: AttributeTerm,
        /// What; everything if none is said.
        value: Option<ValueTerm>,
        /// Why it is no longer believed.
        m: Option<EntityTerm>,
    },
    /// `[:db/retractEntity e]`: all its facts, its components and all references to what goes.
    RetractEntity {
        /// Who goes.
        entity: EntityTerm,
        /// Why.
        m: Option<EntityTerm>,
    },
    /// `[:db/cas e a old new]`: if the value is `old` it becomes `new`, otherwise the transaction is refused.
    CompareAndSwap {
        /// Of whom.
        entity: EntityTerm,
        /// Which attribute, of one value.
        attribute: AttributeTerm,
        /// What must hold; none: that there is no value.
        old: Option<ValueTerm>,
        /// What shall hold; none: no value.
        new: Option<ValueTerm>,
        /// Why this is believed.
        m: Option<EntityTerm>,
    },
    /// `[:db/ensure e spec]`: after the transaction the entity satisfies the specification.
    Ensure {
        /// Who.
        entity: EntityTerm,
        /// The specification.
        spec: EntityTerm,
    },
    /// `{:db/id e, :a v, ..}`: many facts of one entity, and of what is nested in it.
    Map(Box<MapForm>),
    /// `[:account/credit e 5]`: whatever the transaction function of this name asks for.
    Call {
        /// The name under which a program registered the function, without colon.
        name: Arc<str>,
        /// What it is given, as written: temporary ids are strings.
        args: Vec<Value>,
        /// Where the name stands, if there is a text.
        span: Option<Span>,
    },
}

/// Who is meant. Idents and lookup references are resolved in the store as it was before the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityTerm {
    /// An entity by its id.
    Id(i64),
    /// An entity by its ident, without colon.
    Ident(Arc<str>),
    /// The entity that has this value for this unique attribute.
    Lookup(Arc<(AttributeTerm, Value)>),
    /// A temporary id, the same entity wherever it stands in the transaction.
    Temp(Arc<str>),
    /// A temporary id without a name, from [`TxData::fresh`].
    Fresh(Fresh),
    /// The transaction's own entity: `"datomic.tx"`, `:db/current-tx`.
    Transaction,
}

/// A temporary id without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh(pub(super) u32);

/// An attribute by id or by keyword (without colon), which need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeTerm {
    /// By the id of its entity.
    Id(i64),
    /// By its keyword, without colon.
    Ident(Arc<str>),
}

/// What is said. How a plain value is read depends on its attribute: for a reference a string is a temporary id, a
/// keyword an ident, a long an id and a vector a lookup reference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ValueTerm {
    /// A value.
    Value(Value),
    /// A reference, whatever the attribute: `#db/id "temporary"`.
    Entity(EntityTerm),
    /// A nested map: a reference to the entity that it describes.
    Map(Box<MapForm>),
    /// A vector in a map: many values of an attribute that has many, otherwise a tuple or a lookup reference.
    Vector(Vec<ValueTerm>),
    /// A set: many values.
    Set(Vec<ValueTerm>),
}

/// A map: facts of one entity.
#[derive(Clone, Debug, Default)]
pub struct MapForm {
    /// `:db/id`: who; without it, an entity of its own unless a unique value leads to an existing one.
    pub entity: Option<EntityTerm>,
    /// `:db/m`: why, for all facts of the map and of maps nested in it that say nothing else.
    pub m: Option<EntityTerm>,
    /// The facts.
    pub entries: Vec<MapEntry>,
}

/// One key of a map with its value.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// The attribute.
    pub attribute: AttributeTerm,
    /// `:log/_run`: the value refers to the map's entity, not the other way round.
    pub is_reverse: bool,
    /// The value.
    pub value: ValueTerm,
    /// Where the value stands, if there is a text.
    pub span: Option<Span>,
}

impl TxData {
    /// No operations yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No operations yet, with room for some.
    pub fn with_capacity(operations: usize) -> Self {
        Self { operations: Vec::with_capacity(operations), ..Self::default() }
    }

    /// A temporary id of its own. Costs nothing; [`Prepared::id_of`](super::Prepared::id_of) tells which entity it became.
    pub fn fresh(&mut self) -> EntityTerm {
        self.fresh += 1;
        EntityTerm::Fresh(Fresh(self.fresh - 1))
    }

    /// Asks for one more thing.
    pub fn push(&mut self, operation: Operation) -> &mut Self {
        if !self.spans.is_empty() {
            self.spans.push(Span::default());
        }
        self.operations.push(operation);
        self
    }

    /// Adds a fact.
    pub fn add(
        &mut self,
        entity: impl Into<EntityTerm>,
        attribute: impl Into<AttributeTerm>,
        value: impl Into<ValueTerm>,
    ) -> &mut Self {
        self.push(Operation::Add { entity: entity.into(), attribute: attribute.into(), value: value.into(), m: None })
    }

    /// Adds a fact that is believed because of `m`.
    pub fn add_because(
        &mut self,
        entity: impl Into<EntityTerm>,
        attribute: impl Into<AttributeTerm>,
        value: impl Into<ValueTerm>,
        m: impl Into<EntityTerm>,
    ) -> &mut Self {
        let (entity, attribute, value) = (entity.into(), attribute.into(), value.into());
        self.push(Operation::Add { entity, attribute, value, m: Some(m.into()) })
    }

    /// Retracts a fact.
    pub fn retract(
        &mut self,
        entity: impl Into<EntityTerm>,
        attribute: impl Into<AttributeTerm>,
        value: impl Into<ValueTerm>,
    ) -> &mut Self {
        let (entity, attribute, value) = (entity.into(), attribute.into(), Some(value.into()));
        self.push(Operation::Retract { entity, attribute, value, m: None })
    }

    /// Asks for what a transaction function asks for, which the program registered under this name.
    pub fn call(&mut self, name: &str, args: impl IntoIterator<Item = Value>) -> &mut Self {
        self.push(Operation::Call { name: name.into(), args: args.into_iter().collect(), span: None })
    }

    /// Asks for all that a text asks for: a vector of forms, or a single form. The places of later errors are those of this data, not
    /// of the text.
    pub fn add_text(&mut self, text: &str) -> Result<&mut Self> {
        for mut operation in Self::read(text)?.operations {
            operation.forget_places();
            self.push(operation);
        }
        Ok(self)
    }

    /// Gives everything that names no reason of its own the reason `m`, such as the run inside which it is said. What transaction
    /// functions ask for keeps theirs.
    ///
    /// ```
    /// use annals::transact::{Operation, TxData};
    /// let data = TxData::read("[[:db/add 5 :a 1] [:db/add 5 :b 1 7]]")?.because(9);
    /// let reasons: Vec<_> = data.operations().iter().map(|operation| match operation {
    ///     Operation::Add { m: Some(m), .. } => m.clone(),
    ///     _ => unreachable!("both are additions"),
    /// }).collect();
    /// assert_eq!(reasons, [9.into(), 7.into()]);
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn because(mut self, m: impl Into<EntityTerm>) -> Self {
        let reason = m.into();
        for operation in &mut self.operations {
            let m = match operation {
                Operation::Add { m, .. }
                | Operation::Retract { m, .. }
                | Operation::RetractEntity { m, .. }
                | Operation::CompareAndSwap { m, .. } => m,
                Operation::Map(map) => &mut map.m,
                Operation::Ensure { .. } | Operation::Call { .. } => continue,
            };
            m.get_or_insert_with(|| reason.clone());
        }
        self
    }

    /// Number of operations, a map counting as one.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// True if nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The text that the operations were read from.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Where an operation stands in the text.
    pub(super) fn span(&self, operation: usize) -> Option<Span> {
        self.spans.get(operation).copied()
    }
}

impl Operation {
    /// Leaves out where its parts stand in the text that it was read from.
    fn forget_places(&mut self) {
        match self {
            Self::Add { value, .. } | Self::Retract { value: Some(value), .. } => value.forget_places(),
            Self::CompareAndSwap { old, new, .. } => old.iter_mut().chain(new).for_each(ValueTerm::forget_places),
            Self::Map(map) => map.forget_places(),
            Self::Call { span, .. } => *span = None,
            Self::Retract { value: None, .. } | Self::RetractEntity { .. } | Self::Ensure { .. } => {}
        }
    }
}

impl ValueTerm {
    fn forget_places(&mut self) {
        match self {
            Self::Map(map) => map.forget_places(),
            Self::Vector(items) | Self::Set(items) => items.iter_mut().for_each(Self::forget_places),
            Self::Value(_) | Self::Entity(_) => {}
        }
    }
}

impl MapForm {
    fn forget_places(&mut self) {
        for entry in &mut self.entries {
            entry.span = None;
            entry.value.forget_places();
        }
    }
}

impl EntityTerm {
    /// A temporary id; `"datomic.tx"` is the transaction itself.
    pub fn temp(name: &str) -> Self {
        if name == "datomic.tx" { Self::Transaction } else { Self::Temp(name.into()) }
    }

    /// An entity by its ident, without colon; `db/current-tx` is the transaction itself.
    pub fn ident(name: &str) -> Self {
        if name == "db/current-tx" { Self::Transaction } else { Self::Ident(name.into()) }
    }

    /// The entity that has this value for this unique attribute.
    ///
    /// ```
    /// use annals::transact::EntityTerm;
    /// let run = EntityTerm::lookup("run/id", "0199");
    /// ```
    pub fn lookup(attribute: impl Into<AttributeTerm>, value: impl Into<Value>) -> Self {
        Self::Lookup(Arc::new((attribute.into(), value.into())))
    }
}

impl From<i64> for EntityTerm {
    fn from(id: i64) -> Self {
        Self::Id(id)
    }
}

impl From<i64> for AttributeTerm {
    fn from(id: i64) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for AttributeTerm {
    fn from(ident: &str) -> Self {
        Self::Ident(ident.into())
    }
}

impl From<EntityTerm> for ValueTerm {
    fn from(term: EntityTerm) -> Self {
        Self::Entity(term)
    }
}

macro_rules! value_terms {
    ($($plain:ty),+) => {$(
        impl From<$plain> for ValueTerm {
            fn from(value: $plain) -> Self {
                Self::Value(value.into())
            }
        }
    )+};
}

value_terms!(Value, i64, i32, f64, bool, &str, String);
