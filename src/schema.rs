//! The attributes and idents that a store knows, and those that every store starts with.
//!
//! Ids of built-in entities are fixed: the SQL views and the file format name them.

mod builtin;

pub use builtin::{Builtin, GENESIS, attribute, ident};

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_query::{Attribute, Value, ValueType};
use rustc_hash::{FxHashMap, FxHashSet};

/// An attribute as the transactor sees it: what queries know of it, and what writes are checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties, each declared or not")]
pub struct Declaration {
    /// What queries know of it.
    pub attribute: Arc<Attribute>,
    /// `:db/index`, or unique: values lead to entities through the AVET table.
    pub is_indexed: bool,
    /// `:db/noHistory`.
    pub no_history: bool,
    /// `:db/fulltext`: texts are found by their words.
    pub is_fulltext: bool,
    /// An entity never had several values of it at once, so that the newest datom tells what holds. Where it was ever declared to have
    /// many, or where transactions were lost, nobody knows.
    pub is_always_single: bool,
    /// `:db/tupleAttrs`: the value is composed of these attributes' values, in order.
    pub tuple_attributes: Option<Arc<[i64]>>,
    /// `:db/tupleTypes`, or the one type of `:db/tupleType` (then `tuple_is_uniform`).
    pub tuple_types: Option<Arc<[ValueType]>>,
    /// `:db/tupleType` was used: any number of values of the one type.
    pub tuple_is_uniform: bool,
    /// `:db.attr/preds`: names of predicates that a value must satisfy.
    pub predicates: Arc<[Arc<str>]>,
    /// Where a new entity that has this attribute is placed.
    pub placement: Option<Placement>,
    /// `:db/sequenceWithin`: values count 1, 2, 3 among the entities that share a value of that attribute.
    pub sequence_within: Option<i64>,
    /// The attributes composed of this one, by their `:db/tupleAttrs`; ascending.
    pub part_of: Vec<i64>,
    /// The attributes that count within this one, by their `:db/sequenceWithin`; ascending.
    pub sequences: Vec<i64>,
}

/// Where a new entity is placed that has an attribute with `:db/placement`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It opens a partition of its own.
    Own,
    /// It lies in the partition of the entity that this reference points to.
    WithValue,
    /// It lies among the contract's state.
    State,
}

/// A `:db.entity/attrs` / `:db.entity/preds` specification, asked for with `:db/ensure`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntitySpec {
    /// Attributes the entity must have, by name: a name may be wanted before anybody has said it.
    pub required: Vec<Arc<str>>,
    /// Predicates the entity must satisfy.
    pub predicates: Vec<Arc<str>>,
}

/// Everything a store knows about attributes and idents as of its newest transaction. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    declarations: Arc<Declarations>,
    entities_by_ident: Arc<HashMap<Arc<str>, i64>>,
    idents_by_entity: Arc<FxHashMap<i64, Arc<str>>>,
    specs: Arc<FxHashMap<i64, EntitySpec>>,
    fulltext: Arc<[i64]>,
    stamp: u64,
}

/// The ident by which a rescue says that a transaction was lost.
pub(crate) const LOST: &str = "rescue/lost";

/// How many schemas were built in this process.
static BUILT: AtomicU64 = AtomicU64::new(0);

/// The declarations of all attributes. Those that are built in have a place of their own each: every fact of a line asks for one of them
/// several times.
#[derive(Debug, Default)]
struct Declarations {
    built_in: Vec<Option<Arc<Declaration>>>,
    all: FxHashMap<i64, Arc<Declaration>>,
}

impl Declarations {
    fn new(all: FxHashMap<i64, Arc<Declaration>>) -> Self {
        let last = all.keys().copied().filter(|id| *id < attribute::FIRST_OF_USER).max();
        let built_in = (attribute::IDENT..=last.unwrap_or(0)).map(|id| all.get(&id).cloned());
        Self { built_in: built_in.collect(), all }
    }

    fn get(&self, id: i64) -> Option<&Arc<Declaration>> {
        let place = id.checked_sub(attribute::IDENT).and_then(|place| usize::try_from(place).ok());
        match place.and_then(|place| self.built_in.get(place)) {
            Some(built_in) => built_in.as_ref(),
            None => self.all.get(&id),
        }
    }
}

impl Schema {
    /// A number that only clones of this schema have.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The declaration of an attribute.
    pub fn declaration(&self, id: i64) -> Option<&Arc<Declaration>> {
        self.declarations.get(id)
    }

    /// The declaration of the attribute with this keyword (without colon), under its present or an earlier name.
    pub fn declaration_by_ident(&self, ident: &str) -> Option<&Arc<Declaration>> {
        self.declarations.get(*self.entities_by_ident.get(ident)?)
    }

