//! Who is meant: ids, idents, lookup references and temporary ids to entities, in the store before.

use std::sync::Arc;

use annals_query::{Functions, Unique, Value};
use rustc_hash::FxHashMap;

use super::before::Before;
use super::check::is_whole;
use super::data::{AttributeTerm, EntityTerm};
use super::nodes::Nodes;
use super::value::typed;
use crate::datom::{Datom, Partition};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Declaration, Schema, attribute};

/// Resolves terms, and remembers what it asked the store.
pub(super) struct Resolver<'a> {
    pub(super) before: &'a dyn Before,
    pub(super) schema: &'a Schema,
    /// What predicates may be named.
    pub(super) functions: &'a Functions,
    /// The transaction being prepared.
    pub(super) t: i64,
    pub(super) nodes: Nodes,
    fresh: u32,
    holders: FxHashMap<(i64, Value), Vec<Datom>>,
    /// The greatest id that was written out, for each partition.
    written: Vec<(Partition, i64)>,
    /// The id that was found right last: all facts of a run's lines name the run.
    last_id: i64,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(before: &'a dyn Before, functions: &'a Functions, fresh: u32) -> Self {
        let (schema, t) = (before.schema(), before.basis() + 1);
        let (nodes, holders, written) = (Nodes::default(), FxHashMap::default(), Vec::new());
        Self { before, schema, functions, t, nodes, fresh, holders, written, last_id: 0 }
    }

    /// The entity, which must be known or temporary.
    pub(super) fn entity(&mut self, term: &EntityTerm) -> Result<i64> {
        self.entity_if_known(term)?.ok_or_else(|| not_found(term))
    }

    /// The entity; none if an ident or a lookup reference leads nowhere.
    pub(super) fn entity_if_known(&mut self, term: &EntityTerm) -> Result<Option<i64>> {
        Ok(match term {
            EntityTerm::Id(id) => Some(self.id(*id)?),
            EntityTerm::Ident(name) => self.schema.entity(name),
            EntityTerm::Lookup(lookup) => self.lookup(&lookup.0, &lookup.1)?,
            EntityTerm::Temp(name) => Some(self.nodes.temp(name)),
            EntityTerm::Fresh(fresh) if fresh.0 < self.fresh => Some(self.nodes.fresh(fresh.0)),
            EntityTerm::Fresh(_) => {
                return Err(Error::new(ErrorKind::Entity, "a temporary id of other transaction data stands here")
                    .with_help("take each temporary id from the same TxData that uses it"));
            }
            EntityTerm::Transaction => Some(self.t),
        })
    }

    /// The declaration of an attribute that the store knows.
    pub(super) fn attribute(&self, term: &AttributeTerm) -> Result<Option<&'a Declaration>> {
        let schema = self.schema;
        match term {
            AttributeTerm::Ident(name) => Ok(schema.declaration_by_ident(name).map(AsRef::as_ref)),
            AttributeTerm::Id(id) => match schema.declaration(*id) {
                Some(declaration) => Ok(Some(declaration)),
                None => Err(Error::new(ErrorKind::Entity, format!("entity {id} is no attribute"))
                    .with_value(id)
                    .with_help("name the attribute by its keyword")),
            },
        }
    }

    /// The facts with this attribute and value, asked once.
    pub(super) fn holders(&mut self, attribute: i64, value: &Value) -> Result<&[Datom]> {
        let key = (attribute, value.clone());
        if !self.holders.contains_key(&key) {
            let found = if attribute > 0 { self.before.holders(attribute, value)? } else { Vec::new() };
            self.holders.insert(key.clone(), found);
        }
        Ok(&self.holders[&key])
    }

    /// The greatest id written out in a partition; 0 if none.
    pub(super) fn last_written(&self, partition: Partition) -> i64 {
        self.written.iter().find(|(known, _)| *known == partition).map_or(0, |(_, last)| *last)
    }

    /// The greatest partition in which an id was written out.
    pub(super) fn last_partition_written(&self) -> Partition {
        self.written.iter().map(|(partition, _)| *partition).max().unwrap_or(Partition::TRANSACTIONS)
    }

    /// How people call an entity: by its name in the transaction, its ident, or its id.
    pub(super) fn describe(&self, entity: i64) -> String {
        if entity == self.t {
            return "the transaction".to_owned();
        }
        if let Some(name) = self.nodes.name(entity) {
            return name;
        }
        self.schema.ident(entity).map_or_else(|| entity.to_string(), |ident| format!(":{ident}"))
    }

    /// How people write a value, a reference by what is referred to.
    pub(super) fn describe_value(&self, value: &Value) -> String {
        match value {
            Value::Ref(id) => self.describe(*id),
            Value::Vector(items) => {
                let items: Vec<String> = items.iter().map(|item| self.describe_value(item)).collect();
                format!("[{}]", items.join(" "))
            }
            other => other.to_string(),
        }
    }

    fn id(&mut self, id: i64) -> Result<i64> {
        if id == self.last_id && id > 0 {
            return Ok(id);
        }
        let partition = Partition::of(id);
        let refuse = |message: String, help: &str| Err(Error::new(ErrorKind::Entity, message).with_value(id).with_help(help));
        if id < 0 {
            return refuse(format!("a negative id, {id}, is no entity"), "use a string such as \"new\" as temporary id");
        }
        if id as u32 == 0 {
            return refuse(format!("{id} is no entity id"), "entity ids count from 1 in each partition");
        }
        if partition == Partition::TRANSACTIONS && id > self.t {
            return refuse(
                format!("there is no transaction {id} yet"),
                "use \"datomic.tx\" for this transaction, and a string as temporary id for a new entity",
            );
        }
        if partition == Partition::SCHEMA && id < attribute::FIRST_OF_USER && self.schema.ident(id).is_none() {
            return refuse(format!("{id} is kept for built-in attributes"), "use a string as temporary id for a new entity");
        }
        match self.written.iter_mut().find(|(known, _)| *known == partition) {
            Some((_, last)) => *last = id.max(*last),
            None => self.written.push((partition, id)),
        }
        self.last_id = id;
        Ok(id)
    }

    fn lookup(&mut self, term: &AttributeTerm, value: &Value) -> Result<Option<i64>> {
        let Some(declaration) = self.attribute(term)? else { return Ok(None) };
        let attribute = &declaration.attribute;
        if attribute.unique.is_none() {
            return Err(Error::new(
                ErrorKind::Entity,
                format!(":{} is not unique, so it does not lead to one entity", attribute.ident),
            )
            .with_value(format_args!("[:{} {value}]", attribute.ident))
            .with_help(format!("declare :{} unique with :db/unique, or use the entity's id", attribute.ident)));
        }
        let id = attribute.id;
        match typed(self, declaration, value)?.filter(is_whole) {
            Some(value) => Ok(self.holders(id, &value)?.first().map(|datom| datom.e)),
            None => Ok(None),
        }
    }
}

