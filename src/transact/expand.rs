//! Operations to statements: maps are taken apart, nested ones and reverse keys too, and everybody named is resolved.

use std::sync::Arc;

use annals_query::nearest::nearest;
use annals_query::{Span, Value};
use rustc_hash::FxHashMap;

use super::data::{AttributeTerm, EntityTerm, MapEntry, MapForm, Operation, TxData, ValueTerm};
use super::forms::unknown_operation;
use super::refusal::Refusals;
use super::resolve::{Resolver, is_lookup, term_of};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::attribute;

/// One statement about one attribute of one entity, or about a whole entity.
pub(super) struct Statement<'d> {
    pub(super) act: Act<'d>,
    pub(super) e: i64,
    /// The attribute: an id, or the node of one that this transaction makes; 0 where none is meant.
    pub(super) a: i64,
    pub(super) m: i64,
    pub(super) span: Option<Span>,
}

/// What is stated.
pub(super) enum Act<'d> {
    Add(Said<'d>),
    Retract(Said<'d>),
    RetractAll,
    RetractEntity,
    Swap(Option<Said<'d>>, Option<Said<'d>>),
    Ensure(i64),
}

/// A value as far as it is known before its attribute's declaration is.
pub(super) enum Said<'d> {
    /// Read it as its attribute wants.
    Value(&'d Value),
    /// A vector in a map: many values, a tuple or a lookup reference.
    Vector(Vec<Value>),
    /// A reference to an entity already resolved.
    Entity(i64),
    /// A value that a pass made.
    Made(Value),
}

/// What the first pass gives: statements, and the attributes that nobody declared before.
#[derive(Default)]
pub(super) struct Expanded<'d> {
    pub(super) statements: Vec<Statement<'d>>,
    pub(super) coined: Vec<Coined>,
    /// Retractions through names that the store knows for no attribute. They mean something if the transaction makes it one.
    pub(super) unknown: Vec<(Arc<str>, Statement<'d>)>,
}

/// A keyword that is used as an attribute for the first time.
pub(super) struct Coined {
    pub(super) ident: Arc<str>,
    /// Its node, or its id if an entity has this ident already.
    pub(super) entity: i64,
    /// A set literal was said for it.
    pub(super) is_many: bool,
    pub(super) span: Option<Span>,
}

/// Takes the operations apart.
pub(super) fn expand<'d>(data: &'d TxData, resolver: &mut Resolver<'_>, refusals: &mut Refusals) -> Expanded<'d> {
    let mut expansion = Expansion { resolver, refusals, coined_by_ident: FxHashMap::default(), out: Expanded::default() };
    expansion.out.statements.reserve(data.len());
    for (at, operation) in data.operations.iter().enumerate() {
        let span = data.span(at);
        let result = expansion.operation(operation, span);
        expansion.refusals.take(result, span);
    }
    expansion.out
}

struct Expansion<'d, 'r, 's> {
    resolver: &'r mut Resolver<'s>,
    refusals: &'r mut Refusals,
    coined_by_ident: FxHashMap<Arc<str>, usize>,
    out: Expanded<'d>,
}

impl<'d> Expansion<'d, '_, '_> {
    fn operation(&mut self, operation: &'d Operation, span: Option<Span>) -> Result<()> {
        match operation {
            Operation::Add { entity, attribute, value, m } => {
                let (e, m) = (self.resolver.entity(entity)?, self.m(m.as_ref())?);
                let a = self.attribute(attribute, span)?;
                self.add(e, a, value, m, span)
            }
            Operation::Retract { entity, attribute, value, m } => {
                let m = self.m(m.as_ref())?;
                let act = match value {
                    None => Some(Act::RetractAll),
                    Some(value) => self.single(value)?.map(Act::Retract),
                };
                let known = (self.resolver.entity_if_known(entity)?, self.resolver.attribute(attribute)?);
                let (Some(e), Some(act)) = (known.0, act) else { return Ok(()) };
                match (known.1, attribute) {
                    (Some(declaration), _) => self.state(act, e, declaration.attribute.id, m, span),
                    (None, AttributeTerm::Ident(name)) => {
                        self.out.unknown.push((Arc::clone(name), Statement { act, e, a: 0, m, span }));
                    }
                    // An id without declaration was an error already.
                    (None, AttributeTerm::Id(_)) => {}
                }
                Ok(())
            }
            Operation::RetractEntity { entity, m } => {
                let m = self.m(m.as_ref())?;
                if let Some(e) = self.resolver.entity_if_known(entity)? {
                    self.state(Act::RetractEntity, e, 0, m, span);
                }
                Ok(())
            }
            Operation::CompareAndSwap { entity, attribute, old, new, m } => {
                let (e, m) = (self.resolver.entity(entity)?, self.m(m.as_ref())?);
                let a = self.attribute(attribute, span)?;
                let old = old.as_ref().map(|old| self.single_known(old)).transpose()?;
                let new = new.as_ref().map(|new| self.single_known(new)).transpose()?;
                self.state(Act::Swap(old, new), e, a, m, span);
                Ok(())
            }
            Operation::Ensure { entity, spec } => {
                let (e, spec) = (self.resolver.entity(entity)?, self.resolver.entity(spec)?);
                self.state(Act::Ensure(spec), e, 0, 0, span);
                Ok(())
            }
            Operation::Map(map) => self.map(map, None, span).map(drop),
            Operation::Call { name, span: place, .. } => {
                self.refusals.add_at(unknown_operation(name, []), place.or(span));
                Ok(())
            }
        }
    }