    /// The entity with this ident, under its present or an earlier name.
    pub fn entity(&self, ident: &str) -> Option<i64> {
        self.entities_by_ident.get(ident).copied()
    }

    /// The present ident of an entity.
    pub fn ident(&self, entity: i64) -> Option<&Arc<str>> {
        self.idents_by_entity.get(&entity)
    }

    /// The declared type of the attribute from which a composed value takes this place.
    pub fn type_of_part(&self, composed: &Declaration, place: usize) -> Option<ValueType> {
        let part = composed.tuple_attributes.as_ref()?.get(place)?;
        self.declaration(*part)?.attribute.value_type
    }

    /// The entity specification with this id.
    pub fn spec(&self, entity: i64) -> Option<&EntitySpec> {
        self.specs.get(&entity)
    }

    /// The attributes whose texts are found by their words, ascending.
    pub fn fulltext(&self) -> &[i64] {
        &self.fulltext
    }

    /// All attributes, in no order.
    pub fn declarations(&self) -> impl Iterator<Item = &Arc<Declaration>> {
        self.declarations.all.values()
    }

    /// All idents with their entities, in no order; earlier names included.
    pub fn idents(&self) -> impl Iterator<Item = (&Arc<str>, i64)> {
        self.entities_by_ident.iter().map(|(ident, entity)| (ident, *entity))
    }
}

/// Builds a [`Schema`] from the datoms that say it, in log order, retractions included: an earlier name resolves until it is given away.
#[derive(Clone, Debug, Default)]
pub struct SchemaBuilder {
    facts: FxHashMap<i64, FxHashMap<i64, Vec<Value>>>,
    /// Who was declared to have many values, if only for a time.
    was_many: FxHashSet<i64>,
    entities_by_ident: HashMap<Arc<str>, i64>,
    idents_by_entity: FxHashMap<i64, Arc<str>>,
}

impl SchemaBuilder {
    /// True if a datom of this attribute changes the schema.
    pub fn concerns(attribute: i64) -> bool {
        (attribute::IDENT..=attribute::LAST_OF_SCHEMA).contains(&attribute)
            && ![attribute::TX_INSTANT, attribute::DOC, attribute::ENSURE].contains(&attribute)
    }

    /// Takes in one datom of a schema attribute; datoms must come in log order.
    pub fn apply(&mut self, entity: i64, attribute: i64, value: &Value, added: bool) {
        if let (attribute::IDENT, Value::Keyword(name)) = (attribute, value) {
            self.rename(entity, name, added);
        }
        if attribute == attribute::CARDINALITY && *value == Value::Ref(ident::CARDINALITY_MANY) {
            self.was_many.insert(entity);
        }
        let values = self.facts.entry(entity).or_default().entry(attribute).or_default();
        values.retain(|held| held != value);
        if added {
            values.push(value.clone());
        }
    }