/// The entity that a value stands for where an entity is expected.
pub(super) fn term_of(value: &Value) -> Option<EntityTerm> {
    Some(match value {
        Value::Long(id) | Value::Ref(id) => EntityTerm::Id(*id),
        Value::String(name) if &**name == "datomic.tx" => EntityTerm::Transaction,
        Value::String(name) => EntityTerm::Temp(Arc::clone(name)),
        Value::Keyword(name) if &**name == "db/current-tx" => EntityTerm::Transaction,
        Value::Keyword(name) => EntityTerm::Ident(Arc::clone(name)),
        Value::Vector(items) => match &**items {
            [Value::Keyword(name), value] => {
                EntityTerm::Lookup(Arc::new((AttributeTerm::Ident(Arc::clone(name)), value.clone())))
            }
            [Value::Long(id) | Value::Ref(id), value] => EntityTerm::Lookup(Arc::new((AttributeTerm::Id(*id), value.clone()))),
            _ => return None,
        },
        Value::Tagged(tag, inner) if &**tag == "db/id" => return term_of(inner),
        _ => return None,
    })
}

/// True if this value can only be a lookup reference: an attribute that is unique, and its value.
pub(super) fn is_lookup(schema: &Schema, items: &[Value]) -> bool {
    let is_unique = |name: &str| schema.declaration_by_ident(name).is_some_and(|known| known.attribute.unique.is_some());
    matches!(items, [Value::Keyword(name), _] if is_unique(name))
}

/// The attribute identifies its entities.
pub(super) fn is_identity(declaration: &Declaration) -> bool {
    declaration.attribute.unique == Some(Unique::Identity)
}

fn not_found(term: &EntityTerm) -> Error {
    let (text, help) = match term {
        EntityTerm::Ident(name) => (format!(":{name}"), "check the spelling, or give the new entity a string as temporary id"),
        EntityTerm::Lookup(lookup) => {
            let attribute = match &lookup.0 {
                AttributeTerm::Ident(name) => format!(":{name}"),
                AttributeTerm::Id(id) => id.to_string(),
            };
            let help = if is_whole(&lookup.1) {
                "a lookup reference sees the store before the transaction: for an entity that this transaction makes, use a string as \
                 temporary id"
            } else {
                "a tuple with a missing part is not unique: give all parts, or the entity's id"
            };
            (format!("[{attribute} {}]", lookup.1), help)
        }
        _ => ("the entity".to_owned(), "use an id, an ident or a lookup reference"),
    };
    Error::new(ErrorKind::Entity, format!("{text} leads to no entity")).with_value(text).with_help(help)
}