    /// The entity of a map, and statements for all that it says.
    fn map(&mut self, map: &'d MapForm, outer_m: Option<i64>, span: Option<Span>) -> Result<i64> {
        let e = match &map.entity {
            Some(term) => self.resolver.entity(term)?,
            None => self.resolver.nodes.anonymous(),
        };
        let m = match &map.m {
            Some(term) => Some(self.resolver.entity(term)?),
            None => outer_m,
        };
        for entry in &map.entries {
            let place = entry.span.or(span);
            let result = self.entry(e, entry, m.unwrap_or(0), place);
            self.refusals.take(result, place);
        }
        Ok(e)
    }

    fn entry(&mut self, e: i64, entry: &'d MapEntry, m: i64, span: Option<Span>) -> Result<()> {
        let a = self.attribute(&entry.attribute, span)?;
        if !entry.is_reverse {
            return self.add(e, a, &entry.value, m, span);
        }
        match &entry.value {
            ValueTerm::Set(items) => self.reverse_all(items, a, e, m, span),
            ValueTerm::Vector(items) if self.lookup_in(items).is_none() => self.reverse_all(items, a, e, m, span),
            one => self.reverse(one, a, e, m, span),
        }
    }

    fn reverse_all(&mut self, items: &'d [ValueTerm], a: i64, target: i64, m: i64, span: Option<Span>) -> Result<()> {
        items.iter().try_for_each(|item| self.reverse(item, a, target, m, span))
    }

    fn reverse(&mut self, from: &'d ValueTerm, a: i64, target: i64, m: i64, span: Option<Span>) -> Result<()> {
        let e = self.reference(from, m, span)?;
        self.state(Act::Add(Said::Entity(target)), e, a, m, span);
        Ok(())
    }

    /// The entity that a value stands for, whatever its attribute.
    fn reference(&mut self, term: &'d ValueTerm, m: i64, span: Option<Span>) -> Result<i64> {
        let term = match term {
            ValueTerm::Map(map) => return self.nested(map, m, span),
            ValueTerm::Entity(term) => return self.resolver.entity(term),
            ValueTerm::Value(value) => term_of(value),
            ValueTerm::Vector(items) => self.lookup_in(items).and_then(|value| term_of(&value)),
            ValueTerm::Set(_) => None,
        };
        match term {
            Some(term) => self.resolver.entity(&term),
            None => Err(Error::new(ErrorKind::ValueType, "a reverse key wants the entities that refer to this one")
                .with_help("give an id, a string as temporary id, an ident, a lookup reference or a nested map")),
        }
    }

    fn nested(&mut self, map: &'d MapForm, m: i64, span: Option<Span>) -> Result<i64> {
        self.map(map, (m != 0).then_some(m), span)
    }

    /// Adds what a term says: one value, or each of many.
    fn add(&mut self, e: i64, a: i64, value: &'d ValueTerm, m: i64, span: Option<Span>) -> Result<()> {
        let said = match value {
            ValueTerm::Value(Value::Nil) if a == attribute::ENSURE => return Ok(()),
            ValueTerm::Value(value) => Said::Value(value),
            ValueTerm::Entity(term) => Said::Entity(self.resolver.entity(term)?),
            ValueTerm::Map(map) => Said::Entity(self.nested(map, m, span)?),
            ValueTerm::Set(items) => return self.add_all(e, a, items, m, span),
            ValueTerm::Vector(items) => match plain(items) {
                Some(values) => Said::Vector(values),
                None => return self.add_all(e, a, items, m, span),
            },
        };
        self.state(Act::Add(said), e, a, m, span);
        Ok(())
    }

    fn add_all(&mut self, e: i64, a: i64, items: &'d [ValueTerm], m: i64, span: Option<Span>) -> Result<()> {
        if let Some(coined) = self.out.coined.iter_mut().find(|coined| coined.entity == a) {
            coined.is_many = true;
        }
        for item in items {
            match item {
                // Inside a set a vector is one value: a tuple or a lookup reference.
                ValueTerm::Vector(inner) => match plain(inner) {
                    Some(values) => self.state(Act::Add(Said::Made(Value::Vector(values.into()))), e, a, m, span),
                    None => self.add(e, a, item, m, span)?,
                },
                other => self.add(e, a, other, m, span)?,
            }
        }
        Ok(())
    }