    /// The schema as of the datoms taken in so far.
    pub fn build(&self) -> Schema {
        let mut declarations = FxHashMap::default();
        let mut specs = FxHashMap::default();
        for &entity in self.facts.keys() {
            if let Some(declaration) = self.declaration(entity) {
                declarations.insert(entity, declaration);
            }
            if let Some(spec) = self.spec(entity) {
                specs.insert(entity, spec);
            }
        }
        link(&mut declarations);
        let is_fulltext = |declaration: &&Declaration| declaration.is_fulltext;
        let mut fulltext: Vec<i64> =
            declarations.values().filter(is_fulltext).map(|declaration| declaration.attribute.id).collect();
        fulltext.sort_unstable();
        let declarations: FxHashMap<_, _> =
            declarations.into_iter().map(|(id, declaration)| (id, Arc::new(declaration))).collect();
        Schema {
            declarations: Arc::new(Declarations::new(declarations)),
            entities_by_ident: Arc::new(self.entities_by_ident.clone()),
            idents_by_entity: Arc::new(self.idents_by_entity.clone()),
            specs: Arc::new(specs),
            fulltext: fulltext.into(),
            stamp: BUILT.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    fn rename(&mut self, entity: i64, name: &Arc<str>, added: bool) {
        if added {
            self.entities_by_ident.insert(Arc::clone(name), entity);
            self.idents_by_entity.insert(entity, Arc::clone(name));
        } else if self.idents_by_entity.get(&entity) == Some(name) {
            self.idents_by_entity.remove(&entity);
        }
    }

    /// An entity with an ident and a cardinality is an attribute: the transactor gives every attribute a cardinality.
    fn declaration(&self, entity: i64) -> Option<Declaration> {
        use annals_query::{Cardinality, Unique};
        let ident = self.idents_by_entity.get(&entity)?;
        let cardinality = self.first(entity, attribute::CARDINALITY)?.as_long()?;
        let mut public = Attribute::new(entity, Arc::clone(ident));
        public.value_type = self.first(entity, attribute::VALUE_TYPE).and_then(Value::as_long).and_then(ident::value_type);
        public.cardinality = if cardinality == ident::CARDINALITY_MANY { Cardinality::Many } else { Cardinality::One };
        public.unique = match self.first(entity, attribute::UNIQUE).and_then(Value::as_long) {
            Some(ident::UNIQUE_IDENTITY) => Some(Unique::Identity),
            Some(ident::UNIQUE_VALUE) => Some(Unique::Value),
            _ => None,
        };
        public.is_component = self.flag(entity, attribute::IS_COMPONENT);
        let uniform = self.keywords(entity, attribute::TUPLE_TYPE);
        let types = self.keywords(entity, attribute::TUPLE_TYPES).or_else(|| uniform.clone());
        Some(Declaration {
            is_indexed: self.flag(entity, attribute::INDEX) || public.unique.is_some(),
            no_history: self.flag(entity, attribute::NO_HISTORY),
            is_fulltext: self.flag(entity, attribute::FULLTEXT),
            is_always_single: public.cardinality == Cardinality::One
                && !self.was_many.contains(&entity)
                && !self.entities_by_ident.contains_key(LOST),
            tuple_attributes: self
                .keywords(entity, attribute::TUPLE_ATTRS)
                .map(|names| names.iter().filter_map(|name| self.entities_by_ident.get(name).copied()).collect()),
            tuple_types: types.map(|names| {
                names.iter().filter_map(|name| ValueType::from_name(name.strip_prefix("db.type/").unwrap_or(name))).collect()
            }),
            tuple_is_uniform: uniform.is_some(),
            predicates: self.names(entity, attribute::ATTR_PREDS).into(),
            placement: match self.first(entity, attribute::PLACEMENT).and_then(Value::as_long) {
                Some(ident::PLACEMENT_OWN) => Some(Placement::Own),
                Some(ident::PLACEMENT_WITH_VALUE) => Some(Placement::WithValue),
                Some(ident::PLACEMENT_STATE) => Some(Placement::State),
                _ => None,
            },
            sequence_within: self.first(entity, attribute::SEQUENCE_WITHIN).and_then(Value::as_long),
            attribute: Arc::new(public),
            part_of: Vec::new(),
            sequences: Vec::new(),
        })
    }

    fn spec(&self, entity: i64) -> Option<EntitySpec> {
        let required = self.names(entity, attribute::ENTITY_ATTRS);
        let predicates = self.names(entity, attribute::ENTITY_PREDS);
        (!required.is_empty() || !predicates.is_empty()).then_some(EntitySpec { required, predicates })
    }

    fn first(&self, entity: i64, attribute: i64) -> Option<&Value> {
        self.facts.get(&entity)?.get(&attribute)?.first()
    }

    fn flag(&self, entity: i64, attribute: i64) -> bool {
        self.first(entity, attribute) == Some(&Value::Boolean(true))
    }

    /// The keywords of a tuple value, or of a single keyword.
    fn keywords(&self, entity: i64, attribute: i64) -> Option<Vec<Arc<str>>> {
        match self.first(entity, attribute)? {
            Value::Vector(items) => Some(items.iter().filter_map(Value::as_text).map(Arc::from).collect()),
            one => Some(vec![one.as_text()?.into()]),
        }
    }

    /// The texts of all values (symbols or keywords) of an attribute with many values.
    fn names(&self, entity: i64, attribute: i64) -> Vec<Arc<str>> {
        let values = self.facts.get(&entity).and_then(|facts| facts.get(&attribute));
        values.into_iter().flatten().filter_map(Value::as_text).map(Arc::from).collect()
    }
}

/// Tells each attribute which others depend on it.
fn link(declarations: &mut FxHashMap<i64, Declaration>) {
    let mut links: Vec<(i64, i64)> = Vec::new();
    let mut counts: Vec<(i64, i64)> = Vec::new();
    for (&id, declaration) in &*declarations {
        links.extend(declaration.tuple_attributes.iter().flat_map(|parts| parts.iter()).map(|&part| (part, id)));
        counts.extend(declaration.sequence_within.map(|scope| (scope, id)));
    }
    links.sort_unstable();
    links.dedup();
    counts.sort_unstable();
    for (part, id) in links {
        if let Some(declaration) = declarations.get_mut(&part) {
            declaration.part_of.push(id);
        }
    }
    for (scope, id) in counts {
        if let Some(declaration) = declarations.get_mut(&scope) {
            declaration.sequences.push(id);
        }
    }
}