    /// One value to retract; none if it is a reference that leads nowhere.
    fn single(&mut self, term: &'d ValueTerm) -> Result<Option<Said<'d>>> {
        Ok(match term {
            ValueTerm::Value(value) => Some(Said::Value(value)),
            ValueTerm::Entity(term) => self.resolver.entity_if_known(term)?.map(Said::Entity),
            ValueTerm::Vector(items) => match plain(items) {
                Some(values) => Some(Said::Made(Value::Vector(values.into()))),
                None => return Err(not_single()),
            },
            ValueTerm::Map(_) | ValueTerm::Set(_) => return Err(not_single()),
        })
    }

    fn single_known(&mut self, term: &'d ValueTerm) -> Result<Said<'d>> {
        if let ValueTerm::Entity(term) = term {
            return Ok(Said::Entity(self.resolver.entity(term)?));
        }
        Ok(self.single(term)?.expect("only an entity can lead nowhere"))
    }

    fn state(&mut self, act: Act<'d>, e: i64, a: i64, m: i64, span: Option<Span>) {
        self.out.statements.push(Statement { act, e, a, m, span });
    }

    fn m(&mut self, term: Option<&EntityTerm>) -> Result<i64> {
        term.map_or(Ok(0), |term| self.resolver.entity(term))
    }

    /// The vector of a map as a lookup reference, if it can only be one.
    fn lookup_in(&self, items: &[ValueTerm]) -> Option<Value> {
        let values = plain(items)?;
        is_lookup(self.resolver.schema, &values).then(|| Value::Vector(values.into()))
    }

    /// The attribute; one that nobody declared comes into being.
    fn attribute(&mut self, term: &AttributeTerm, span: Option<Span>) -> Result<i64> {
        if let Some(declaration) = self.resolver.attribute(term)? {
            return Ok(declaration.attribute.id);
        }
        let AttributeTerm::Ident(ident) = term else { unreachable!("an id without declaration is an error already") };
        if let Some(&at) = self.coined_by_ident.get(ident) {
            let coined = &mut self.out.coined[at];
            coined.span = coined.span.min_by_start(span);
            return Ok(coined.entity);
        }
        check_coinable(self.resolver, ident)?;
        let entity = self.resolver.schema.entity(ident).unwrap_or_else(|| self.resolver.nodes.anonymous());
        self.coined_by_ident.insert(Arc::clone(ident), self.out.coined.len());
        self.out.coined.push(Coined { ident: Arc::clone(ident), entity, is_many: false, span });
        Ok(entity)
    }
}

/// Names of the schema's own are not given away: a misspelt one would be stored without anybody noticing.
fn check_coinable(resolver: &Resolver<'_>, ident: &str) -> Result<()> {
    let namespace = ident.split_once('/').map_or("", |(namespace, _)| namespace);
    let is_reserved = namespace == "db" || namespace.starts_with("db.");
    let is_built_in = resolver.schema.entity(ident).is_some_and(|id| (1 << 32..attribute::FIRST_OF_USER).contains(&id));
    if ident.is_empty() || ident.rsplit('/').next().is_some_and(|local| local.is_empty() || local.starts_with('_')) {
        return Err(Error::new(ErrorKind::Entity, format!(":{ident} cannot name an attribute"))
            .with_value(format_args!(":{ident}"))
            .with_help("a reverse key such as :log/_run stands in a map; elsewhere swap entity and value"));
    }
    if !is_reserved && !is_built_in {
        return Ok(());
    }
    let names = resolver.schema.declarations().map(|known| &*known.attribute.ident).filter(|name| name.starts_with("db"));
    let help = match nearest(ident, names, 1).first() {
        Some(near) => format!("did you mean :{near}? Names in :db and :db.* are kept for the schema's own attributes"),
        None => "names in :db and :db.* are kept for the schema's own attributes: choose another namespace".to_owned(),
    };
    Err(Error::new(ErrorKind::Entity, format!(":{ident} is no attribute")).with_value(format_args!(":{ident}")).with_help(help))
}

/// The items as plain values, if all of them are; a vector inside is one value.
fn plain(items: &[ValueTerm]) -> Option<Vec<Value>> {
    let value_of = |item: &ValueTerm| match item {
        ValueTerm::Value(value) => Some(value.clone()),
        ValueTerm::Vector(inner) => Some(Value::Vector(plain(inner)?.into())),
        _ => None,
    };
    items.iter().map(value_of).collect()
}

fn not_single() -> Error {
    Error::new(ErrorKind::TransactionSyntax, "one plain value must stand here, not a map or a set")
        .with_help("write one operation for each value")
}

trait Earlier {
    fn min_by_start(self, other: Self) -> Self;
}

impl Earlier for Option<Span> {
    /// The place that comes first, so that the order of operations does not decide.
    fn min_by_start(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(if a.start <= b.start { a } else { b }),
            (a, b) => a.or(b),
        }
    }
}
